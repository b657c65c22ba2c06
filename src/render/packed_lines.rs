//! The networks of a list joined by spaces, as few lines as a limit lets, printed once and straight
//! into the text they belong to.
//!
//! # Implementation notes
//!
//! A million networks are 15 MB of text. Handed to a template as values, they would be made, copied
//! into values, and copied again into the output. So a built-in template is handed a [`LinePlaceholder`]
//! for each line, a mark of a few bytes, and [`PlaceholderWriter`], which the template is rendered into,
//! prints the next line of the list where a mark is written. That wants a template that prints each
//! line of a list once, in order, and does nothing else with it; those of one's own get the lines
//! themselves. A test renders every built-in template both ways.

use std::io::{self, Write};

use crate::ip::{Family, IpSet, MAX_TEXT_BYTES, Network, Networks, Printer};

/// The longest line, in bytes. With a directive and its indentation before it a line stays under
/// 8,000 bytes, and Apache's limit for a line of `.htaccess` is 8,190.
pub(crate) const MAX_NETWORK_LINE_BYTES: usize = 7900;

/// A list, and how its networks fall into lines.
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
    /// Measures a list. A new line starts with each family.
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

    /// The bytes of all lines together.
    pub(crate) fn bytes(&self) -> usize {
        self.lines().map(|line| line.bytes).sum()
    }

    /// The lines as they are printed, each appended to what `out` has already.
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
        // There is room, for the line was measured.
        if let Some(room) = out.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
            let mut printer = Printer::new(room);
            network.print(&mut printer);
            at += printer.finish(b' ');
        }
    }
    out.truncate(start + line.bytes);
}

/// Stands for the next line of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinePlaceholder {
    Allow,
    Deny,
}

impl LinePlaceholder {
    /// What a template prints for it: a character of private use, which no other text in an output
    /// has, for values are percent-encoded and built-in templates have none.
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
    // U+F8FF, with which both marks start, as UTF-8.
    text.windows(3).any(|bytes| bytes == b"\xef\xa3\xbf")
}

/// Takes an output as it is rendered, with lines in the place of their marks, and hands it on.
pub(crate) struct PlaceholderWriter<A, D, W> {
    /// Print the next line of each list; `None` if the template was handed the lines themselves.
    printers: Option<(A, D)>,
    out: W,
    line: Vec<u8>,
    bytes: usize,
    last: Option<u8>,
    error: Option<io::Error>,
}

impl<A: FnMut(&mut Vec<u8>), D: FnMut(&mut Vec<u8>), W: Write> PlaceholderWriter<A, D, W> {
    /// `printers` print the next line of the allow list and of the deny list. Without them nothing is
    /// replaced.
    pub(crate) fn new(printers: Option<(A, D)>, out: W) -> Self {
        Self {
            printers,
            out,
            line: Vec::new(),
            bytes: 0,
            last: None,
            error: None,
        }
    }

    /// Ends the last line, and tells how many bytes were handed on.
    ///
    /// # Errors
    ///
    /// The first one of the writer, which a template's own error would only mention.
    pub(crate) fn finish(mut self) -> io::Result<usize> {
        if self.last.is_some_and(|last| last != b'\n') {
            self.forward(b"\n");
        }
        match self.error {
            Some(err) => Err(err),
            None => self.out.flush().map(|()| self.bytes),
        }
    }

    fn forward(&mut self, text: &[u8]) {
        if self.error.is_none() {
            self.error = self.out.write_all(text).err();
        }
        self.bytes += text.len();
        self.last = text.last().copied().or(self.last);
    }
}

/// Relies on tera to write each value, and each text between two tags, by one call of `write_all`, so
/// that a mark arrives whole and alone. Checked with tera 2.4.0, for values that are marked as safe:
/// `Value::format` writes a string by one call.
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
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csv::OwnedRow;
    use crate::policy::samples::policy;
    use crate::render::{Template, render};
    use crate::rule::Action;
    use crate::source::Source;

    #[test]
    fn a_comment_that_is_a_mark_is_not_replaced() {
        let source = "{% for line in allow.lines %}{{ line }}\n{% endfor %}\
                      {% for rule in rules %}# {{ rule.comment | safe }}\n{% endfor %}";
        let row = OwnedRow {
            line: 2,
            action: Action::Allow,
            address: "10.0.0.1".to_owned(),
            comment: LinePlaceholder::Allow.mark().to_owned(),
        };
        let policy = policy("+10.0.0.1");
        let template = Template::compile(source).unwrap();
        let rendered = render(&template, &Source::default(), &policy, &[row], 0).unwrap();
        assert_eq!(rendered.text, "10.0.0.1\n# \u{f8ff}+\n");
    }

    #[cfg(debug_assertions)]
    #[test]
    #[should_panic(expected = "tera no longer writes a value by one call")]
    fn a_cut_mark_is_noticed() {
        let print = |line: &mut Vec<u8>| line.extend_from_slice(b"10.0.0.1");
        let mut writer = PlaceholderWriter::new(Some((print, print)), Vec::new());
        let (start, end) = LinePlaceholder::Allow
            .mark()
            .split_at('\u{f8ff}'.len_utf8());
        let _ = writer.write_all(start.as_bytes());
        let _ = writer.write_all(end.as_bytes());
    }
}
