//! Limits on an upload.

use crate::csv::error::CsvError;

/// The maximum length of a line, and of a record over several lines, in bytes. A row of rules has
/// fewer than 200 bytes. A longer line is not a row, and would only fill the memory.
pub(crate) const MAX_LINE_BYTES: usize = 1024 * 1024;

/// The maximum number of cells of a record. A row of rules has about three cells. A row with thousands of
/// cells is not a rule.
pub(crate) const MAX_COLUMNS: usize = 1024;

/// The maximum number of lines of a record. A cell with a hundred line breaks has a quote that was never
/// closed, and would include the rules after it.
pub(crate) const MAX_RECORD_LINES: u64 = 100;

/// The maximum total number of members of the lists that the rows of a file use. The limit is about the
/// number of rows of the largest CSV, so that rows with lists take no longer than such a CSV.
const MAX_MEMBERS: u64 = 1 << 24;

/// Checks the total number of members of the lists that rows have used so far.
///
/// # Errors
///
/// [`CsvError::TooManyMembers`] over [`MAX_MEMBERS`].
pub(crate) fn check_members(members: u64) -> Result<(), CsvError> {
    if members <= MAX_MEMBERS {
        return Ok(());
    }
    Err(CsvError::TooManyMembers {
        max_members: MAX_MEMBERS,
    })
}

/// Checks the length of a line, or of the lines of a record so far.
///
/// # Errors
///
/// [`CsvError::LineTooLong`] over [`MAX_LINE_BYTES`].
pub(crate) fn check_length(line: u64, bytes: usize) -> Result<(), CsvError> {
    if bytes <= MAX_LINE_BYTES {
        return Ok(());
    }
    Err(CsvError::LineTooLong {
        line,
        max_bytes: MAX_LINE_BYTES,
    })
}

/// Checks the number of cells of a record.
///
/// # Errors
///
/// [`CsvError::TooManyColumns`] over [`MAX_COLUMNS`].
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

/// Checks the number of lines of a record that starts in `first_line` and is still open in line
/// `number`.
///
/// # Errors
///
/// [`CsvError::QuoteTooLong`] if the record has more than [`MAX_RECORD_LINES`] lines.
pub(crate) fn check_open_lines(first_line: u64, number: u64) -> Result<(), CsvError> {
    if number - first_line < MAX_RECORD_LINES {
        return Ok(());
    }
    Err(CsvError::QuoteTooLong {
        line: first_line,
        max_lines: MAX_RECORD_LINES,
    })
}
