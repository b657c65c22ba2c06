//! The commands and their arguments.

mod settings;
mod values;

pub(crate) use self::settings::{SettingArguments, now};
pub(crate) use self::values::Subject;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, ColorChoice, Parser, Subcommand};
use clap_complete::Shell;
use htaccess_generator::render::BUILT_IN;
use htaccess_generator::settings::{DEFAULT_TEMPLATE, Settings};
use htaccess_generator::time::Instant;

use crate::cli::values::{jobs, look_ahead, subject};
use crate::error::CliError;

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
    /// When to colour messages; auto: on a terminal, unless `NO_COLOR` is set
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
  0  no file was refused; rows may have been rejected
  1  a file was refused
  2  incorrect usage, or a read or write error
  3  diff --exit-code: access changes, or a file is added or removed
  4  diff --hold-above: the change would be held";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Write the .htaccess of each CSV
    #[command(after_help = "\
Examples:
  htaccess render acme.csv > .htaccess
  htaccess render sites/ -o out/        # out/clients/acme/.htaccess for sites/clients/acme.csv
  htaccess render 'sites/**/*.csv' -o out/ --json
  htaccess render rules.xlsx --sheet Customers > .htaccess
  zcat acme.csv.gz | htaccess render - --template nginx > access.conf

Identical files are not written again. Other files are replaced atomically.")]
    Render(RenderArguments),
    /// Check each CSV and report problems, without writing outputs
    #[command(after_help = "\
Examples:
  htaccess check acme.csv
  htaccess check --strict sites/          # refuse a file if any row is rejected
  htaccess check acme.csv --report acme.html
  htaccess check sites/ --json | jq '.[] | select(.rejected > 0) | .source'")]
    Check(CheckArguments),
    /// Show whether addresses and networks get in, and which rows decide
    #[command(after_help = "\
Examples:
  htaccess explain acme.csv 192.168.1.10 2001:db8::1
  htaccess explain acme.csv 192.168.1.0/24      # the whole network, a part of it, or nothing
  htaccess explain sites/ 192.168.1.10          # the sites in which the address gets in
  htaccess explain acme.csv 192.168.1.10 --json")]
    Explain(ExplainArguments),
    /// Show who gains and who loses access when one CSV replaces another
    #[command(after_help = "\
Examples:
  htaccess diff old.csv new.csv
  git show HEAD:acme.csv | htaccess diff - acme.csv      # the effect of an edit, before the commit
  aws s3 cp s3://BUCKET/acme.csv - | htaccess diff - acme.csv
  htaccess diff /dev/null new.csv                        # everybody whom a new site lets in
  htaccess diff deployed/ sites/                         # all files that changed, by name
  htaccess diff old.csv new.csv --hold-above 30          # whether the upload would be held

An empty OLD has no rules, so the default policy decides: with --default-policy deny, nobody gets in.
The exit status is 0 even if something changes, unless --exit-code is given.")]
    Diff(DiffArguments),
    /// List the rows that will start or end, and show when, and who gains or loses access
    #[command(after_help = "\
Examples:
  htaccess upcoming sites/ --within 14d
  htaccess upcoming acme.csv --time-zone Europe/Paris
  htaccess upcoming sites/ --json | jq -r '.[] | [.at, .file, .line] | @tsv'

The exit status is 0 even if nothing changes, and 1 if a file was refused, because a refused file is not \
published.")]
    Upcoming(UpcomingArguments),
    /// Print the completions for a shell
    #[command(after_help = "\
Examples:
  htaccess completions bash > ~/.local/share/bash-completion/completions/htaccess
  htaccess completions zsh > ~/.zfunc/_htaccess
  htaccess completions fish > ~/.config/fish/completions/htaccess.fish

The folder must exist: create it with mkdir -p.")]
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
    /// Show the built-in templates, or check a custom template
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
    /// List the built-in templates, with the purpose and a suitable --output-key of each
    #[command(after_help = "Examples:\n  htaccess template list")]
    List,
    /// Print a built-in template, as a starting point for a custom template
    #[command(after_help = "Examples:\n  htaccess template show nginx > own.tera")]
    Show(TemplateShowArguments),
    /// Compile a template and test it with sample policies, or with one CSV
    #[command(after_help = "\
Examples:
  htaccess template show apache24 > own.tera
  htaccess template check own.tera           # whether it compiles and contains the denies
  htaccess template check own.tera acme.csv  # whether it works for this CSV

Exit status: 0 if the template works (even with warnings), 1 if it does not work, or 2 if a file
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
    /// A CSV file to use instead of the sample policies, or - for standard input
    #[arg(value_name = "CSV")]
    pub(crate) csv: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct RenderArguments {
    #[command(flatten)]
    pub(crate) files: FileArguments,
    /// Write the files into this folder, for example DIR/clients/acme/.htaccess for clients/acme.csv
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
    /// CSV files or workbooks (.xlsx), folders of CSVs, patterns such as 'sites/**/*.csv', or - for
    /// standard input
    #[arg(required = true, value_name = "FILE_OR_DIR")]
    pub(crate) inputs: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) settings: SettingArguments,
    /// The folder below which inputs, outputs and reports have the same paths [default: the named folder,
    /// the current folder for files, or the deepest folder that contains all inputs]
    #[arg(long, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
    /// The key of each output: a template with path, dir and stem [default: {{ path }}/.htaccess]
    #[arg(long, value_name = "EXPRESSION")]
    pub(crate) output_key: Option<String>,
    /// The number of files to process at the same time [default: one for each core]
    #[arg(long, value_name = "N", value_parser = jobs, allow_negative_numbers = true)]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Print an array with one object for each file, for programs
    #[arg(long)]
    pub(crate) json: bool,
    /// Print only the summary and failures, without rejected rows, warnings and notes
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Write a report page about the file, or a folder with one page for each file
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) report: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct ExplainArguments {
    /// A CSV file or a workbook, a folder of CSVs, a pattern such as 'sites/**/*.csv', or - for standard input
    #[arg(value_name = "FILE_OR_DIR")]
    pub(crate) file: PathBuf,
    /// IPv4 or IPv6 addresses, networks or ranges
    #[arg(required = true, value_name = "ADDRESS", value_parser = subject)]
    pub(crate) subjects: Vec<Subject>,
    #[command(flatten)]
    pub(crate) settings: SettingArguments,
    /// Print an array with one object for each address or, for a folder, for each address in each file
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct DiffArguments {
    /// The current CSV, a folder, or - for standard input; for a new site, an empty file or /dev/null
    #[arg(value_name = "OLD")]
    pub(crate) old: PathBuf,
    /// The new CSV, a folder, or - for standard input
    #[arg(value_name = "NEW")]
    pub(crate) new: PathBuf,
    #[command(flatten)]
    pub(crate) settings: SettingArguments,
    /// List all networks instead of the first 50 of each file
    #[arg(long)]
    pub(crate) all: bool,
    /// Exit with 4 if a change would be held with this value of `HOLD_ABOVE`: if it opens or closes the
    /// site, or if more than this percentage gains or loses access
    #[arg(long, value_name = "PERCENT")]
    pub(crate) hold_above: Option<String>,
    /// Exit with 3 if access changes, or if a file is added or removed
    #[arg(long)]
    pub(crate) exit_code: bool,
    /// Print one object or, for folders, an array with one object for each file, for programs
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct UpcomingArguments {
    /// CSV files, folders of them, patterns such as 'sites/**/*.csv', or - for standard input
    #[arg(required = true, value_name = "FILE_OR_DIR")]
    pub(crate) inputs: Vec<PathBuf>,
    /// How far to look ahead, in days (14d), hours (12h) or weeks (2w) [default: no limit]
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

impl FileArguments {
    /// Returns the settings, and the instant for which rows are read.
    pub(crate) fn settings(&self) -> Result<(Settings, Instant), CliError> {
        let settings = self.settings.read(self.output_key.as_deref())?;
        let as_of = self.settings.as_of(&settings)?;
        Ok((settings, as_of))
    }
}
