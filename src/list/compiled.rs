//! A list in compiled form: its members with their periods and lines.
//!
//! A list can have a million members, so a member takes only 16 bytes (IPv4) or 48 bytes (IPv6).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ip::{AddrRange, AddressSpec, IpSet, RangeSet};
use crate::list::name::ListName;
use crate::rule::Action;
use crate::time::{Instant, Period, RowState};

/// The identity of a list, for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListId {
    /// The name, as rows write it after `@`.
    pub name: ListName,
    /// The key or path of the list's CSV, such as `lists/office.csv`.
    pub source: String,
}

/// A published list in compiled form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompiledList {
    pub(super) id: Arc<ListId>,
    pub(super) action: Option<Action>,
    /// The distinct periods of the members, in ascending order.
    pub(super) periods: Vec<Period>,
    /// The IPv4 members, in ascending order of lines.
    pub(super) ipv4: Vec<Entry<u32>>,
    /// The IPv6 members, in ascending order of lines.
    pub(super) ipv6: Vec<Entry<u128>>,
}

/// A member in compact form: its addresses, its line and its period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry<T> {
    pub(super) range: AddrRange<T>,
    pub(super) line: u32,
    /// The index of the member's period plus 1, or 0 if the member has no period.
    pub(super) period: u32,
}

/// A member of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The line of the member's row in the list's CSV, 1-based.
    pub line: u64,
    /// The addresses, never `all`.
    pub addresses: AddressSpec,
    /// The period in which the addresses belong to the list.
    pub period: Period,
}

impl CompiledList {
    /// Returns the name of the list and the key of its CSV.
    #[must_use]
    pub fn id(&self) -> &Arc<ListId> {
        &self.id
    }

    /// Returns the rule of the list. `None` if no row of the list has a rule.
    #[must_use]
    pub fn action(&self) -> Option<Action> {
        self.action
    }

    /// Returns whether a row with this action contradicts the rule of the list.
    #[must_use]
    pub fn contradicts(&self, action: Action) -> bool {
        let denies = |action| action == Action::Deny;
        self.action.is_some_and(|own| denies(own) != denies(action))
    }

    /// Returns the number of members.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ipv4.len() + self.ipv6.len()
    }

    /// Returns whether the list has no members.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the addresses of the members that are active at an instant.
    #[must_use]
    pub fn addresses_at(&self, at: Instant) -> IpSet {
        let (mut ipv4, mut ipv6) = (Vec::new(), Vec::new());
        let is_active = |member: &Member| member.period.state(at) == RowState::Active;
        for member in self.members().filter(is_active) {
            match member.addresses {
                AddressSpec::Ipv4(range) => ipv4.push(range),
                AddressSpec::Ipv6(range) => ipv6.push(range),
                AddressSpec::All => {}
            }
        }
        IpSet {
            ipv4: RangeSet::from_unsorted(ipv4),
            ipv6: RangeSet::from_unsorted(ipv6),
        }
    }

    /// Returns the members: IPv4, then IPv6, each in ascending order of lines.
    pub fn members(&self) -> impl Iterator<Item = Member> {
        let ipv4 = self.ipv4.iter();
        let ipv6 = self.ipv6.iter();
        let ipv4 = ipv4.map(|entry| self.member(entry, AddressSpec::Ipv4(entry.range)));
        ipv4.chain(ipv6.map(|entry| self.member(entry, AddressSpec::Ipv6(entry.range))))
    }

    fn member<T>(&self, entry: &Entry<T>, addresses: AddressSpec) -> Member {
        let index = entry.period.checked_sub(1);
        let period = index.and_then(|index| self.periods.get(usize::try_from(index).ok()?));
        Member {
            line: entry.line.into(),
            addresses,
            period: period.copied().unwrap_or_default(),
        }
    }
}

/// Collects the members of a list.
#[derive(Clone, Debug)]
pub struct ListBuilder {
    ipv4: Vec<Entry<u32>>,
    ipv6: Vec<Entry<u128>>,
    /// The periods, numbered in the order in which they were found.
    periods: BTreeMap<Period, u32>,
    max_members: usize,
    has_too_many: bool,
}

impl ListBuilder {
    /// Creates a builder that keeps at most `max_members` members.
    #[must_use]
    pub fn with_max_members(max_members: usize) -> Self {
        Self {
            ipv4: Vec::new(),
            ipv6: Vec::new(),
            periods: BTreeMap::new(),
            max_members,
            has_too_many: false,
        }
    }

    /// Adds a member. Lines must ascend. `all` is not added, and a line from 2^32 on counts as too many
    /// members.
    pub fn add(&mut self, member: Member) {
        let line = u32::try_from(member.line);
        let is_full = self.ipv4.len() + self.ipv6.len() >= self.max_members;
        let Some(line) = line.ok().filter(|_| !is_full) else {
            self.has_too_many = true;
            return;
        };
        let period = if member.period.is_always() {
            0
        } else {
            // The number of periods fits, because there are at most as many periods as lines.
            let next = u32::try_from(self.periods.len()).unwrap_or(u32::MAX);
            *self.periods.entry(member.period).or_insert(next) + 1
        };
        match member.addresses {
            AddressSpec::Ipv4(range) => self.ipv4.push(Entry {
                range,
                line,
                period,
            }),
            AddressSpec::Ipv6(range) => self.ipv6.push(Entry {
                range,
                line,
                period,
            }),
            AddressSpec::All => {}
        }
    }

    /// Returns whether there are more members than the builder keeps. The list would be incomplete.
    #[must_use]
    pub fn has_too_many(&self) -> bool {
        self.has_too_many
    }

    /// Builds the list. `action` is the rule of the list.
    #[must_use]
    pub fn build(self, id: ListId, action: Option<Action>) -> CompiledList {
        let Self {
            mut ipv4,
            mut ipv6,
            periods,
            ..
        } = self;
        // Maps the order in which the periods were found to the order in the map.
        let mut places = vec![0; periods.len() + 1];
        for (place, found) in (1..).zip(periods.values()) {
            let index = usize::try_from(*found).ok().map(|found| found + 1);
            if let Some(to) = index.and_then(|index| places.get_mut(index)) {
                *to = place;
            }
        }
        let sort = |period: &mut u32| {
            let index = usize::try_from(*period).ok();
            *period = index
                .and_then(|index| places.get(index).copied())
                .unwrap_or(0);
        };
        for entry in &mut ipv4 {
            sort(&mut entry.period);
        }
        for entry in &mut ipv6 {
            sort(&mut entry.period);
        }
        CompiledList {
            id: Arc::new(id),
            action,
            periods: periods.into_keys().collect(),
            ipv4,
            ipv6,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_small() {
        assert_eq!(
            (size_of::<Entry<u32>>(), size_of::<Entry<u128>>()),
            (16, 48)
        );
    }
}
