//! The command line: the same library on files, for those without a cloud at hand, for checking
//! before an upload, and for pipelines.
//!
//! Data goes to stdout, all else to stderr. Exit status: 0 if every file is fine, 1 if a file was
//! refused, 2 for wrong usage or a failure to read or write, 3 if `diff --exit-code` found a change.

mod arguments;
mod render;
mod check;
mod explain;
mod diff;
mod documents;
mod template;
mod inputs;
mod patterns;
mod work;
mod beside;
mod progress;
mod conclusion;
mod diagnostic;
mod wording;
mod output;
mod replace;
mod interruption;
mod reports;
mod slips;

use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use clap::ColorChoice;
use htaccess_generator::text::visible;

use crate::arguments::Command;

/// Wrong usage, or a failure to read or write: a sentence that names the path.
pub(crate) struct Failure(String);

/// What the exit status says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Every file is fine.
    Fine,
    /// A file was refused.
    Refused,
    /// Who gets in changes, and the exit status was to say so.
    Changed,
}

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HELP: Style = Style::new().bold();

fn main() -> ExitCode {
    let arguments = slips::parse();
    choose_colors(arguments.color);
    let done = match &arguments.command {
        Command::Render(arguments) => render::render(arguments),
        Command::Check(arguments) => check::check(arguments),
        Command::Explain(arguments) => explain::explain_addresses(arguments),
        Command::Diff(arguments) => diff::diff_files(arguments),
        Command::Completions(arguments) => documents::completions(arguments),
        Command::Man(arguments) => documents::man(arguments),
        Command::Template(arguments) => template::template(&arguments.command),
    };
    match done {
        Ok(Verdict::Fine) => ExitCode::SUCCESS,
        Ok(Verdict::Refused) => ExitCode::from(1),
        Err(Failure(message)) => {
            // A path may have anything in its name that a terminal would act on.
            let shown = visible(&message, Some('\n'));
            conclusion::print(&format!("{ERROR}error{ERROR:#}: {shown}\n"));
            if let Some(help) = slips::way_out(&arguments.command, &message) {
                let help = visible(&help, None);
                conclusion::print(&format!("  = {HELP}help{HELP:#}: {help}\n"));
            }
            ExitCode::from(2)
        }
        Ok(Verdict::Changed) => ExitCode::from(3),
    }
}

/// `auto` leaves it to the terminal, `NO_COLOR`, `CLICOLOR_FORCE`, `CLICOLOR`, `CI` and `TERM`, in that order.
fn choose_colors(choice: ColorChoice) {
    let choice = match choice {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
}
