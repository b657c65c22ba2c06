//! The bytes of a text, cut anywhere → its lines, each with its number.
//!
//! A line ends with LF, CRLF or CR, and is numbered from 1 as an editor shows it. (The `csv`
//! crate's line numbers are off after CRLF, blank and comment lines, so they are counted here.)
//! Only a line that spans two pieces is copied.

use crate::report::{Refusal, RefusalCode};

/// The longest line, and the longest record over several lines, in bytes. A row of rules is
/// under 200; what is longer than this is not one, and would only fill the memory.
pub(crate) const LINE_BYTES_MAX: usize = 1024 * 1024;

/// Cuts pieces of text into lines.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// The start of a line whose end has not come yet.
    unfinished: Vec<u8>,
    /// The last piece ended in CR: a LF that starts the next one belongs to it.
    ended_in_cr: bool,
    /// The number of the last line handed out.
    number: u64,
}

impl Lines {
    /// Takes the next piece and hands each line that ends in it, without its terminator, to
    /// `each` together with its number.
    ///
    /// # Errors
    ///
    /// `too-large` for a line over [`LINE_BYTES_MAX`], and whatever `each` refuses.
    pub(crate) fn push(
        &mut self,
        mut piece: &[u8],
        mut each: impl FnMut(u64, &[u8]) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        if self.ended_in_cr && !piece.is_empty() {
            self.ended_in_cr = false;
            piece = piece.strip_prefix(b"\n").unwrap_or(piece);
        }
        while let Some(end) = memchr::memchr2(b'\n', b'\r', piece) {
            let (line, terminated) = piece.split_at(end);
            self.number += 1;
            if self.unfinished.is_empty() {
                check_length(self.number, line.len())?;
                each(self.number, line)?;
            } else {
                check_length(self.number, self.unfinished.len() + line.len())?;
                self.unfinished.extend_from_slice(line);
                each(self.number, &self.unfinished)?;
                self.unfinished.clear();
            }
            piece = match terminated {
                [b'\r'] => {
                    self.ended_in_cr = true;
                    &[]
                }
                [b'\r', b'\n', rest @ ..] | [_, rest @ ..] => rest,
                [] => &[],
            };
        }
        check_length(self.number + 1, self.unfinished.len() + piece.len())?;
        self.unfinished.extend_from_slice(piece);
        Ok(())
    }

    /// Ends the text: hands out the last line if no terminator ended it.
    ///
    /// # Errors
    ///
    /// Whatever `each` refuses.
    pub(crate) fn finish(
        &mut self,
        mut each: impl FnMut(u64, &[u8]) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        if self.unfinished.is_empty() {
            return Ok(());
        }
        self.number += 1;
        let line = std::mem::take(&mut self.unfinished);
        each(self.number, &line)
    }
}

/// # Errors
///
/// `too-large`, naming the line.
pub(crate) fn check_length(number: u64, bytes: usize) -> Result<(), Refusal> {
    if bytes <= LINE_BYTES_MAX {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalCode::TooLarge,
        format!("line {number} is longer than {LINE_BYTES_MAX} bytes: expected one rule a line"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(pieces: &[&[u8]]) -> Vec<(u64, String)> {
        let mut lines = Lines::default();
        let mut seen = Vec::new();
        let mut each = |number, line: &[u8]| {
            seen.push((number, String::from_utf8_lossy(line).into_owned()));
            Ok(())
        };
        for piece in pieces {
            lines.push(piece, &mut each).unwrap();
        }
        lines.finish(&mut each).unwrap();
        seen
    }

    #[test]
    fn numbers_lines_alike_for_lf_crlf_cr_and_any_cut() {
        for text in ["a\n\nb\nc", "a\r\n\r\nb\r\nc", "a\r\rb\rc"] {
            let expected: Vec<(u64, String)> = [(1, "a"), (2, ""), (3, "b"), (4, "c")]
                .map(|(number, line)| (number, line.to_owned()))
                .into();
            for cut in 0..=text.len() {
                let (before, after) = text.as_bytes().split_at(cut);
                assert_eq!(
                    lines_of(&[before, b"", after]),
                    expected,
                    "{text:?} cut at {cut}"
                );
            }
        }
    }

    #[test]
    fn refuses_a_line_over_the_limit_before_its_end_is_seen() {
        let mut lines = Lines::default();
        let piece = vec![b'a'; LINE_BYTES_MAX];
        lines.push(b"header\n", |_, _| Ok(())).unwrap();
        lines.push(&piece, |_, _| Ok(())).unwrap();
        let refusal = lines.push(b"a", |_, _| Ok(())).unwrap_err();
        assert_eq!(refusal.code, RefusalCode::TooLarge);
        assert!(
            refusal.message.starts_with("line 2 is longer than"),
            "{refusal}"
        );
    }
}
