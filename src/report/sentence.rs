//! The sentences of the page. Quoted values and networks are separate parts of a sentence.

use serde::Serialize;

use crate::text::{RichText, Segment, SegmentKind, escape_invisible};

/// A sentence, in parts: words, quoted values and networks.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Sentence(pub(crate) Vec<Part>);

#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Part {
    /// `words`, `quoted` or `network`.
    pub(crate) kind: &'static str,
    pub(crate) text: String,
}

impl Sentence {
    pub(crate) fn of(text: &RichText) -> Self {
        let part = |segment: &Segment| Part {
            kind: match segment.kind() {
                SegmentKind::Words => "words",
                SegmentKind::Quoted => "quoted",
                SegmentKind::Network => "network",
            },
            text: escape_invisible(segment.text(), None),
        };
        Self(text.segments().iter().map(part).collect())
    }

    /// Returns the sentence with its first letter capitalized.
    pub(crate) fn capitalized(self) -> Self {
        let mut parts = self.0;
        if let Some(first) = parts.first_mut() {
            first.text = capitalized(&first.text);
        }
        Self(parts)
    }
}

/// Returns untrusted text as the page shows it, with invisible characters escaped.
pub(crate) fn shown(text: &str) -> String {
    escape_invisible(text, None)
}

/// Returns the text with its first letter capitalized, because messages start in lower case.
pub(crate) fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
}
