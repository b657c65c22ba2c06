//! The command line: the same library on files, for those without a cloud at hand, for checking
//! before an upload, and for pipelines.
//!
//! Data goes to stdout, all else to stderr. Exit status: 0 if every file is fine, 1 if a file was
//! refused, 2 for wrong usage or a failure to read or write.

#![expect(clippy::print_stderr, reason = "people read what is printed there")]

mod arguments;
mod inputs;
mod run;
mod slips;

use std::process::ExitCode;

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
}

fn main() -> ExitCode {
    let done = match slips::parse().command {
        Command::Render(arguments) => run::render(&arguments),
        Command::Check(arguments) => run::check(&arguments),
        Command::Explain(arguments) => run::explain_addresses(&arguments),
    };
    match done {
        Ok(Verdict::Fine) => ExitCode::SUCCESS,
        Ok(Verdict::Refused) => ExitCode::from(1),
        Err(Failure(message)) => {
            eprintln!("htaccess: {message}");
            ExitCode::from(2)
        }
    }
}
