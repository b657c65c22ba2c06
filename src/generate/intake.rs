//! The way of the pieces of an upload into its reader, until the upload is refused.

use std::ops::ControlFlow;

use crate::answer::Refusal;
use crate::csv::CsvError;
use crate::generate::refusal::{too_large, unreadable};
use crate::settings::{Settings, Spelling};

/// The limit of an upload, and its refusal if it is refused already.
pub(super) struct Intake {
    /// The refusal of an upload over its size limit.
    too_large: Refusal,
    max_csv_bytes: u64,
    spelling: Spelling,
    refusal: Option<Refusal>,
}

impl Intake {
    /// Creates an intake. `refusal` refuses the upload at once.
    pub(super) fn new(settings: &Settings, refusal: Option<Refusal>) -> Self {
        Self {
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

    /// Reads the start of a piece by `push_step`, which returns the rest, and removes it from the piece.
    pub(super) fn push_step<'a>(
        &mut self,
        piece: &mut &'a [u8],
        push_step: impl FnOnce(&'a [u8]) -> Result<&'a [u8], CsvError>,
    ) -> ControlFlow<()> {
        if self.refusal.is_none() {
            match push_step(piece) {
                Ok(rest) => *piece = rest,
                Err(err) => self.refusal = Some(unreadable(&err, self.spelling)),
            }
        }
        self.flow()
    }

    pub(super) fn flow(&self) -> ControlFlow<()> {
        match self.refusal {
            Some(_) => ControlFlow::Break(()),
            None => ControlFlow::Continue(()),
        }
    }

    /// Ends the upload by `finish`, which returns what was read.
    pub(super) fn finish<T>(
        self,
        finish: impl FnOnce() -> Result<T, CsvError>,
    ) -> Result<T, Refusal> {
        match self.refusal {
            Some(refusal) => Err(refusal),
            None => finish().map_err(|err| unreadable(&err, self.spelling)),
        }
    }
}
