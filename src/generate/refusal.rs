//! Creates the refusals of whole uploads, and the warnings about rows that are not used. The messages spell
//! settings for the user of the program: as variables for the function, as flags for the command line.

use crate::answer::{Answer, Refusal, RefusalCode, Warning, WarningCode};
use crate::csv::{CsvError, CsvKind};
use crate::render::TemplateError;
use crate::review::{MissedDenies, WarnedLines};
use crate::settings::{Settings, Spelling};
use crate::text::{RichText, rich};

/// The size limit of an output, and the spelling of its setting.
#[derive(Clone, Copy, Debug)]
pub(super) struct OutputLimit {
    pub(super) max_bytes: u64,
    pub(super) spelling: Spelling,
}

impl OutputLimit {
    pub(super) fn of(settings: &Settings) -> Self {
        Self {
            max_bytes: settings.max_output_bytes,
            spelling: settings.spelling,
        }
    }
}

/// Returns the refusal of an upload whose output cannot be rendered.
pub(super) fn unrenderable(err: TemplateError, spelling: Spelling) -> Refusal {
    let is_too_large = matches!(err, TemplateError::TooLarge { .. });
    let mut refusal = Refusal::from(err);
    if is_too_large {
        refusal.message.push(", or raise ");
        refusal.message.push(spelling.of("MAX_OUTPUT_BYTES"));
    }
    refusal
}

/// Returns the refusal of an upload that cannot be read. If the upload exceeds a configurable limit, the
/// message names the setting.
pub(super) fn unreadable(err: &CsvError, spelling: Spelling) -> Refusal {
    let mut message = err.explain();
    let setting = match err {
        CsvError::TooLarge { .. } => Some("MAX_CSV_BYTES"),
        CsvError::TooManyRanges { .. } | CsvError::TooManyRowsListed { .. } => {
            Some("MAX_OUTPUT_BYTES")
        }
        _ => None,
    };
    if let Some(setting) = setting {
        message.push(", or raise ");
        message.push(spelling.of(setting));
    }
    Refusal {
        code: err.code(),
        line: err.line(),
        message,
    }
}

/// Returns the refusal of an upload over the size limit. The upload itself is not needed.
#[must_use]
pub fn too_large(settings: &Settings) -> Refusal {
    let max_bytes = settings.max_csv_bytes;
    unreadable(&CsvError::TooLarge { max_bytes }, settings.spelling)
}

pub(super) fn no_rules(answer: &Answer) -> Refusal {
    let why = match answer.rows {
        0 => "there is no row below the header".into(),
        1 => rich!("the only row was rejected{}", &first_rejection(answer)),
        rows => rich!(
            "all {} rows were rejected{}",
            rows,
            &first_rejection(answer)
        ),
    };
    Refusal::new(RefusalCode::NoRules, rich!("no row was accepted: {}", &why))
}

/// Returns the refusal of a file with rejected rows, under `STRICT=all`.
pub(super) fn rows_rejected(answer: &Answer, spelling: Spelling) -> Refusal {
    let were = if answer.rejected == 1 { "was" } else { "were" };
    let which = match answer.rows {
        1 => "the only row".to_owned(),
        rows => format!("{} of {rows} rows", answer.rejected),
    };
    Refusal::new(
        RefusalCode::RowsRejected,
        rich!(
            "{} {} rejected, but {}=all allows no rejected rows{}",
            &which,
            were,
            &spelling.of("STRICT"),
            &first_rejection(answer)
        ),
    )
}

/// Returns the refusal of a file with rejected rows that may have been meant to deny somebody who gets in.
pub(super) fn deny_rejected(answer: &Answer, rows: &MissedDenies, spelling: Spelling) -> Refusal {
    let line = rows.first_line();
    let (correct, them) = if rows.is_one() {
        ("correct it", "it")
    } else {
        ("correct them", "them")
    };
    Refusal {
        code: RefusalCode::DenyRejected,
        line,
        message: rich!(
            "{}: {}, or set {}=none to publish without {}{}",
            &may_have_denied(rows),
            correct,
            &spelling.of("STRICT"),
            them,
            &rejection_in(answer, line)
        ),
    }
}

/// Returns the refusal of a list with both Allow and Deny rows. `allow` and `deny` are the lines of the first
/// row of each kind.
pub(super) fn mixed_rules(allow: u64, deny: u64) -> Refusal {
    Refusal {
        code: RefusalCode::MixedRules,
        line: Some(allow.max(deny)),
        message: rich!(
            "line {} says Allow and line {} says Deny, but all rows of a list must have the same rule: write \
             the same rule or no rule in all rows, or make two lists",
            allow,
            deny
        ),
    }
}

/// Returns the refusal of a list or of the common CSV with rejected rows that may have been meant to deny
/// somebody.
pub(super) fn shared_deny_rejected(
    kind: CsvKind,
    answer: &Answer,
    rows: &WarnedLines<()>,
    spelling: Spelling,
) -> Refusal {
    let line = rows.first_line();
    let allow = match kind {
        CsvKind::List => "write Allow in the column Rule of all rows if no site denies the list, ",
        CsvKind::Common | CsvKind::Site => "",
    };
    Refusal {
        code: RefusalCode::DenyRejected,
        line,
        message: rich!(
            "{}: {}, {}or set {}=none to publish without {}{}",
            &shared_may_have_denied(kind, rows),
            correct(rows),
            allow,
            &spelling.of("STRICT"),
            if rows.count == 1 { "it" } else { "them" },
            &rejection_in(answer, line)
        ),
    }
}

/// Returns the warning about rejected rows of a list or of the common CSV that may have been meant to deny
/// somebody, if the CSV is published without them under `STRICT=none`.
pub(super) fn shared_published_without_denies(
    kind: CsvKind,
    answer: &Answer,
    rows: &WarnedLines<()>,
) -> Warning {
    let line = rows.first_line();
    Warning {
        code: WarningCode::DenyRejected,
        line,
        message: rich!(
            "{}: {}, and publish the file again{}",
            &shared_may_have_denied(kind, rows),
            correct(rows),
            &rejection_in(answer, line)
        ),
    }
}

fn correct(rows: &WarnedLines<()>) -> &'static str {
    match rows.count {
        1 => "correct it",
        _ => "correct them",
    }
}

fn shared_may_have_denied(kind: CsvKind, rows: &WarnedLines<()>) -> RichText {
    let is = match rows.count {
        1 => "is",
        _ => "are",
    };
    let at = match kind {
        CsvKind::List => "sites that deny this list",
        CsvKind::Common | CsvKind::Site => "any site",
    };
    rich!(
        "{} {} rejected, but could be meant to deny access at {}",
        &rows.list().unwrap_or_default(),
        is,
        at
    )
}

/// Returns the warning about lines that look like rows but are inside quoted cells. `line` is the start of
/// the record that contains the first of these cells.
pub(super) fn hidden_rows(line: u64, rows: &WarnedLines<()>) -> Warning {
    let (look, are, they_are, them) = match rows.count {
        1 => ("looks like a row", "is", "it is", "it"),
        _ => ("look like rows", "are", "they are", "them"),
    };
    Warning {
        code: WarningCode::HiddenRows,
        line: Some(line),
        message: rich!(
            "{} {} but {} inside a quoted cell, so {} not used: close the quote that line {} opens, or \
             remove {} from the cell",
            &rows.list().unwrap_or_default(),
            look,
            are,
            they_are,
            line,
            them
        ),
    }
}

/// Returns the warning about rows that start with `#`, if there are any.
pub(super) fn hash_rows(rows: &WarnedLines<()>) -> Option<Warning> {
    let (starts, has, they, a_row, a_comment) = match rows.count {
        1 => ("starts", "contains", "it was", "a row", "a comment"),
        _ => ("start", "contain", "they were", "rows", "comments"),
    };
    Some(Warning {
        code: WarningCode::Guessed,
        line: rows.first_line(),
        message: rich!(
            "{} {} with # but {} an address and a rule, so {} read as {}, not as {}: to disable a row, \
             delete it",
            &rows.list()?,
            starts,
            has,
            they,
            a_row,
            a_comment
        ),
    })
}

/// Returns the warning about rejected rows that may have been meant to deny somebody who gets in, if the file
/// is published without them under `STRICT=none`.
pub(super) fn published_without_denies(answer: &Answer, rows: &MissedDenies) -> Warning {
    let line = rows.first_line();
    let correct = if rows.is_one() {
        "correct it"
    } else {
        "correct them"
    };
    Warning {
        code: WarningCode::DenyRejected,
        line,
        message: rich!(
            "{}: {}, and publish the file again{}",
            &may_have_denied(rows),
            correct,
            &rejection_in(answer, line)
        ),
    }
}

fn may_have_denied(rows: &MissedDenies) -> RichText {
    let is = if rows.is_one() { "is" } else { "are" };
    rich!(
        "{} {} rejected, but could be meant to deny access that other rows allow",
        &rows.named(),
        is
    )
}

fn first_rejection(answer: &Answer) -> RichText {
    rejection_in(
        answer,
        answer.rejections.first().map(|rejection| rejection.line),
    )
}

/// Returns the explanation of a rejected row, for the end of a message. Empty if the answer does not list the
/// row.
fn rejection_in(answer: &Answer, line: Option<u64>) -> RichText {
    let mut listed = answer.rejections.iter();
    listed
        .find(|rejection| Some(rejection.line) == line)
        .map(|rejection| rich!("; line {}: {}", rejection.line, &rejection.sentence()))
        .unwrap_or_default()
}
