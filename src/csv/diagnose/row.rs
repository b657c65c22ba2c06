//! Explains why a row is rejected.

use std::fmt;

use crate::answer::{Rejection, RejectionCode};
use crate::csv::columns::{DELIMITERS, delimiter_name};
use crate::csv::diagnose::rule::{explain_rule, suggested_rule};
use crate::csv::row::{Row, RowError, RowErrorKind, action_of};
use crate::ip::{AddressError, parse_address};

impl RowErrorKind<'_> {
    /// The code of the rejection.
    fn code(&self) -> RejectionCode {
        match self {
            Self::Address(AddressError::HostBitsSet { .. }) => RejectionCode::HostBitsSet,
            Self::Address(AddressError::ReversedRange { .. }) => RejectionCode::ReversedRange,
            Self::Address(AddressError::Invalid(_) | AddressError::MixedFamilies(_)) => {
                RejectionCode::InvalidAddress
            }
            Self::Rule(_) => RejectionCode::UnknownRule,
            Self::NoAddress | Self::NoRule(_) => RejectionCode::MissingField,
            Self::ConflictingDefault => RejectionCode::ConflictingDefault,
        }
    }

    /// What the cell could say instead.
    fn fixes(&self) -> Vec<String> {
        match self {
            Self::Address(err) => err.fixes(),
            Self::Rule(given) => suggested_rule(given).into_iter().collect(),
            Self::NoAddress | Self::NoRule(_) | Self::ConflictingDefault => Vec::new(),
        }
    }
}

impl RowError<'_> {
    /// Explains the rejection of the row that starts in this line.
    #[must_use]
    pub fn explain(&self, line: u64) -> Rejection {
        let value = match self.kind {
            RowErrorKind::Rule(_) => self.rule,
            // Empty on purpose: an empty value marks the address as the missing cell.
            RowErrorKind::NoAddress => "",
            RowErrorKind::Address(_)
            | RowErrorKind::NoRule(_)
            | RowErrorKind::ConflictingDefault => self.address,
        };
        Rejection::new(line, self.kind.code(), value, &self.to_string())
            .with_fixes(self.kind.fixes())
    }

    /// Explains the rejection of an `all,Allow` row in a file that also has an `all,Deny` row.
    pub(crate) fn explain_conflicting_default(row: &Row<'_>) -> Rejection {
        let error = RowError {
            address: &row.address(),
            rule: "Allow",
            kind: RowErrorKind::ConflictingDefault,
        };
        error.explain(row.line)
    }
}

impl fmt::Display for RowError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            RowErrorKind::Address(err) => err.fmt(f),
            RowErrorKind::Rule(given) => f.write_str(&explain_rule(given)),
            RowErrorKind::NoAddress => f.write_str("the row has no address: write one, or all"),
            RowErrorKind::NoRule(address) => match other_delimiter(address) {
                Some(delimiter) => write!(
                    f,
                    "the row has no rule: its address cell holds a whole row, separated by {}: \
                     write it as the header is written",
                    delimiter_name(delimiter),
                ),
                None => f.write_str("the row has no rule: write Allow or Deny"),
            },
            RowErrorKind::ConflictingDefault => write!(
                f,
                "{},Allow contradicts the row that denies all, and Deny wins: keep one",
                self.address
            ),
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
