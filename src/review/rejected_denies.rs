//! Finds the rejected rows that may have been meant to deny somebody whom the other rows let in. Rows that
//! are hidden in a quoted cell are treated like rejected rows.
//!
//! A rejected row lets nobody in. But if it was meant as a Deny, an address in it may get in because of
//! another row or the default. This is possible unless
//!
//! - the rule of the row is `Allow` or `Always`, or
//! - the address of the row can be read, and none of its addresses gets in under the other rows (an existing
//!   list counts as its members), or
//! - nobody gets in under the other rows.
//!
//! A file may have millions of such rows. Rows whose address cannot be read are only counted. The addresses
//! of the other rows are recorded with their lines. If there are too many, the rest of the addresses are
//! merged without their lines, so that the result is always exact.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::csv::{HiddenRow, Named, RowError};
use crate::ip::{AddressSpec, IpSet};
use crate::list::{CompiledList, ListName};
use crate::policy::{Policy, UnsortedRanges};
use crate::review::row_log::{RecordedRows, RowRecorder as _};
use crate::review::warned_lines::WarnedLines;
use crate::rule::Action;

/// The rejected rows whose rule is Deny, is missing or cannot be read.
#[derive(Clone, Debug, Default)]
pub(crate) struct RejectedDenies {
    /// The rows that may concern anybody: their address is missing, cannot be read or is `all`.
    lines: WarnedLines<()>,
    /// The rows whose addresses can be read, up to the maximum number of recorded rows.
    recorded: RecordedRows,
    /// The rows that contain a list, by the name of the list.
    lists: BTreeMap<ListName, (Arc<CompiledList>, WarnedLines<()>)>,
    /// The addresses of the rows that do not fit in `recorded`.
    unrecorded: UnsortedRanges,
    /// The line of the first row that does not fit in `recorded`.
    first_unrecorded: Option<u64>,
}

/// The rejected rows that may have been meant to deny somebody who gets in.
#[derive(Clone, Debug)]
pub(crate) struct MissedDenies {
    lines: WarnedLines<()>,
    /// The line of the first unrecorded row, if at least one unrecorded row may have been meant as such a
    /// Deny.
    from_line: Option<u64>,
}

impl RejectedDenies {
    /// Creates a collection that keeps at most about `max_ranges` ranges of each family.
    pub(crate) fn with_max_ranges(max_ranges: usize) -> Self {
        Self {
            unrecorded: UnsortedRanges::with_max_ranges(max_ranges),
            ..Self::default()
        }
    }

    /// Returns whether the rows have more ranges than are kept.
    pub(crate) fn has_too_many_ranges(&self) -> bool {
        self.unrecorded.has_too_many()
    }

    /// Adds a rejected row, unless its rule is `Allow` or `Always`.
    pub(crate) fn add(&mut self, line: u64, error: &RowError<'_>) {
        if !matches!(error.action(), None | Some(Action::Deny)) {
            return;
        }
        match error.named() {
            Some(Named::List(list)) => {
                let key = list.id().name.clone();
                let (_, lines) = self
                    .lists
                    .entry(key)
                    .or_insert_with(|| (Arc::clone(list), WarnedLines::default()));
                lines.add(line, ());
            }
            Some(Named::Addresses(addresses)) => self.add_addresses(line, Some(addresses)),
            None => self.add_addresses(line, None),
        }
    }

    /// Adds a row inside a quoted cell, unless its rule is `Allow`.
    pub(crate) fn add_hidden(&mut self, row: HiddenRow) {
        if row.action != Some(Action::Allow) {
            self.add_addresses(row.line, row.addresses);
        }
    }

    fn add_addresses(&mut self, line: u64, addresses: Option<AddressSpec>) {
        match addresses {
            None | Some(AddressSpec::All) => self.lines.add(line, ()),
            Some(addresses) if self.recorded.has_room_for(line) => {
                self.recorded.add(line, Action::Deny, addresses);
            }
            Some(addresses) => {
                self.unrecorded.add(addresses);
                self.first_unrecorded.get_or_insert(line);
            }
        }
    }

    /// Returns whether there are no such rows.
    pub(crate) fn is_empty(&self) -> bool {
        self.lines.count == 0 && self.recorded.is_empty() && self.lists.is_empty()
    }

    /// Returns the rows that may have been meant to deny somebody whom the policy permits. `None` if there
    /// are none.
    pub(crate) fn missed_by(self, policy: &Policy) -> Option<MissedDenies> {
        if self.is_empty() {
            return None;
        }
        let permitted = policy.permitted();
        if permitted.is_empty() {
            return None;
        }
        let mut lines = self.lines;
        for (line, addresses) in self.recorded.deny.rows() {
            if permitted.has_any_of(addresses) {
                lines.add(line, ());
            }
        }
        for (list, of_list) in self.lists.values() {
            let mut members = list.members();
            if members.any(|member| permitted.has_any_of(member.addresses)) {
                lines.add_all(of_list);
            }
        }
        let from_line = self.first_unrecorded.filter(|_| {
            let IpSet { ipv4, ipv6 } = self.unrecorded.into_set();
            let ipv4 = ipv4.ranges().iter().copied().map(AddressSpec::Ipv4);
            let ipv6 = ipv6.ranges().iter().copied().map(AddressSpec::Ipv6);
            ipv4.chain(ipv6)
                .any(|addresses| permitted.has_any_of(addresses))
        });
        let is_any = lines.count > 0 || from_line.is_some();
        is_any.then_some(MissedDenies { lines, from_line })
    }
}

impl MissedDenies {
    /// Returns the line of the first row, if it is known.
    pub(crate) fn first_line(&self) -> Option<u64> {
        self.lines.first_line()
    }

    /// Returns whether there is exactly one row.
    pub(crate) fn is_one(&self) -> bool {
        self.lines.count == 1 && self.from_line.is_none()
    }

    /// Formats the rows as the subject of a sentence: `line 3` or `lines 3, 4 and 6`.
    pub(crate) fn named(&self) -> String {
        match (self.lines.list(), self.from_line) {
            (Some(lines), None) => lines,
            (Some(lines), Some(from)) => format!("{lines}, and others from line {from} on"),
            (None, from) => format!("lines from line {} on", from.unwrap_or(1)),
        }
    }
}
