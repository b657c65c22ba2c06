//! Reads the cells of one record of CSV, which has one line or several (RFC 4180, read leniently by
//! `csv-core`).
//!
//! Cells are bytes. `cell.rs` decodes them.

use std::ops::Range;

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
        let quotes = if self.unfinished {
            Quotes::inside_quotes(self.delimiter)
        } else {
            Quotes::at_start_of_record(self.delimiter)
        };
        close_up_quotes(line, quotes, &mut text);
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

/// Returns the byte ranges of the cells of a record, with their quotes and the white space around
/// them. The lines of the record are joined by LF.
pub(crate) fn cell_ranges(record: &[u8], delimiter: u8) -> impl Iterator<Item = Range<usize>> {
    let mut quotes = Quotes::at_start_of_record(delimiter);
    let delimiters = record
        .iter()
        .enumerate()
        .filter_map(move |(place, byte)| (quotes.step(*byte) == Place::Delimiter).then_some(place));
    let mut start = 0;
    delimiters.chain([record.len()]).map(move |end| {
        let range = start..end;
        start = end + 1;
        range
    })
}

/// The quotes of a record, read byte by byte as `csv-core` reads them, but with white space allowed
/// before the quote that opens a cell.
#[derive(Clone, Copy)]
struct Quotes {
    delimiter: u8,
    /// Set between an opening and a closing quote.
    is_inside: bool,
    /// Set after a closing quote. A quote here is the second of a doubled quote.
    just_closed: bool,
    /// Set while the cell has only white space.
    is_blank: bool,
}

/// The meaning of a byte of a record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The byte ends a cell.
    Delimiter,
    /// The byte is a quote that opens a cell.
    Opening,
    /// Any other byte.
    Other,
}

impl Quotes {
    fn at_start_of_record(delimiter: u8) -> Self {
        Self {
            delimiter,
            is_inside: false,
            just_closed: false,
            is_blank: true,
        }
    }

    fn inside_quotes(delimiter: u8) -> Self {
        Self {
            is_inside: true,
            is_blank: false,
            ..Self::at_start_of_record(delimiter)
        }
    }

    /// Reads the next byte.
    #[inline]
    fn step(&mut self, byte: u8) -> Place {
        if self.is_inside {
            self.is_inside = byte != b'"';
            self.just_closed = !self.is_inside;
            return Place::Other;
        }
        let is_doubled = std::mem::take(&mut self.just_closed);
        match byte {
            byte if byte == self.delimiter => {
                self.is_blank = true;
                Place::Delimiter
            }
            b'"' => {
                let opens = std::mem::take(&mut self.is_blank);
                self.is_inside = opens || is_doubled;
                if opens { Place::Opening } else { Place::Other }
            }
            b' ' | b'\t' => Place::Other,
            _ => {
                self.is_blank = false;
                Place::Other
            }
        }
    }
}

/// Copies a line without the blanks between a delimiter and the quote that opens a cell. White
/// space around a cell is not part of it, but `csv-core` would read the quote in `1.2.3.4, "Allow"`
/// literally. Text inside quotes is copied as it is.
fn close_up_quotes(line: &[u8], mut quotes: Quotes, out: &mut Vec<u8>) {
    let mut cell_start = 0;
    for &byte in line {
        match quotes.step(byte) {
            Place::Delimiter => cell_start = out.len() + 1,
            Place::Opening => out.truncate(cell_start),
            Place::Other => {}
        }
        out.push(byte);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csv::cell::{cell_text, trimmed};
    use proptest::prelude::*;

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

    #[test]
    fn ranges_end_at_delimiters_outside_quotes() {
        let record = r#" "a,b" ,"c""d,e",5" pipe,"two
lines",,f"#;
        let cells: Vec<_> = cell_ranges(record.as_bytes(), b',')
            .map(|range| &record[range])
            .collect();
        let expected = [
            r#" "a,b" "#,
            r#""c""d,e""#,
            r#"5" pipe"#,
            "\"two\nlines\"",
            "",
            "f",
        ];
        assert_eq!(cells, expected);
    }

    proptest! {
        /// The ranges are those of the cells that the reader of records finds.
        #[test]
        fn cells_are_those_that_are_read(row in "[a,\" ;é]{0,12}") {
            let mut record = RecordReader::new(b',');
            prop_assume!(record.push(row.as_bytes()) == Step::Complete);
            let ranges: Vec<_> = cell_ranges(row.as_bytes(), b',').collect();
            prop_assert_eq!(ranges.len(), record.cells().len());
            for (range, cell) in ranges.into_iter().zip(record.cells()) {
                let text = row.get(range).unwrap();
                if !text.contains('"') {
                    prop_assert_eq!(trimmed(text), cell_text(cell));
                }
            }
        }
    }
}
