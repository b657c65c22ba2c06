//! Turns the address and the rule of a row into a rule or an error. Defines the rows that a sink
//! receives.
//!
//! [`read_rule`] is strict, because nearly every cell is written as expected. If it fails,
//! `parser.rs` calls it again without the formula or the quotes that a spreadsheet put around the
//! cells.

use std::borrow::Cow;

use crate::answer::Warning;
use crate::csv::cell::{cell_text, comment_text, unwrapped};
use crate::csv::error::CsvError;
use crate::ip::{AddrRange, AddressError, AddressSpec, parse_address};
use crate::rule::Action;
use crate::time::{Bound, DateReader, Period};

/// A rejected row: its two cells, and the error.
///
/// `RowError::explain` (`csv/diagnose/row.rs`) makes the message. It is separate because most
/// rejections of a bad file are only counted.
#[derive(Clone, Copy, Debug)]
pub struct RowError<'a> {
    /// The address cell, as it is written.
    pub(super) address: &'a str,
    /// The rule cell, as it is written.
    pub(super) rule: &'a str,
    pub(super) kind: RowErrorKind<'a>,
}

impl RowError<'_> {
    /// Returns the action, if the rule can be read.
    #[must_use]
    pub fn action(&self) -> Option<Action> {
        match self.kind {
            RowErrorKind::OtherRule { .. }
            | RowErrorKind::NoRule(_)
            | RowErrorKind::NoAddressNorRule => None,
            _ => action_of(unwrapped(self.rule).as_deref().unwrap_or(self.rule)),
        }
    }

    /// Returns the addresses, if they can be read.
    #[must_use]
    pub fn addresses(&self) -> Option<AddressSpec> {
        match self.kind {
            // Most rejected rows need not be parsed again.
            RowErrorKind::Address(_) | RowErrorKind::NoAddress | RowErrorKind::NoAddressNorRule => {
                None
            }
            _ => {
                let text = unwrapped(self.address);
                parse_address(text.as_deref().unwrap_or(self.address)).ok()
            }
        }
    }
}

/// The reason for a rejection. Its texts are the cells without the formula or the quotes around
/// them.
#[derive(Clone, Copy, Debug)]
pub(super) enum RowErrorKind<'a> {
    /// The address cell names no addresses.
    Address(AddressError<'a>),
    /// The rule is neither `Allow` nor `Deny`.
    Rule(&'a str),
    /// Another column has the name of a rule column, and says the opposite.
    OtherRule {
        /// The rule.
        rule: &'a str,
        /// The rule in the other column.
        other: &'a str,
    },
    /// The address is missing.
    NoAddress,
    /// The address and the rule are missing, but not every cell is empty.
    NoAddressNorRule,
    /// The rule is missing. The value is the address.
    NoRule(&'a str),
    /// A date cell is not a date.
    Date {
        /// Its column.
        bound: Bound,
        /// The cell.
        text: &'a str,
        /// The time zone and the instant of which the rows are read.
        dates: &'a DateReader,
    },
    /// The row does not end after it starts. The values are the cells.
    ReversedPeriod { starts: &'a str, expires: &'a str },
    /// The row is `all,Allow`, and another row is `all,Deny`.
    ConflictingDefault,
}

/// Reads an address and a rule without removing anything around them.
pub(super) fn read_rule<'a>(
    address: &'a str,
    rule: &'a str,
) -> Result<(Action, AddressSpec), RowErrorKind<'a>> {
    match (address, rule) {
        ("", "") => return Err(RowErrorKind::NoAddressNorRule),
        ("", _) => return Err(RowErrorKind::NoAddress),
        (_, "") => return Err(RowErrorKind::NoRule(address)),
        _ => {}
    }
    let addresses = parse_address(address).map_err(RowErrorKind::Address)?;
    match action_of(rule) {
        Some(action) => Ok((action, addresses)),
        None => Err(RowErrorKind::Rule(rule)),
    }
}

/// Returns the action that `Allow` or `Deny` means, in any case.
pub(crate) fn action_of(rule: &str) -> Option<Action> {
    if rule.eq_ignore_ascii_case("allow") {
        Some(Action::Allow)
    } else if rule.eq_ignore_ascii_case("deny") {
        Some(Action::Deny)
    } else {
        None
    }
}

/// Returns the action that a cell states, if it is a rule.
pub(super) fn action_in(cell: &[u8]) -> Option<Action> {
    let text = cell_text(cell);
    action_of(unwrapped(&text).as_deref().unwrap_or(&text))
}

/// A line inside a quoted cell that looks like a row. It is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HiddenRow {
    /// The line.
    pub line: u64,
    /// The line where the record with the quoted cell starts.
    pub record_line: u64,
    /// The action that the line states, if its rule can be read.
    pub action: Option<Action>,
    /// The addresses that the line names, if they can be read.
    pub addresses: Option<AddressSpec>,
}

/// One accepted row.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The line where the row starts, 1-based, as in an editor.
    pub line: u64,
    /// The action of the row.
    pub action: Action,
    /// The addresses that the row names.
    pub addresses: AddressSpec,
    /// The time in which the row is active.
    pub period: Period,
    pub(super) address_cell: &'a [u8],
    pub(super) comment_cell: &'a [u8],
}

impl<'a> Row<'a> {
    /// Returns the address as written, without the formula or the quotes that a spreadsheet put
    /// around it.
    #[must_use]
    pub fn address(&self) -> Cow<'a, str> {
        let text = cell_text(self.address_cell);
        unwrapped(&text).map_or(text, Cow::Owned)
    }

    /// Returns the comment. Empty if there is none.
    #[must_use]
    pub fn comment(&self) -> Cow<'a, str> {
        comment_text(self.comment_cell)
    }
}

/// Receives the rows of a CSV as they are parsed.
///
/// The parser uses the push model: it drives the reading and hands each row to the sink.
pub trait RowSink {
    /// Receives an accepted row.
    fn accept(&mut self, row: Row<'_>);
    /// Receives a rejected row and the line where it starts. Explaining it takes time, and a file may have millions:
    /// the sink decides whether it calls [`RowError::explain`].
    fn reject(&mut self, line: u64, error: &RowError<'_>);
    /// Receives a line that looks like a row but is inside a quoted cell. Lines ascend within a record.
    fn find_hidden_row(&mut self, _row: HiddenRow) {}
    /// Receives the line of a row that starts with `#`, before the row itself. It is not a comment.
    fn find_hash_row(&mut self, _line: u64) {}
    /// Receives the names of the columns that are not read, before the first row.
    fn ignore_columns(&mut self, _names: Vec<String>) {}
    /// Returns the error that ends the reading because of the rows so far. Called after each piece
    /// of text.
    ///
    /// # Errors
    ///
    /// `too-large` if the rows are more than the sink keeps.
    fn check(&self) -> Result<(), CsvError> {
        Ok(())
    }
    /// Receives a warning about how the text was read.
    fn warn(&mut self, _warning: Warning) {}
    /// Returns whether accepted rows may come through [`RowSink::accept_ipv4`] and
    /// [`RowSink::accept_dated_ipv4`].
    fn wants_fast_path(&self) -> bool {
        false
    }
    /// Receives an accepted row without its cells and without a period, which is several times faster.
    fn accept_ipv4(&mut self, _line: u64, _action: Action, _addresses: AddrRange<u32>) {}
    /// Receives an accepted row without its cells, which has a period.
    fn accept_dated_ipv4(
        &mut self,
        _line: u64,
        _action: Action,
        _addresses: AddrRange<u32>,
        _period: Period,
    ) {
    }
}

/// One accepted row, kept for templates that list the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedRow {
    /// The line where the row starts, 1-based.
    pub line: u64,
    /// The action of the row.
    pub action: Action,
    /// The addresses that it names.
    pub addresses: AddressSpec,
    /// The time in which it is active.
    pub period: Period,
    /// The address as written, without the formula or the quotes around it.
    pub address: String,
    /// The comment. Empty if there is none.
    pub comment: String,
}

impl OwnedRow {
    /// Copies a row.
    #[must_use]
    pub fn of(row: &Row<'_>) -> Self {
        Self {
            line: row.line,
            action: row.action,
            addresses: row.addresses,
            period: row.period,
            address: row.address().into_owned(),
            comment: row.comment().into_owned(),
        }
    }
}
