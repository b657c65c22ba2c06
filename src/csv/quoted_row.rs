//! Quotes a row in a message, and marks the cell that is wrong.
//!
//! The parser passes each row to its sink with its [`RowText`]. It only borrows the row, so it costs nothing
//! unless a message quotes the row. `snippet.rs` reads an upload a second time for the same purpose.

use std::ops::Range;

use crate::answer::{Rejection, RejectionCode, RowExcerpt};
use crate::csv::cell::{decoded, trimmed};
use crate::csv::columns::Columns;
use crate::csv::record::{RecordReader, cell_ranges};
use crate::time::Bound;

/// The part of a row that a message points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The address cell.
    Address,
    /// The rule cell.
    Rule,
    /// The `Starts` cell.
    Starts,
    /// The `Expires` cell.
    Expires,
    /// The whole row.
    Row,
}

impl Field {
    /// Returns the cell that a rejection is about.
    #[must_use]
    pub fn of(rejection: &Rejection) -> Self {
        match rejection.bound {
            Some(Bound::Starts) => return Self::Starts,
            Some(Bound::Expires) => return Self::Expires,
            None => {}
        }
        match rejection.code {
            RejectionCode::UnknownRule | RejectionCode::ContradictsList => Self::Rule,
            // If the rule is missing, the value is the address.
            RejectionCode::MissingField if !rejection.value.is_empty() => Self::Rule,
            _ => Self::Address,
        }
    }
}

/// A line of a file, and the part of it that a message points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snippet {
    /// The number of the line where the part starts. It differs from the line of the row if a
    /// quoted cell continues on the next line.
    pub line: u64,
    /// The whole line without its terminator, up to 1 MiB. Untrusted.
    pub text: String,
    /// The range of the part in `text`, in bytes. If the cell is missing, the range is empty and is where the
    /// cell would be.
    pub part: Range<usize>,
}

/// The text of a row, borrowed while the row is parsed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum RowText<'a> {
    /// The row is one line.
    Line(&'a [u8], &'a Columns),
    /// The row has several lines, because a quoted cell has line breaks.
    Record(&'a RecordReader, &'a Columns),
    /// The text is not available, because the row comes from the common CSV.
    #[default]
    Elsewhere,
}

impl RowText<'_> {
    /// Quotes the row for a rejection. `None` if the text of the row is not available.
    pub(super) fn excerpt(self, rejection: &Rejection) -> Option<RowExcerpt> {
        let field = Field::of(rejection);
        let quote = |row: &[u8], columns: &Columns| {
            let range = part_range(row, field, *columns);
            let Snippet { text, part, .. } = snippet(rejection.line, row, range);
            let (before, rest) = text.split_at_checked(part.start)?;
            let (cell, after) = rest.split_at_checked(part.len())?;
            Some(RowExcerpt::new(before, cell, after))
        };
        match self {
            Self::Line(line, columns) => quote(line, columns),
            Self::Record(record, columns) => {
                let excerpt = quote(&record.to_csv(), columns)?;
                Some(RowExcerpt {
                    is_whole: false,
                    ..excerpt
                })
            }
            Self::Elsewhere => None,
        }
    }
}

/// Returns the range of a part in a row, including the quotes and the white space around it. If the row does
/// not have this cell, the range is empty and at the end of the row.
pub(super) fn part_range(row: &[u8], part: Field, columns: Columns) -> Range<usize> {
    let index = match part {
        Field::Address => Some(columns.address),
        Field::Rule => columns.rule,
        Field::Starts => columns.starts,
        Field::Expires => columns.expires,
        Field::Row => return first_line_range(row),
    };
    let cell = index.and_then(|index| cell_ranges(row, columns.delimiter).nth(index));
    cell.unwrap_or(row.len()..row.len())
}

/// Returns the range of the first line of a row.
pub(super) fn first_line_range(row: &[u8]) -> Range<usize> {
    0..memchr::memchr(b'\n', row).unwrap_or(row.len())
}

/// Returns a snippet of the line where `part` starts, because a row may have several lines.
pub(super) fn snippet(row_line: u64, row: &[u8], part: Range<usize>) -> Snippet {
    let (before, rest) = row.split_at(part.start.min(row.len()));
    let (part, after) = rest.split_at(part.len().min(rest.len()));
    // Decodes each part separately, because a cell in UTF-8 may be next to a cell in another encoding.
    let [before, part, after] = [before, part, after].map(decoded);
    let value = trimmed(&part);
    let start = before.len() + part.find(value).unwrap_or(0);
    let end = start + value.len();
    let row = [before, part, after].concat();

    let before = row.get(..start).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let text = row.get(line_start..).unwrap_or_default();
    let text = text.split('\n').next().unwrap_or_default();
    Snippet {
        line: row_line + before.matches('\n').count() as u64,
        text: text.to_owned(),
        part: start - line_start..(end - line_start).min(text.len()),
    }
}
