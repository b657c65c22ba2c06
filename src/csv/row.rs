//! The address and the rule of one row → a rule, or why the row is rejected.
//!
//! Strictly first, as nearly every cell is written. Only where that fails is a cell looked at once
//! more for what a spreadsheet wrapped it in.

use std::borrow::Cow;

use crate::answer::{Rejection, Warning};
use crate::csv::cell::{cell_text, comment_text, unwrapped};
use crate::ip::{AddrRange, AddressError, AddressSpec, parse_address};
use crate::rule::Action;

/// Why a row is rejected. Its sentence is made only when somebody reads it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RowError<'a> {
    /// The address is none.
    Address(AddressError<'a>),
    /// The rule is neither `Allow` nor `Deny`.
    Rule(&'a str),
    /// The address is missing.
    NoAddress,
    /// The rule is missing; here is the address.
    NoRule(&'a str),
}

/// Reads an address and a rule as they are.
pub(crate) fn read_rule<'a>(
    address: &'a str,
    rule: &'a str,
) -> Result<(Action, AddressSpec), RowError<'a>> {
    match (address, rule) {
        ("", _) => return Err(RowError::NoAddress),
        (_, "") => return Err(RowError::NoRule(address)),
        _ => {}
    }
    let addresses = parse_address(address).map_err(RowError::Address)?;
    match action_of(rule) {
        Some(action) => Ok((action, addresses)),
        None => Err(RowError::Rule(rule)),
    }
}

/// `Allow` or `Deny`, in any case.
pub(crate) fn action_of(rule: &str) -> Option<Action> {
    if rule.eq_ignore_ascii_case("allow") {
        Some(Action::Allow)
    } else if rule.eq_ignore_ascii_case("deny") {
        Some(Action::Deny)
    } else {
        None
    }
}

/// A row that could not be read as it is, read once more without what its cells are wrapped in.
/// `give_up` takes the fault that stays; what it gives is handed on.
#[cold]
pub(crate) fn read_unwrapped<T>(
    address: &str,
    rule: &str,
    give_up: impl FnOnce(RowError<'_>) -> T,
) -> Result<(Action, AddressSpec), T> {
    let (plain_address, plain_rule) = (unwrapped(address), unwrapped(rule));
    let address = plain_address.as_deref().unwrap_or(address);
    let rule = plain_rule.as_deref().unwrap_or(rule);
    read_rule(address, rule).map_err(give_up)
}

/// One accepted row.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// Where the row starts: 1-based, as an editor shows it.
    pub line: u64,
    /// What it does.
    pub action: Action,
    /// To whom.
    pub addresses: AddressSpec,
    pub(super) address_cell: &'a [u8],
    pub(super) comment_cell: &'a [u8],
}

impl<'a> Row<'a> {
    /// The address as it was written, without what a spreadsheet wrapped it in.
    #[must_use]
    pub fn address(&self) -> Cow<'a, str> {
        let text = cell_text(self.address_cell);
        unwrapped(&text).map_or(text, Cow::Owned)
    }

    /// The comment, empty if there is none.
    #[must_use]
    pub fn comment(&self) -> Cow<'a, str> {
        comment_text(self.comment_cell)
    }
}

/// What takes the rows.
pub trait RowSink {
    /// Takes an accepted row.
    fn accept(&mut self, rule: Row<'_>);
    /// Takes a rejected row.
    fn reject(&mut self, rejection: Rejection);
    /// Takes what had to be guessed about the text.
    fn warn(&mut self, _warning: Warning) {}
    /// Takes a rejected row without its sentence, if that is enough; a file may have millions.
    fn count_rejected(&mut self) -> bool {
        false
    }
    /// Whether accepted rows may come by [`RowSink::accept_ipv4`].
    fn wants_fast_path(&self) -> bool {
        false
    }
    /// Takes an accepted row without its place and its cells, which is several times faster.
    fn accept_ipv4(&mut self, _action: Action, _addresses: AddrRange<u32>) {}
}

/// One accepted row, kept for templates that list the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedRow {
    /// Where the row starts.
    pub line: u64,
    /// What it does.
    pub action: Action,
    /// The address as it was written.
    pub address: String,
    /// The comment, empty if there is none.
    pub comment: String,
}

impl OwnedRow {
    /// Keeps a row.
    #[must_use]
    pub fn of(rule: &Row<'_>) -> Self {
        Self {
            line: rule.line,
            action: rule.action,
            address: rule.address().into_owned(),
            comment: rule.comment().into_owned(),
        }
    }
}
