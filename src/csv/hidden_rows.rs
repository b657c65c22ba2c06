//! Finds text that looks like a row but is not read as one: a line inside a quoted cell, or a comment.
//!
//! A quoted cell may have several lines. If a quote is missing in one row, the rows after it become part of
//! such a cell. Text looks like a row if it has enough cells, and
//!
//! - its address can be read, or
//! - its rule is Allow or Deny, or would be corrected to one of them, and its address contains a digit, `#`
//!   or `@`.
//!
//! In a record with several lines, the line with the record's own address and rule does not count.

use crate::csv::cell::{cell_text, unwrapped};
use crate::csv::columns::Columns;
use crate::csv::diagnose::meant_in;
use crate::csv::kind::action_of;
use crate::csv::record::RecordReader;
use crate::csv::row::HiddenRow;
use crate::ip::{AddressSpec, parse_address};
use crate::rule::Action;

/// A record that continues on the next line because a quote is open.
pub(super) struct OpenRecord {
    first_line: u64,
    /// The lines of the record that look like rows.
    rows: Vec<LikeRow>,
}

/// A line that looks like a row.
#[derive(Clone, Copy)]
struct LikeRow {
    row: HiddenRow,
    /// Set if the rule cell contains a rule, or a text that would be corrected to a rule.
    means_rule: bool,
}

impl OpenRecord {
    /// Creates a record without lines.
    pub(super) fn starting_in(first_line: u64) -> Self {
        Self {
            first_line,
            rows: Vec::new(),
        }
    }

    /// Returns the line where the record starts.
    pub(super) fn first_line(&self) -> u64 {
        self.first_line
    }

    /// Adds a line of the record.
    pub(super) fn add(&mut self, line: u64, text: &[u8], columns: Columns) {
        self.rows
            .extend(like_row(line, self.first_line, text, columns));
    }

    /// Returns the lines that look like rows, except the line with the record's own address and rule.
    pub(super) fn hidden_rows(
        self,
        record: &RecordReader,
        columns: Columns,
    ) -> impl Iterator<Item = HiddenRow> {
        let first_line = self.first_line;
        let line_of = |index: usize| {
            record.cell(index)?;
            let before = record.cells().take(index);
            let breaks = before.map(|cell| memchr::memchr_iter(b'\n', cell).count());
            Some(first_line + breaks.sum::<usize>() as u64)
        };
        let (of_address, of_rule) = (line_of(columns.address), columns.rule.and_then(line_of));
        let is_own = move |line: &LikeRow| {
            let number = Some(line.row.line);
            // If a cell with several lines is between the address and the rule, the address line has no rule.
            number == of_address && (number == of_rule || !line.means_rule)
        };
        let lines = self.rows.into_iter().filter(move |line| !is_own(line));
        lines.map(|line| line.row)
    }
}

/// Returns the lines that look like rows, after the first line of a header. They are inside a quoted cell.
pub(super) fn hidden_rows_of_header(
    first_line: u64,
    text: &[u8],
    columns: Columns,
) -> Vec<HiddenRow> {
    let lines = (first_line..).zip(text.split(|byte| *byte == b'\n'));
    let like_row = |(line, text)| like_row(line, first_line, text, columns);
    lines
        .skip(1)
        .filter_map(like_row)
        .map(|line| line.row)
        .collect()
}

fn like_row(line: u64, record_line: u64, text: &[u8], columns: Columns) -> Option<LikeRow> {
    let cells = text.split(|byte| *byte == columns.delimiter);
    let Parts {
        action,
        addresses,
        means_rule,
    } = Parts::of(cells, columns)?;
    // An Allow whose address cannot be read lets nobody in, and the line is probably only the end of a cell.
    if addresses.is_none() && action == Some(Action::Allow) {
        return None;
    }
    let row = HiddenRow {
        line,
        record_line,
        action,
        addresses,
    };
    Some(LikeRow { row, means_rule })
}

/// The rule and the address of cells that look like a row, as far as they can be read.
pub(super) struct Parts {
    action: Option<Action>,
    addresses: Option<AddressSpec>,
    means_rule: bool,
}

impl Parts {
    /// Reads the cells without regard to quotes. `None` if the cells do not look like a row.
    pub(super) fn of<'a>(cells: impl Iterator<Item = &'a [u8]>, columns: Columns) -> Option<Self> {
        let (mut address, mut rule) = (None, None);
        let wanted = columns
            .rule
            .map_or(columns.address, |rule| rule.max(columns.address));
        for (index, cell) in cells.take(wanted + 1).enumerate() {
            if index == columns.address {
                address = Some(cell);
            } else if Some(index) == columns.rule {
                rule = Some(cell);
            }
        }
        if columns.rule.is_none() {
            rule = Some(&[]);
        }
        let (address, rule) = (address?, rule?);
        let value = |cell| {
            let text = cell_text(cell);
            let text = text.trim_matches('"');
            unwrapped(text).unwrap_or_else(|| text.trim().to_owned())
        };
        let addresses = parse_address(&value(address)).ok();
        let mut bytes = address.iter();
        if addresses.is_none() && !bytes.any(|byte| byte.is_ascii_digit() || b"#@".contains(byte)) {
            return None;
        }
        let means_rule = meant_in(rule).is_some();
        (addresses.is_some() || means_rule).then(|| Self {
            action: action_of(&value(rule)),
            addresses,
            means_rule,
        })
    }
}
