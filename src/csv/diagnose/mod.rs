//! Explains what is wrong with a cell, a row, a header or a file, and suggests a correction.
//!
//! `row.rs` explains a row with the help of `address.rs`, `rule.rs` and `list.rs`. `address.rs` uses
//! `ipv4.rs`, `mixed.rs`, `characters.rs` and `spreadsheet.rs` for the kinds of cells that they recognize.
//! `date/` explains the cells of `Starts` and `Expires`. `header.rs` explains a line that is not a header.
//! `file_kind.rs` recognizes files of other formats.
//!
//! This module does not decide whether a row is accepted, with one exception: a word such as `Block` counts
//! as a rule where a row must not be ignored, which is in a second rule column, after `#`, and above the
//! header. The code may be slow, because it runs only after a rejection, for the first rejections of a file
//! and for cells of at most [`MAX_EXPLAINED_BYTES`]. The exceptions are `file_kind.rs`, which checks the
//! start of each upload, and `meant_in`, which reads the words of the rows mentioned above.

mod address;
mod characters;
mod date;
mod file_kind;
mod header;
mod ipv4;
mod list;
mod mixed;
mod row;
mod rule;
mod spreadsheet;

pub(crate) use self::file_kind::{binary_kind, text_kind, wide_text_kind};
pub(crate) use self::header::{could_be_row, missing_column};
pub(crate) use self::rule::meant_in;

use std::fmt;

use crate::ip::{AddressSpec, parse_address};
use crate::text::RichText;

/// The accepted contents of an address cell, for messages.
pub(crate) const ACCEPTED: &str = "an IPv4 or IPv6 address, a network such as 10.0.0.0/8, a range such as \
                        10.0.0.1-10.0.0.9, or all";

/// The maximum length of a cell that is searched for its error, in bytes. The search may look at each part of
/// a cell several times. The longest cell that is accepted, a range of IPv6 addresses, has 79 bytes without
/// its blanks, so a longer cell is not a typing error.
pub(crate) const MAX_EXPLAINED_BYTES: usize = 256;

/// The explanation of a rejected cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Explanation {
    /// The error, as a sentence or as the end of one.
    pub(crate) reason: RichText,
    /// The instruction that follows the reason, if it is not part of the reason.
    pub(crate) help: Option<RichText>,
    /// Suggested replacements for the cell, the most likely first.
    pub(crate) fixes: Vec<String>,
    /// Set if the message already contains a suggestion.
    pub(crate) names_a_fix: bool,
}

impl Explanation {
    /// Creates an explanation without a suggestion.
    pub(crate) fn new(reason: impl Into<RichText>) -> Self {
        Self {
            reason: reason.into(),
            help: None,
            fixes: Vec::new(),
            names_a_fix: false,
        }
    }

    /// Adds the instruction that follows the reason.
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

    /// Adds a suggestion that the message already contains.
    pub(crate) fn naming(self, fix: impl Into<String>) -> Self {
        Self {
            names_a_fix: true,
            ..self.or(fix)
        }
    }

    /// Turns the explanation of a part of a text into an explanation of the whole text. Puts `before` in
    /// front of the reason. `whole` turns a suggestion for the part into a suggestion for the whole text.
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

/// Returns whether a text is accepted as an address and is not `all`. `all` is never suggested,
/// because a guess must not let everybody in.
pub(crate) fn names_some(text: &str) -> bool {
    parse_address(text).is_ok_and(|addresses| addresses != AddressSpec::All)
}

/// Counts the cells that are searched for an error, and their bytes, so that tests can measure the work
/// without a clock.
#[cfg(test)]
pub(crate) mod explained {
    use std::cell::Cell;

    thread_local! {
        static CELLS_AND_BYTES: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
    }

    pub(crate) fn count(text: &str) {
        let (cells, bytes) = CELLS_AND_BYTES.get();
        CELLS_AND_BYTES.set((cells + 1, bytes + text.len()));
    }

    /// Returns the numbers of cells and bytes counted in this thread since the last call.
    pub(crate) fn take() -> (usize, usize) {
        CELLS_AND_BYTES.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csv::kind::RowContext;
    use crate::csv::quoted_row::RowText;
    use crate::csv::row::{RowError, RowErrorKind};

    /// Explains a row with this address and this rule, and returns the numbers of cells and bytes that were
    /// searched for an error.
    fn searched(address: &str, rule: &str) -> (usize, usize) {
        let kind = match parse_address(address) {
            Ok(_) => RowErrorKind::Rule(rule),
            Err(err) => RowErrorKind::Address(err),
        };
        let error = RowError {
            address,
            rule,
            kind,
            context: &RowContext::default(),
            text: RowText::Elsewhere,
        };
        explained::take();
        let _ = error.explain(1);
        explained::take()
    }

    #[test]
    fn a_cell_is_searched_once_and_a_long_cell_not_at_all() {
        for part in [
            "1-", "a-", "1.", "1:", "1/", "1 ", "1.1.1.1 ", "é", "1E", "08-Oct ", "#", "x",
        ] {
            let short = part.repeat(MAX_EXPLAINED_BYTES / part.len());
            let (cells, bytes) = searched(&short, "Allow");
            assert!(
                cells <= 2 && bytes <= 2 * short.len(),
                "{part}: {cells} cells"
            );
            let (cells, bytes) = searched("1.1.1.1", &short);
            assert!(
                cells <= 2 && bytes <= 2 * short.len(),
                "{part}: {cells} cells"
            );
            let long = part.repeat(1 + MAX_EXPLAINED_BYTES / part.len());
            assert_eq!(searched(&long, "Allow"), (0, 0), "{part}");
            assert_eq!(searched("1.1.1.1", &long), (0, 0), "{part}");
        }
    }
}
