//! Converts the cells of a sheet to CSV text, with one line for each row.

use std::borrow::Cow;
use std::ops::ControlFlow;

use calamine::{DataRef, ExcelDateTime, XlsxCellFormulaMetadataRecord};

use crate::input::workbook::error::WorkbookError;

/// The maximum size of a sheet in Excel:
/// <https://support.microsoft.com/office/1672b34d-7043-467e-8e27-269d656771c3>.
const MAX_ROWS: u32 = 1_048_576;
const MAX_COLUMNS: u32 = 16_384;
/// The approximate size of the pieces in which the CSV is passed on, in bytes.
const PIECE_BYTES: usize = 64 * 1024;
/// The text for a formula without a stored value. No column that is read accepts this text, so the row is
/// rejected.
const NO_VALUE: &str = "#VALUE!";
/// The first day that Excel cannot display, 1 January 10000, in days since 1900.
const END_OF_DATES: f64 = 2_958_466.0;

/// Receives the cells of a sheet in order, and passes the CSV to `each` in pieces.
pub(super) struct Lines<'a, E> {
    each: &'a mut E,
    text: String,
    /// The row that is being written, counted from 0.
    row: u32,
    /// The column after the last field of this row, counted from 0.
    next_column: u32,
    formulas_without_value: u64,
}

impl<'a, E: FnMut(&[u8]) -> ControlFlow<()>> Lines<'a, E> {
    pub(super) fn new(each: &'a mut E) -> Self {
        Self {
            each,
            text: String::new(),
            row: 0,
            next_column: 0,
            formulas_without_value: 0,
        }
    }

    /// Adds a cell. Skipped rows and cells before the cell become empty lines and fields.
    pub(super) fn push(
        &mut self,
        cell: &XlsxCellFormulaMetadataRecord<'_>,
    ) -> Result<ControlFlow<()>, WorkbookError> {
        let value = match (&cell.value, &cell.formula) {
            (DataRef::Empty, None) => return Ok(ControlFlow::Continue(())),
            (DataRef::Empty, Some(_)) => {
                self.formulas_without_value += 1;
                NO_VALUE.into()
            }
            (value, _) => text_of(value),
        };
        let (row, column) = cell.pos;
        let is_in_order = (self.row, self.next_column) <= (row, column);
        if !is_in_order || row >= MAX_ROWS || column >= MAX_COLUMNS {
            return Err(WorkbookError::Damaged);
        }
        while self.row < row {
            self.text.push('\n');
            self.row += 1;
            self.next_column = 0;
            if self.flush_if_full().is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        for _ in self.next_column.saturating_sub(1)..column {
            self.text.push(',');
        }
        self.push_field(&value);
        self.next_column = column + 1;
        Ok(self.flush_if_full())
    }

    /// Passes on the remaining text. Returns the number of formulas without a stored value.
    pub(super) fn finish(mut self) -> u64 {
        self.text.push('\n');
        let _ = self.flush();
        self.formulas_without_value
    }

    /// Writes a field. The field is quoted if it contains a quote, a line break or a character that separates
    /// fields in some CSVs. A line break becomes a space, so that each row stays on one line.
    fn push_field(&mut self, value: &str) {
        let is_special = |c: char| matches!(c, ',' | ';' | '\t' | '|' | '"' | '\r' | '\n');
        if !value.contains(is_special) {
            self.text.push_str(value);
            return;
        }
        self.text.push('"');
        for c in value.chars() {
            match c {
                '"' => self.text.push_str("\"\""),
                '\r' => {}
                '\n' => self.text.push(' '),
                c => self.text.push(c),
            }
        }
        self.text.push('"');
    }

    fn flush_if_full(&mut self) -> ControlFlow<()> {
        if self.text.len() < PIECE_BYTES {
            return ControlFlow::Continue(());
        }
        self.flush()
    }

    fn flush(&mut self) -> ControlFlow<()> {
        let flow = (self.each)(self.text.as_bytes());
        self.text.clear();
        flow
    }
}

/// Returns the text of a cell, for example `192.0.2.7`, `10.1`, `TRUE`, `2026-12-31 18:00:00` or `#N/A`.
fn text_of<'a>(value: &'a DataRef<'_>) -> Cow<'a, str> {
    match value {
        DataRef::Empty => "".into(),
        DataRef::String(text) | DataRef::DurationIso(text) => text.as_str().into(),
        // A date at midnight means the whole day, so the time is removed. `date_text` does the same.
        DataRef::DateTimeIso(text) => text.strip_suffix("T00:00:00").unwrap_or(text).into(),
        DataRef::SharedString(text) => (*text).into(),
        DataRef::Int(number) => number.to_string().into(),
        DataRef::Float(number) => number.to_string().into(),
        DataRef::Bool(true) => "TRUE".into(),
        DataRef::Bool(false) => "FALSE".into(),
        DataRef::DateTime(date) => date_text(*date).into(),
        DataRef::Error(err) => err.to_string().into(),
    }
}

/// Returns a date or a date with a time. If the cell does not contain a date, returns its number.
fn date_text(date: ExcelDateTime) -> String {
    let days = date.as_f64();
    // Durations and times without a date must not be converted to a date.
    if date.is_duration() || !(1.0..END_OF_DATES).contains(&days) {
        return days.to_string();
    }
    let (year, month, day, hour, minute, second, _) = date.to_ymd_hms_milli();
    let day = format!("{year:04}-{month:02}-{day:02}");
    if (hour, minute, second) == (0, 0, 0) {
        day
    } else {
        format!("{day} {hour:02}:{minute:02}:{second:02}")
    }
}
