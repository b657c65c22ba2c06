//! The commands and their arguments. The flags for settings have the names, the defaults and the
//! checks of the function's environment variables.

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::SystemTime;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Args, ColorChoice, Parser, Subcommand};
use clap_complete::Shell;
use htaccess_generator::ip::parse_address;
use htaccess_generator::render::BUILT_IN;
use htaccess_generator::settings::{DEFAULT_TEMPLATE, Settings, Spelling};
use htaccess_generator::text::quote;
use htaccess_generator::time::{Bound, DateReader, Instant};

use crate::error::CliError;
use crate::input::SharedPlaces;

/// Turns CSV files of IP rules into correct, fast Apache .htaccess files
#[derive(Parser)]
#[command(
    name = "htaccess",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    after_help = AFTER_HELP
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// When to colour messages; auto is on a terminal, unless `NO_COLOR` is set
    #[arg(long, global = true, value_name = "WHEN", default_value_t)]
    pub(crate) color: ColorChoice,
}

const AFTER_HELP: &str = "\
Examples:
  htaccess check acme.csv                 # what is wrong with a CSV
  htaccess render acme.csv > .htaccess    # the file for Apache
  htaccess diff old.csv new.csv           # who gains and who loses access
  htaccess explain acme.csv 192.0.2.7     # whether an address gets in, and why

Exit status:
  0  no file was refused; rows may have been rejected that let nobody in
  1  a file was refused
  2  wrong usage, or a failure to read or write
  3  diff --exit-code, and who gets in changes";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Write the .htaccess of each CSV
    #[command(after_help = "\
Examples:
  htaccess render acme.csv > .htaccess
  htaccess render sites/ -o out/        # out/clients/acme/.htaccess for sites/clients/acme.csv
  htaccess render 'sites/**/*.csv' -o out/ --json
  zcat acme.csv.gz | htaccess render - --template nginx > access.conf

Identical files keep their times; others are replaced in one step.")]
    Render(RenderArguments),
    /// Say what is wrong with each CSV; write nothing
    #[command(after_help = "\
Examples:
  htaccess check acme.csv
  htaccess check --strict sites/          # refuse files for a single rejected row
  htaccess check acme.csv --report acme.html
  htaccess check sites/ --json | jq '.[] | select(.rejected > 0) | .source'")]
    Check(CheckArguments),
    /// Say whether addresses get in, and which rows bear on that, the most specific first
    #[command(after_help = "\
Examples:
  htaccess explain acme.csv 192.168.1.10 2001:db8::1
  htaccess explain acme.csv 192.168.1.10 --json")]
    Explain(ExplainArguments),
    /// Say who gains and who loses access when one CSV takes the place of another
    #[command(after_help = "\
Examples:
  htaccess diff old.csv new.csv
  git show HEAD:acme.csv | htaccess diff - acme.csv      # what an edit changes before its commit
  aws s3 cp s3://BUCKET/acme.csv - | htaccess diff - acme.csv
  htaccess diff /dev/null new.csv                        # everybody whom a new site lets in

An OLD that is empty has no rules, so that its default decides: by --default-policy deny nobody gets
in. Exit status: 0 also where something changes, unless --exit-code is given.")]
    Diff(DiffArguments),
    /// List the rows that start or end, when, and who gains or loses access by that
    #[command(after_help = "\
Examples:
  htaccess upcoming sites/ --within 14d
  htaccess upcoming acme.csv --time-zone Europe/Paris
  htaccess upcoming sites/ --json | jq -r '.[] | [.at, .file, .line] | @tsv'

Exit status: 0 also if nothing changes, 1 if a file was refused, because it would not be published.")]
    Upcoming(UpcomingArguments),
    /// Print the completions for a shell
    #[command(after_help = "\
Examples:
  htaccess completions bash > ~/.local/share/bash-completion/completions/htaccess
  htaccess completions zsh > ~/.zfunc/_htaccess
  htaccess completions fish > ~/.config/fish/completions/htaccess.fish

The folder must be there: mkdir -p makes it.")]
    Completions(CompletionsArguments),
    /// Print the manual page, or write one for each command
    #[command(after_help = "\
Examples:
  htaccess man | man -l -
  htaccess man -o ~/.local/share/man/man1")]
    Man(ManArguments),
    /// Print the licences and notices of the packages in this program
    #[command(after_help = "Examples:\n  htaccess licenses > licenses.txt")]
    Licenses,
    /// Look at the built-in templates, or check one of your own
    #[command(
        after_help = "Examples:\n  htaccess template show nginx > own.tera\n  htaccess template check own.tera"
    )]
    Template(TemplateArguments),
}

#[derive(Args)]
pub(crate) struct TemplateArguments {
    #[command(subcommand)]
    pub(crate) command: TemplateCommand,
}

#[derive(Subcommand)]
pub(crate) enum TemplateCommand {
    /// List the built-in templates, what each is for, and an --output-key that suits it
    #[command(after_help = "Examples:\n  htaccess template list")]
    List,
    /// Print a built-in template, to start from
    #[command(after_help = "Examples:\n  htaccess template show nginx > own.tera")]
    Show(TemplateShowArguments),
    /// Compile a template and try it on policies of every kind, or on one CSV
    #[command(after_help = "\
Examples:
  htaccess template show apache24 > own.tera
  htaccess template check own.tera           # does it compile, does it forget the denies?
  htaccess template check own.tera acme.csv  # does it work for this CSV?

Exit status: 0 for a template that works, warnings or not, 1 for one that does not, 2 if a file
cannot be read.")]
    Check(TemplateCheckArguments),
}

#[derive(Args)]
pub(crate) struct TemplateShowArguments {
    /// The name of a built-in template
    #[arg(value_name = "NAME", value_parser = PossibleValuesParser::new(BUILT_IN.map(|template| template.name)))]
    pub(crate) name: String,
}

#[derive(Args)]
pub(crate) struct TemplateCheckArguments {
    /// A Tera file, or the name of a built-in template
    #[arg(value_name = "FILE")]
    pub(crate) template: PathBuf,
    /// A CSV file to try it on in place of the sample policies, or - for standard input
    #[arg(value_name = "CSV")]
    pub(crate) csv: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct RenderArguments {
    #[command(flatten)]
    pub(crate) files: FileArguments,
    /// Write the files below this folder, as clients/acme/.htaccess for clients/acme.csv
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// A built-in template (`htaccess template list`) or a Tera file
    #[arg(long, value_name = "NAME|PATH", default_value = DEFAULT_TEMPLATE)]
    pub(crate) template: String,
}

#[derive(Args)]
pub(crate) struct CheckArguments {
    #[command(flatten)]
    pub(crate) files: FileArguments,
}

#[derive(Args)]
pub(crate) struct FileArguments {
    /// CSV files, folders of them, patterns such as 'sites/**/*.csv', or - for standard input
    #[arg(required = true, value_name = "FILE_OR_DIR")]
    pub(crate) inputs: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) settings: SettingArguments,
    /// Where each output goes, over path, dir and stem [default: {{ path }}/.htaccess]
    #[arg(long, value_name = "EXPRESSION")]
    pub(crate) output_key: Option<String>,
    /// Files to work on at the same time [default: one for each core]
    #[arg(long, value_name = "N", value_parser = jobs, allow_negative_numbers = true)]
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
    #[arg(required = true, value_name = "ADDRESS", value_parser = one_address)]
    pub(crate) addresses: Vec<IpAddr>,
    #[command(flatten)]
    pub(crate) settings: SettingArguments,
    /// Print an array with one object for each address, for programs
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct DiffArguments {
    /// The CSV as it is, or - for standard input; empty or /dev/null if there is none yet
    #[arg(value_name = "OLD")]
    pub(crate) old: PathBuf,
    /// The CSV as it shall be, or - for standard input
    #[arg(value_name = "NEW")]
    pub(crate) new: PathBuf,
    #[command(flatten)]
    pub(crate) settings: SettingArguments,
    /// Exit with 3 if who gets in changes
    #[arg(long)]
    pub(crate) exit_code: bool,
    /// Print one object, for programs
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct UpcomingArguments {
    /// CSV files, folders of them, patterns such as 'sites/**/*.csv', or - for standard input
    #[arg(required = true, value_name = "FILE_OR_DIR")]
    pub(crate) inputs: Vec<PathBuf>,
    /// How far to look ahead, in days (14d), hours (12h) or weeks (2w) [default: without a limit]
    #[arg(long, value_name = "TIME", value_parser = look_ahead)]
    pub(crate) within: Option<i64>,
    #[command(flatten)]
    pub(crate) settings: SettingArguments,
    /// Print an array with one object for each change, for programs
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct CompletionsArguments {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: Shell,
}

#[derive(Args)]
pub(crate) struct ManArguments {
    /// Write a page for each command into this folder
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct SharedArguments {
    /// The folder of the lists that rows name, such as @office [default: the nearest folder lists, in the
    /// folder of the CSVs or above it]
    #[arg(long, value_name = "DIR")]
    pub(crate) lists: Option<PathBuf>,
    /// A CSV whose rows apply to every site; only its rule may also be Always
    #[arg(long, value_name = "FILE")]
    pub(crate) common: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct SettingArguments {
    /// Who gets in without being named, in files without an `all` row
    #[arg(long, value_name = "POLICY", default_value = "deny", value_parser = ["deny", "allow"])]
    pub(crate) default_policy: String,
    /// The rejected rows that refuse a file: those that may have denied somebody who gets in, all
    /// (also without a value), or none
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
    /// The instant of which rows are read: a date or a time as in the column Starts [default: now]
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    #[command(flatten)]
    pub(crate) shared: SharedArguments,
    /// The largest CSV, decompressed, in bytes [default: 256 MiB]
    #[arg(long, value_name = "BYTES")]
    pub(crate) max_csv_bytes: Option<String>,
    /// The largest output, in bytes [default: 16 MiB]
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

fn jobs(text: &str) -> Result<NonZeroUsize, String> {
    text.parse()
        .map_err(|_| "expected a number of files, at least 1".to_owned())
}

/// Reads a number of days, hours or weeks as seconds.
fn look_ahead(text: &str) -> Result<i64, String> {
    let units = [('d', 86_400), ('h', 3600), ('w', 7 * 86_400)];
    let seconds = units.into_iter().find_map(|(unit, seconds)| {
        let number: u32 = text.strip_suffix(unit)?.parse().ok()?;
        Some(i64::from(number) * seconds)
    });
    seconds.ok_or_else(|| {
        "expected a number of days, hours or weeks, such as 14d, 12h or 2w".to_owned()
    })
}

fn one_address(text: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| match parse_address(text) {
        Err(err) => err.to_string(),
        Ok(_) => "expected one address, such as 192.0.2.7".to_owned(),
    })
}

impl FileArguments {
    /// Returns the settings, and the instant of which rows are read.
    pub(crate) fn settings(&self) -> Result<(Settings, Instant), CliError> {
        let settings = self.settings.read(self.output_key.as_deref())?;
        let as_of = self.settings.as_of(&settings)?;
        Ok((settings, as_of))
    }
}

impl SettingArguments {
    /// Returns the places of the lists and of the common CSV.
    pub(crate) fn places(&self) -> Result<SharedPlaces, CliError> {
        let SharedArguments { lists, common } = &self.shared;
        SharedPlaces::new(lists.as_deref(), common.as_deref())
    }

    /// Returns the instant of which rows are read.
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
        let settings = Settings::read(Spelling::Flag, |name| match name {
            "DEFAULT_POLICY" => Some(self.default_policy.clone()),
            "TIME_ZONE" => Some(self.time_zone.clone()),
            "MAX_CSV_BYTES" => self.max_csv_bytes.clone(),
            "MAX_OUTPUT_BYTES" => self.max_output_bytes.clone(),
            "STRICT" => Some(self.strict.clone()),
            "OUTPUT_KEY" => output_key.map(str::to_owned),
            _ => None,
        });
        settings.map_err(|err| CliError::new(err.to_string()))
    }
}
