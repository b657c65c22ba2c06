//! Cuts text that arrives in pieces into numbered lines.
//!
//! A line ends with LF, CRLF or CR. Lines are numbered from 1, as in an editor. They are counted here because
//! the line numbers of the `csv` crate are wrong after CRLF, blank lines and comments. Only a line that spans
//! several pieces is copied.

use crate::csv::error::CsvError;
use crate::csv::limits::check_length;

/// Receives the lines of a text.
pub(crate) trait LineSink {
    /// Takes as many whole lines as possible from the start of a text, and may take none. Lines that are not
    /// taken are passed to [`LineSink::line`].
    fn take_lines(&mut self, first_line: u64, text: &[u8]) -> Taken;

    /// Receives the next line, without its terminator, and its number.
    ///
    /// # Errors
    ///
    /// An error ends the reading.
    fn line(&mut self, number: u64, line: &[u8]) -> Result<(), CsvError>;
}

/// The lines that a sink took from the start of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// The number of lines.
    pub(crate) lines: u64,
    /// The length of the lines in bytes, including their terminators.
    pub(crate) bytes: usize,
}

impl Taken {
    /// Adds the lines that follow these lines.
    pub(crate) fn and(self, next: Self) -> Self {
        Self {
            lines: self.lines + next.lines,
            bytes: self.bytes + next.bytes,
        }
    }
}

/// Counts the empty lines at the start of a text. A few kilobytes of gzip can contain millions of them. A CR
/// at the end of the text may be half of a CRLF, so it is not counted.
pub(crate) fn empty_lines(text: &[u8]) -> Taken {
    let is_break = |byte: &&u8| matches!(**byte, b'\n' | b'\r');
    let length = text.iter().take_while(is_break).count();
    let breaks = text.get(..length).unwrap_or_default();
    let breaks = match breaks.strip_suffix(b"\r") {
        Some(before) if length == text.len() => before,
        _ => breaks,
    };
    // An LF ends a line, and so does a CR that is not before an LF.
    let is_line = |(byte, next): (&u8, Option<&u8>)| *byte == b'\n' || next != Some(&b'\n');
    let next = breaks.iter().skip(1).map(Some).chain([None]);
    Taken {
        lines: breaks
            .iter()
            .zip(next)
            .filter(|pair| is_line(*pair))
            .count() as u64,
        bytes: breaks.len(),
    }
}

/// Cuts pieces of text into lines.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// The start of a line whose end is in a later piece.
    unfinished: Vec<u8>,
    /// Set if the last piece ended in CR. An LF at the start of the next piece belongs to the same line
    /// ending.
    ended_in_cr: bool,
    /// The number of the last line that the sink received.
    number: u64,
}

impl Lines {
    /// Reads the next piece and hands the lines that end in it to `sink`.
    ///
    /// # Errors
    ///
    /// `too-large` for a line over 1 MiB (`limits.rs`), and the errors of `sink`.
    pub(crate) fn push(
        &mut self,
        mut piece: &[u8],
        sink: &mut impl LineSink,
    ) -> Result<(), CsvError> {
        if self.ended_in_cr && !piece.is_empty() {
            self.ended_in_cr = false;
            piece = piece.strip_prefix(b"\n").unwrap_or(piece);
        }
        loop {
            if self.unfinished.is_empty() {
                let taken = sink.take_lines(self.number + 1, piece);
                self.number += taken.lines;
                piece = piece.get(taken.bytes..).unwrap_or_default();
            }
            let Some(end) = memchr::memchr2(b'\n', b'\r', piece) else {
                break;
            };
            let (line, terminated) = piece.split_at(end);
            self.number += 1;
            if self.unfinished.is_empty() {
                check_length(self.number, line.len())?;
                sink.line(self.number, line)?;
            } else {
                check_length(self.number, self.unfinished.len() + line.len())?;
                self.unfinished.extend_from_slice(line);
                sink.line(self.number, &self.unfinished)?;
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

    /// Ends the text. Hands the last line to `sink` if it has no terminator.
    ///
    /// # Errors
    ///
    /// The errors of `sink`.
    pub(crate) fn finish(&mut self, sink: &mut impl LineSink) -> Result<(), CsvError> {
        if self.unfinished.is_empty() {
            return Ok(());
        }
        self.number += 1;
        let line = std::mem::take(&mut self.unfinished);
        sink.line(self.number, &line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::RefusalCode;
    use crate::csv::limits::MAX_LINE_BYTES;

    /// Records all lines. Takes lines that are `=` through `take_lines`, and others through `line`.
    #[derive(Default)]
    struct LineRecorder(Vec<(u64, String)>);

    impl LineSink for LineRecorder {
        fn take_lines(&mut self, first_line: u64, text: &[u8]) -> Taken {
            let mut taken = Taken::default();
            while text
                .get(taken.bytes..)
                .is_some_and(|text| text.starts_with(b"=\n"))
            {
                self.0.push((first_line + taken.lines, "=".to_owned()));
                taken.lines += 1;
                taken.bytes += 2;
            }
            taken
        }

        fn line(&mut self, number: u64, line: &[u8]) -> Result<(), CsvError> {
            let line = String::from_utf8_lossy(line).into_owned();
            self.0.push((number, line));
            Ok(())
        }
    }

    fn lines_of(pieces: &[&[u8]]) -> Vec<(u64, String)> {
        let mut lines = Lines::default();
        let mut recorder = LineRecorder::default();
        for piece in pieces {
            lines.push(piece, &mut recorder).unwrap();
        }
        lines.finish(&mut recorder).unwrap();
        recorder.0
    }

    #[track_caller]
    fn check_empty(text: &str, lines: u64, bytes: usize) {
        assert_eq!(
            empty_lines(text.as_bytes()),
            Taken { lines, bytes },
            "{text:?}"
        );
    }

    #[test]
    fn counts_the_empty_lines_at_the_start() {
        check_empty("", 0, 0);
        check_empty("a\n", 0, 0);
        check_empty("\n", 1, 1);
        check_empty("\r\n\n\r\ra\n", 4, 5);
        check_empty("\n\r\r", 2, 2);
        check_empty("\r", 0, 0);
        check_empty("\r\n\r\n a", 2, 4);
    }

    #[test]
    fn numbers_lines_alike_for_lf_crlf_cr_and_any_cut() {
        for text in ["a\n\n=\n=\nb", "a\r\n\r\n=\r\n=\r\nb", "a\r\r=\r=\rb"] {
            let expected: Vec<(u64, String)> = [(1, "a"), (2, ""), (3, "="), (4, "="), (5, "b")]
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
        let piece = vec![b'a'; MAX_LINE_BYTES];
        let mut recorder = LineRecorder::default();
        lines.push(b"header\n", &mut recorder).unwrap();
        lines.push(&piece, &mut recorder).unwrap();
        let err = lines.push(b"a", &mut recorder).unwrap_err();
        assert_eq!(err.code(), RefusalCode::TooLarge);
        assert!(
            err.to_string().starts_with("line 2 is longer than"),
            "{err}"
        );
    }
}
