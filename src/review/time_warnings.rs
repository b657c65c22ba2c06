//! Finds rows that have ended or will end soon, and sites that will soon let nobody in.

use crate::answer::{Warning, WarningCode};
use crate::policy::{Effective, NextChange};
use crate::review::row_log::{RecordedRows, SOON_DAYS};
use crate::text::{FirstFew, thousands};
use crate::time::TimeZone;

/// Warns if nobody gets in after the next change, although somebody gets in now.
pub(crate) fn nobody_left(
    permitted: &Effective<'_>,
    next: Option<&NextChange>,
    zone: &TimeZone,
) -> Option<Warning> {
    let next = next.filter(|next| next.policy.effective().is_nobody())?;
    (!permitted.is_nobody()).then(|| {
        let from = zone.show(next.at);
        let sentence = format!("nobody gets in from {from}: add a row, or change a date");
        Warning {
            code: WarningCode::NobodyLeft,
            line: None,
            message: sentence.into(),
        }
    })
}

/// Warns about rows that end within [`SOON_DAYS`].
pub(crate) fn ends_soon(rows: &RecordedRows, zone: &TimeZone) -> Option<Warning> {
    let ending = &rows.ending;
    let mut named = FirstFew::new(ending.first.len());
    for (expires, line) in &ending.first {
        named.add(|| {
            let end = zone.show_local_end(*expires);
            let preposition = if end.starts_with("the end") {
                "at"
            } else {
                "on"
            };
            format!("line {line} {preposition} {end}")
        });
    }
    named.count = ending.count;
    let rows_end = match ending.count {
        0 => return None,
        1 => "1 row ends".to_owned(),
        count => format!("{} rows end", thousands(count)),
    };
    let name = zone.name();
    Some(Warning {
        code: WarningCode::EndsSoon,
        line: ending.first.iter().map(|(_, line)| *line).min(),
        message: format!("{rows_end} within {SOON_DAYS} days ({named}; {name})").into(),
    })
}

/// Warns about rows that have ended.
pub(crate) fn expired_rows(rows: &RecordedRows) -> Option<Warning> {
    let expired = &rows.expired;
    let rows_have_ended = match expired.count {
        0 => return None,
        1 => "1 row has ended and can".to_owned(),
        count => format!("{} rows have ended and can", thousands(count)),
    };
    let lines = expired.list().unwrap_or_default();
    Some(Warning {
        code: WarningCode::ExpiredRows,
        line: expired.first_line(),
        message: format!("{rows_have_ended} be deleted ({lines})").into(),
    })
}
