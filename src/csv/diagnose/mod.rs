//! Explains what is wrong with a cell, a row, a header or a file, and what it could say instead.
//!
//! Explaining knows parsing; parsing does not know explaining.

mod address;
mod characters;
mod file_kind;
mod header;
mod ipv4;
mod mixed;
mod rule;
mod row;
mod spreadsheet;

pub(crate) use self::file_kind::{binary_kind, text_kind, wide_text_kind};
pub(crate) use self::header::{missing_column, second_header};

use crate::ip::{AddressSpec, parse_address};

/// What an address cell may hold, for messages.
pub(crate) const ACCEPTED: &str = "an IPv4 or IPv6 address, a network such as 10.0.0.0/8, a range such as \
                        10.0.0.1-10.0.0.9, or all";

/// Why a cell is rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    /// One sentence, or its end.
    pub(crate) sentence: String,
    /// What the cell could say instead, the likeliest first.
    pub(crate) fixes: Vec<String>,
}

impl Reason {
    /// A reason that suggests nothing.
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self {
            sentence: sentence.into(),
            fixes: Vec::new(),
        }
    }

    /// The same, with one more suggestion.
    pub(crate) fn or(mut self, fix: impl Into<String>) -> Self {
        self.fixes.push(fix.into());
        self
    }

    /// The reason for the whole of a text of which this is the reason for a part.
    fn of_part(self, before: &str, whole: impl Fn(String) -> String) -> Self {
        Self {
            sentence: format!("{before}{}", self.sentence),
            fixes: self.fixes.into_iter().map(whole).collect(),
        }
    }
}

/// Whether a text is accepted and is not everybody, whom nobody lets in by a guess.
pub(crate) fn names_some(text: &str) -> bool {
    parse_address(text).is_ok_and(|addresses| addresses != AddressSpec::All)
}
