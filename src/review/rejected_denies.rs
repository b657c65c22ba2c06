//! Finds the rejected rows that may have denied somebody who gets in under the other rows. Rows that
//! are hidden in a quoted cell are treated like rejected rows here.
//!
//! A rejected row lets nobody in. But if it was meant as a Deny, an address that it names may get in
//! by another row or by default. This is possible unless
//!
//! - its rule reads `Allow`, or
//! - its address can be read, and none of its addresses gets in under the other rows, where a list that
//!   exists stands for its members, or
//! - nobody gets in under the other rows.
//!
//! A file may have millions of such rows. Rows whose address cannot be read are only counted. The
//! addresses of the others are recorded with their lines or, if there are too many, merged without
//! their lines, so the result is exact in any case.

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
    /// The rows that may name anybody: the address is missing, cannot be read or is `all`.
    lines: WarnedLines<()>,
    /// The rows whose addresses can be read, up to the maximum that is recorded.
    recorded: RecordedRows,
    /// The rows that name lists, by the names of the lists.
    lists: BTreeMap<ListName, (Arc<CompiledList>, WarnedLines<()>)>,
    /// The addresses of the rows after them.
    unrecorded: UnsortedRanges,
    /// The first line of the rows after them.
    first_unrecorded: Option<u64>,
}

/// The rejected rows that may have denied somebody who gets in.
#[derive(Clone, Debug)]
pub(crate) struct MissedDenies {
    lines: WarnedLines<()>,
    /// Set if rows from this line on, which are not recorded, belong to them too.
    from_line: Option<u64>,
}

impl RejectedDenies {
    /// Keeps at most about `max_ranges` ranges of each family.
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

    /// Adds a rejected row, unless its rule reads `Allow` or `Always`.
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

    /// Returns whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.lines.count == 0 && self.recorded.is_empty() && self.lists.is_empty()
    }

    /// Returns the rows that may have denied somebody whom this policy lets in. `None` if there are
    /// none.
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
    /// Returns the first line, if it is known.
    pub(crate) fn first_line(&self) -> Option<u64> {
        self.lines.first_line()
    }

    /// Returns whether there is only one.
    pub(crate) fn is_one(&self) -> bool {
        self.lines.count == 1 && self.from_line.is_none()
    }

    /// Returns the rows as the subject of a sentence: `line 3`, `lines 3, 4 and 6`.
    pub(crate) fn named(&self) -> String {
        match (self.lines.list(), self.from_line) {
            (Some(lines), None) => lines,
            (Some(lines), Some(from)) => format!("{lines}, and others from line {from} on"),
            (None, from) => format!("lines from line {} on", from.unwrap_or(1)),
        }
    }
}
