//! Reads the settings that only the function has.

use crate::render::{BuiltIn, built_in_names};
use crate::settings::{DEFAULT_TEMPLATE, SettingError, Settings, Spelling};

/// The location of the template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateChoice {
    /// A built-in template, by name.
    BuiltIn(String),
    /// An object, `s3://bucket/key`.
    Object {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
    },
}

/// The effect of the delete of a CSV on its output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDelete {
    /// The output stays, because a site must not become open when a CSV disappears.
    #[default]
    Keep,
    /// The output is removed.
    Remove,
    /// The output is replaced by one that lets nobody in.
    Deny,
}

/// The certificate authorities that connections to S3 trust.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TrustRoots {
    /// The five roots that Amazon Trust Services recommends for custom trust stores
    /// (<https://www.amazontrust.com/repository/>). Reading the hundreds of roots of the system takes
    /// longer than the rest of a cold start.
    #[default]
    Amazon,
    /// The roots that the system trusts, or those in `SSL_CERT_FILE` and `SSL_CERT_DIR`.
    System,
}

impl OnDelete {
    /// Returns the value of the setting.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Remove => "remove",
            Self::Deny => "deny",
        }
    }
}

impl TrustRoots {
    /// Chooses Amazon's roots for S3 itself, and the system's roots for a custom endpoint, for custom
    /// roots, and in the partitions that have their own certificate authority.
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

/// The settings of the function: [`Settings`], and those that only the function has.
#[derive(Clone, Debug)]
pub struct FunctionSettings {
    /// The settings that decide the output.
    pub settings: Settings,
    /// `TEMPLATE`: a built-in name or `s3://bucket/key`. Default: `apache24`.
    pub template: TemplateChoice,
    /// `UPLOAD_BUCKET`: the bucket of the uploads, from which all events must come. If it is unset, events
    /// may come from any bucket.
    pub upload_bucket: Option<String>,
    /// `OUTPUT_BUCKET`: the bucket of the outputs. Required.
    pub output_bucket: String,
    /// `REPORT_BUCKET`: the bucket of the reports. If it is unset, no reports are written.
    pub report_bucket: Option<String>,
    /// `ON_DELETE`: the effect of the delete of a CSV on its output. Default: keep.
    pub on_delete: OnDelete,
    /// `AWS_ENDPOINT_URL_S3`: an emulator to use in place of S3, addressed path-style.
    pub endpoint: Option<String>,
    /// `AWS_REGION`, which Lambda sets. Default: us-east-1.
    pub region: String,
    /// The certificate authorities: `SSL_CERT_FILE` and `SSL_CERT_DIR` replace Amazon's.
    pub roots: TrustRoots,
}

impl FunctionSettings {
    /// Reads all settings of the function.
    ///
    /// # Errors
    ///
    /// The first setting that is missing or invalid.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        let value = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let endpoint = value("AWS_ENDPOINT_URL_S3")
            .map(|value| endpoint(&value))
            .transpose()?;
        let region = value("AWS_REGION").unwrap_or_else(|| "us-east-1".to_owned());
        let has_own_roots = value("SSL_CERT_FILE").or(value("SSL_CERT_DIR")).is_some();
        Ok(Self {
            roots: TrustRoots::choose(&region, endpoint.as_deref(), has_own_roots),
            settings: Settings::read(Spelling::Variable, &lookup)?,
            template: template(&value("TEMPLATE").unwrap_or(DEFAULT_TEMPLATE.to_owned()))?,
            output_bucket: value("OUTPUT_BUCKET").ok_or_else(|| SettingError {
                name: "OUTPUT_BUCKET".to_owned(),
                problem: "is not set: expected the name of the bucket that outputs go to"
                    .to_owned(),
            })?,
            upload_bucket: value("UPLOAD_BUCKET"),
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

fn endpoint(value: &str) -> Result<String, SettingError> {
    if value.starts_with("http://") || value.starts_with("https://") {
        return Ok(value.to_owned());
    }
    let allowed = "expected a URL that starts with http:// or https://";
    Err(SettingError::new("AWS_ENDPOINT_URL_S3", value, allowed))
}

pub(crate) fn template(value: &str) -> Result<TemplateChoice, SettingError> {
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
    if BuiltIn::find(value).is_some() {
        return Ok(TemplateChoice::BuiltIn(value.to_owned()));
    }
    let allowed = format!("expected {} or s3://bucket/key", built_in_names());
    Err(SettingError::new("TEMPLATE", value, &allowed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trusts_amazon_where_amazon_is_asked_and_nobody_said_otherwise() {
        let endpoint = Some("https://s3.example.com");
        for (region, endpoint, has_own_roots, expected) in [
            ("eu-west-3", None, false, TrustRoots::Amazon),
            ("us-gov-west-1", None, false, TrustRoots::Amazon),
            ("eu-west-3", None, true, TrustRoots::System),
            ("eu-west-3", endpoint, false, TrustRoots::System),
            ("cn-north-1", None, false, TrustRoots::System),
            ("us-isob-east-1", None, false, TrustRoots::System),
            ("eusc-de-east-1", None, false, TrustRoots::System),
        ] {
            assert_eq!(
                TrustRoots::choose(region, endpoint, has_own_roots),
                expected,
                "{region}"
            );
        }
    }
}
