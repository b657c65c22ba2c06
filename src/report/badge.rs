//! The badge of the page, which shows how urgent the report is, and the sentence that says what was done.

use crate::answer::{Answer, Severity, Status, WarningCode};
use crate::report::occasion::Occasion;
use crate::text::{push_fmt, thousands};

/// Returns the headline of the page and its tone: `good`, `warn`, `bad` or `plain`.
pub(crate) fn badge(answer: &Answer, occasion: Occasion) -> (String, &'static str) {
    let words = match (answer.status, occasion) {
        (Status::Ignored, _) => return ("Ignored".to_owned(), "plain"),
        (Status::Removed | Status::Kept, _) | (_, Occasion::Delete) => {
            return ("Deleted".to_owned(), "plain");
        }
        (Status::Refused, Occasion::Publish) => "Refused",
        (Status::Held, _) => "Held",
        (Status::Previewed, _) | (_, Occasion::Preview) if answer.is_refused() => {
            "Preview: would be refused"
        }
        (Status::Previewed, _) | (_, Occasion::Preview) => match answer.code {
            Some(_) => "Preview: would be held",
            None => "Preview: would be published",
        },
        (Status::Refused, Occasion::Check) => "Checked: would be refused",
        (Status::Written | Status::Unchanged, Occasion::Publish) => "Published",
        (Status::Written | Status::Unchanged, Occasion::Check) => "Checked: can be published",
    };
    let tone = match answer.severity() {
        Severity::Fine => "good",
        Severity::Warning => "warn",
        Severity::Alarm => "bad",
    };
    if answer.is_refused() {
        return (words.to_owned(), tone);
    }
    let mut headline = words.to_owned();
    match answer.rejected {
        0 if answer.warns_of(WarningCode::HiddenRows) => {
            headline.push_str(", rows inside a quoted cell are not used");
        }
        0 => {}
        1 => headline.push_str(", 1 row rejected"),
        rows => push_fmt(
            &mut headline,
            format_args!(", {} rows rejected", thousands(rows)),
        ),
    }
    for (code, note) in [
        (
            WarningCode::DenyRejected,
            ", somebody may get in who should not",
        ),
        (WarningCode::IgnoredColumn, ", a condition is not applied"),
        (WarningCode::BlocksEverybody, ", nobody gets in"),
        (WarningCode::AllowsEverybody, ", everybody gets in"),
        (
            WarningCode::NobodyLeft,
            ", nobody gets in after the next change",
        ),
        (
            WarningCode::UnscheduledChange,
            ", the next change is not scheduled",
        ),
    ] {
        if answer.warns_of(code) {
            headline.push_str(note);
        }
    }
    (headline, tone)
}

/// Returns the sentence that says what was done. Empty if a new output was published.
pub(crate) fn effect(answer: &Answer, occasion: Occasion) -> &'static str {
    match (answer.status, occasion) {
        (Status::Refused | Status::Written | Status::Unchanged, Occasion::Check) => {
            "This was a check. Nothing was published."
        }
        (Status::Held, _) => {
            "Nothing has been published yet. The previous file stays in place until somebody approves the change."
        }
        (Status::Previewed, _) | (_, Occasion::Preview) => {
            "This is a preview: nothing was published, and the previous file, if there is one, stays in place."
        }
        (Status::Refused, Occasion::Publish | Occasion::Delete) => {
            "Nothing was published. The previous file, if there is one, stays in place."
        }
        (Status::Written, Occasion::Publish) => "",
        (Status::Unchanged, Occasion::Publish) => {
            "The published rules were already the same, so the output was not changed."
        }
        (Status::Written | Status::Unchanged, Occasion::Delete) => {
            "The CSV was deleted. The published file now lets nobody in."
        }
        (Status::Removed, _) => "The CSV was deleted, and the output was removed.",
        (Status::Kept, _) if answer.output.is_some() => {
            "The CSV was deleted, but the output stays in place."
        }
        (Status::Kept, _) => "The CSV was deleted. It had no output.",
        (Status::Ignored, _) => "There was nothing to do.",
    }
}
