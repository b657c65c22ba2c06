//! Limits on an upload, each with the refusal for what exceeds it.

use crate::answer::{Refusal, RefusalCode};

/// The longest line, and the longest record over several lines, in bytes. A row of rules is
/// under 200; what is longer than this is not one, and would only fill the memory.
pub(crate) const MAX_LINE_BYTES: usize = 1024 * 1024;

/// # Errors
///
/// `too-large`, naming the line.
pub(crate) fn check_length(number: u64, bytes: usize) -> Result<(), Refusal> {
    if bytes <= MAX_LINE_BYTES {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalCode::TooLarge,
        format!("line {number} is longer than {MAX_LINE_BYTES} bytes: expected one rule a line"),
    ))
}

/// The most cells a record may have. A sheet of rules has three; a row of thousands is not one.
pub(crate) const MAX_COLUMNS: usize = 1024;

/// The most lines a record may span. A cell with a hundred line breaks is a quote that was never
/// closed, and would swallow the rules behind it.
pub(crate) const MAX_RECORD_LINES: u64 = 100;

pub(crate) fn check_columns(number: u64, cells: usize) -> Result<(), Refusal> {
    if cells <= MAX_COLUMNS {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalCode::TooLarge,
        format!("line {number} has {cells} cells: at most {MAX_COLUMNS} are accepted"),
    ))
}

pub(crate) fn check_open_lines(first_line: u64, number: u64) -> Result<(), Refusal> {
    if number - first_line < MAX_RECORD_LINES {
        return Ok(());
    }
    Err(open_quote(
        first_line,
        &format!(" within {MAX_RECORD_LINES} lines"),
    ))
}

pub(crate) fn open_quote(first_line: u64, within: &str) -> Refusal {
    Refusal::new(
        RefusalCode::NotCsv,
        format!(
            "line {first_line} opens a quote that is not closed{within}: \
             close it, or double each quote that is part of a cell"
        ),
    )
}

/// The refusal for an upload over its limit, known before or while it is read.
#[must_use]
pub fn too_large(max_bytes: u64) -> Refusal {
    Refusal::new(
        RefusalCode::TooLarge,
        format!(
            "the CSV is larger than {max_bytes} bytes, decompressed: split it, or raise MAX_CSV_BYTES"
        ),
    )
}
