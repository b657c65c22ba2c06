//! Reads settings by their names: from the function's environment variables or the command line's flags.
//!
//! The error for an invalid value contains the setting's name, the value and the allowed values. An empty
//! value counts as not set, because an empty parameter of the CloudFormation template becomes an empty
//! variable.

mod error;
mod hold_above;
mod output_key;
mod spelling;

pub use self::error::SettingError;
pub use self::hold_above::{HoldAbove, hold_above};
pub use self::output_key::OutputKey;
pub use self::spelling::Spelling;

use crate::rule::DefaultPolicy;
use crate::time::{TimeZone, UnknownZone};

/// The default of `MAX_CSV_BYTES`: 256 MiB after decompression.
pub const DEFAULT_MAX_CSV_BYTES: u64 = 256 * 1024 * 1024;
/// The default of `MAX_OUTPUT_BYTES`: 16 MiB. Apache reads a `.htaccess` file again on every request, and a
/// file with a million networks has 15 MB.
pub const DEFAULT_MAX_OUTPUT_BYTES: u64 = 16 * 1024 * 1024;
/// The default of `TEMPLATE`.
pub const DEFAULT_TEMPLATE: &str = "apache24";

/// The kind of rejected rows that cause a file to be refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strict {
    /// Rows that may have been meant to deny somebody who gets in under the other rows.
    #[default]
    Deny,
    /// All rejected rows.
    All,
    /// No rows. A warning lists the rows that may have been meant to deny somebody who gets in.
    None,
}

impl Strict {
    /// Returns the name in settings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::All => "all",
            Self::None => "none",
        }
    }
}

/// The settings that determine an output together with the CSV and the template.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `DEFAULT_POLICY`: the default for files without an `all` row. Default: deny.
    pub default_policy: DefaultPolicy,
    /// `STRICT`: the rejected rows that cause a file to be refused. Default: rows that may have been meant to
    /// deny somebody.
    pub strict: Strict,
    /// `OUTPUT_KEY`: the Tera template for the key of an output. Default: `{{ path }}/.htaccess`.
    pub output_key: OutputKey,
    /// `MAX_CSV_BYTES`: the maximum size of a CSV after decompression, in bytes. Default: 256 MiB.
    pub max_csv_bytes: u64,
    /// `MAX_OUTPUT_BYTES`: the maximum size of an output, in bytes. Default: 16 MiB.
    pub max_output_bytes: u64,
    /// `TIME_ZONE`: the time zone of dates and local times in a CSV. Default: UTC.
    pub time_zone: TimeZone,
    /// The spelling of settings in messages. Default: as variables.
    pub spelling: Spelling,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            default_policy: DefaultPolicy::Deny,
            strict: Strict::default(),
            output_key: OutputKey::default(),
            max_csv_bytes: DEFAULT_MAX_CSV_BYTES,
            max_output_bytes: DEFAULT_MAX_OUTPUT_BYTES,
            time_zone: TimeZone::default(),
            spelling: Spelling::default(),
        }
    }
}

impl Settings {
    /// Reads the settings. `lookup` returns the value of a setting, given its variable name.
    ///
    /// # Errors
    ///
    /// The first setting that cannot be used.
    pub fn read(
        spelling: Spelling,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, SettingError> {
        let value = |name| lookup(name).filter(|value| !value.is_empty());
        let spelled = |name| spelling.of(name);
        let defaults = Self::default();
        Ok(Self {
            default_policy: match value("DEFAULT_POLICY") {
                Some(value) => default_policy(&spelled("DEFAULT_POLICY"), &value)?,
                None => defaults.default_policy,
            },
            strict: match value("STRICT") {
                Some(value) => strict(&spelled("STRICT"), &value)?,
                None => defaults.strict,
            },
            output_key: match value("OUTPUT_KEY") {
                Some(value) => OutputKey::new(&spelled("OUTPUT_KEY"), &value)?,
                None => defaults.output_key,
            },
            max_csv_bytes: match value("MAX_CSV_BYTES") {
                Some(value) => bytes(&spelled("MAX_CSV_BYTES"), &value)?,
                None => defaults.max_csv_bytes,
            },
            max_output_bytes: match value("MAX_OUTPUT_BYTES") {
                Some(value) => bytes(&spelled("MAX_OUTPUT_BYTES"), &value)?,
                None => defaults.max_output_bytes,
            },
            time_zone: match value("TIME_ZONE") {
                Some(value) => time_zone(&spelled("TIME_ZONE"), &value)?,
                None => defaults.time_zone,
            },
            spelling,
        })
    }
}

/// Parses a default policy.
///
/// # Errors
///
/// A [`SettingError`] for any value except `deny` and `allow`.
pub fn default_policy(name: &str, value: &str) -> Result<DefaultPolicy, SettingError> {
    match value {
        "deny" => Ok(DefaultPolicy::Deny),
        "allow" => Ok(DefaultPolicy::Allow),
        _ => Err(SettingError::new(name, value, "expected deny or allow")),
    }
}

fn time_zone(name: &str, value: &str) -> Result<TimeZone, SettingError> {
    TimeZone::named(value).map_err(|UnknownZone { nearest }| {
        let allowed = match nearest.as_slice() {
            [] => "expected an IANA time zone such as Europe/Paris".to_owned(),
            names => format!(
                "no time zone has this name; did you mean {}?",
                names.join(" or ")
            ),
        };
        SettingError::new(name, value, &allowed)
    })
}

/// Parses `STRICT`. `true` and `false` are values from an older version.
fn strict(name: &str, value: &str) -> Result<Strict, SettingError> {
    match value {
        "deny" => Ok(Strict::Deny),
        "all" | "true" => Ok(Strict::All),
        "none" | "false" => Ok(Strict::None),
        _ => Err(SettingError::new(name, value, "expected deny, all or none")),
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
