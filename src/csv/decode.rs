//! The bytes of an upload → the bytes of a text: gunzipped, without a byte order mark, UTF-16 as
//! UTF-8, and never more of them than a limit.
//!
//! Works on whatever pieces the network or the disk hand over, and keeps none of them. What is
//! not text is refused here: workbooks and the like, a NUL byte, damaged gzip, broken UTF-16.
//! Windows-1252 passes as it is, for every byte that rules need is ASCII; cells decode themselves
//! when somebody looks, and that it was guessed is said at the end.

use std::io::{self, Write};

use encoding_rs::{Decoder, DecoderResult, UTF_16BE, UTF_16LE};
use flate2::write::MultiGzDecoder;

use crate::answer::{Warning, WarningCode};
use crate::csv::diagnose::{binary_kind, wide_text_kind};
use crate::csv::error::CsvError;

/// What takes the text, piece by piece.
pub trait TextSink {
    /// Takes the next piece, cut anywhere.
    ///
    /// # Errors
    ///
    /// The refusal that ends the file; nothing is pushed after it.
    fn push(&mut self, piece: &[u8]) -> Result<(), CsvError>;

    /// Takes what had to be guessed about the text, once it is read whole.
    fn warn(&mut self, _warning: Warning) {}
}

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// How much of the text is looked at before any of it is read: byte order marks, the signatures
/// of other formats, NUL bytes. What is found there does not depend on how the upload was cut.
const SNIFFED_BYTES: usize = 4096;
/// The most bytes of UTF-8 that are made of UTF-16 at a time.
const UTF16_TEXT_BYTES: usize = 16 * 1024;

/// Takes an upload, hands its text to a [`TextSink`].
pub struct TextDecoder<S: TextSink> {
    state: State<S>,
}

enum State<S: TextSink> {
    /// The first bytes, until there are enough to tell gzip.
    Sniffing(Vec<u8>, TextStage<S>),
    Plain(TextStage<S>),
    Gzip(Box<MultiGzDecoder<TextStage<S>>>),
    /// Only while one state is turned into the next.
    Moving,
}

impl<S: TextSink> TextDecoder<S> {
    /// A decoder that refuses what decompresses to more than `max_bytes`.
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

    /// Takes the next piece of the upload, cut anywhere.
    ///
    /// # Errors
    ///
    /// `not-csv`, `too-large`, and whatever the sink refuses.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), CsvError> {
        if let State::Sniffing(magic, _) = &mut self.state {
            let rest = fill(magic, GZIP_MAGIC.len(), piece);
            if magic.len() < GZIP_MAGIC.len() {
                return Ok(());
            }
            self.leave_sniffing()?;
            return self.push_further(rest);
        }
        self.push_further(piece)
    }

    fn push_further(&mut self, piece: &[u8]) -> Result<(), CsvError> {
        match &mut self.state {
            State::Plain(text) => text.push(piece),
            State::Gzip(gzip) => gzip.write_all(piece).map_err(|err| {
                err.downcast().unwrap_or_else(|damage| {
                    // Hands on what was decoded before the damage, which may be refused first.
                    let refusal = gzip.try_finish().err().and_then(|err| err.downcast().ok());
                    refusal.unwrap_or_else(|| damaged_gzip(&damage))
                })
            }),
            State::Sniffing(..) | State::Moving => Ok(()),
        }
    }

    fn leave_sniffing(&mut self) -> Result<(), CsvError> {
        match std::mem::replace(&mut self.state, State::Moving) {
            State::Sniffing(first, text) => {
                self.state = if first == GZIP_MAGIC {
                    State::Gzip(Box::new(MultiGzDecoder::new(text)))
                } else {
                    State::Plain(text)
                };
                self.push_further(&first)
            }
            other => {
                self.state = other;
                Ok(())
            }
        }
    }

    /// Ends the upload and gives the sink back.
    ///
    /// # Errors
    ///
    /// `not-csv` where the upload stops in the middle of a gzip stream or of a UTF-16 character.
    pub fn finish(mut self) -> Result<S, CsvError> {
        self.leave_sniffing()?;
        let mut text = match self.state {
            State::Sniffing(_, text) | State::Plain(text) => text,
            State::Gzip(mut gzip) => gzip
                .try_finish()
                .and_then(|()| gzip.finish())
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

/// The decompressed bytes on their way to the sink.
struct TextStage<S> {
    sink: S,
    bytes_left: u64,
    max_bytes: u64,
    encoding: Encoding,
}

enum Encoding {
    /// The first bytes, until there are enough to tell a byte order mark.
    Sniffing(Vec<u8>),
    /// UTF-8, Windows-1252 or another superset of ASCII.
    AsciiSuperset(Utf8Check),
    Utf16(Utf16Reader),
    /// The text was refused, so the rest of it is dropped.
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
                message: "the text is not UTF-8 and was read as Windows-1252: where accents look \
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

/// Whether a text is UTF-8, however it was cut.
#[derive(Default)]
struct Utf8Check {
    is_other: bool,
    /// The start of a character whose end has not come yet.
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

/// Whether a piece ends the text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Yes,
    No,
}

/// UTF-16 in pieces, cut anywhere.
struct Utf16Reader {
    decoder: Decoder,
    /// Room for the text of a piece.
    text: Vec<u8>,
}

impl Utf16Reader {
    /// A reader of text after its byte order mark. A second mark is a character of the text.
    fn new(encoding: &'static encoding_rs::Encoding) -> Self {
        Self {
            decoder: encoding.new_decoder_without_bom_handling(),
            text: vec![0; UTF16_TEXT_BYTES],
        }
    }

    /// Hands the text of a piece to the sink, up to what is damaged.
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

/// Moves the start of a piece behind `first` until that has `wanted` bytes; gives the rest.
fn fill<'a>(first: &mut Vec<u8>, wanted: usize, piece: &'a [u8]) -> &'a [u8] {
    let missing = wanted.saturating_sub(first.len()).min(piece.len());
    let (start, rest) = piece.split_at(missing);
    first.extend_from_slice(start);
    rest
}

impl<S: TextSink> Write for TextStage<S> {
    /// A refusal travels through flate2 as an I/O error.
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        // The gzip decoder writes again when it is dropped.
        if matches!(self.encoding, Encoding::Refused) {
            return Ok(piece.len());
        }
        match self.push(piece) {
            Ok(()) => Ok(piece.len()),
            Err(refusal) => {
                self.encoding = Encoding::Refused;
                Err(io::Error::other(refusal))
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
