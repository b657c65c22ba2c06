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
pub(crate) use self::header::missing_column;

use std::fmt;

use crate::ip::{AddressSpec, parse_address};
use crate::text::RichText;

/// What an address cell may hold, for messages.
pub(crate) const ACCEPTED: &str = "an IPv4 or IPv6 address, a network such as 10.0.0.0/8, a range such as \
                        10.0.0.1-10.0.0.9, or all";

/// The explanation of a rejected cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Explanation {
    /// What is wrong, as a sentence or as the end of one.
    pub(crate) reason: RichText,
    /// The instruction that ends the sentence, where it can stand alone.
    pub(crate) help: Option<RichText>,
    /// Suggested replacements for the cell, the most likely first.
    pub(crate) fixes: Vec<String>,
    /// Whether the sentence names a suggestion already.
    pub(crate) names_a_fix: bool,
}

impl Explanation {
    /// A reason without a suggestion.
    pub(crate) fn new(reason: impl Into<RichText>) -> Self {
        Self {
            reason: reason.into(),
            help: None,
            fixes: Vec::new(),
            names_a_fix: false,
        }
    }

    /// Adds the instruction that ends the sentence.
    pub(crate) fn with_help(self, help: impl Into<RichText>) -> Self {
        Self {
            help: Some(help.into()),
            ..self
        }
    }

    /// Adds a suggestion.
    pub(crate) fn or(mut self, fix: impl Into<String>) -> Self {
        self.fixes.push(fix.into());
        self
    }

    /// Adds a suggestion that the sentence names.
    pub(crate) fn naming(self, fix: impl Into<String>) -> Self {
        Self {
            names_a_fix: true,
            ..self.or(fix)
        }
    }

    /// Makes the reason for a part of a text the reason for the whole: puts `before` in front of it, and makes a
    /// suggestion for the whole of each for the part.
    fn of_part(self, mut before: RichText, whole: impl Fn(String) -> String) -> Self {
        before.push(&self.reason);
        let fixes: Vec<String> = self.fixes.iter().cloned().map(whole).collect();
        Self {
            reason: before,
            help: self.help,
            names_a_fix: self.names_a_fix && fixes == self.fixes,
            fixes,
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)?;
        self.help.iter().try_for_each(|help| write!(f, ": {help}"))
    }
}

/// Whether a text is accepted and is not everybody, whom nobody lets in by a guess.
pub(crate) fn names_some(text: &str) -> bool {
    parse_address(text).is_ok_and(|addresses| addresses != AddressSpec::All)
}
