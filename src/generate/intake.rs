//! Passes the pieces of an upload to its reader, until the upload is refused.

use std::ops::ControlFlow;

use crate::answer::Refusal;
use crate::csv::{CsvError, Parser, RowSink, TextDecoder, first_lines};
use crate::generate::refusal::{too_large, unreadable};
use crate::settings::{Settings, Spelling};

/// Turns the bytes of an upload into rows.
pub(super) trait Reader {
    /// The collected rows of a complete upload.
    type Rows;

    /// Reads the start of a piece that contains at most 64 KiB of text. Returns the rest of the piece.
    fn read_step<'a>(&mut self, piece: &'a [u8]) -> Result<&'a [u8], CsvError>;
    /// Ends the upload, and returns the collected rows.
    fn into_rows(self) -> Result<Self::Rows, CsvError>;
}

impl<R: RowSink> Reader for TextDecoder<Parser<R>> {
    type Rows = R;

    fn read_step<'a>(&mut self, piece: &'a [u8]) -> Result<&'a [u8], CsvError> {
        self.push_step(piece)
    }

    fn into_rows(self) -> Result<R, CsvError> {
        self.finish()?.finish()
    }
}

/// The maximum number of bytes kept from the start of an upload, for a report that shows its first lines.
const MAX_START_BYTES: usize = 4096;

/// An upload that is refused because it cannot be read.
pub(super) struct Unreadable {
    pub(super) refusal: Refusal,
    /// The first lines of the upload, if it is text.
    pub(super) first_lines: Vec<String>,
}

/// An upload that is being read: its reader, its size limit, and its refusal if it has been refused.
pub(super) struct Intake<T> {
    reader: T,
    /// The refusal of an upload over its size limit.
    too_large: Refusal,
    max_csv_bytes: u64,
    spelling: Spelling,
    refusal: Option<Refusal>,
    /// The first bytes of the upload, at most [`MAX_START_BYTES`].
    start: Vec<u8>,
}

impl<T: Reader> Intake<T> {
    /// Creates an intake. If there is a `refusal`, it refuses the upload at once.
    pub(super) fn new(settings: &Settings, reader: T, refusal: Option<Refusal>) -> Self {
        Self {
            reader,
            too_large: too_large(settings),
            max_csv_bytes: settings.max_csv_bytes,
            spelling: settings.spelling,
            refusal,
            start: Vec::new(),
        }
    }

    /// Refuses the upload if its size, known in advance, exceeds the limit.
    pub(super) fn expect_bytes(&mut self, bytes: u64) -> ControlFlow<()> {
        if bytes > self.max_csv_bytes {
            self.refusal.get_or_insert(self.too_large.clone());
        }
        self.flow()
    }

    /// Reads the next piece. `Break` means that the upload is refused.
    pub(super) fn push(&mut self, mut piece: &[u8]) -> ControlFlow<()> {
        while !piece.is_empty() {
            self.push_step(&mut piece)?;
        }
        self.flow()
    }

    /// Reads the start of a piece, and removes the start from the piece.
    pub(super) fn push_step(&mut self, piece: &mut &[u8]) -> ControlFlow<()> {
        if self.refusal.is_none() {
            let bytes = *piece;
            match self.reader.read_step(bytes) {
                Ok(rest) => *piece = rest,
                Err(err) => {
                    self.refusal = Some(unreadable(&err, self.spelling));
                    *piece = &[];
                }
            }
            self.keep_start(bytes, piece.len());
        }
        self.flow()
    }

    /// Keeps the part of a piece that was read, until the kept start is complete. `rest` is the length of the
    /// part that was not read.
    fn keep_start(&mut self, piece: &[u8], rest: usize) {
        let missing = MAX_START_BYTES.saturating_sub(self.start.len());
        let start = piece.get(..missing.min(piece.len() - rest));
        self.start.extend_from_slice(start.unwrap_or_default());
    }

    fn flow(&self) -> ControlFlow<()> {
        match self.refusal {
            Some(_) => ControlFlow::Break(()),
            None => ControlFlow::Continue(()),
        }
    }

    /// Ends the upload, and returns its rows.
    ///
    /// # Errors
    ///
    /// The refusal, with the first lines of the upload.
    pub(super) fn finish(self) -> Result<T::Rows, Unreadable> {
        let rows = if let Some(refusal) = self.refusal {
            Err(refusal)
        } else {
            let rows = self.reader.into_rows();
            rows.map_err(|err| unreadable(&err, self.spelling))
        };
        rows.map_err(|refusal| Unreadable {
            refusal,
            first_lines: first_lines(&self.start),
        })
    }
}
