//! The figures for administrators, at the end of the page.

use serde::Serialize;

use crate::answer::Answer;
use crate::report::apache_cost::RequestCost;
use crate::text::{milliseconds, thousands};

/// A figure with its name and a note.
#[derive(Serialize)]
pub(crate) struct KeyFigure {
    label: &'static str,
    value: String,
    note: String,
}

/// Returns the figures, or none for a refused file without rows. `cost` is the cost of an Apache file. It
/// is shown only if the file should be included in the server's configuration.
pub(crate) fn key_figures(answer: &Answer, cost: Option<RequestCost>) -> Vec<KeyFigure> {
    let figure = |label, value: u64, note: String| KeyFigure {
        label,
        value: thousands(value),
        note,
    };
    if answer.rows == 0 && answer.is_refused() {
        return Vec::new();
    }
    let mut figures = vec![
        figure("Rows", answer.rows, String::new()),
        figure("Accepted", answer.accepted, inactive_note(answer)),
        figure("Rejected", answer.rejected, String::new()),
    ];
    if !answer.is_refused() {
        let networks = answer.networks;
        let all = networks.allow + networks.deny;
        let note = match (networks.allow, networks.deny) {
            (allow, deny) if allow > 0 && deny > 0 => format!(
                "{} allowed, {} denied",
                thousands(allow as u64),
                thousands(deny as u64)
            ),
            _ => String::new(),
        };
        figures.push(figure("Networks", all as u64, note));
        figures.push(figure(
            "Output size in bytes",
            answer.bytes as u64,
            String::new(),
        ));
    }
    if let Some(cost) = cost.filter(RequestCost::prefers_include) {
        figures.push(KeyFigure {
            label: "Time per request",
            value: format!("{} ms", milliseconds(cost.microseconds)),
            note: "in Apache".to_owned(),
        });
    }
    figures
}

/// Returns the numbers of accepted rows that are not active as text, such as `2 not started, 1 ended`.
/// Empty if all accepted rows are active.
fn inactive_note(answer: &Answer) -> String {
    let counts = [(answer.pending, "not started"), (answer.expired, "ended")];
    let counted = counts.into_iter().filter(|(count, _)| *count > 0);
    let notes: Vec<String> = counted
        .map(|(count, state)| format!("{} {state}", thousands(count)))
        .collect();
    notes.join(", ")
}

/// Returns the parts of the sentence that says how many rows of the file are used. `None` if the file has
/// no rows.
pub(crate) fn row_counts(answer: &Answer) -> Option<RowCounts> {
    (answer.rows > 0).then(|| RowCounts {
        rows: match answer.rows {
            1 => "The file has 1 row".to_owned(),
            rows => format!("The file has {} rows", thousands(rows)),
        },
        accepted: match answer.rejected {
            0 if answer.rows == 1 => "It is accepted".to_owned(),
            0 => "All rows are accepted".to_owned(),
            _ => format!("{} accepted", is_or_are(answer.accepted)),
        },
        rejected: match answer.rejected {
            0 => String::new(),
            rejected => format!("{} rejected", is_or_are(rejected)),
        },
        inactive: inactive_note(answer),
    })
}

/// The parts of the sentence about the rows of the file.
#[derive(Serialize)]
pub(crate) struct RowCounts {
    rows: String,
    accepted: String,
    /// Empty if no row is rejected.
    rejected: String,
    /// Empty if all accepted rows are active.
    inactive: String,
}

fn is_or_are(count: u64) -> String {
    match count {
        1 => "1 is".to_owned(),
        count => format!("{} are", thousands(count)),
    }
}
