//! Reads the cells of one CSV record, which has one or more lines (RFC 4180, parsed by `csv-core`).
//!
//! `csv-core` rejects nothing, not even text after a closing quote. Such text is an error here, because a
//! quote is missing or superfluous, and rows may be hidden in the cell. White space around a quoted cell is
//! allowed. A quote inside an unquoted cell, as in `5" pipe`, is text.
//!
//! Cells are bytes. `cell.rs` decodes them.

use std::ops::Range;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use crate::csv::cell::cell_text;

/// The state of a record after a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The record is complete. Its cells can be read.
    Complete,
    /// A quote is open, so the next line belongs to the record.
    Unfinished,
}

/// The text after the quote that closes a cell, up to the next delimiter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TextAfterQuote(pub(crate) String);

/// Reads one record at a time, line by line.
#[derive(Debug)]
pub(crate) struct RecordReader {
    reader: Reader,
    delimiter: u8,
    /// The bytes of the cells, one cell after the other. `ends` has the end of each cell.
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
    ///
    /// # Errors
    ///
    /// [`TextAfterQuote`] if text follows a closing quote. The next line then starts a new record.
    pub(crate) fn push(&mut self, line: &[u8]) -> Result<Step, TextAfterQuote> {
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
        let closed_up = close_up_quotes(line, quotes, &mut text);
        text.push(b'\n');
        let step = closed_up.map(|()| self.feed(&text));
        self.line = text;
        self.unfinished = step == Ok(Step::Unfinished);
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

    /// Returns the cells of a complete record as CSV, with quotes where they are needed.
    pub(crate) fn to_csv(&self) -> Vec<u8> {
        let mut text = Vec::with_capacity(self.bytes_used + 2 * self.ends_used);
        for (index, cell) in self.cells().enumerate() {
            if index > 0 {
                text.push(self.delimiter);
            }
            let needs_quotes = |byte: &u8| *byte == self.delimiter || matches!(byte, b'"' | b'\n');
            if !cell.iter().any(needs_quotes) {
                text.extend_from_slice(cell);
                continue;
            }
            text.push(b'"');
            for byte in cell {
                if *byte == b'"' {
                    text.push(b'"');
                }
                text.push(*byte);
            }
            text.push(b'"');
        }
        text
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

/// Tracks the quotes of a record byte by byte, in the same way as `csv-core`, except that white space is
/// allowed before the quote that opens a cell.
#[derive(Clone, Copy)]
struct Quotes {
    delimiter: u8,
    state: State,
}

/// The position in a cell.
#[derive(Clone, Copy)]
enum State {
    /// At the start of the cell, or in the white space at its start.
    Start,
    /// In an unquoted cell, or in text after a closing quote.
    Unquoted,
    /// Between an opening and a closing quote.
    Quoted,
    /// Right after a closing quote. A quote here is the second of a doubled quote.
    Closed,
    /// In the white space after a quoted cell.
    After,
}

/// The meaning of a byte of a record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The byte ends a cell.
    Delimiter,
    /// The byte is a quote that opens a cell.
    Opening,
    /// The byte starts the text after a closing quote.
    AfterQuote,
    /// Any other byte.
    Other,
}

impl Quotes {
    fn at_start_of_record(delimiter: u8) -> Self {
        Self {
            delimiter,
            state: State::Start,
        }
    }

    fn inside_quotes(delimiter: u8) -> Self {
        Self {
            delimiter,
            state: State::Quoted,
        }
    }

    /// Reads the next byte.
    #[inline]
    fn step(&mut self, byte: u8) -> Place {
        let (state, place) = match (self.state, byte) {
            (State::Quoted, b'"') => (State::Closed, Place::Other),
            (State::Quoted, _) | (State::Closed, b'"') => (State::Quoted, Place::Other),
            (_, byte) if byte == self.delimiter => (State::Start, Place::Delimiter),
            (State::Start, b'"') => (State::Quoted, Place::Opening),
            (State::Start, b' ' | b'\t') => (State::Start, Place::Other),
            (State::Start | State::Unquoted, _) => (State::Unquoted, Place::Other),
            (State::Closed | State::After, b' ' | b'\t') => (State::After, Place::Other),
            (State::Closed | State::After, _) => (State::Unquoted, Place::AfterQuote),
        };
        self.state = state;
        place
    }
}

/// Copies a line without the blanks between a delimiter and the quote that opens a cell. White space around a
/// cell is not part of its value, but `csv-core` would read the quote in `1.2.3.4, "Allow"` literally. Text
/// inside quotes is copied unchanged.
fn close_up_quotes(
    line: &[u8],
    mut quotes: Quotes,
    out: &mut Vec<u8>,
) -> Result<(), TextAfterQuote> {
    let mut cell_start = 0;
    for (index, &byte) in line.iter().enumerate() {
        match quotes.step(byte) {
            Place::Delimiter => cell_start = out.len() + 1,
            Place::Opening => out.truncate(cell_start),
            Place::AfterQuote => {
                let rest = line.get(index..).unwrap_or_default();
                let text = rest.split(|byte| *byte == quotes.delimiter).next();
                let text = cell_text(text.unwrap_or_default());
                // Without its white space, which need not be ASCII, the text may be empty.
                if !text.is_empty() {
                    return Err(TextAfterQuote(text.into_owned()));
                }
            }
            Place::Other => {}
        }
        out.push(byte);
    }
    Ok(())
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
            assert_eq!(reader.push(line.as_bytes()), Ok(Step::Unfinished));
        }
        assert_eq!(reader.push(last.as_bytes()), Ok(Step::Complete));
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

    #[track_caller]
    fn check_text_after_quote(lines: &[&str], expected: Option<&str>) {
        let mut reader = RecordReader::new(b',');
        let (last, before) = lines.split_last().unwrap();
        for line in before {
            assert_eq!(reader.push(line.as_bytes()), Ok(Step::Unfinished));
        }
        let found = reader.push(last.as_bytes()).err();
        let found = found.as_ref().map(|TextAfterQuote(text)| text.as_str());
        assert_eq!(found, expected, "{lines:?}");
        check_next_record(reader);
    }

    /// Checks that the record after an error, or after a complete record, is read from its start.
    #[track_caller]
    fn check_next_record(mut reader: RecordReader) {
        assert_eq!(reader.push(b"a,\"b\""), Ok(Step::Complete));
        assert_eq!(reader.cells().collect::<Vec<_>>(), [b"a", b"b"]);
    }

    #[test]
    fn finds_text_after_a_closing_quote() {
        check_text_after_quote(&[r#""a"b,c"#], Some("b"));
        check_text_after_quote(&[r#"x, "a" b ,c"#], Some("b"));
        check_text_after_quote(&[r#""a" "b""#], Some("\"b\""));
        check_text_after_quote(&[r#"""a"",c"#], Some("a\"\""));
        check_text_after_quote(
            &[r#"1.2.3.4,Deny,"main"#, r#"7.7.7.7,Deny,"branch""#],
            Some("branch\""),
        );
        for line in [
            r#""a",c"#,
            r#""a" ,	"c"	"#,
            "\"a\"\u{a0}\u{200b},c",
            r#""a""b","""""#,
            r#"5" pipe,a "b" c,d""#,
        ] {
            check_text_after_quote(&[line], None);
        }
        check_text_after_quote(&["\"a", "b\" ,c"], None);
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
        /// [`cell_ranges`] finds the same cells as [`RecordReader`].
        #[test]
        fn cells_are_those_that_are_read(row in "[a,\" ;é]{0,12}") {
            let mut record = RecordReader::new(b',');
            prop_assume!(record.push(row.as_bytes()) == Ok(Step::Complete));
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
