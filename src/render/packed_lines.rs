//! Joins the networks of a list into as few lines as the maximum line length allows, separated by spaces,
//! and prints the lines directly into the output.
//!
//! # Implementation notes
//!
//! A million networks are 15 MB of text. If a template received the lines as values, they would be
//! printed, copied into values, and copied again into the output. A built-in template therefore receives
//! a [`LinePlaceholder`] for each line, which is a mark of a few bytes. The template is rendered into a
//! [`PlaceholderWriter`], which replaces each mark with the next line of the list. This requires that the
//! template prints each line of a list once and in order, and does nothing else with the line. Custom
//! templates receive the lines themselves. A test renders every built-in template in both ways.

use std::io::{self, Write};

use crate::ip::{Family, IpSet, MAX_TEXT_BYTES, Network, Networks, Printer};

/// The maximum length of a line, in bytes. With the directive and the indentation before it, the line
/// stays below 8,000 bytes. Apache accepts lines of up to 8,190 bytes in `.htaccess`.
pub(crate) const MAX_NETWORK_LINE_BYTES: usize = 7900;

/// A list whose networks are divided into lines.
#[derive(Clone, Debug)]
pub(crate) struct PackedList<'a> {
    ipv4: Networks<'a, u32>,
    ipv6: Networks<'a, u128>,
    ipv4_lines: Vec<LineSize>,
    ipv6_lines: Vec<LineSize>,
}

#[derive(Clone, Copy, Debug, Default)]
struct LineSize {
    networks: usize,
    bytes: usize,
}

impl<'a> PackedList<'a> {
    /// Divides a list into lines. Each family starts a new line.
    pub(crate) fn new(set: &'a IpSet) -> Self {
        Self {
            ipv4: set.ipv4.networks(),
            ipv6: set.ipv6.networks(),
            ipv4_lines: measure(set.ipv4.networks()),
            ipv6_lines: measure(set.ipv6.networks()),
        }
    }

    fn lines(&self) -> impl Iterator<Item = &LineSize> {
        self.ipv4_lines.iter().chain(&self.ipv6_lines)
    }

    pub(crate) fn line_count(&self) -> usize {
        self.ipv4_lines.len() + self.ipv6_lines.len()
    }

    pub(crate) fn network_count(&self) -> usize {
        self.lines().map(|line| line.networks).sum()
    }

    /// Returns the total length of all lines, in bytes, without line ends.
    pub(crate) fn bytes(&self) -> usize {
        self.lines().map(|line| line.bytes).sum()
    }

    /// Returns a function that appends the next line to its argument each time it is called.
    pub(crate) fn printer(&self) -> impl FnMut(&mut Vec<u8>) + use<'a> {
        let Self {
            mut ipv4, mut ipv6, ..
        } = self.clone();
        let mut ipv4_lines = self.ipv4_lines.clone().into_iter();
        let mut ipv6_lines = self.ipv6_lines.clone().into_iter();
        move |out| {
            if let Some(line) = ipv4_lines.next() {
                print(line, &mut ipv4, out);
            } else if let Some(line) = ipv6_lines.next() {
                print(line, &mut ipv6, out);
            }
        }
    }
}

fn measure<T: Family>(networks: Networks<'_, T>) -> Vec<LineSize> {
    let mut lines = Vec::new();
    let mut line = LineSize::default();
    for network in networks {
        let bytes = network.text_bytes();
        if line.networks > 0 && line.bytes + 1 + bytes > MAX_NETWORK_LINE_BYTES {
            lines.push(std::mem::take(&mut line));
        }
        line.bytes += bytes + usize::from(line.networks > 0);
        line.networks += 1;
    }
    if line.networks > 0 {
        lines.push(line);
    }
    lines
}

fn print<T: Family>(
    line: LineSize,
    networks: &mut impl Iterator<Item = Network<T>>,
    out: &mut Vec<u8>,
) {
    let start = out.len();
    out.resize(start + line.bytes + MAX_TEXT_BYTES, b' ');
    let mut at = start;
    for network in networks.take(line.networks) {
        // The buffer is always large enough, because the line was measured.
        if let Some(room) = out.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
            let mut printer = Printer::new(room);
            network.print(&mut printer);
            at += printer.finish(b' ');
        }
    }
    out.truncate(start + line.bytes);
}

/// A placeholder for the next line of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinePlaceholder {
    Allow,
    Deny,
}

impl LinePlaceholder {
    /// Returns the text that a template prints in place of a line. It starts with a private-use character,
    /// which cannot occur elsewhere in the output of a built-in template, because values are
    /// percent-encoded and the templates themselves do not contain it.
    pub(crate) const fn mark(self) -> &'static str {
        match self {
            Self::Allow => "\u{f8ff}+",
            Self::Deny => "\u{f8ff}-",
        }
    }
}

fn is_whole_mark(text: &[u8]) -> bool {
    [LinePlaceholder::Allow, LinePlaceholder::Deny]
        .map(|placeholder| placeholder.mark().as_bytes())
        .contains(&text)
}

fn has_mark(text: &[u8]) -> bool {
    // U+F8FF in UTF-8. Both marks start with this character.
    text.windows(3).any(|bytes| bytes == b"\xef\xa3\xbf")
}

/// A writer that forwards an output while it is rendered, and replaces each mark with the next line.
pub(crate) struct PlaceholderWriter<A, D, W> {
    /// The functions that print the next line of each list. `None` if the template received the lines
    /// themselves.
    printers: Option<(A, D)>,
    out: W,
    line: Vec<u8>,
    bytes: usize,
    max_bytes: u64,
    last: Option<u8>,
    error: Option<WriteError>,
}

/// The reason why an output was not written completely.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// The output is larger than the limit.
    TooLarge,
    /// The writer failed.
    Io(io::Error),
}

impl<A: FnMut(&mut Vec<u8>), D: FnMut(&mut Vec<u8>), W: Write> PlaceholderWriter<A, D, W> {
    /// Creates a writer. The `printers` print the next line of the allow list and of the deny list. Without
    /// printers, no marks are replaced. If the output exceeds `max_bytes`, rendering stops with an error.
    pub(crate) fn new(printers: Option<(A, D)>, out: W, max_bytes: u64) -> Self {
        Self {
            printers,
            out,
            line: Vec::new(),
            bytes: 0,
            max_bytes,
            last: None,
            error: None,
        }
    }

    /// Adds a line feed if the last line has none, and returns the number of forwarded bytes.
    ///
    /// # Errors
    ///
    /// The first error that occurred. Tera's own error would contain it only as text.
    pub(crate) fn finish(mut self) -> Result<usize, WriteError> {
        if self.last.is_some_and(|last| last != b'\n') {
            self.forward(b"\n");
        }
        match self.error {
            Some(err) => Err(err),
            None => self
                .out
                .flush()
                .map(|()| self.bytes)
                .map_err(WriteError::Io),
        }
    }

    fn forward(&mut self, text: &[u8]) {
        if self.error.is_some() {
            return;
        }
        self.bytes += text.len();
        self.last = text.last().copied().or(self.last);
        self.error = if self.bytes as u64 > self.max_bytes {
            Some(WriteError::TooLarge)
        } else {
            self.out.write_all(text).err().map(WriteError::Io)
        };
    }
}

/// Relies on Tera to write each value, and each text between two tags, with one call to `write_all`, so
/// that a mark arrives complete and alone. Checked with Tera 2.4.0 for values that are marked as safe:
/// `Value::format` writes a string with one call.
impl<A: FnMut(&mut Vec<u8>), D: FnMut(&mut Vec<u8>), W: Write> Write
    for PlaceholderWriter<A, D, W>
{
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        debug_assert!(
            self.printers.is_none() || is_whole_mark(text) || !has_mark(text),
            "tera no longer writes a value by one call"
        );
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        match &mut self.printers {
            Some((allow, _)) if text == LinePlaceholder::Allow.mark().as_bytes() => {
                allow(&mut line);
                self.forward(&line);
            }
            Some((_, deny)) if text == LinePlaceholder::Deny.mark().as_bytes() => {
                deny(&mut line);
                self.forward(&line);
            }
            _ => self.forward(text),
        }
        self.line = line;
        match self.error {
            // Stops rendering, because the rest of the output would be discarded anyway.
            Some(_) => Err(io::ErrorKind::WriteZero.into()),
            None => Ok(text.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csv::OwnedRow;
    use crate::ip::AddressSpec;
    use crate::list::Place;
    use crate::policy::samples::policy;
    use crate::render::{Template, render};
    use crate::rule::Action;
    use crate::source::Source;
    use crate::time::Period;

    #[test]
    fn a_comment_that_is_a_mark_is_not_replaced() {
        let source = "{% for line in allow.lines %}{{ line }}\n{% endfor %}\
                      {% for rule in rules %}# {{ rule.comment | safe }}\n{% endfor %}";
        let row = OwnedRow {
            place: Place::of_line(2),
            addresses: AddressSpec::All,
            action: Action::Allow,
            period: Period::ALWAYS,
            address: "10.0.0.1".to_owned(),
            comment: LinePlaceholder::Allow.mark().to_owned(),
        };
        let policy = policy("+10.0.0.1");
        let template = Template::compile(source).unwrap();
        let rendered = render(&template, &Source::default(), &policy, &[row], 0, u64::MAX).unwrap();
        assert_eq!(rendered.text, "10.0.0.1\n# \u{f8ff}+\n");
    }

    #[cfg(debug_assertions)]
    #[test]
    #[should_panic(expected = "tera no longer writes a value by one call")]
    fn a_cut_mark_is_noticed() {
        let print = |line: &mut Vec<u8>| line.extend_from_slice(b"10.0.0.1");
        let mut writer = PlaceholderWriter::new(Some((print, print)), Vec::new(), u64::MAX);
        let (start, end) = LinePlaceholder::Allow
            .mark()
            .split_at('\u{f8ff}'.len_utf8());
        let _ = writer.write_all(start.as_bytes());
        let _ = writer.write_all(end.as_bytes());
    }
}
