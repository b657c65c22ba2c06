//! Turns the bytes of an upload into the bytes of its text: decompresses gzip, removes a byte order mark,
//! converts UTF-16 to UTF-8, and stops at a limit.
//!
//! The decoder accepts pieces of any size and does not keep them. Input that is not text is refused here:
//! workbooks and other known formats, NUL bytes, damaged gzip, damaged UTF-16. Windows-1252 passes unchanged,
//! because all bytes that a rule needs are ASCII, and a cell is decoded only when its text is needed. A
//! warning at the end of the text says that this encoding was guessed.

use std::io::{self, Write};

use crate::answer::{Warning, WarningCode};
use crate::csv::diagnose::{binary_kind, wide_text_kind};
use crate::csv::error::CsvError;
use crate::csv::gzip::GzipReader;
use encoding_rs::{Decoder, DecoderResult, UTF_16BE, UTF_16LE};

/// Receives the text in pieces.
pub trait TextSink {
    /// Receives the next piece, which may end anywhere, even in the middle of a character.
    ///
    /// # Errors
    ///
    /// An error ends the upload. Nothing is pushed after it.
    fn push(&mut self, piece: &[u8]) -> Result<(), CsvError>;

    /// Receives, after the end of the text, a warning about how the text was read.
    fn warn(&mut self, _warning: Warning) {}
}

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// The number of bytes at the start of the text that are examined for byte order marks, signatures of other
/// formats and NUL bytes before any text is pushed. The result does not depend on how the upload is cut into
/// pieces (`tests/it/library/cases.rs` cuts every case).
const SNIFFED_BYTES: usize = 4096;
/// The maximum number of bytes of an uncompressed upload that are read in one step.
const STEP_BYTES: usize = 64 * 1024;
/// The size of the buffer for the UTF-8 text of UTF-16 input, in bytes.
const UTF16_TEXT_BYTES: usize = 16 * 1024;

/// Reads an upload and pushes its text to a [`TextSink`].
pub struct TextDecoder<S: TextSink> {
    state: State<S>,
}

enum State<S: TextSink> {
    /// The first bytes, until there are enough to recognize gzip.
    Sniffing(Vec<u8>, TextStage<S>),
    Plain(TextStage<S>),
    Gzip(Box<GzipReader<TextStage<S>>>),
    /// A placeholder during a change of state.
    Moving,
}

impl<S: TextSink> TextDecoder<S> {
    /// Creates a decoder that refuses an upload of more than `max_bytes` bytes after decompression.
    pub fn new(sink: S, max_bytes: u64) -> Self {
        let text = TextStage {
            sink,
            bytes_left: max_bytes,
            max_bytes,
            encoding: Encoding::Sniffing(Vec::new()),
        };
        Self {
            state: State::Sniffing(Vec::new(), text),
        }
    }

    /// Reads the next piece of the upload, which may end anywhere.
    ///
    /// # Errors
    ///
    /// If the bytes are not text or exceed the limit, and the errors of the sink.
    pub fn push(&mut self, mut piece: &[u8]) -> Result<(), CsvError> {
        while !piece.is_empty() {
            piece = self.push_step(piece)?;
        }
        Ok(())
    }

    /// Reads the start of a piece, with at most 64 KiB of text, and returns the rest of the piece. The caller
    /// can stop between two steps, although 60 KB of gzip may contain 60 MB of text.
    ///
    /// # Errors
    ///
    /// See [`TextDecoder::push`].
    pub fn push_step<'a>(&mut self, piece: &'a [u8]) -> Result<&'a [u8], CsvError> {
        match &mut self.state {
            State::Sniffing(magic, _) => {
                let rest = fill(magic, GZIP_MAGIC.len(), piece);
                if magic.len() == GZIP_MAGIC.len() {
                    self.leave_sniffing()?;
                }
                Ok(rest)
            }
            State::Plain(text) => {
                let (step, rest) = piece.split_at(piece.len().min(STEP_BYTES));
                text.push(step).map(|()| rest)
            }
            State::Gzip(gzip) => match gzip.step(piece) {
                Ok(read) => Ok(piece.get(read..).unwrap_or_default()),
                Err(err) => Err(err.downcast().unwrap_or_else(|damage| {
                    // Passes on the text before the damage. If the sink refuses this text, its error comes
                    // first.
                    let earlier = gzip.flush_text().err().and_then(|err| err.downcast().ok());
                    earlier.unwrap_or_else(|| damaged_gzip(&damage))
                })),
            },
            State::Moving => Ok(&[]),
        }
    }

    fn leave_sniffing(&mut self) -> Result<(), CsvError> {
        match std::mem::replace(&mut self.state, State::Moving) {
            State::Sniffing(first, text) => {
                self.state = if first == GZIP_MAGIC {
                    State::Gzip(Box::new(GzipReader::new(text)))
                } else {
                    State::Plain(text)
                };
                self.push(&first)
            }
            other => {
                self.state = other;
                Ok(())
            }
        }
    }

    /// Ends the upload and returns the sink.
    ///
    /// # Errors
    ///
    /// If the upload ends in the middle of a gzip stream or of a UTF-16 character, and the errors of
    /// [`TextDecoder::push`].
    pub fn finish(mut self) -> Result<S, CsvError> {
        self.leave_sniffing()?;
        let mut text = match self.state {
            State::Sniffing(_, text) | State::Plain(text) => text,
            State::Gzip(gzip) => gzip
                .finish()
                .map_err(|err| err.downcast().unwrap_or_else(|err| damaged_gzip(&err)))?,
            State::Moving => return Err(damaged_gzip(&io::ErrorKind::Interrupted.into())),
        };
        text.finish()?;
        Ok(text.sink)
    }
}

fn damaged_gzip(err: &io::Error) -> CsvError {
    CsvError::DamagedGzip(err.to_string())
}

/// Decodes the decompressed bytes and pushes the text to the sink.
struct TextStage<S> {
    sink: S,
    bytes_left: u64,
    max_bytes: u64,
    encoding: Encoding,
}

enum Encoding {
    /// The first bytes, until there are enough to recognize the encoding.
    Sniffing(Vec<u8>),
    /// UTF-8, Windows-1252 or another superset of ASCII.
    AsciiSuperset(Utf8Check),
    Utf16(Utf16Reader),
    /// The text was refused, so the rest of the text is dropped.
    Refused,
}

impl<S: TextSink> TextStage<S> {
    fn push(&mut self, piece: &[u8]) -> Result<(), CsvError> {
        let fitting = usize::try_from(self.bytes_left).unwrap_or(usize::MAX);
        match piece.split_at_checked(fitting) {
            Some((piece, [_, ..])) => {
                self.push_fitting(piece)?;
                self.leave_sniffing()?;
                Err(CsvError::TooLarge {
                    max_bytes: self.max_bytes,
                })
            }
            _ => self.push_fitting(piece),
        }
    }

    fn push_fitting(&mut self, piece: &[u8]) -> Result<(), CsvError> {
        self.bytes_left -= piece.len() as u64;
        if let Encoding::Sniffing(first) = &mut self.encoding {
            let rest = fill(first, SNIFFED_BYTES, piece);
            if first.len() < SNIFFED_BYTES {
                return Ok(());
            }
            self.leave_sniffing()?;
            return self.push_further(rest, Last::No);
        }
        self.push_further(piece, Last::No)
    }

    fn leave_sniffing(&mut self) -> Result<(), CsvError> {
        let first = match &mut self.encoding {
            Encoding::Sniffing(first) => std::mem::take(first),
            _ => return Ok(()),
        };
        let kind = binary_kind(&first).or_else(|| wide_text_kind(&first).map(str::to_owned));
        if let Some(kind) = kind {
            return Err(CsvError::OtherFormat(kind));
        }
        let utf16 = |encoding| Encoding::Utf16(Utf16Reader::new(encoding));
        let (encoding, text) = match first.as_slice() {
            [0xff, 0xfe, text @ ..] => (utf16(UTF_16LE), text),
            [0xfe, 0xff, text @ ..] => (utf16(UTF_16BE), text),
            [0xef, 0xbb, 0xbf, text @ ..] | text => {
                (Encoding::AsciiSuperset(Utf8Check::default()), text)
            }
        };
        if matches!(encoding, Encoding::AsciiSuperset(_)) && memchr::memchr(0, text).is_some() {
            return Err(CsvError::NotText);
        }
        self.encoding = encoding;
        self.push_further(text, Last::No)
    }

    fn finish(&mut self) -> Result<(), CsvError> {
        if matches!(self.encoding, Encoding::Refused) {
            return Err(CsvError::Stopped);
        }
        self.leave_sniffing()?;
        self.push_further(&[], Last::Yes)?;
        if let Encoding::AsciiSuperset(check) = &self.encoding
            && !check.is_utf8_whole()
        {
            self.sink.warn(Warning {
                code: WarningCode::Guessed,
                line: None,
                message: "the text is not UTF-8 and was read as Windows-1252: if accents look \
                          wrong, save the sheet as CSV UTF-8"
                    .into(),
            });
        }
        Ok(())
    }

    fn push_further(&mut self, piece: &[u8], last: Last) -> Result<(), CsvError> {
        match &mut self.encoding {
            Encoding::Utf16(reader) => reader.push(&mut self.sink, piece, last),
            Encoding::AsciiSuperset(check) => {
                check.push(piece);
                push_text(&mut self.sink, piece)
            }
            Encoding::Sniffing(_) | Encoding::Refused => Ok(()),
        }
    }
}

/// Checks whether a text is UTF-8. The pieces of the text may end anywhere.
#[derive(Default)]
struct Utf8Check {
    is_other: bool,
    /// The start of a character whose end is in a later piece.
    unfinished: Vec<u8>,
}

impl Utf8Check {
    fn push(&mut self, mut piece: &[u8]) {
        if self.is_other || (self.unfinished.is_empty() && piece.is_ascii()) {
            return;
        }
        while !self.unfinished.is_empty()
            && let [byte, rest @ ..] = piece
        {
            self.unfinished.push(*byte);
            piece = rest;
            match std::str::from_utf8(&self.unfinished) {
                Ok(_) => self.unfinished.clear(),
                Err(err) if err.error_len().is_none() => {}
                Err(_) => self.is_other = true,
            }
            if self.is_other {
                return;
            }
        }
        if let Err(err) = std::str::from_utf8(piece) {
            self.is_other = err.error_len().is_some();
            let unfinished = piece.get(err.valid_up_to()..).unwrap_or_default();
            if !self.is_other {
                self.unfinished.extend_from_slice(unfinished);
            }
        }
    }

    fn is_utf8_whole(&self) -> bool {
        !self.is_other && self.unfinished.is_empty()
    }
}

/// Indicates whether a piece is the last piece of the text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Yes,
    No,
}

/// Converts UTF-16 to UTF-8. The pieces of the text may end anywhere.
struct Utf16Reader {
    decoder: Decoder,
    /// The buffer for the converted text.
    text: Vec<u8>,
}

impl Utf16Reader {
    /// Creates a reader for the text after a byte order mark. A second mark is part of the text.
    fn new(encoding: &'static encoding_rs::Encoding) -> Self {
        Self {
            decoder: encoding.new_decoder_without_bom_handling(),
            text: vec![0; UTF16_TEXT_BYTES],
        }
    }

    /// Converts a piece and pushes its text to the sink, up to the first damaged character.
    fn push<S: TextSink>(
        &mut self,
        sink: &mut S,
        mut piece: &[u8],
        last: Last,
    ) -> Result<(), CsvError> {
        loop {
            let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(
                piece,
                &mut self.text,
                last == Last::Yes,
            );
            push_text(sink, self.text.get(..written).unwrap_or_default())?;
            match result {
                DecoderResult::InputEmpty => return Ok(()),
                DecoderResult::OutputFull => piece = piece.get(read..).unwrap_or_default(),
                DecoderResult::Malformed(..) => return Err(CsvError::DamagedUtf16),
            }
        }
    }
}

fn push_text<S: TextSink>(sink: &mut S, piece: &[u8]) -> Result<(), CsvError> {
    match memchr::memchr(0, piece) {
        Some(end) => {
            sink.push(piece.get(..end).unwrap_or_default())?;
            Err(CsvError::NotText)
        }
        None => sink.push(piece),
    }
}

/// Appends the start of a piece to `first` until `first` has `wanted` bytes. Returns the rest of the piece.
fn fill<'a>(first: &mut Vec<u8>, wanted: usize, piece: &'a [u8]) -> &'a [u8] {
    let missing = wanted.saturating_sub(first.len()).min(piece.len());
    let (start, rest) = piece.split_at(missing);
    first.extend_from_slice(start);
    rest
}

impl<S: TextSink> Write for TextStage<S> {
    /// Wraps an error in an I/O error, so that it passes through flate2. The decoder unwraps the error again.
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        // The gzip decoder writes again when it is dropped, so the text after an error is ignored.
        if matches!(self.encoding, Encoding::Refused) {
            return Ok(piece.len());
        }
        match self.push(piece) {
            Ok(()) => Ok(piece.len()),
            Err(err) => {
                self.encoding = Encoding::Refused;
                Err(io::Error::other(err))
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
