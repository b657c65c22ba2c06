//! Decompresses gzip (RFC 1952) in small steps, and refuses data that takes too long to read in proportion to
//! its text.
//!
//! Reading gzip takes time for each member of a file and for each block of a member, even if they are empty:
//! 20 bytes of gzip can take as long as 500 bytes of text. The numbers of members and of compressed bytes are
//! therefore limited in proportion to the text. No compressor comes near these limits.

use std::io::{self, Write};

use flate2::write::GzDecoder;

use crate::csv::error::CsvError;

/// The number of members that a file may have regardless of the length of its text.
const FREE_MEMBERS: u64 = 1024;
/// The length of text that allows one more member, in bytes. Programs that write many members, such as bgzip,
/// put 64 KiB of text into each.
const TEXT_BYTES_PER_MEMBER: u64 = 16 * 1024;
/// The number of compressed bytes that a file may have regardless of the length of its text.
const FREE_COMPRESSED_BYTES: u64 = 64 * 1024;

/// Decompresses the members of a gzip file, one after the other, into a writer.
pub(crate) struct GzipReader<W: Write> {
    /// The member that is being read. `None` if the next member could not be started.
    member: Option<GzDecoder<CountingWriter<W>>>,
    members: u64,
    compressed_bytes: u64,
}

impl<W: Write> GzipReader<W> {
    /// Creates a reader that starts with the first member and writes the text to `out`.
    pub(crate) fn new(out: W) -> Self {
        Self {
            member: Some(GzDecoder::new(CountingWriter { out, bytes: 0 })),
            members: 1,
            compressed_bytes: 0,
        }
    }

    /// Reads as much of `piece` as fits into one step, and returns the number of bytes read. A step writes at
    /// most 32 KiB of text, which is the buffer size of flate2's writers.
    ///
    /// # Errors
    ///
    /// If the data is damaged, [`CsvError::GzipOverhead`] wrapped in an I/O error if the data exceeds a limit
    /// of this module, and the errors of the writer.
    pub(crate) fn step(&mut self, piece: &[u8]) -> io::Result<usize> {
        if piece.is_empty() {
            return Ok(0);
        }
        let mut read = self.write(piece)?;
        if read == 0 {
            self.start_member()?;
            read = self.write(piece)?;
        }
        self.compressed_bytes += read as u64;
        if self.compressed_bytes > FREE_COMPRESSED_BYTES + self.text_bytes() {
            return Err(io::Error::other(CsvError::GzipOverhead));
        }
        Ok(read)
    }

    /// Passes compressed data to the decoder of the member. Returns the number of bytes read, which is 0 at
    /// the end of the member.
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        match &mut self.member {
            Some(member) => member.write(piece),
            None => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// Ends the member and starts the next one.
    fn start_member(&mut self) -> io::Result<()> {
        if let Some(mut member) = self.member.take() {
            member.try_finish()?;
            self.member = Some(GzDecoder::new(member.finish()?));
        }
        self.members += 1;
        if self.members > FREE_MEMBERS + self.text_bytes() / TEXT_BYTES_PER_MEMBER {
            return Err(io::Error::other(CsvError::GzipOverhead));
        }
        Ok(())
    }

    fn text_bytes(&self) -> u64 {
        let member = self.member.as_ref();
        member.map_or(0, |member| member.get_ref().bytes)
    }

    /// Writes the text that is still buffered, and checks that the last member is complete.
    ///
    /// # Errors
    ///
    /// If the data is damaged or incomplete, and the errors of the writer.
    pub(crate) fn flush_text(&mut self) -> io::Result<()> {
        match &mut self.member {
            Some(member) => member.try_finish(),
            None => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// Ends the file and returns the writer.
    ///
    /// # Errors
    ///
    /// See [`GzipReader::flush_text`].
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.flush_text()?;
        match self.member {
            Some(member) => Ok(member.finish()?.out),
            None => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// Passes bytes on to a writer and counts them.
struct CountingWriter<W> {
    out: W,
    bytes: u64,
}

impl<W: Write> Write for CountingWriter<W> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let written = self.out.write(piece)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
