//! Recognizes the contents of a file by its first bytes, if its name does not say that the file is a CSV.

use crate::answer::RefusalCode;
use crate::csv::cell::decoded;
use crate::csv::decode::{TextDecoder, TextSink};
use crate::csv::diagnose::text_kind;
use crate::csv::error::CsvError;
use crate::csv::kind::RowContext;
use crate::csv::parser::Parser;
use crate::csv::row::{Row, RowError, RowSink};
use crate::time::DateReader;

/// The maximum length of the text that is searched for a header and a row, in bytes, decompressed.
const MAX_TEXT_BYTES: u64 = 256 * 1024;

/// The maximum number of lines that [`first_lines`] returns.
const MAX_FIRST_LINES: usize = 5;
/// The maximum length of a line that [`first_lines`] returns, in characters.
const MAX_LINE_CHARS: usize = 120;

/// The first bytes of a file.
#[derive(Clone, Copy, Debug)]
pub enum FileStart<'a> {
    /// The whole file.
    Whole(&'a [u8]),
    /// The start of the file. More bytes follow.
    Cut(&'a [u8]),
}

/// The contents of a file, as recognized from its first bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contents {
    /// A CSV: a header with the required columns, followed by a row or by the end of the file.
    Csv,
    /// A known format that is not CSV. The message says which format, and how to get a CSV from the file.
    OtherFormat(String),
    /// Anything else.
    Unknown,
}

impl Contents {
    /// Recognizes the contents of a file by its first bytes.
    ///
    /// ```
    /// use htaccess_generator::csv::{Contents, FileStart};
    ///
    /// let contents = Contents::of(FileStart::Whole(b"IP Address,Rule\n1.1.1.1,Allow\n"));
    /// assert_eq!(contents, Contents::Csv);
    /// assert_eq!(Contents::of(FileStart::Whole(b"call the office")), Contents::Unknown);
    /// ```
    #[must_use]
    pub fn of(start: FileStart<'_>) -> Self {
        let mut text = Vec::new();
        if let Err(err) = decode(start, &mut text)
            && err.code() == RefusalCode::NotCsv
        {
            return Self::OtherFormat(err.to_string());
        }
        let first_line = text
            .split(|byte| matches!(byte, b'\n' | b'\r'))
            .find(|line| !line.trim_ascii().is_empty());
        if let Some(kind) = first_line.and_then(text_kind) {
            return Self::OtherFormat(kind.to_owned());
        }
        let text = match start {
            FileStart::Whole(_) => FileStart::Whole(&text),
            FileStart::Cut(_) => FileStart::Cut(&text),
        };
        if has_rules(text) {
            Self::Csv
        } else {
            Self::Unknown
        }
    }
}

/// Returns the first lines of a file, in which a person can look for the header. Empty if the file is not
/// text.
///
/// There are at most [`MAX_FIRST_LINES`] lines of at most [`MAX_LINE_CHARS`] characters. A longer line is cut
/// and ends in `…`. The lines are untrusted.
pub(crate) fn first_lines(start: &[u8]) -> Vec<String> {
    let mut text = Vec::new();
    // The text before an error is still worth showing. Files of other formats are refused before any text is
    // decoded.
    let _ = decode(FileStart::Whole(start), &mut text);
    if memchr::memchr(0, &text).is_some() {
        return Vec::new();
    }
    let text = decoded(&text);
    let lines = text.lines().take(MAX_FIRST_LINES);
    let cut = |line: &str| match line.char_indices().nth(MAX_LINE_CHARS) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line.to_owned(),
    };
    lines.map(cut).collect()
}

/// Decodes the bytes into `text`. After an error, the text is incomplete.
///
/// # Errors
///
/// `not-csv` if the file is not text, `too-large` if it has more than [`MAX_TEXT_BYTES`] of text.
fn decode(start: FileStart<'_>, text: &mut Vec<u8>) -> Result<(), CsvError> {
    let mut decoder = TextDecoder::new(TextCollector(text), MAX_TEXT_BYTES);
    match start {
        FileStart::Whole(bytes) => {
            decoder.push(bytes)?;
            decoder.finish().map(|_| ())
        }
        // `finish` would refuse a cut file as damaged.
        FileStart::Cut(bytes) => decoder.push(bytes),
    }
}

/// Returns whether a text is a CSV: it has a header, and a row unless the whole file ends after the header.
fn has_rules(text: FileStart<'_>) -> bool {
    let mut has_row = false;
    let mut parser = Parser::new(
        RowDetector(&mut has_row),
        DateReader::default(),
        RowContext::default(),
    );
    let is_whole_csv = match text {
        FileStart::Whole(text) => parser.push(text).and_then(|()| parser.finish()).is_ok(),
        FileStart::Cut(text) => {
            // An error after the first row does not matter.
            let _ = parser.push(text);
            false
        }
    };
    is_whole_csv || has_row
}

struct TextCollector<'a>(&'a mut Vec<u8>);

impl TextSink for TextCollector<'_> {
    fn push(&mut self, piece: &[u8]) -> Result<(), CsvError> {
        self.0.extend_from_slice(piece);
        Ok(())
    }
}

/// Records whether there is a row, accepted or rejected.
struct RowDetector<'a>(&'a mut bool);

impl RowSink for RowDetector<'_> {
    fn accept(&mut self, _row: Row<'_>) {
        *self.0 = true;
    }

    fn reject(&mut self, _line: u64, _error: &RowError<'_>) {
        *self.0 = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSV: &[u8] = b"\n# rules\nIP;Rule\n2.2.2;Allow\n";

    #[track_caller]
    fn check(start: FileStart<'_>, expected: &Contents) {
        assert_eq!(Contents::of(start), *expected, "{start:?}");
    }

    #[test]
    fn a_cut_csv_is_recognized_by_a_row() {
        check(FileStart::Whole(CSV), &Contents::Csv);
        check(FileStart::Whole(b"IP,Rule\n"), &Contents::Csv);
        let long = [CSV, &b"1.1.1.1;Allow\n".repeat(1000)].concat();
        check(FileStart::Cut(&long), &Contents::Csv);
        check(FileStart::Cut(&long[..4096]), &Contents::Csv);
        check(FileStart::Cut(b"IP,Rule\n"), &Contents::Unknown);
    }

    #[test]
    fn the_first_lines_are_decoded_and_cut() {
        #[track_caller]
        fn check(start: &[u8], expected: &[&str]) {
            assert_eq!(first_lines(start), expected, "{start:?}");
        }
        check(b"a\r\n\xe9\n\n<b>", &["a", "\u{e9}", "", "<b>"]);
        check(b"1\n2\n3\n4\n5\n6\n", &["1", "2", "3", "4", "5"]);
        check(b"\xff\xfea\0\n\0", &["a"]);
        check(b"PK\x03\x04\x14\0\0\0a,b\n", &[]);
        check(b"a\0b\n", &[]);
        let long = "\u{e9}".repeat(500);
        let cut = format!("{}\u{2026}", "\u{e9}".repeat(120));
        check(long.as_bytes(), &[&cut]);
        check(b"\x1f\x8b\x08\0damaged", &[]);
    }

    /// These texts have no message, because advice such as closing a quote does not help if the file is not a
    /// CSV.
    #[test]
    fn a_text_that_is_not_a_csv_is_unknown() {
        for text in ["", "\n\n", "IP,Colour\n", "\"quote", "1.1.1.1,Allow\n"] {
            check(FileStart::Whole(text.as_bytes()), &Contents::Unknown);
        }
        let quote = "\"\n".repeat(150);
        check(FileStart::Whole(quote.as_bytes()), &Contents::Unknown);
    }

    #[test]
    fn a_gzip_bomb_is_read_up_to_the_limit() {
        use std::io::Write;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(&vec![b'x'; 64 * 1024 * 1024]).unwrap();
        check(
            FileStart::Whole(&gzip.finish().unwrap()),
            &Contents::Unknown,
        );
    }
}
