//! Explains why a row is rejected.

use std::fmt;

use crate::answer::{Rejection, RejectionCode};
use crate::csv::columns::{DELIMITERS, delimiter_name};
use crate::csv::diagnose::rule::{explain_rule, suggested_rule};
use crate::csv::row::{RowError, action_of};
use crate::ip::{AddressError, parse_address};

impl RowError<'_> {
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

impl fmt::Display for RowError<'_> {
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
                    delimiter_name(delimiter),
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
