//! The warnings on the page.

use std::cmp::Reverse;

use serde::Serialize;

use crate::answer::{Severity, Warning, WarningCode};
use crate::report::sentence::Sentence;

/// A warning, as the page shows it.
#[derive(Serialize)]
pub(crate) struct WarningView {
    title: &'static str,
    /// `alarm`, `attention` or `hint`.
    urgency: &'static str,
    line: Option<u64>,
    message: Sentence,
}

/// Returns the warnings, the most urgent first.
pub(crate) fn warnings(all: &[Warning]) -> Vec<WarningView> {
    let mut sorted: Vec<&Warning> = all.iter().collect();
    sorted.sort_by_key(|warning| Reverse(warning.code.severity()));
    sorted.into_iter().map(warning_view).collect()
}

fn warning_view(warning: &Warning) -> WarningView {
    WarningView {
        title: match warning.code {
            WarningCode::Guessed => "Ambiguous input",
            WarningCode::IgnoredColumn => "A condition is not applied",
            WarningCode::HiddenRows => "Rows inside a quoted cell",
            WarningCode::DenyRejected => "Rejected rows could be Deny rows",
            WarningCode::DuplicateRows => "Rows that repeat other rows",
            WarningCode::OverriddenRows => "Allow rows without effect",
            WarningCode::BlocksEverybody => "Nobody gets in",
            WarningCode::AllowsEverybody => "Everybody gets in",
            WarningCode::MatchesNobody => "An address that no client has",
            WarningCode::WideAllow => "A very large network is allowed",
            WarningCode::PrivateRange => "Private networks among public networks",
            WarningCode::ExpiredRows => "Rows that have ended",
            WarningCode::EndsSoon => "Rows that end soon",
            WarningCode::NobodyLeft => "Nobody gets in after the next change",
            WarningCode::AlwaysWins => "Addresses that always get in",
            WarningCode::UnscheduledChange => "The next change is not scheduled",
        },
        urgency: match warning.code.severity() {
            Severity::Alarm => "alarm",
            Severity::Warning => "attention",
            Severity::Fine => "hint",
        },
        // The messages of all other warnings already contain their lines.
        line: warning.line.filter(|_| {
            matches!(
                warning.code,
                WarningCode::Guessed | WarningCode::IgnoredColumn
            )
        }),
        message: Sentence::of(&warning.message).capitalized(),
    }
}
