//! The messages on standard error: the problems of each file, a summary of all files, progress, and
//! suggestions after wrong usage.
//!
//! This module only formats and prints messages. It does not decide whether a file is refused, and it never
//! extracts facts from the text of a message: the line, title and help are separate fields. It escapes all
//! characters that could control a terminal, although the parts of a message should already be escaped.

mod answer_json;
mod diagnostic;
mod numbers;
mod progress;
mod suggestions;

pub(crate) use self::answer_json::CheckedJson;
pub(crate) use self::numbers::{counted, counted_ipv6};
pub(crate) use self::progress::Progress;
pub(crate) use self::suggestions::{parse, template_suggestion};

use std::io::{self, Write as _};

use anstyle::{AnsiColor, Style};
use htaccess_generator::answer::{
    Answer, RefusalCode, Rejection, Severity, Status, Warning, WarningCode,
};
use htaccess_generator::csv::{CsvKind, Field, Snippet};
use htaccess_generator::text::{RichText, escape_block, escape_invisible, push_fmt};
use serde::Serialize;

use crate::cli::FileArguments;
use crate::error::{CliError, ExitStatus};
use crate::input::Input;
use crate::messages::diagnostic::{Diagnostic, Level};
use crate::output::print_json;

const ERROR: Style = AnsiColor::Red.on_default().bold();
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
pub(crate) const HELP: Style = Style::new().bold();

/// The maximum number of failures that are printed. The summary counts all failures.
const MAX_FAILURES_PRINTED: usize = 20;

/// The action that a command has completed for the files that are not refused.
#[derive(Clone, Copy)]
pub(crate) enum Done {
    /// The files were read.
    Read,
    /// The outputs were printed.
    Rendered,
    /// The outputs were written, unless they were already up to date.
    Written,
    /// The files were checked. The summary counts files with problems separately.
    Checked,
}

/// The flags that determine what a command prints in addition to the summary.
#[derive(Clone, Copy, Default)]
pub(crate) struct Printed {
    /// `--json`: prints the answers as JSON.
    pub(crate) json: bool,
    /// `--quiet`: does not print problems and notes. Failures are still printed.
    pub(crate) quiet: bool,
}

impl Printed {
    /// Returns the flags from the arguments.
    pub(crate) fn of(files: &FileArguments) -> Self {
        Self {
            json: files.json,
            quiet: files.quiet,
        }
    }
}

/// Prints the problems or the failure of each file, then the summary, then the answers if `--json` is
/// given. Returns the exit status.
pub(crate) fn print_results(
    inputs: &[Input],
    results: Vec<Result<Answer, CliError>>,
    printed: Printed,
    done: Done,
) -> Result<ExitStatus, CliError> {
    let mut answers = Vec::new();
    let mut kinds = Vec::new();
    let mut failures = 0;
    for (input, result) in inputs.iter().zip(results) {
        match result {
            Ok(answer) => {
                if !printed.quiet {
                    print_problems(input, &answer);
                }
                answers.push(answer);
                kinds.push(input.kind);
            }
            Err(err) => {
                failures += 1;
                if failures <= MAX_FAILURES_PRINTED {
                    print_error(&err);
                }
            }
        }
    }
    print(&format!("{}\n", summary(&answers, failures, done)));
    if printed.json {
        print_answers(&answers, &kinds, done)?;
    }
    Ok(match failures {
        0 => exit_status(&answers),
        _ => ExitStatus::Failed,
    })
}

fn print_answers(answers: &[Answer], kinds: &[CsvKind], done: Done) -> Result<(), CliError> {
    if matches!(done, Done::Written) {
        return print_json(answers);
    }
    // Lists and the common CSV have no output.
    let json = |(answer, kind): (_, &CsvKind)| match kind {
        CsvKind::Site => CheckedJson::with_output(answer),
        CsvKind::List | CsvKind::Common => CheckedJson::without_output(answer),
    };
    let answers: Vec<CheckedJson<'_>> = answers.iter().zip(kinds).map(json).collect();
    print_json(&answers)
}

/// Returns the exit status for the answers: `Refused` if any file is refused.
pub(crate) fn exit_status(answers: &[Answer]) -> ExitStatus {
    if answers.iter().any(is_refused) {
        ExitStatus::Refused
    } else {
        ExitStatus::Success
    }
}

/// Prints one line with the counts of all files.
pub(crate) fn print_summary(answers: &[Answer], done: Done) {
    print(&format!("{}\n", summary(answers, 0, done)));
}

fn summary(answers: &[Answer], failures: usize, done: Done) -> String {
    let refused = answers.iter().filter(|answer| is_refused(answer)).count();
    let rejected: u64 = answers.iter().map(|answer| answer.rejected).sum();
    let warnings: usize = answers.iter().map(|answer| answer.warnings.len()).sum();
    // `Ignored` files are lists and the common CSV. They have no output, so the summary does not count them.
    let ignored = answers
        .iter()
        .filter(|answer| answer.status == Status::Ignored);
    let others = answers.len() - refused - ignored.count();
    let mut summary = match done {
        Done::Read => format!("{} read", counted(others, "file")),
        Done::Rendered => format!("{} rendered", counted(others, "file")),
        Done::Written => {
            let is_unchanged = |answer: &&Answer| answer.status == Status::Unchanged;
            let unchanged = answers.iter().filter(is_unchanged).count();
            let written = counted(others - unchanged, "file");
            format!("{written} written, {unchanged} unchanged")
        }
        Done::Checked => {
            let is_fine = |answer: &&Answer| answer.severity() == Severity::Fine;
            let fine = answers.iter().filter(is_fine).count();
            let with_problems = match others - fine {
                0 => String::new(),
                count => format!(", {count} with problems"),
            };
            format!("{} fine{with_problems}", counted(fine, "file"))
        }
    };
    push_fmt(&mut summary, format_args!(", {refused} refused"));
    if failures > 0 {
        push_fmt(&mut summary, format_args!(", {failures} failed"));
    }
    push_fmt(
        &mut summary,
        format_args!("; {} rejected", counted(rejected, "row")),
    );
    if warnings > 0 {
        summary.push_str(", ");
        summary.push_str(&counted(warnings, "warning"));
    }
    summary
}

/// Prints a failure and, if there is one, the instruction for solving it.
pub(crate) fn print_error(err: &CliError) {
    let message = escape_block(&err.message);
    print(&format!("{ERROR}error{ERROR:#}: {message}\n"));
    if let Some(help) = &err.help {
        let help = escape_invisible(help, None);
        print(&format!("  = {HELP}help{HELP:#}: {help}\n"));
    }
}

/// Prints a note about a file. A note is not a problem.
pub(crate) fn print_note(input: &Input, note: &str) {
    let diagnostic = Diagnostic {
        level: Level::Note,
        code: None,
        title: note.to_owned(),
        file: &input.display_name(),
        line: None,
        snippet: None,
        help: None,
    };
    print(&format!("{diagnostic}\n"));
}

/// Prints the notes about how a file was read, such as the choice of a sheet in a workbook.
pub(crate) fn print_notes(input: &Input) {
    for note in input.take_notes() {
        print_note(input, &note);
    }
}

/// Prints the notes about a file, then its problems in the order of their lines, and the refusal last.
/// Returns whether the file has a problem.
pub(crate) fn print_problems(input: &Input, answer: &Answer) -> bool {
    print_notes(input);
    let mut problems: Vec<Problem<'_>> = Vec::new();
    problems.extend(answer.rejections.iter().map(Problem::Rejection));
    problems.extend(answer.warnings.iter().map(Problem::Warning));
    if let (Some(code), Some(message)) = (answer.code, &answer.message) {
        problems.push(Problem::Refusal(code, answer.refused_line, message));
    }
    if problems.is_empty() {
        return false;
    }
    // Problems without a line are sorted after those with a line, and the refusal is sorted last.
    problems.sort_by_key(|problem| (problem.is_refusal(), problem.line().unwrap_or(u64::MAX)));
    let snippets = snippets(input, &problems);
    let file = input.display_name();
    let mut text = String::new();
    for (problem, snippet) in problems.iter().zip(&snippets) {
        if problem.is_refusal() {
            text.push_str(&more_rejections(answer));
        }
        let diagnostic = problem.diagnostic(&file, snippet.as_ref());
        text.push_str(&diagnostic.to_string());
        text.push('\n');
    }
    if answer.code.is_none() {
        text.push_str(&more_rejections(answer));
    }
    print(&text);
    true
}

fn more_rejections(answer: &Answer) -> String {
    match answer.rejected - answer.rejections.len() as u64 {
        0 => String::new(),
        more => format!("… and {} rejected\n\n", counted(more, "more row")),
    }
}

/// Returns the row of each problem. `None` if the problem has no line or the row cannot be read again.
fn snippets(input: &Input, problems: &[Problem<'_>]) -> Vec<Option<Snippet>> {
    let mut found = vec![None; problems.len()];
    let mut wanted: Vec<(usize, (u64, Field))> = problems
        .iter()
        .enumerate()
        .filter_map(|(index, problem)| Some((index, (problem.line()?, problem.field()))))
        .collect();
    wanted.sort_by_key(|(_, (line, _))| *line);
    let lines: Vec<(u64, Field)> = wanted.iter().map(|(_, wanted)| *wanted).collect();
    input.read_again(&lines, |index, snippet| {
        let problem = wanted
            .get(index)
            .and_then(|(index, _)| found.get_mut(*index));
        if let Some(problem) = problem {
            *problem = Some(snippet);
        }
    });
    found
}

/// Prints escaped text without colours, followed by a line break.
pub(crate) fn print_line(text: &str) {
    print(&format!("{}\n", escape_block(text)));
}

/// Writes to standard error, in colour if the terminal and the settings allow it. A failure is ignored,
/// because there is no other place to report it. The caller must escape untrusted text. This function cannot,
/// because `text` contains the control sequences of the colours.
pub(crate) fn print(text: &str) {
    let mut stderr = anstream::AutoStream::auto(io::stderr().lock());
    let _ = stderr.write_all(text.as_bytes());
}

enum Problem<'a> {
    Rejection(&'a Rejection),
    Warning(&'a Warning),
    /// The code, the line and the message.
    Refusal(RefusalCode, Option<u64>, &'a RichText),
}

impl Problem<'_> {
    fn is_refusal(&self) -> bool {
        matches!(self, Self::Refusal(..))
    }

    fn line(&self) -> Option<u64> {
        match self {
            Self::Rejection(rejection) => Some(rejection.line),
            Self::Warning(warning) => warning.line,
            Self::Refusal(_, line, _) => *line,
        }
    }

    fn field(&self) -> Field {
        match self {
            Self::Rejection(rejection) => Field::of(rejection),
            Self::Warning(_) | Self::Refusal(..) => Field::Row,
        }
    }

    fn diagnostic<'a>(&'a self, file: &'a str, snippet: Option<&'a Snippet>) -> Diagnostic<'a> {
        let (level, code, title, help) = match self {
            Self::Rejection(rejection) => {
                let (title, help) = title_and_help(rejection);
                let code = code_name(rejection.code);
                (Level::Rejected, code, title.to_string(), help)
            }
            Self::Warning(warning) => (
                match warning.code {
                    WarningCode::DenyRejected => Level::Alarm,
                    _ => Level::Warning,
                },
                code_name(warning.code),
                warning.message.to_string(),
                None,
            ),
            Self::Refusal(code, _, message) => {
                (Level::Error, code_name(code), message.to_string(), None)
            }
        };
        Diagnostic {
            level,
            code,
            title,
            file,
            line: self.line(),
            snippet,
            help,
        }
    }
}

/// Returns the reason for a rejection and the help, if there is any.
fn title_and_help(rejection: &Rejection) -> (&RichText, Option<String>) {
    let fixes = rejection.fixes.as_slice();
    let help = match (&rejection.help, fixes) {
        // A single fix is more precise than the help, which lists several possibilities.
        (Some(_), [fix]) => Some(format!("write {fix}")),
        (Some(help), _) => Some(help.to_string()),
        (None, []) => None,
        (None, _) if rejection.names_a_fix => None,
        (None, fixes) => Some(format!("write {}", fixes.join(" or "))),
    };
    (&rejection.reason, help)
}

/// Returns the name of a code, as it is written in JSON.
fn code_name(code: impl Serialize) -> Option<String> {
    serde_json::to_value(code).ok()?.as_str().map(str::to_owned)
}

fn is_refused(answer: &Answer) -> bool {
    answer.status == Status::Refused
}
