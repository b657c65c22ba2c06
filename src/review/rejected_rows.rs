//! Finds the rejected rows that contain the addresses in question, or may contain them.
//!
//! Such a row is found by its address cell or, if the cell cannot be read, by a suggestion for the cell:
//! `10.0.0.5/24` may mean `10.0.0.0/24`. As in the answer, only the first rejected rows have suggestions.

use crate::answer::{MAX_REJECTIONS_LISTED, RejectionCode};
use crate::csv::{Named, RowError};
use crate::ip::{AddressSpec, parse_address};

/// The rejected rows that concern one address or network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RejectedRows {
    /// The lines of the first rows that contain an address in question, or may contain one, in ascending
    /// order.
    pub lines: Vec<u64>,
    /// The number of rejected rows in the file whose addresses are unknown, because they cannot be read and
    /// no suggestion contains any.
    pub unreadable: u64,
}

/// Receives the rejected rows, and finds the questions that they concern.
#[derive(Debug, Default)]
pub(super) struct RejectedRowFinder {
    explained: usize,
}

impl RejectedRowFinder {
    /// Adds a rejected row to the result of each question that it concerns.
    pub(super) fn add<'a>(
        &mut self,
        line: u64,
        error: &RowError<'_>,
        questions: impl Iterator<Item = (AddressSpec, &'a mut RejectedRows)>,
    ) {
        let named = self.addresses(line, error);
        for (asked, rows) in questions {
            rows.unreadable += u64::from(named.is_empty());
            let overlaps = |named: &AddressSpec| overlap(*named, asked).is_some();
            if rows.lines.len() < MAX_REJECTIONS_LISTED && named.iter().any(overlaps) {
                rows.lines.push(line);
            }
        }
    }

    fn addresses(&mut self, line: u64, error: &RowError<'_>) -> Vec<AddressSpec> {
        match error.named() {
            Some(Named::Addresses(addresses)) => return vec![addresses],
            Some(Named::List(list)) => {
                return list.members().map(|member| member.addresses).collect();
            }
            None => {}
        }
        if self.explained == MAX_REJECTIONS_LISTED {
            return Vec::new();
        }
        self.explained += 1;
        let rejection = error.explain(line);
        let is_about_address = matches!(
            rejection.code,
            RejectionCode::InvalidAddress
                | RejectionCode::HostBitsSet
                | RejectionCode::ReversedRange
        );
        let fixes = rejection.fixes.iter().filter(|_| is_about_address);
        fixes.filter_map(|fix| parse_address(fix).ok()).collect()
    }
}

/// Returns the addresses that are in both. `None` if there are none. `all` overlaps with everything.
pub(super) fn overlap(one: AddressSpec, other: AddressSpec) -> Option<AddressSpec> {
    match (one, other) {
        (AddressSpec::All, addresses) | (addresses, AddressSpec::All) => Some(addresses),
        (AddressSpec::Ipv4(one), AddressSpec::Ipv4(other)) => {
            one.intersection(other).map(AddressSpec::Ipv4)
        }
        (AddressSpec::Ipv6(one), AddressSpec::Ipv6(other)) => {
            one.intersection(other).map(AddressSpec::Ipv6)
        }
        _ => None,
    }
}
