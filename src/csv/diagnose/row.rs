//! Explains why a row is rejected.

use crate::answer::{Rejection, RejectionCode};
use crate::csv::cell::unwrapped;
use crate::csv::columns::{DELIMITERS, delimiter_name};
use crate::csv::diagnose::date::explain_date;
use crate::csv::diagnose::list::{
    explain_all_in_list, explain_always, explain_contradiction, explain_nested_list,
    explain_unknown_list,
};
use crate::csv::diagnose::rule::{explain_rule, suggested_rule};
use crate::csv::diagnose::{Explanation, MAX_EXPLAINED_BYTES};
use crate::csv::kind::{CsvKind, RowContext, action_of, is_always};
use crate::csv::row::{Row, RowError, RowErrorKind};
use crate::ip::{AddressError, parse_address};
use crate::text::{Segment, rich};
use crate::time::Bound;

impl RowErrorKind<'_> {
    /// Returns the code of the rejection.
    fn code(&self) -> RejectionCode {
        match self {
            Self::Address(AddressError::HostBitsSet { .. }) => RejectionCode::HostBitsSet,
            Self::Address(AddressError::ReversedRange { .. }) => RejectionCode::ReversedRange,
            Self::Address(AddressError::Invalid(_) | AddressError::MixedFamilies(_)) => {
                RejectionCode::InvalidAddress
            }
            Self::Rule(_) | Self::OtherRule { .. } => RejectionCode::UnknownRule,
            Self::NoAddress | Self::NoAddressNorRule | Self::NoRule(_) => {
                RejectionCode::MissingField
            }
            Self::Date { .. } => RejectionCode::InvalidDate,
            Self::ReversedPeriod { .. } => RejectionCode::ReversedPeriod,
            Self::ConflictingDefault => RejectionCode::ConflictingDefault,
            Self::UnknownList(_) => RejectionCode::UnknownList,
            Self::ContradictsList { .. } => RejectionCode::ContradictsList,
            Self::NestedList => RejectionCode::NestedList,
            Self::AllInList => RejectionCode::InvalidAddress,
        }
    }

    /// Returns the explanation. Some explanations quote the address cell of `error`.
    fn reason(&self, error: &RowError<'_>) -> Explanation {
        let RowError {
            address, context, ..
        } = error;
        let is_list = context.kind == CsvKind::List;
        match self {
            Self::Address(err) => err.explain(),
            Self::UnknownList(name) => explain_unknown_list(name, error.action(), context),
            Self::ContradictsList { rule, list } => explain_contradiction(rule, list),
            Self::NestedList => explain_nested_list(address),
            Self::AllInList => explain_all_in_list(address),
            Self::Rule(given) if is_always(given) => explain_always(given),
            Self::Rule(given) => Explanation {
                fixes: suggested_rule(given).into_iter().collect(),
                ..explain_rule(given)
            },
            Self::OtherRule { rule, other } => Explanation::new(rich!(
                "{} contradicts {} in another rule column of this row",
                Segment::quoted(rule),
                Segment::quoted(other)
            ))
            .with_help("write the same rule in both columns, or delete one of them"),
            Self::NoAddress if is_list => Explanation::new("the row has no address")
                .with_help("write an address, or start the line with # if it is a comment"),
            Self::NoAddress => {
                Explanation::new("the row has no address").with_help("write an address, or all")
            }
            Self::NoAddressNorRule => Explanation::new("the row has neither an address nor a rule")
                .with_help("write both, or start the line with # if it is a comment"),
            Self::NoRule(address) => match other_delimiter(address) {
                Some(delimiter) => Explanation::new(rich!(
                    "the row has no rule: the address cell contains a whole row, separated by {}",
                    &delimiter_name(delimiter)
                ))
                .with_help("use the header's delimiter"),
                None => Explanation::new("the row has no rule").with_help("write Allow or Deny"),
            },
            Self::Date { bound, text, dates } => explain_date(text, *bound, dates),
            Self::ReversedPeriod { starts, expires } => Explanation::new(rich!(
                "{} in Expires is not after {} in Starts",
                Segment::quoted(expires),
                Segment::quoted(starts)
            ))
            .with_help("correct one of the dates"),
            Self::ConflictingDefault => Explanation::new(rich!(
                "{},Allow contradicts the row that denies all, and Deny wins: delete one of the rows",
                *address
            )),
        }
    }
}

impl RowError<'_> {
    /// Explains the rejection of the row that starts in line `line`.
    #[must_use]
    pub fn explain(&self, line: u64) -> Rejection {
        let value = match self.kind {
            RowErrorKind::Rule(_)
            | RowErrorKind::OtherRule { .. }
            | RowErrorKind::ContradictsList { .. } => self.rule,
            RowErrorKind::Date { text, .. } => text,
            RowErrorKind::ReversedPeriod { expires, .. } => expires,
            // Empty on purpose: an empty value marks the address as the missing cell.
            RowErrorKind::NoAddress | RowErrorKind::NoAddressNorRule => "",
            RowErrorKind::Address(_)
            | RowErrorKind::NoRule(_)
            | RowErrorKind::UnknownList(_)
            | RowErrorKind::NestedList
            | RowErrorKind::AllInList
            | RowErrorKind::ConflictingDefault => self.address,
        };
        let Explanation {
            reason,
            help,
            fixes,
            names_a_fix,
        } = self.kind.reason(self);
        let bound = match self.kind {
            RowErrorKind::Date { bound, .. } => Some(bound),
            RowErrorKind::ReversedPeriod { .. } => Some(Bound::Expires),
            _ => None,
        };
        let mut rejection = Rejection {
            help,
            fixes,
            names_a_fix,
            bound,
            ..Rejection::new(line, self.kind.code(), value, reason)
        };
        rejection.row = self.text.excerpt(&rejection);
        rejection
    }

    /// Explains the rejection of an `all,Allow` row in a file that also has an `all,Deny` row.
    pub(crate) fn explain_conflicting_default(row: &Row<'_>) -> Rejection {
        let error = RowError {
            address: &row.address(),
            rule: "Allow",
            kind: RowErrorKind::ConflictingDefault,
            context: &RowContext::default(),
            text: row.text,
        };
        error.explain(row.line)
    }
}

/// Returns the delimiter that splits an address cell into a whole row, if there is one. Such a file mixes two
/// delimiters. Only the start of the cell is read, because the rule is near the address.
fn other_delimiter(address: &str) -> Option<u8> {
    let end = address.floor_char_boundary(MAX_EXPLAINED_BYTES);
    let start = address.get(..end)?;
    let plain = unwrapped(start);
    let address = plain.as_deref().unwrap_or(start);
    DELIMITERS.into_iter().find(|delimiter| {
        let mut cells = address.split(char::from(*delimiter)).map(str::trim);
        cells.next().is_some_and(|cell| parse_address(cell).is_ok())
            && cells.any(|cell| action_of(cell).is_some())
    })
}
