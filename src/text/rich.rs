//! Sentences for people, as data that keeps quoted values separate from the words.
//!
//! The terminal and the JSON answer show a sentence as one line. The report page isolates each quoted
//! value, so that right-to-left text in a cell cannot reorder the words around it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Serialize, Serializer};

use crate::text::quote::quote;

/// A sentence. `Display` and `Serialize` write it as one line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RichText(Vec<Segment>);

/// A segment of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    kind: SegmentKind,
    text: String,
}

/// The kind of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentKind {
    /// The sentence's own words.
    Words,
    /// An untrusted value, escaped and in double quotes.
    Quoted,
    /// A network.
    Network,
}

impl Segment {
    /// Creates a segment for an untrusted value, which [`quote`] escapes and quotes.
    #[must_use]
    pub fn quoted(value: &str) -> Self {
        Self {
            kind: SegmentKind::Quoted,
            text: quote(value),
        }
    }

    /// Creates a segment of the sentence's own words.
    pub(crate) fn words(text: impl Into<String>) -> Self {
        Self {
            kind: SegmentKind::Words,
            text: text.into(),
        }
    }

    /// Creates a segment for a network.
    pub(crate) fn network(text: impl Into<String>) -> Self {
        Self {
            kind: SegmentKind::Network,
            text: text.into(),
        }
    }

    /// Returns the kind of this segment.
    #[must_use]
    pub fn kind(&self) -> SegmentKind {
        self.kind
    }

    /// Returns the text of this segment. The text of a quoted value includes the quotes.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl RichText {
    /// Returns the segments in order. Two segments of words are never adjacent.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// Appends a part.
    pub(crate) fn push(&mut self, part: impl Part) {
        part.append_to(self);
    }

    /// Returns whether the sentence is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn push_segment(&mut self, kind: SegmentKind, text: &str) {
        if text.is_empty() {
            return;
        }
        match self.0.last_mut() {
            Some(last) if kind == SegmentKind::Words && last.kind == kind => {
                last.text.push_str(text);
            }
            _ => self.0.push(Segment {
                kind,
                text: text.to_owned(),
            }),
        }
    }
}

impl fmt::Display for RichText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|segment| f.write_str(&segment.text))
    }
}

impl Serialize for RichText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<P: Part> From<P> for RichText {
    fn from(part: P) -> Self {
        let mut text = Self::default();
        part.append_to(&mut text);
        text
    }
}

/// A value that can be a part of a sentence.
pub trait Part {
    /// Appends the part to a sentence.
    fn append_to(self, text: &mut RichText);
}

impl Part for Segment {
    fn append_to(self, text: &mut RichText) {
        text.push_segment(self.kind, &self.text);
    }
}

impl Part for &Segment {
    fn append_to(self, text: &mut RichText) {
        text.push_segment(self.kind, &self.text);
    }
}

impl Part for &RichText {
    fn append_to(self, text: &mut RichText) {
        for segment in &self.0 {
            segment.append_to(text);
        }
    }
}

impl Part for &str {
    fn append_to(self, text: &mut RichText) {
        text.push_segment(SegmentKind::Words, self);
    }
}

/// Implements [`Part`] for values that are printed as words.
macro_rules! words {
    ($($kind:ty),*) => {
        $(impl Part for $kind {
            fn append_to(self, text: &mut RichText) {
                text.push_segment(SegmentKind::Words, &self.to_string());
            }
        })*
    };
}
words!(
    String,
    &String,
    u8,
    u32,
    u64,
    u128,
    usize,
    Ipv4Addr,
    Ipv6Addr,
    IpAddr,
    ipnet::IpNet
);

/// Creates a [`RichText`] from a pattern in which each `{}` is replaced by the next part.
macro_rules! rich {
    ($pattern:literal $(, $part:expr)* $(,)?) => {{
        let mut text = $crate::text::RichText::default();
        let mut words = $pattern.split("{}");
        text.push(words.next().unwrap_or_default());
        $(
            text.push($part);
            text.push(words.next().unwrap_or_default());
        )*
        debug_assert!(words.next().is_none(), "a part is missing: {}", $pattern);
        text
    }};
}
pub(crate) use rich;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_values_stay_apart_from_the_words() {
        let text = rich!(
            "line {}: {} is not {}",
            3_u64,
            Segment::quoted("a\"b"),
            "a rule"
        );
        assert_eq!(text.to_string(), "line 3: \"a\\\"b\" is not a rule");
        let kinds: Vec<_> = text.segments().iter().map(Segment::kind).collect();
        assert_eq!(
            kinds,
            [SegmentKind::Words, SegmentKind::Quoted, SegmentKind::Words]
        );
        assert_eq!(serde_json::to_string(&rich!("x")).unwrap(), "\"x\"");
    }

    #[test]
    fn a_part_may_be_a_sentence() {
        let inner = rich!("{} is wrong", Segment::quoted("x"));
        let text = rich!("it: {}, {}", &inner, "so");
        assert_eq!(text.to_string(), "it: \"x\" is wrong, so");
        assert_eq!(text.segments().len(), 3);
        assert!(RichText::from("").is_empty());
    }
}
