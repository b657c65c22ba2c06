//! The command line program. It applies the library to local files: without a cloud account, before an
//! upload, and in pipelines.
//!
//! Data is written to standard output, and messages to standard error. Exit status: 0 if no file was refused,
//! 1 if a file was refused or a template does not work, 2 for wrong usage or a failure to read or write, 3 if
//! `diff --exit-code` found a change, 4 if `diff --hold-above` found a change that would be held.

mod cli;
mod commands;
mod error;
mod input;
mod io_threads;
mod messages;
mod output;
mod run;
mod shared;
mod templates;

use std::process::ExitCode;

use clap::ColorChoice;

use crate::cli::Command;
use crate::error::ExitStatus;

fn main() -> ExitCode {
    let arguments = messages::parse();
    choose_colors(arguments.color);
    let done = match &arguments.command {
        Command::Render(arguments) => commands::render(arguments),
        Command::Check(arguments) => commands::check(arguments),
        Command::Explain(arguments) => commands::explain_addresses(arguments),
        Command::Diff(arguments) => commands::diff_files(arguments),
        Command::Upcoming(arguments) => commands::upcoming_changes(arguments),
        Command::Completions(arguments) => commands::completions(arguments),
        Command::Man(arguments) => commands::man(arguments),
        Command::Licenses => commands::licenses(),
        Command::Template(arguments) => commands::template(&arguments.command),
    };
    match done {
        Ok(ExitStatus::Success) => ExitCode::SUCCESS,
        Ok(ExitStatus::Refused) => ExitCode::from(1),
        Ok(ExitStatus::Failed) => ExitCode::from(2),
        Err(err) => {
            messages::print_error(&err);
            ExitCode::from(2)
        }
        Ok(ExitStatus::Changed) => ExitCode::from(3),
        Ok(ExitStatus::Held) => ExitCode::from(4),
    }
}

/// Sets when messages are coloured. `auto` evaluates `NO_COLOR`, `CLICOLOR_FORCE` and `CLICOLOR`, in that
/// order, and then whether standard error is a terminal with colours (`TERM`, `CI`).
fn choose_colors(choice: ColorChoice) {
    let choice = match choice {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
}
