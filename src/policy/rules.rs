//! Collects the rules of a CSV and builds a policy from them.

use crate::ip::{AddrRange, AddressSpec, Family, IpSet, RangeSet, without_mapped_block};
use crate::policy::Policy;
use crate::policy::shortest::shortest;
use crate::rule::{Action, DefaultPolicy};

/// Unsorted addresses that may overlap, such as those of one action.
#[derive(Clone, Debug, Default)]
pub(crate) struct UnsortedRanges {
    ipv4: Vec<AddrRange<u32>>,
    ipv6: Vec<AddrRange<u128>>,
    limit: Limit,
}

impl UnsortedRanges {
    /// Creates a collection with a soft limit of `max_ranges` ranges for each family. It may keep up to
    /// twice as many, because the number is checked only when a list grows.
    pub(crate) fn with_max_ranges(max_ranges: usize) -> Self {
        let limit = Limit {
            max_ranges,
            is_exceeded: false,
        };
        Self {
            limit,
            ..Self::default()
        }
    }

    /// Returns whether there are more ranges than the collection keeps. A set of them would be incomplete.
    pub(crate) fn has_too_many(&self) -> bool {
        self.limit.is_exceeded
    }

    fn is_empty(&self) -> bool {
        self.ipv4.is_empty() && self.ipv6.is_empty()
    }

    /// Adds the addresses of a row. `all` adds no addresses.
    pub(crate) fn add(&mut self, addresses: AddressSpec) {
        match addresses {
            AddressSpec::Ipv4(range) => self.add_ipv4(range),
            AddressSpec::Ipv6(range) => push_merging(&mut self.ipv6, range, &mut self.limit),
            AddressSpec::All => {}
        }
    }

    #[inline]
    fn add_ipv4(&mut self, range: AddrRange<u32>) {
        push_merging(&mut self.ipv4, range, &mut self.limit);
    }

    /// Adds the ranges of another collection, even if both together exceed the maximum, because each
    /// collection has its own limit already.
    fn append(&mut self, other: Self) {
        append(&mut self.ipv4, other.ipv4);
        append(&mut self.ipv6, other.ipv6);
        self.limit.is_exceeded |= other.limit.is_exceeded;
    }

    /// Merges the ranges, and returns their number.
    fn merge(&mut self) -> usize {
        merge(&mut self.ipv4);
        merge(&mut self.ipv6);
        self.ipv4.len() + self.ipv6.len()
    }

    /// Returns the addresses as a set.
    pub(crate) fn into_set(self) -> IpSet {
        IpSet {
            ipv4: RangeSet::from_unsorted(self.ipv4),
            ipv6: RangeSet::from_unsorted(self.ipv6),
        }
    }
}

/// Adds a range.
///
/// A range that touches the previous range is merged with it, so that a sorted list takes no more memory than
/// its networks. A long list is merged before it grows, so that repeated rows take no memory either. If
/// merging frees less than half of the list, the list grows anyway, so that the total work stays O(n log n).
#[inline]
fn push_merging<T: Family>(ranges: &mut Vec<AddrRange<T>>, range: AddrRange<T>, limit: &mut Limit) {
    if let Some(previous) = ranges.last_mut()
        && previous.touches(range)
    {
        previous.first = previous.first.min(range.first);
        previous.last = previous.last.max(range.last);
        return;
    }
    if ranges.len() == ranges.capacity() {
        make_room(ranges, limit);
    }
    ranges.push(range);
}

/// The maximum number of ranges of one family.
#[derive(Clone, Copy, Debug)]
struct Limit {
    max_ranges: usize,
    is_exceeded: bool,
}

impl Default for Limit {
    fn default() -> Self {
        Self {
            max_ranges: usize::MAX,
            is_exceeded: false,
        }
    }
}

/// Adds the ranges of another list. The shorter list is added to the longer one, because the order does not
/// matter.
fn append<T: Family>(ranges: &mut Vec<AddrRange<T>>, mut others: Vec<AddrRange<T>>) {
    if ranges.len() < others.len() {
        std::mem::swap(ranges, &mut others);
    }
    for range in others {
        push_merging(ranges, range, &mut Limit::default());
    }
}

fn merge<T: Family>(ranges: &mut Vec<AddrRange<T>>) {
    *ranges = RangeSet::from_unsorted(std::mem::take(ranges)).into_ranges();
}

#[cold]
fn make_room<T: Family>(ranges: &mut Vec<AddrRange<T>>, limit: &mut Limit) {
    const MIN_MERGE_BYTES: usize = 16 * 1024 * 1024;
    let is_full = ranges.len() >= limit.max_ranges;
    if is_full || size_of_val(ranges.as_slice()) >= MIN_MERGE_BYTES {
        merge(ranges);
        if ranges.len() <= ranges.capacity() / 2 {
            return;
        }
    }
    if ranges.len() >= limit.max_ranges {
        // The file is refused, so the rest of it must not take memory.
        limit.is_exceeded = true;
        ranges.clear();
        return;
    }
    ranges.reserve(ranges.len().max(64));
}

/// Collects rules, and builds a policy from them.
#[derive(Clone, Debug, Default)]
pub struct PolicyBuilder {
    allow: UnsortedRanges,
    deny: UnsortedRanges,
    always: UnsortedRanges,
    all_rows: AllRows,
}

/// The actions of the `all` rows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AllRows {
    allow: bool,
    deny: bool,
    always: bool,
}

impl AllRows {
    fn add(&mut self, action: Action) {
        match action {
            Action::Allow => self.allow = true,
            Action::Deny => self.deny = true,
            Action::Always => self.always = true,
        }
    }

    /// Returns the `all` rows of `self` and `other` together.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            allow: self.allow || other.allow,
            deny: self.deny || other.deny,
            always: self.always || other.always,
        }
    }

    /// Returns the default that the rows set, or `otherwise` if there are no such rows.
    pub(super) fn default_policy(self, otherwise: DefaultPolicy) -> DefaultPolicy {
        if self.always {
            DefaultPolicy::Allow
        } else if self.deny {
            DefaultPolicy::Deny
        } else if self.allow {
            DefaultPolicy::Allow
        } else {
            otherwise
        }
    }
}

impl PolicyBuilder {
    /// Creates a builder that keeps at most about `max_ranges` ranges of each action and family.
    #[must_use]
    pub fn with_max_ranges(max_ranges: usize) -> Self {
        Self {
            allow: UnsortedRanges::with_max_ranges(max_ranges),
            deny: UnsortedRanges::with_max_ranges(max_ranges),
            always: UnsortedRanges::with_max_ranges(max_ranges),
            ..Self::default()
        }
    }

    /// Returns whether the rules have more ranges than the builder keeps. A policy built from them would be
    /// incomplete.
    #[must_use]
    pub fn has_too_many_ranges(&self) -> bool {
        let ranges = [&self.allow, &self.deny, &self.always];
        ranges.into_iter().any(UnsortedRanges::has_too_many)
    }

    /// Adds a rule for IPv4 addresses. Most rules are of this kind, so they have their own method.
    #[inline]
    pub fn add_ipv4(&mut self, action: Action, addresses: AddrRange<u32>) {
        self.ranges(action).add_ipv4(addresses);
    }

    /// Adds a rule.
    pub fn add(&mut self, action: Action, addresses: AddressSpec) {
        match addresses {
            AddressSpec::All => self.all_rows.add(action),
            _ => self.ranges(action).add(addresses),
        }
    }

    #[inline]
    fn ranges(&mut self, action: Action) -> &mut UnsortedRanges {
        match action {
            Action::Allow => &mut self.allow,
            Action::Deny => &mut self.deny,
            Action::Always => &mut self.always,
        }
    }

    /// Adds the rules of another builder.
    pub(super) fn append(&mut self, other: Self) {
        self.allow.append(other.allow);
        self.deny.append(other.deny);
        self.always.append(other.always);
        self.all_rows = self.all_rows.and(other.all_rows);
    }

    /// Merges the ranges of each list, and returns the total number of ranges.
    pub(super) fn merge(&mut self) -> usize {
        self.allow.merge() + self.deny.merge() + self.always.merge()
    }

    /// Returns a copy without the rules that deny addresses.
    pub(super) fn without_denies(&self) -> Self {
        Self {
            allow: self.allow.clone(),
            always: self.always.clone(),
            all_rows: AllRows {
                deny: false,
                ..self.all_rows
            },
            ..Self::default()
        }
    }

    /// Returns the actions of the `all` rows.
    pub(super) fn all_rows(&self) -> AllRows {
        self.all_rows
    }

    /// Returns the default that the file sets, or `otherwise` if it has no `all` row.
    #[must_use]
    pub fn default_policy(&self, otherwise: DefaultPolicy) -> DefaultPolicy {
        self.all_rows.default_policy(otherwise)
    }

    /// Builds the policy of all rules. `otherwise` is the default of a file without an `all` row.
    #[must_use]
    pub fn build(mut self, otherwise: DefaultPolicy) -> Policy {
        let default = self.default_policy(otherwise);
        let deny = if self.all_rows.always {
            IpSet::default()
        } else if self.always.is_empty() {
            self.deny.into_set()
        } else {
            let always = self.always.clone().into_set();
            self.deny.into_set().difference(&always)
        };
        let (allow, deny) = match default {
            DefaultPolicy::Allow => (IpSet::default(), deny),
            DefaultPolicy::Deny => {
                self.allow.append(self.always);
                let allow = self.allow.into_set();
                let (allow_ipv4, deny_ipv4) = shortest(allow.ipv4, &deny.ipv4);
                let (allow_ipv6, deny_ipv6) = shortest(allow.ipv6, &deny.ipv6);
                (
                    IpSet {
                        ipv4: allow_ipv4,
                        ipv6: allow_ipv6,
                    },
                    IpSet {
                        ipv4: deny_ipv4,
                        ipv6: deny_ipv6,
                    },
                )
            }
        };
        Policy {
            default,
            allow: IpSet {
                ipv4: allow.ipv4,
                ipv6: without_mapped_block(allow.ipv6),
            },
            deny: IpSet {
                ipv4: deny.ipv4,
                ipv6: without_mapped_block(deny.ipv6),
            },
        }
    }
}
