//! Limits on an upload.

use crate::csv::error::CsvError;

/// The maximum length of a line, and of a record over several lines, in bytes. A row of rules has under 200: a longer
/// one is not a row, and would only fill the memory.
pub(crate) const MAX_LINE_BYTES: usize = 1024 * 1024;

/// The maximum number of cells of a record. A sheet of rules has three: a row with thousands is not one.
pub(crate) const MAX_COLUMNS: usize = 1024;

/// The maximum number of lines of a record. A cell with a hundred line breaks is a quote that was never closed, and
/// would swallow the rules after it.
pub(crate) const MAX_RECORD_LINES: u64 = 100;

/// # Errors
///
/// If a line, or the lines of a record so far, are too long.
pub(crate) fn check_length(line: u64, bytes: usize) -> Result<(), CsvError> {
    if bytes <= MAX_LINE_BYTES {
        return Ok(());
    }
    Err(CsvError::LineTooLong {
        line,
        max_bytes: MAX_LINE_BYTES,
    })
}

/// # Errors
///
/// If a record has too many cells.
pub(crate) fn check_columns(line: u64, cells: usize) -> Result<(), CsvError> {
    if cells <= MAX_COLUMNS {
        return Ok(());
    }
    Err(CsvError::TooManyColumns {
        line,
        cells,
        max_cells: MAX_COLUMNS,
    })
}

/// # Errors
///
/// If a record that starts in `first_line` is still open in line `number`, and that is too far.
pub(crate) fn check_open_lines(first_line: u64, number: u64) -> Result<(), CsvError> {
    if number - first_line < MAX_RECORD_LINES {
        return Ok(());
    }
    Err(CsvError::QuoteTooLong {
        line: first_line,
        max_lines: MAX_RECORD_LINES,
    })
}
