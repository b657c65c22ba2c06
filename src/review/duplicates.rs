//! Finds rows that repeat other rows.

use crate::answer::{Warning, WarningCode};
use crate::csv::CsvKind;
use crate::ip::Family;
use crate::review::row_log::{RecordedRow, RecordedRows, repeated};
use crate::review::warned_lines::WarnedLines;
use crate::text::{FirstFew, thousands};

/// The maximum number of rows that the warning gives as examples.
const MAX_NAMED: usize = 3;

/// Warns about rows with the same addresses and the same rule. `rows` must be sorted.
pub(crate) fn duplicate_rows(kind: CsvKind, rows: &RecordedRows) -> Option<Warning> {
    let actions = [
        (&rows.allow, "Allow"),
        (&rows.deny, "Deny"),
        (&rows.always, "Always"),
    ];
    let mut lines = WarnedLines::default();
    // One example for each combination of rule and address family.
    let mut named = FirstFew::new(MAX_NAMED);
    for (ranges, rule) in actions {
        let ipv4 = add_repeated(&ranges.ipv4, &mut lines);
        let ipv6 = add_repeated(&ranges.ipv6, &mut lines);
        for text in [ipv4, ipv6].into_iter().flatten() {
            named.add(|| match kind {
                CsvKind::List => text,
                CsvKind::Site | CsvKind::Common => format!("{rule} {text}"),
            });
        }
    }
    let rows_repeat = match lines.count {
        0 => return None,
        1 => "1 row repeats another".to_owned(),
        count => format!("{} rows repeat other rows", thousands(count)),
    };
    let such_as = if named.count == lines.count {
        ": "
    } else {
        ", such as "
    };
    let repeats = lines.describe(|line, first| format!("line {line} repeats line {first}"));
    let notes = [rows.note_of_limit(), repeats].into_iter().flatten();
    let notes: Vec<String> = notes.collect();
    Some(Warning {
        code: WarningCode::DuplicateRows,
        line: lines.first_line(),
        message: format!("{rows_repeat}{such_as}{named} ({})", notes.join("; ")).into(),
    })
}

/// Adds each row that repeats an earlier row, with the line of the first row that it repeats. Returns the
/// addresses of one repeated row as text. `None` if no row is repeated.
fn add_repeated<T: Family>(
    rows: &[RecordedRow<T>],
    lines: &mut WarnedLines<u32>,
) -> Option<String> {
    for (row, first_line) in repeated(rows) {
        lines.add(row.place.into(), first_line);
    }
    repeated(rows).next().map(|(row, _)| row.range.text())
}
