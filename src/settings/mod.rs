//! Settings, from a map of strings: the function's environment, or the command line's flags.
//!
//! A bad value is told with the setting's name, the value and what is allowed. An empty value
//! counts as unset, for that is what an empty template parameter becomes.

use std::fmt;

use tera::{Context, Tera};

use crate::answer::{Refusal, RefusalCode};
use crate::render::{BUILT_IN, built_in_names};
use crate::rule::DefaultPolicy;
use crate::source::{check_key, split_key};
use crate::text::quote;

/// The default of `MAX_CSV_BYTES`: 256 MiB, decompressed.
pub const CSV_BYTES_MAX_DEFAULT: u64 = 256 * 1024 * 1024;
/// The default of `OUTPUT_KEY`: a folder for each site, so that a sync lays it in the web root.
pub const OUTPUT_KEY_DEFAULT: &str = "{{ path }}/.htaccess";
/// The default of `TEMPLATE`.
pub const TEMPLATE_DEFAULT: &str = "apache24";

/// A setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingError {
    name: String,
    /// The value and what is allowed.
    problem: String,
}

impl SettingError {
    pub(crate) fn new(name: &str, value: &str, allowed: &str) -> Self {
        Self {
            name: name.to_owned(),
            problem: format!("is {}: {allowed}", quote(value)),
        }
    }

    /// The setting's name, which is the environment variable's.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.problem)
    }
}

impl std::error::Error for SettingError {}

/// What decides the output, beside the CSV and the template.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `DEFAULT_POLICY`: the default for files without an `all` row. Default: deny.
    pub default_policy: DefaultPolicy,
    /// `STRICT`: refuse a file for a single rejected row. Default: false.
    pub strict: bool,
    /// `OUTPUT_KEY`: where outputs go.
    pub output_key: OutputKey,
    /// `MAX_CSV_BYTES`: the largest CSV, decompressed, in bytes. Default: 256 MiB.
    pub csv_bytes_max: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            default_policy: DefaultPolicy::Deny,
            strict: false,
            output_key: OutputKey::default(),
            csv_bytes_max: CSV_BYTES_MAX_DEFAULT,
        }
    }
}

impl Settings {
    /// Reads the settings that decide an output.
    ///
    /// # Errors
    ///
    /// The first setting that cannot be used.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        let value = |name| lookup(name).filter(|value| !value.is_empty());
        let defaults = Self::default();
        Ok(Self {
            default_policy: match value("DEFAULT_POLICY") {
                Some(value) => default_policy("DEFAULT_POLICY", &value)?,
                None => defaults.default_policy,
            },
            strict: match value("STRICT") {
                Some(value) => boolean("STRICT", &value)?,
                None => defaults.strict,
            },
            output_key: match value("OUTPUT_KEY") {
                Some(value) => OutputKey::new("OUTPUT_KEY", &value)?,
                None => defaults.output_key,
            },
            csv_bytes_max: match value("MAX_CSV_BYTES") {
                Some(value) => bytes("MAX_CSV_BYTES", &value)?,
                None => defaults.csv_bytes_max,
            },
        })
    }
}

/// Where the template is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateChoice {
    /// One of [`BUILT_IN`].
    BuiltIn(String),
    /// `s3://bucket/key`.
    Object {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
    },
}

/// What becomes of an output when its CSV is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDelete {
    /// It stays: a site must not become open because a CSV vanished.
    #[default]
    Keep,
    /// It is removed.
    Remove,
    /// It is replaced by one that lets nobody in.
    Deny,
}

/// Whose certificates S3 may show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Roots {
    /// Those below the five roots that Amazon Trust Services recommends for trust stores of one's
    /// own (<https://www.amazontrust.com/repository/>). Reading the system's hundreds takes longer
    /// than all else at a cold start.
    #[default]
    Amazon,
    /// Those that the system trusts, or the ones in `SSL_CERT_FILE` and `SSL_CERT_DIR`.
    System,
}

impl Roots {
    /// Amazon's for S3 itself; the system's for an endpoint or roots of the user's own, and in the
    /// partitions that have an authority of theirs.
    fn choose(region: &str, endpoint: Option<&str>, has_own_roots: bool) -> Self {
        const OTHER_PARTITIONS: [&str; 4] = ["cn-", "us-iso", "eu-iso", "eusc-"];
        let is_elsewhere = OTHER_PARTITIONS
            .iter()
            .any(|prefix| region.starts_with(prefix));
        if has_own_roots || endpoint.is_some() || is_elsewhere {
            Self::System
        } else {
            Self::Amazon
        }
    }
}

/// What the function needs to know beside [`Settings`].
#[derive(Clone, Debug)]
pub struct FunctionSettings {
    /// What decides the output.
    pub settings: Settings,
    /// `TEMPLATE`: a built-in name or `s3://bucket/key`. Default: `apache24`.
    pub template: TemplateChoice,
    /// `OUTPUT_BUCKET`: the bucket of the outputs. Required.
    pub output_bucket: String,
    /// `REPORT_BUCKET`: the bucket of the reports. Unset: none are written.
    pub report_bucket: Option<String>,
    /// `ON_DELETE`: what becomes of an output when its CSV is gone. Default: keep.
    pub on_delete: OnDelete,
    /// `AWS_ENDPOINT_URL_S3`: an emulator to use instead of S3, addressed path-style.
    pub endpoint: Option<String>,
    /// `AWS_REGION`, which Lambda sets. Default: us-east-1.
    pub region: String,
    /// `SSL_CERT_FILE`, `SSL_CERT_DIR`: other certificate authorities than Amazon's.
    pub roots: Roots,
}

impl FunctionSettings {
    /// Reads all settings of the function.
    ///
    /// # Errors
    ///
    /// The first setting that is missing or cannot be used.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        let value = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let endpoint = value("AWS_ENDPOINT_URL_S3")
            .map(|value| endpoint(&value))
            .transpose()?;
        let region = value("AWS_REGION").unwrap_or_else(|| "us-east-1".to_owned());
        let has_own_roots = value("SSL_CERT_FILE").or(value("SSL_CERT_DIR")).is_some();
        Ok(Self {
            roots: Roots::choose(&region, endpoint.as_deref(), has_own_roots),
            settings: Settings::read(&lookup)?,
            template: template(&value("TEMPLATE").unwrap_or(TEMPLATE_DEFAULT.to_owned()))?,
            output_bucket: value("OUTPUT_BUCKET").ok_or_else(|| SettingError {
                name: "OUTPUT_BUCKET".to_owned(),
                problem: "is not set: expected the name of the bucket that outputs go to"
                    .to_owned(),
            })?,
            report_bucket: value("REPORT_BUCKET"),
            on_delete: match value("ON_DELETE") {
                Some(value) => on_delete(&value)?,
                None => OnDelete::default(),
            },
            endpoint,
            region,
        })
    }
}

/// # Errors
///
/// For anything but `deny` and `allow`.
pub fn default_policy(name: &str, value: &str) -> Result<DefaultPolicy, SettingError> {
    match value {
        "deny" => Ok(DefaultPolicy::Deny),
        "allow" => Ok(DefaultPolicy::Allow),
        _ => Err(SettingError::new(name, value, "expected deny or allow")),
    }
}

fn on_delete(value: &str) -> Result<OnDelete, SettingError> {
    match value {
        "keep" => Ok(OnDelete::Keep),
        "remove" => Ok(OnDelete::Remove),
        "deny" => Ok(OnDelete::Deny),
        _ => Err(SettingError::new(
            "ON_DELETE",
            value,
            "expected keep, remove or deny",
        )),
    }
}

fn boolean(name: &str, value: &str) -> Result<bool, SettingError> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(SettingError::new(name, value, "expected true or false")),
    }
}

fn bytes(name: &str, value: &str) -> Result<u64, SettingError> {
    match value.parse() {
        Ok(bytes) if bytes > 0 => Ok(bytes),
        _ => Err(SettingError::new(
            name,
            value,
            "expected a number of bytes, at least 1",
        )),
    }
}

fn endpoint(value: &str) -> Result<String, SettingError> {
    if value.starts_with("http://") || value.starts_with("https://") {
        return Ok(value.to_owned());
    }
    let allowed = "expected a URL that starts with http:// or https://";
    Err(SettingError::new("AWS_ENDPOINT_URL_S3", value, allowed))
}

fn template(value: &str) -> Result<TemplateChoice, SettingError> {
    if let Some((bucket, key)) = value
        .strip_prefix("s3://")
        .and_then(|rest| rest.split_once('/'))
        && !bucket.is_empty()
        && !key.is_empty()
    {
        return Ok(TemplateChoice::Object {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
        });
    }
    if BUILT_IN.iter().any(|(name, _)| *name == value) {
        return Ok(TemplateChoice::BuiltIn(value.to_owned()));
    }
    let allowed = format!("expected {} or s3://bucket/key", built_in_names());
    Err(SettingError::new("TEMPLATE", value, &allowed))
}

/// Where outputs go: a Tera template over `path`, `dir` and `stem` of the source's key.
#[derive(Clone, Debug)]
pub struct OutputKey {
    tera: Tera,
    text: String,
}

impl Default for OutputKey {
    fn default() -> Self {
        Self::new("OUTPUT_KEY", OUTPUT_KEY_DEFAULT).unwrap_or_else(|_| Self {
            tera: Tera::new(),
            text: String::new(),
        })
    }
}

impl OutputKey {
    /// Compiles the expression and tries it.
    ///
    /// # Errors
    ///
    /// If it does not compile, or gives two sources the same output.
    pub fn new(name: &str, text: &str) -> Result<Self, SettingError> {
        let allowed =
            "expected a Tera template over path, dir and stem, such as {{ path }}/.htaccess";
        let mut tera = Tera::new();
        tera.autoescape_on(Vec::<&'static str>::new());
        if let Err(err) = tera.add_raw_template(name, text) {
            return Err(SettingError::new(name, text, &format!("{allowed}: {err}")));
        }
        let key = Self {
            tera,
            text: text.to_owned(),
        };
        match (key.of("some/site.csv"), key.of("other/place.csv")) {
            (Ok(one), Ok(other)) if one != other => Ok(key),
            (Ok(_), Ok(_)) => Err(SettingError::new(
                name,
                text,
                "every CSV would have the same output; use path, or dir and stem",
            )),
            (Err(refusal), _) | (_, Err(refusal)) => Err(SettingError::new(
                name,
                text,
                &format!("{allowed}: {}", refusal.message),
            )),
        }
    }

    /// The expression.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The key of a source's output.
    ///
    /// # Errors
    ///
    /// `unsafe-key` for a source or an output that could leave its folder.
    pub fn of(&self, source_key: &str) -> Result<String, Refusal> {
        let parts = split_key(source_key)?;
        let mut context = Context::new();
        context.insert_value("path", parts.path.into());
        context.insert_value("dir", parts.dir.into());
        context.insert_value("stem", parts.stem.into());
        let name = self.tera.get_template_names().next().unwrap_or_default();
        let output = self.tera.render(name, &context).map_err(|err| {
            Refusal::new(
                RefusalCode::UnsafeKey,
                format!("the output's key cannot be made: {err}"),
            )
        })?;
        check_key(&output)?;
        Ok(output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trusts_amazon_where_amazon_is_asked_and_nobody_said_otherwise() {
        let endpoint = Some("https://s3.example.com");
        for (region, endpoint, has_own_roots, expected) in [
            ("eu-west-3", None, false, Roots::Amazon),
            ("us-gov-west-1", None, false, Roots::Amazon),
            ("eu-west-3", None, true, Roots::System),
            ("eu-west-3", endpoint, false, Roots::System),
            ("cn-north-1", None, false, Roots::System),
            ("us-isob-east-1", None, false, Roots::System),
            ("eusc-de-east-1", None, false, Roots::System),
        ] {
            assert_eq!(
                Roots::choose(region, endpoint, has_own_roots),
                expected,
                "{region}"
            );
        }
    }
}
