//! Reads a line, or several lines while a quote is open, as a header with a given delimiter.
//!
//! Each line is read once, and only the start of a long cell is kept, so the work is proportional to the
//! length of the text.

use std::borrow::Cow;

use crate::csv::cell::{cell_text, unwrapped};
use crate::csv::columns::Columns;
use crate::csv::kind::CsvKind;
use crate::csv::limits::MAX_COLUMNS;
use crate::csv::record::{RecordReader, Step, TextAfterQuote};

/// The maximum length of a header cell, in bytes. A longer cell is cut.
const MAX_CELL_BYTES: usize = 256;

/// A header as it is read with one delimiter.
pub(crate) struct Reading {
    pub(crate) delimiter: u8,
    state: State,
    /// The number of cells, including those that are not kept. 0 until the header is complete.
    pub(crate) count: usize,
    /// The first [`MAX_COLUMNS`] cells, one after the other, each cut to [`MAX_CELL_BYTES`]. `ends` has the
    /// end of each cell.
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

enum State {
    /// A quote is still open, so the next line belongs to the header.
    Open(Box<RecordReader>),
    Complete,
    Malformed(TextAfterQuote),
}

impl Reading {
    /// Reads the first line.
    pub(crate) fn new(line: &[u8], delimiter: u8) -> Self {
        let mut reading = Self {
            delimiter,
            state: State::Complete,
            count: 0,
            bytes: Vec::new(),
            ends: Vec::new(),
        };
        if memchr::memchr(b'"', line).is_some() {
            reading.state = State::Open(Box::new(RecordReader::new(delimiter)));
            reading.push(line);
        } else {
            reading.count = memchr::memchr_iter(delimiter, line).count() + 1;
            reading.keep(line.split(|byte| *byte == delimiter));
        }
        reading
    }

    /// Reads the next line. Does nothing if no quote is open.
    pub(crate) fn push(&mut self, line: &[u8]) {
        let State::Open(record) = &mut self.state else {
            return;
        };
        #[cfg(test)]
        read_bytes::count(line);
        match record.push(line) {
            Ok(Step::Unfinished) => {}
            Err(text) => self.state = State::Malformed(text),
            Ok(Step::Complete) => {
                if let State::Open(record) = std::mem::replace(&mut self.state, State::Complete) {
                    self.count = record.cells().len();
                    self.keep(record.cells());
                }
            }
        }
    }

    /// Copies the cells. A cut cell ends in `…`, so that it does not match any column name.
    fn keep<'a>(&mut self, cells: impl Iterator<Item = &'a [u8]>) {
        for cell in cells.take(MAX_COLUMNS) {
            let cell = cell.trim_ascii();
            match cell.get(..MAX_CELL_BYTES) {
                Some(start) => {
                    self.bytes.extend_from_slice(start);
                    self.bytes.extend_from_slice("…".as_bytes());
                }
                None => self.bytes.extend_from_slice(cell),
            }
            self.ends.push(self.bytes.len());
        }
    }

    /// Returns whether a quote is open.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    /// Returns the text after a closing quote, if there is one.
    pub(crate) fn text_after_quote(&self) -> Option<&str> {
        match &self.state {
            State::Malformed(TextAfterQuote(text)) => Some(text),
            State::Open(_) | State::Complete => None,
        }
    }

    /// Returns the positions of the columns. `None` if a column that this kind of CSV needs is missing.
    pub(crate) fn columns(&self, kind: CsvKind) -> Option<Columns> {
        Columns::find(kind, self.delimiter, self.cells().map(name_text))
    }

    /// Returns the cells as text.
    pub(crate) fn names(&self) -> Vec<String> {
        let names = self.cells().map(name_text);
        names.map(Cow::into_owned).collect()
    }

    fn cells(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(&0).chain(&self.ends);
        let cell = |(start, end): (&usize, &usize)| self.bytes.get(*start..*end);
        starts.zip(&self.ends).filter_map(cell)
    }
}

/// Returns a cell of the header as text, without the formula or the quotes around it.
fn name_text(cell: &[u8]) -> Cow<'_, str> {
    let text = cell_text(cell);
    unwrapped(&text).map_or(text, Cow::Owned)
}

/// Counts the bytes of the lines that are read, so that a test can measure the work without a clock.
#[cfg(test)]
pub(crate) mod read_bytes {
    use std::cell::Cell;

    thread_local! {
        static BYTES: Cell<usize> = const { Cell::new(0) };
    }

    pub(crate) fn count(line: &[u8]) {
        BYTES.set(BYTES.get() + line.len());
    }

    /// Returns the number of bytes counted in this thread since the last call.
    pub(crate) fn take() -> usize {
        BYTES.take()
    }
}
