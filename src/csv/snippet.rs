//! Finds the rows that messages quote. Each row is decoded, and comes with the range of the cell that the
//! message is about.
//!
//! Parsing keeps no rows, so this module reads the upload a second time. Callers do this only if there is a
//! row to quote.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use crate::csv::columns::Columns;
use crate::csv::decode::{TextDecoder, TextSink};
use crate::csv::error::CsvError;
use crate::csv::header::HeaderStage;
use crate::csv::kind::CsvKind;
use crate::csv::lines::{LineSink, Lines, Taken};
use crate::csv::quoted_row::{Field, Snippet, first_line_range, part_range, snippet};
use crate::csv::record::{RecordReader, Step};

/// Reads an upload a second time and hands out the rows that start in given lines.
///
/// ```
/// use htaccess_generator::csv::{CsvKind, SnippetFinder, Field};
///
/// let mut snippets = Vec::new();
/// let wanted = [(3, Field::Address)];
/// let mut finder =
///     SnippetFinder::new(CsvKind::Site, &wanted, u64::MAX, |_, snippet| snippets.push(snippet));
/// let _ = finder.push(b"IP,Rule\n1.1.1.1,Allow\n 2.2.2 ,Allow\n");
/// finder.finish();
/// assert_eq!((snippets[0].text.as_str(), snippets[0].part.clone()), (" 2.2.2 ,Allow", 1..6));
/// ```
pub struct SnippetFinder<F: FnMut(usize, Snippet)> {
    decoder: TextDecoder<SnippetLines<F>>,
}

impl<F: FnMut(usize, Snippet)> SnippetFinder<F> {
    /// Creates a finder for the rows of a CSV of this kind that start in the `wanted` lines. A wanted line
    /// may also be the header. The lines must be in ascending order. Each snippet is passed to `on_snippet`
    /// with its index in `wanted`.
    pub fn new(kind: CsvKind, wanted: &[(u64, Field)], max_csv_bytes: u64, on_snippet: F) -> Self {
        let collector = SnippetCollector {
            wanted: wanted.iter().copied().enumerate().collect(),
            on_snippet,
            header: HeaderStage::new(kind),
            columns: None,
            open: None,
        };
        let text = SnippetLines {
            lines: Lines::default(),
            collector,
        };
        Self {
            decoder: TextDecoder::new(text, max_csv_bytes),
        }
    }

    /// Reads the next piece. `Break` means that no more pieces are needed.
    pub fn push(&mut self, piece: &[u8]) -> ControlFlow<()> {
        match self.decoder.push(piece) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }

    /// Ends the upload, which need not have been read to its end.
    pub fn finish(self) {
        if let Ok(mut text) = self.decoder.finish() {
            let _ = text.lines.finish(&mut text.collector);
        }
    }
}

struct SnippetLines<F> {
    lines: Lines,
    collector: SnippetCollector<F>,
}

impl<F: FnMut(usize, Snippet)> TextSink for SnippetLines<F> {
    fn push(&mut self, piece: &[u8]) -> Result<(), CsvError> {
        self.lines.push(piece, &mut self.collector)
    }
}

struct SnippetCollector<F> {
    /// The parts that have not been found yet, each with its index in the list of wanted parts.
    wanted: VecDeque<(usize, (u64, Field))>,
    on_snippet: F,
    header: HeaderStage,
    columns: Option<Columns>,
    /// The wanted row whose quote is still open.
    open: Option<OpenRow>,
}

struct OpenRow {
    line: u64,
    text: Vec<u8>,
    record: RecordReader,
}

impl<F: FnMut(usize, Snippet)> LineSink for SnippetCollector<F> {
    fn take_lines(&mut self, _first_line: u64, _text: &[u8]) -> Taken {
        Taken::default()
    }

    fn line(&mut self, number: u64, line: &[u8]) -> Result<(), CsvError> {
        if let Some(mut open) = self.open.take() {
            open.text.push(b'\n');
            open.text.extend_from_slice(line);
            if open.record.push(line) == Ok(Step::Unfinished) {
                self.open = Some(open);
            } else {
                self.hand_over(open.line, &open.text);
            }
        } else if self.is_wanted(number) {
            match self.columns {
                Some(columns) if line.contains(&b'"') => {
                    let mut record = RecordReader::new(columns.delimiter);
                    let goes_on = record.push(line) == Ok(Step::Unfinished);
                    if !goes_on || !self.is_part_wanted(number) {
                        self.hand_over(number, line);
                    } else {
                        let text = line.to_vec();
                        self.open = Some(OpenRow {
                            line: number,
                            text,
                            record,
                        });
                    }
                }
                _ => self.hand_over(number, line),
            }
        }
        if self.columns.is_none() {
            let header = self.header.line(number, line)?;
            self.columns = header.map(|header| header.columns);
        }
        if self.wanted.is_empty() {
            return Err(CsvError::Stopped);
        }
        Ok(())
    }
}

impl<F: FnMut(usize, Snippet)> SnippetCollector<F> {
    fn is_wanted(&self, number: u64) -> bool {
        self.wanted
            .front()
            .is_some_and(|(_, (line, _))| *line == number)
    }

    /// Returns whether a cell of the row is wanted. If only the whole row is wanted, the lines after an open
    /// quote are not read.
    fn is_part_wanted(&self, number: u64) -> bool {
        self.wanted
            .iter()
            .take_while(|(_, (line, _))| *line == number)
            .any(|(_, (_, part))| *part != Field::Row)
    }

    fn hand_over(&mut self, number: u64, row: &[u8]) {
        while let Some(&(index, (line, part))) = self.wanted.front()
            && line == number
        {
            self.wanted.pop_front();
            let range = match self.columns {
                Some(columns) => part_range(row, part, columns),
                None => first_line_range(row),
            };
            (self.on_snippet)(index, snippet(number, row, range));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find_snippets(csv: &[u8], wanted: &[(u64, Field)]) -> Vec<(usize, Snippet)> {
        let mut snippets = Vec::new();
        let mut finder = SnippetFinder::new(CsvKind::Site, wanted, 1 << 20, |index, snippet| {
            snippets.push((index, snippet));
        });
        for piece in csv.chunks(7) {
            if finder.push(piece).is_break() {
                break;
            }
        }
        finder.finish();
        snippets
    }

    /// `[` and `]` mark the part in `expected`.
    #[track_caller]
    fn check(csv: &[u8], line: u64, part: Field, expected_line: u64, expected: &str) {
        let snippets = find_snippets(csv, &[(line, part)]);
        let [(0, snippet)] = snippets.as_slice() else {
            panic!("{snippets:?}");
        };
        let mut marked = snippet.text.clone();
        marked.insert(snippet.part.end, ']');
        marked.insert(snippet.part.start, '[');
        assert_eq!((snippet.line, marked.as_str()), (expected_line, expected));
    }

    #[test]
    fn points_at_the_cell() {
        let csv = b"# rules\nRule;Note;IP\n\nAllow;a;10.0.0.5/24\n Alow ; \"x;y\" ; \"1.1.1.1\" \n";
        check(csv, 4, Field::Address, 4, "Allow;a;[10.0.0.5/24]");
        check(csv, 5, Field::Rule, 5, " [Alow] ; \"x;y\" ; \"1.1.1.1\" ");
        check(
            csv,
            5,
            Field::Address,
            5,
            " Alow ; \"x;y\" ; [\"1.1.1.1\"] ",
        );
        check(csv, 5, Field::Row, 5, " [Alow ; \"x;y\" ; \"1.1.1.1\"] ");
        check(csv, 1, Field::Row, 1, "[# rules]");
        let headless = b"\n# rules\n IP,\"a\nb\" \n1.1.1.1,x\n";
        check(headless, 3, Field::Row, 3, " [IP,\"a]");
    }

    #[test]
    fn points_at_the_place_of_a_missing_cell() {
        let csv = b"IP,Rule\n,Allow\n1.1.1.1\n2.2.2.2,\n";
        check(csv, 2, Field::Address, 2, "[],Allow");
        check(csv, 3, Field::Rule, 3, "1.1.1.1[]");
        check(csv, 4, Field::Rule, 4, "2.2.2.2,[]");
    }

    #[test]
    fn finds_a_cell_after_one_with_several_lines() {
        let csv = b"Note,IP,Rule\r\n\"a\r\nb\",2.2.2,Allow\r\nx,y,z\r\n";
        check(csv, 2, Field::Address, 3, "b\",[2.2.2],Allow");
        check(csv, 2, Field::Row, 2, "[\"a]");
        check(csv, 4, Field::Address, 4, "x,[y],z");
        check(b"IP,Rule\n\"never\nclosed\n", 2, Field::Row, 2, "[\"never]");
    }

    #[test]
    fn shows_decoded_text() {
        check(b"IP,Rule\n1.1.1.1,\xe9\n", 2, Field::Rule, 2, "1.1.1.1,[é]");
        let utf16: Vec<u8> = "\u{feff}IP,Rule\nx,Allow\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        check(&utf16, 2, Field::Address, 2, "[x],Allow");
    }

    #[test]
    fn finds_several_parts_of_one_line_and_ends_early() {
        let wanted = [(2, Field::Address), (2, Field::Rule), (3, Field::Row)];
        let snippets = find_snippets(b"IP,Rule\nx,y\n\nz,Allow\n", &wanted);
        let parts: Vec<_> = snippets
            .iter()
            .map(|(index, one)| (*index, one.part.clone()))
            .collect();
        assert_eq!(parts, [(0, 0..1), (1, 2..3), (2, 0..0)]);
        assert!(find_snippets(b"IP,Rule\nx,y\n", &[(9, Field::Row)]).is_empty());
    }
}
