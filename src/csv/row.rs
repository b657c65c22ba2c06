//! The address and the rule of one row → a rule, or why the row is rejected.
//!
//! Strictly first, as nearly every cell is written. Only where that fails is a cell looked at once
//! more for what a spreadsheet wrapped it in.

use std::fmt;

use crate::answer::{Rejection, RejectionCode};
use crate::csv::cell::unwrapped;
use crate::csv::diagnose::{explain_rule, suggested_rule};
use crate::csv::header::{DELIMITERS, shown};
use crate::ip::{AddressError, Addresses, parse_address};
use crate::rule::Action;

/// Why a row is rejected. Its sentence is made only when somebody reads it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault<'a> {
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
) -> Result<(Action, Addresses), Fault<'a>> {
    match (address, rule) {
        ("", _) => return Err(Fault::NoAddress),
        (_, "") => return Err(Fault::NoRule(address)),
        _ => {}
    }
    let addresses = parse_address(address).map_err(Fault::Address)?;
    match action_of(rule) {
        Some(action) => Ok((action, addresses)),
        None => Err(Fault::Rule(rule)),
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
    give_up: impl FnOnce(Fault<'_>) -> T,
) -> Result<(Action, Addresses), T> {
    let (plain_address, plain_rule) = (unwrapped(address), unwrapped(rule));
    let address = plain_address.as_deref().unwrap_or(address);
    let rule = plain_rule.as_deref().unwrap_or(rule);
    read_rule(address, rule).map_err(give_up)
}

impl Fault<'_> {
    /// Why, for programs.
    fn code(&self) -> RejectionCode {
        match self {
            Self::Address(AddressError::HostBitsSet { .. }) => RejectionCode::HostBitsSet,
            Self::Address(AddressError::ReversedRange { .. }) => RejectionCode::ReversedRange,
            Self::Address(AddressError::Invalid(_) | AddressError::MixedFamilies(_)) => {
                RejectionCode::InvalidAddress
            }
            Self::Rule(_) => RejectionCode::UnknownRule,
            Self::NoAddress | Self::NoRule(_) => RejectionCode::MissingField,
        }
    }

    /// What the cell could say instead.
    fn fixes(&self) -> Vec<String> {
        match self {
            Self::Address(err) => err.fixes(),
            Self::Rule(given) => suggested_rule(given).into_iter().collect(),
            Self::NoAddress | Self::NoRule(_) => Vec::new(),
        }
    }

    /// The rejection of the row that starts in this line and has these cells.
    pub(crate) fn rejection(&self, line: u64, address: &str, rule: &str) -> Rejection {
        let value = match self {
            Self::Rule(_) => rule,
            // Whatever is in the cell, it is no address: who shows the row goes by that.
            Self::NoAddress => "",
            Self::Address(_) | Self::NoRule(_) => address,
        };
        Rejection::new(line, self.code(), value, &self.to_string()).with_fixes(self.fixes())
    }
}

impl fmt::Display for Fault<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(err) => err.fmt(f),
            Self::Rule(given) => f.write_str(&explain_rule(given)),
            Self::NoAddress => f.write_str("the row has no address: write one, or all"),
            Self::NoRule(address) => match other_delimiter(address) {
                Some(delimiter) => write!(
                    f,
                    "the row has no rule: its address cell holds a whole row, separated by {}: \
                     write it as the header is written",
                    shown(delimiter),
                ),
                None => f.write_str("the row has no rule: write Allow or Deny"),
            },
        }
    }
}

/// The delimiter under which an address cell is a row, where somebody mixed two.
fn other_delimiter(address: &str) -> Option<u8> {
    DELIMITERS.into_iter().find(|delimiter| {
        let mut cells = address.split(char::from(*delimiter)).map(str::trim);
        cells.next().is_some_and(|cell| parse_address(cell).is_ok())
            && cells.any(|cell| action_of(cell).is_some())
    })
}
