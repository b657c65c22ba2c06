//! One input: its names, its bytes, and the rows of it that messages show.

use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Mutex;

use htaccess_generator::csv::{CsvKind, Field, Snippet, SnippetFinder};

use crate::error::CliError;
use crate::input::nearby::help_for_missing_file;
use crate::input::paths::{cannot_read, kind_of_file, shown};
use crate::input::shared::Scope;
use crate::input::workbook::{MAX_WORKBOOK_BYTES, is_workbook, is_workbook_name, read_workbook};
use crate::io_threads::{read_ahead, read_piece};

/// The maximum number of bytes to read at a time from a file that is read without a separate thread.
const PIECE_BYTES: usize = 256 * 1024;
const MIN_PIECE_BYTES: usize = 64 * 1024;
/// The minimum size of a file that a separate thread reads, in bytes.
const READ_AHEAD_FROM_BYTES: u64 = 2 * 1024 * 1024;
/// The maximum number of bytes to keep of an input that cannot be read again.
const MAX_START_BYTES: usize = 1024 * 1024;

/// One input: a CSV, or a workbook whose sheet is read as a CSV.
pub(crate) struct Input {
    /// The path; `None` for standard input.
    pub(crate) path: Option<PathBuf>,
    /// The key that the file would have in a bucket.
    pub(crate) key: String,
    /// The kind of the CSV, which determines what its rows can contain.
    pub(crate) kind: CsvKind,
    /// The folder of the lists that the rows can use.
    pub(crate) lists: Option<PathBuf>,
    /// The sheet to read if the input is a workbook. `None` for the first visible sheet.
    sheet: Option<String>,
    origin: Origin,
    /// The first bytes of an input that cannot be read again: standard input or a pipe.
    start: Mutex<Vec<u8>>,
    /// Notes for the user about how the input was read, for example, which sheet was used.
    notes: Mutex<Vec<String>>,
}

/// The way in which an input was selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The path is given on the command line, so it can be anything that can be read, such as a pipe.
    Named,
    /// The file was found in a folder or by a pattern, so it must be a regular file. Reading a FIFO would
    /// wait for a writer.
    Found,
}

impl Input {
    pub(super) fn new(path: Option<PathBuf>, key: String, origin: Origin, scope: &Scope) -> Self {
        let kind = path.as_deref().map(|path| scope.kind_of(path));
        Self {
            path,
            key,
            kind: kind.unwrap_or_default(),
            lists: scope.lists.clone(),
            sheet: scope.sheet.clone(),
            origin,
            start: Mutex::default(),
            notes: Mutex::default(),
        }
    }

    /// Returns the name for messages. The name is escaped, because a file name can contain terminal control
    /// sequences.
    pub(crate) fn display_name(&self) -> String {
        match &self.path {
            Some(path) => shown(path),
            None => "<stdin>".to_owned(),
        }
    }

    /// Returns the size of the CSV in bytes. `None` if the size is unknown before the input is read, as for a
    /// pipe or a workbook.
    pub(crate) fn bytes(&self) -> Option<u64> {
        self.file_bytes().filter(|_| !self.may_be_workbook())
    }

    /// Returns the size of a regular file in bytes. `None` for any other input, which cannot be read again.
    fn file_bytes(&self) -> Option<u64> {
        let metadata = fs::metadata(self.path.as_ref()?).ok()?;
        metadata.is_file().then_some(metadata.len())
    }

    /// Returns whether the file has the name of a workbook. Its first bytes show whether it really is one.
    pub(crate) fn may_be_workbook(&self) -> bool {
        self.path.as_deref().is_some_and(is_workbook_name)
    }

    /// Removes and returns the notes about how the input was read.
    pub(crate) fn take_notes(&self) -> Vec<String> {
        let notes = self.notes.lock();
        notes.map_or(Vec::new(), |mut notes| std::mem::take(&mut *notes))
    }

    /// Passes the bytes to an upload until it is refused: by `expect_bytes`, because of the size alone, or by
    /// `push`. Keeps the start of an input that can be read only once.
    pub(crate) fn read_into<U>(
        &self,
        upload: &mut U,
        expect_bytes: impl FnOnce(&mut U, u64) -> ControlFlow<()>,
        mut push: impl FnMut(&mut U, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), CliError> {
        let bytes = self.bytes();
        if expect_bytes(upload, bytes.unwrap_or(0)).is_break() {
            return Ok(());
        }
        let is_read_once = self.file_bytes().is_none();
        self.read(bytes, |piece| {
            if is_read_once {
                self.keep_start(piece);
            }
            push(upload, piece)
        })
    }

    /// Passes the bytes of the CSV to `each` piece by piece, until `each` returns `Break`. `bytes` is the
    /// result of [`Self::bytes`]; a separate thread reads large files.
    pub(crate) fn read(
        &self,
        bytes: Option<u64>,
        each: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<(), CliError> {
        if self.may_be_workbook() {
            self.read_sheet(each)
        } else {
            self.read_file(bytes, each)
        }
    }

    /// Reads a file with the name of a workbook: a sheet of the workbook or, if the file is not a workbook,
    /// its bytes.
    fn read_sheet(&self, mut each: impl FnMut(&[u8]) -> ControlFlow<()>) -> Result<(), CliError> {
        let mut bytes = Vec::new();
        self.read_file(None, |piece| {
            bytes.extend_from_slice(piece);
            if bytes.len() as u64 > MAX_WORKBOOK_BYTES {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        // The bytes of a file that is too large are incomplete, so they must not be read as a CSV.
        // `read_workbook` refuses them.
        let is_whole = bytes.len() as u64 <= MAX_WORKBOOK_BYTES;
        if is_whole && !is_workbook(&bytes) {
            let _ = each(&bytes);
            return Ok(());
        }
        let notes = read_workbook(&bytes, self.sheet.as_deref(), each).map_err(|err| {
            let message = format!("cannot read {}: {err}", self.display_name());
            CliError::new(message).with_help(err.help())
        })?;
        if let Ok(mut kept) = self.notes.lock() {
            *kept = notes;
        }
        Ok(())
    }

    fn read_file(
        &self,
        bytes: Option<u64>,
        mut each: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<(), CliError> {
        let failure = |err: io::Error| match &self.path {
            Some(path) if err.kind() == io::ErrorKind::NotFound => {
                cannot_read(path, &err).with_help(help_for_missing_file(path))
            }
            Some(path) => cannot_read(path, &err),
            None => CliError::new(format!("cannot read standard input: {err}")),
        };
        if self.origin == Origin::Found {
            self.refuse_other_files()?;
        }
        let mut source: Box<dyn Read + Send> = match &self.path {
            Some(path) => Box::new(File::open(path).map_err(failure)?),
            None => Box::new(io::stdin()),
        };
        if bytes.is_some_and(|bytes| bytes >= READ_AHEAD_FROM_BYTES) {
            return read_ahead(source, each).map_err(failure);
        }
        // The buffer is not much larger than the file, because it is filled with zeros first. The minimum
        // size is for files that report a length of 0, such as those in `/proc`.
        let size = bytes.and_then(|bytes| usize::try_from(bytes).ok());
        let mut piece =
            vec![0; size.map_or(PIECE_BYTES, |size| size.clamp(MIN_PIECE_BYTES, PIECE_BYTES))];
        loop {
            let bytes = read_piece(&mut source, &mut piece).map_err(failure)?;
            if bytes == 0 || each(piece.get(..bytes).unwrap_or_default()).is_break() {
                return Ok(());
            }
        }
    }
}

impl Input {
    fn refuse_other_files(&self) -> Result<(), CliError> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        match fs::metadata(path) {
            Ok(metadata) if !metadata.is_file() => Err(CliError::new(format!(
                "cannot read {}: it is {}, which is read only if you name it on the command line",
                shown(path),
                kind_of_file(metadata.file_type())
            ))),
            _ => Ok(()),
        }
    }

    /// Keeps the start of an input that cannot be read again, so that messages can show its rows.
    pub(crate) fn keep_start(&self, piece: &[u8]) {
        if let Ok(mut start) = self.start.lock() {
            let room = MAX_START_BYTES - start.len();
            start.extend_from_slice(piece.get(..room).unwrap_or(piece));
        }
    }

    /// Returns whether the input had no bytes.
    pub(crate) fn was_empty(&self) -> bool {
        match self.file_bytes() {
            Some(bytes) => bytes == 0,
            None => self.start.lock().is_ok_and(|start| start.is_empty()),
        }
    }

    /// Reads the input again, and passes the row at each of the lines to `found`, with its index in `lines`.
    /// Rows that cannot be read again are skipped.
    pub(crate) fn read_again(&self, lines: &[(u64, Field)], found: impl FnMut(usize, Snippet)) {
        if lines.is_empty() {
            return;
        }
        let mut finder = SnippetFinder::new(self.kind, lines, u64::MAX, found);
        if self.file_bytes().is_some() {
            // If the file can no longer be read, messages show no rows.
            let _ = self.read(self.bytes(), |piece| finder.push(piece));
        } else if let Ok(start) = self.start.lock() {
            let _ = finder.push(&start);
        }
        finder.finish();
    }
}
