//! The flags for settings. They have the names, the defaults and the checks of the function's environment
//! variables.

use std::path::PathBuf;
use std::time::SystemTime;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};
use htaccess_generator::settings::{Settings, Spelling};
use htaccess_generator::text::quote;
use htaccess_generator::time::{Bound, DateReader, Instant};

use crate::cli::values::byte_count;
use crate::error::CliError;
use crate::input::SharedPlaces;

#[derive(Args)]
pub(crate) struct SharedArguments {
    /// The folder with the lists that rows use, such as @office [default: the nearest folder `lists`, next
    /// to the CSVs or in a folder above]
    #[arg(long, value_name = "DIR")]
    pub(crate) lists: Option<PathBuf>,
    /// A CSV whose rows apply to every site; its rules can also be Always
    #[arg(long, value_name = "FILE")]
    pub(crate) common: Option<PathBuf>,
    /// The sheet of a workbook (.xlsx) to read [default: the first visible one]
    #[arg(long, value_name = "NAME")]
    pub(crate) sheet: Option<String>,
}

#[derive(Args)]
pub(crate) struct SettingArguments {
    /// The policy for addresses without a rule, in files without an `all` row
    #[arg(long, value_name = "POLICY", default_value = "deny", value_parser = ["deny", "allow"])]
    pub(crate) default_policy: String,
    /// The rejected rows that cause a file to be refused: rows that could deny somebody who gets in
    /// (deny), all rows (all, or no value), or none
    #[arg(
        long,
        value_name = "ROWS",
        num_args = 0..=1,
        require_equals = true,
        default_value = "deny",
        default_missing_value = "all",
        value_parser = strict_values()
    )]
    pub(crate) strict: String,
    /// The time zone of dates in a CSV, such as Europe/Paris
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    pub(crate) time_zone: String,
    /// The time for which rows are read: a date or a time, as in the column Starts [default: now]
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    #[command(flatten)]
    pub(crate) shared: SharedArguments,
    /// The maximum size of a CSV, decompressed: bytes, or a number with kB, MB, GB, KiB, MiB or GiB
    /// [default: 256MiB]
    #[arg(long, value_name = "BYTES")]
    pub(crate) max_csv_bytes: Option<String>,
    /// The maximum size of an output: bytes, or a number with a unit [default: 16MiB]
    #[arg(long, value_name = "BYTES")]
    pub(crate) max_output_bytes: Option<String>,
}

/// The values of `--strict`, with the same aliases as those of the function's variable.
fn strict_values() -> PossibleValuesParser {
    PossibleValuesParser::new([
        PossibleValue::new("deny"),
        PossibleValue::new("all").alias("true"),
        PossibleValue::new("none").alias("false"),
    ])
}

/// Returns the present, the only time that the program takes from a clock.
pub(crate) fn now() -> Instant {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let seconds = since_1970.map_or(0, |duration| duration.as_secs());
    Instant::from_seconds(i64::try_from(seconds).unwrap_or(i64::MAX))
}

impl SettingArguments {
    /// Returns the places of the lists, of the common CSV and of the rules in a workbook.
    pub(crate) fn places(&self) -> Result<SharedPlaces, CliError> {
        let SharedArguments {
            lists,
            common,
            sheet,
        } = &self.shared;
        let places = SharedPlaces::new(lists.as_deref(), common.as_deref())?;
        Ok(places.with_sheet(sheet.as_deref()))
    }

    /// Returns the instant for which rows are read.
    pub(crate) fn as_of(&self, settings: &Settings) -> Result<Instant, CliError> {
        let Some(at) = &self.at else {
            return Ok(now());
        };
        let mut dates = DateReader::new(settings.time_zone.clone(), Instant::from_seconds(0));
        match dates.read(Bound::Starts, at.trim()) {
            Ok(Some(instant)) => Ok(instant),
            Ok(None) | Err(_) => Err(CliError::new(format!(
                "--at is {}: expected a date or a time such as 2026-12-31, 2026-12-31 18:00 or \
                 2026-12-31T18:00:00Z",
                quote(at)
            ))),
        }
    }

    pub(crate) fn read(&self, output_key: Option<&str>) -> Result<Settings, CliError> {
        let in_bytes = |flag, value: &Option<String>| {
            let value = value.as_deref();
            value.map(|value| in_bytes(flag, value)).transpose()
        };
        let max_csv_bytes = in_bytes("--max-csv-bytes", &self.max_csv_bytes)?;
        let max_output_bytes = in_bytes("--max-output-bytes", &self.max_output_bytes)?;
        let settings = Settings::read(Spelling::Flag, |name| match name {
            "DEFAULT_POLICY" => Some(self.default_policy.clone()),
            "TIME_ZONE" => Some(self.time_zone.clone()),
            "MAX_CSV_BYTES" => max_csv_bytes.clone(),
            "MAX_OUTPUT_BYTES" => max_output_bytes.clone(),
            "STRICT" => Some(self.strict.clone()),
            "OUTPUT_KEY" => output_key.map(str::to_owned),
            _ => None,
        });
        settings.map_err(|err| CliError::new(err.to_string()))
    }
}

/// Returns the number of bytes without a unit, as settings have it. An empty value is the default.
fn in_bytes(flag: &str, value: &str) -> Result<String, CliError> {
    match byte_count(value) {
        Some(bytes @ 1..) => Ok(bytes.to_string()),
        None if value.is_empty() => Ok(String::new()),
        Some(0) | None => Err(CliError::new(format!(
            "{flag} is {}: expected a number of bytes, such as 1000000, 10MB (10,000,000 bytes) or 10MiB \
             (10,485,760 bytes)",
            quote(value)
        ))),
    }
}
