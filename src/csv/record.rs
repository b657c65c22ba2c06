//! Reads the cells of one record of CSV, which has one line or several (RFC 4180, read leniently by
//! `csv-core`).
//!
//! Cells are bytes. `cell.rs` decodes them.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

/// The state of a record after a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The record is complete. Its cells can be read.
    Complete,
    /// A quote is open, so the next line belongs to the record.
    Unfinished,
}

/// Reads one record at a time, line by line.
pub(crate) struct RecordReader {
    reader: Reader,
    delimiter: u8,
    /// The bytes of the cells, one cell after the other, and the end of each cell.
    bytes: Vec<u8>,
    ends: Vec<usize>,
    bytes_used: usize,
    ends_used: usize,
    unfinished: bool,
    line: Vec<u8>,
}

impl RecordReader {
    /// Creates a reader for one delimiter.
    #[must_use]
    pub(crate) fn new(delimiter: u8) -> Self {
        Self {
            reader: ReaderBuilder::new().delimiter(delimiter).build(),
            delimiter,
            bytes: vec![0; 256],
            ends: vec![0; 16],
            bytes_used: 0,
            ends_used: 0,
            unfinished: false,
            line: Vec::new(),
        }
    }

    /// Reads the next line, without its terminator.
    pub(crate) fn push(&mut self, line: &[u8]) -> Step {
        if !self.unfinished {
            self.reader.reset();
            self.bytes_used = 0;
            self.ends_used = 0;
        }
        let mut text = std::mem::take(&mut self.line);
        text.clear();
        close_up_quotes(line, self.delimiter, self.unfinished, &mut text);
        text.push(b'\n');
        let step = self.feed(&text);
        self.line = text;
        self.unfinished = step == Step::Unfinished;
        step
    }

    fn feed(&mut self, mut text: &[u8]) -> Step {
        loop {
            let bytes = self.bytes.get_mut(self.bytes_used..).unwrap_or_default();
            let ends = self.ends.get_mut(self.ends_used..).unwrap_or_default();
            let (result, read, written, ended) = self.reader.read_record(text, bytes, ends);
            text = text.get(read..).unwrap_or_default();
            self.bytes_used += written;
            self.ends_used += ended;
            match result {
                ReadRecordResult::InputEmpty => return Step::Unfinished,
                ReadRecordResult::OutputFull => self.bytes.resize(self.bytes.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record | ReadRecordResult::End => return Step::Complete,
            }
        }
    }

    /// Returns the number of bytes that the record has so far.
    #[must_use]
    pub(crate) fn bytes_len(&self) -> usize {
        self.bytes_used
    }

    /// Returns the cells of a complete record, unquoted.
    pub(crate) fn cells(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        (0..self.ends_used).map(|index| self.cell(index).unwrap_or_default())
    }

    /// Returns one cell of a complete record, unquoted.
    #[must_use]
    pub(crate) fn cell(&self, index: usize) -> Option<&[u8]> {
        let ends = self.ends.get(..self.ends_used)?;
        let start = match index.checked_sub(1) {
            Some(before) => *ends.get(before)?,
            None => 0,
        };
        self.bytes.get(start..*ends.get(index)?)
    }
}

/// Copies a line without the blanks between a delimiter and the quote that opens a cell. White
/// space around a cell is not part of it, but `csv-core` would read the quote in `1.2.3.4, "Allow"`
/// literally. Text inside quotes is copied as it is.
fn close_up_quotes(line: &[u8], delimiter: u8, mut inside_quotes: bool, out: &mut Vec<u8>) {
    // Where the cell starts, while it is blank.
    let mut blank_from = (!inside_quotes).then_some(0);
    let mut just_closed = false;
    for &byte in line {
        if inside_quotes {
            inside_quotes = byte != b'"';
            just_closed = !inside_quotes;
            out.push(byte);
            continue;
        }
        match byte {
            byte if byte == delimiter => blank_from = Some(out.len() + 1),
            b'"' => {
                let opens = blank_from.take().map(|start| out.truncate(start));
                // A quote right after a closing one is the second of a doubled quote.
                inside_quotes = opens.is_some() || just_closed;
            }
            b' ' | b'\t' => {}
            _ => blank_from = None,
        }
        just_closed = false;
        out.push(byte);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csv::cell::cell_text;

    #[track_caller]
    fn check(lines: &[&str], expected: &[&str]) {
        let mut reader = RecordReader::new(b',');
        let (last, before) = lines.split_last().unwrap();
        for line in before {
            assert_eq!(reader.push(line.as_bytes()), Step::Unfinished);
        }
        assert_eq!(reader.push(last.as_bytes()), Step::Complete);
        let cells: Vec<_> = reader.cells().map(cell_text).collect();
        assert_eq!(cells, expected);
    }

    #[test]
    fn unquotes_cells() {
        check(
            &[r#""1.2.3.4","Allow","a ""big"" office, here""#],
            &["1.2.3.4", "Allow", "a \"big\" office, here"],
        );
        check(&[r#"1.2.3.4, "Allow" ,	"x""#], &["1.2.3.4", "Allow", "x"]);
        check(
            &[r#"  "1.2.3.4",Allow,5" pipe"#],
            &["1.2.3.4", "Allow", "5\" pipe"],
        );
    }

    #[test]
    fn joins_the_lines_of_a_quoted_cell() {
        check(
            &[r#"1.2.3.4,Allow,"two"#, r#" lines""#],
            &["1.2.3.4", "Allow", "two\n lines"],
        );
    }

    #[test]
    fn grows_for_many_and_long_cells() {
        let cells: Vec<String> = (0..100).map(|index| "x".repeat(index)).collect();
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        check(&[&cells.join(",")], &cells);
    }
}
