//! The way of the pieces of an upload into its reader, until the upload is refused.

use std::ops::ControlFlow;

use crate::answer::Refusal;
use crate::csv::{CsvError, Parser, RowSink, TextDecoder};
use crate::generate::refusal::{too_large, unreadable};
use crate::settings::{Settings, Spelling};

/// Turns the bytes of an upload into its rows.
pub(super) trait Reader {
    /// What is left of the rows at the end.
    type Rows;

    /// Reads the start of a piece, as far as it holds at most 64 KiB of text. Returns the rest.
    fn read_step<'a>(&mut self, piece: &'a [u8]) -> Result<&'a [u8], CsvError>;
    /// Ends the upload.
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

/// An upload that is being read: its reader, its limit, and its refusal if it is refused already.
pub(super) struct Intake<T> {
    reader: T,
    /// The refusal of an upload over its size limit.
    too_large: Refusal,
    max_csv_bytes: u64,
    spelling: Spelling,
    refusal: Option<Refusal>,
}

impl<T: Reader> Intake<T> {
    /// Creates an intake. `refusal` refuses the upload at once.
    pub(super) fn new(settings: &Settings, reader: T, refusal: Option<Refusal>) -> Self {
        Self {
            reader,
            too_large: too_large(settings),
            max_csv_bytes: settings.max_csv_bytes,
            spelling: settings.spelling,
            refusal,
        }
    }

    /// Refuses the upload by its size alone.
    pub(super) fn expect_bytes(&mut self, bytes: u64) -> ControlFlow<()> {
        if bytes > self.max_csv_bytes {
            self.refusal.get_or_insert(self.too_large.clone());
        }
        self.flow()
    }

    /// Reads a piece.
    pub(super) fn push(&mut self, mut piece: &[u8]) -> ControlFlow<()> {
        while !piece.is_empty() {
            self.push_step(&mut piece)?;
        }
        self.flow()
    }

    /// Reads the start of a piece, and removes it from the piece.
    pub(super) fn push_step(&mut self, piece: &mut &[u8]) -> ControlFlow<()> {
        if self.refusal.is_none() {
            match self.reader.read_step(piece) {
                Ok(rest) => *piece = rest,
                Err(err) => self.refusal = Some(unreadable(&err, self.spelling)),
            }
        }
        self.flow()
    }

    fn flow(&self) -> ControlFlow<()> {
        match self.refusal {
            Some(_) => ControlFlow::Break(()),
            None => ControlFlow::Continue(()),
        }
    }

    /// Ends the upload, and returns its rows.
    pub(super) fn finish(self) -> Result<T::Rows, Refusal> {
        if let Some(refusal) = self.refusal {
            return Err(refusal);
        }
        let rows = self.reader.into_rows();
        rows.map_err(|err| unreadable(&err, self.spelling))
    }
}
