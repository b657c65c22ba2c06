//! What was typed. The settings' flags have the names, the defaults and the checks of the
//! function's environment variables.

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use htaccess_generator::settings::{SettingError, Settings, TEMPLATE_DEFAULT};

/// Turns CSV files of IP rules into correct, fast Apache .htaccess files.
#[derive(Parser)]
#[command(
    name = "htaccess",
    version,
    about,
    after_help = "Exit status: 0 every file is fine, 1 a file was refused, 2 wrong usage or a failure to read or write."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Write the .htaccess of each CSV
    #[command(
        after_help = "Examples:\n  htaccess render acme.csv > .htaccess\n  htaccess render sites/ -o out/\n  htaccess render acme.csv --template nginx"
    )]
    Render(RenderArguments),
    /// Say what is wrong with each CSV; write nothing
    #[command(
        after_help = "Examples:\n  htaccess check sites/\n  htaccess check --strict acme.csv --json"
    )]
    Check(CheckArguments),
    /// Say whether an address gets in, and which rows decide
    #[command(after_help = "Example:\n  htaccess explain acme.csv 192.168.1.10 2001:db8::1")]
    Explain(ExplainArguments),
}

#[derive(Args)]
pub(crate) struct RenderArguments {
    #[command(flatten)]
    pub(crate) files: FileArguments,
    /// Write the files below this folder, as clients/acme/.htaccess for clients/acme.csv
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// A built-in template (apache24, apache22, nginx) or a Tera file
    #[arg(long, value_name = "NAME|PATH", default_value = TEMPLATE_DEFAULT)]
    pub(crate) template: String,
}

#[derive(Args)]
pub(crate) struct CheckArguments {
    #[command(flatten)]
    pub(crate) files: FileArguments,
}

#[derive(Args)]
pub(crate) struct FileArguments {
    /// CSV files, folders of them, or - for standard input
    #[arg(required = true, value_name = "FILE_OR_DIR")]
    pub(crate) inputs: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) settings: SettingArguments,
    /// Refuse a file for a single rejected row
    #[arg(long)]
    pub(crate) strict: bool,
    /// Where each output goes, over path, dir and stem [default: {{ path }}/.htaccess]
    #[arg(long, value_name = "EXPRESSION")]
    pub(crate) output_key: Option<String>,
    /// Files to work on at the same time [default: one for each core]
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Print an array with one object for each file, for programs
    #[arg(long)]
    pub(crate) json: bool,
    /// Write a page about the file, with pictures; for several files, one each below a folder
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) report: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct ExplainArguments {
    /// A CSV file, or - for standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// IPv4 or IPv6 addresses
    #[arg(required = true, value_name = "ADDRESS")]
    pub(crate) addresses: Vec<IpAddr>,
    #[command(flatten)]
    pub(crate) settings: SettingArguments,
}

#[derive(Args)]
pub(crate) struct SettingArguments {
    /// Who gets in without being named, in files without an `all` row: deny or allow
    #[arg(long, value_name = "POLICY", default_value = "deny")]
    pub(crate) default_policy: String,
    /// The largest CSV, decompressed, in bytes [default: 256 MiB]
    #[arg(long, value_name = "BYTES")]
    pub(crate) max_csv_bytes: Option<String>,
}

impl FileArguments {
    pub(crate) fn settings(&self) -> Result<Settings, SettingError> {
        self.settings.read(self.strict, self.output_key.as_deref())
    }
}

impl SettingArguments {
    pub(crate) fn read(
        &self,
        strict: bool,
        output_key: Option<&str>,
    ) -> Result<Settings, SettingError> {
        Settings::read(|name| match name {
            "DEFAULT_POLICY" => Some(self.default_policy.clone()),
            "MAX_CSV_BYTES" => self.max_csv_bytes.clone(),
            "STRICT" => Some(strict.to_string()),
            "OUTPUT_KEY" => output_key.map(str::to_owned),
            _ => None,
        })
    }
}
