//! Exact sets of addresses, with union, difference, and the fewest CIDR networks that cover a set.
//!
//! # Implementation notes
//!
//! A set is a sorted list of closed ranges of integers, `u32` for IPv4 and `u128` for IPv6, with a gap
//! of at least one address between two ranges. [`RangeSet::from_unsorted`] establishes this invariant,
//! and every operation preserves it in one linear pass. Two sets are therefore equal if and only if they
//! contain the same addresses.

use crate::ip::address::AddressSpec;
use crate::ip::family::Family;
use crate::ip::network::Networks;
use crate::ip::range::{AddrRange, range_difference, split_before};

/// A set of addresses of one family: ascending ranges with gaps between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeSet<T> {
    ranges: Vec<AddrRange<T>>,
}

impl<T> Default for RangeSet<T> {
    fn default() -> Self {
        Self { ranges: Vec::new() }
    }
}

impl<T: Family> RangeSet<T> {
    /// Creates the union of ranges, which may overlap and be in any order.
    #[must_use]
    pub fn from_unsorted(mut ranges: Vec<AddrRange<T>>) -> Self {
        T::sort(&mut ranges);
        ranges.dedup_by(|range, kept| {
            // The ranges are sorted, so `range` does not start before `kept`. It is merged into `kept` if
            // there is no gap between them.
            let touches = kept.reaches(*range);
            if touches {
                kept.last = kept.last.max(range.last);
            }
            touches
        });
        Self { ranges }
    }

    /// Creates a set from ranges that are already ascending, with gaps between them.
    pub(crate) fn from_sorted(ranges: Vec<AddrRange<T>>) -> Self {
        debug_assert!(
            ranges.is_sorted_by(|range, next| range.first <= range.last && !range.reaches(*next)),
            "ranges touch or are out of order"
        );
        Self { ranges }
    }

    /// Returns the ranges as a vector, to which more ranges can be added.
    #[must_use]
    pub fn into_ranges(self) -> Vec<AddrRange<T>> {
        self.ranges
    }

    /// Returns the ranges, ascending, with gaps between them.
    #[must_use]
    pub fn ranges(&self) -> &[AddrRange<T>] {
        &self.ranges
    }

    /// Returns whether the set contains no addresses.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Returns whether the set contains every address.
    pub(crate) fn is_whole(&self) -> bool {
        self.ranges == [AddrRange::WHOLE]
    }

    /// Returns whether the address is in the set.
    #[must_use]
    pub fn contains(&self, address: T) -> bool {
        let after = self.ranges.partition_point(|range| range.first <= address);
        after
            .checked_sub(1)
            .and_then(|index| self.ranges.get(index))
            .is_some_and(|range| address <= range.last)
    }

    /// Returns the ranges of this set that have at least one address in common with `range`. They are not
    /// clipped to `range`.
    pub(crate) fn overlapping(&self, range: AddrRange<T>) -> &[AddrRange<T>] {
        let ranges = self.ranges.as_slice();
        let start = ranges.partition_point(|other| other.last < range.first);
        let (_, ranges) = ranges.split_at(start);
        let end = ranges.partition_point(|other| other.first <= range.last);
        ranges.split_at(end).0
    }

    /// Returns the addresses of this set that are not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let mut ranges = Vec::with_capacity(self.ranges.len());
        let mut rest = other.ranges.as_slice();
        for range in &self.ranges {
            (_, rest) = split_before(rest, range.first);
            range_difference(*range, rest, &mut ranges);
        }
        Self { ranges }
    }

    /// Returns the fewest CIDR networks that cover exactly this set, in ascending order. A whole family is
    /// two networks, never `/0`.
    #[must_use]
    pub fn networks(&self) -> Networks<'_, T> {
        Networks::of(&self.ranges)
    }

    /// Returns the number of [`RangeSet::networks`] without building them.
    #[must_use]
    pub fn network_count(&self) -> usize {
        self.ranges.iter().map(AddrRange::network_count).sum()
    }

    /// Returns the number of addresses. The result for all of IPv6 is `u128::MAX`, one less than the exact
    /// number.
    #[must_use]
    pub fn address_count(&self) -> u128 {
        self.ranges.iter().fold(0, |sum: u128, range| {
            sum.saturating_add((range.last - range.first).widen().saturating_add(1))
        })
    }
}

/// A set of addresses of both families, which are stored separately.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IpSet {
    /// The IPv4 addresses.
    pub ipv4: RangeSet<u32>,
    /// The IPv6 addresses.
    pub ipv6: RangeSet<u128>,
}

impl IpSet {
    /// Returns whether the set contains no addresses.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ipv4.is_empty() && self.ipv6.is_empty()
    }

    /// Returns whether at least one of the addresses is in the set.
    pub(crate) fn has_any_of(&self, addresses: AddressSpec) -> bool {
        match addresses {
            AddressSpec::Ipv4(range) => !self.ipv4.overlapping(range).is_empty(),
            AddressSpec::Ipv6(range) => !self.ipv6.overlapping(range).is_empty(),
            AddressSpec::All => !self.is_empty(),
        }
    }

    /// Returns whether the set contains every address of both families.
    pub(crate) fn is_everybody(&self) -> bool {
        self.ipv4.is_whole() && self.ipv6.is_whole()
    }

    /// Creates the set of all addresses of both families.
    #[must_use]
    pub fn everybody() -> Self {
        fn all<T: Family>() -> RangeSet<T> {
            RangeSet::from_sorted(vec![AddrRange::WHOLE])
        }
        Self {
            ipv4: all(),
            ipv6: all(),
        }
    }

    /// Returns the addresses of this set that are not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        Self {
            ipv4: self.ipv4.difference(&other.ipv4),
            ipv6: self.ipv6.difference(&other.ipv6),
        }
    }

    /// Returns the number of CIDR networks that the set is written as.
    #[must_use]
    pub fn network_count(&self) -> usize {
        self.ipv4.network_count() + self.ipv6.network_count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ip::family::{family, sort_by_comparing};
    use crate::ip::format::Printer;
    use crate::ip::range::{AddrInt, addr_int};
    use proptest::prelude::*;

    // A family of 8-bit addresses. The operations on sets do not depend on the width, and with 8 bits a
    // naive oracle can check every address.
    addr_int!(u8);
    family!(u8, |_: &mut Printer<'_>, _| {}, |_| 0, sort_by_comparing);

    fn ranges_u8() -> impl Strategy<Value = Vec<AddrRange<u8>>> {
        prop::collection::vec((any::<u8>(), any::<u8>()), 0..12).prop_map(|pairs| {
            pairs
                .into_iter()
                .map(|(a, b)| AddrRange {
                    first: a.min(b),
                    last: a.max(b),
                })
                .collect()
        })
    }

    fn members(ranges: &[AddrRange<u8>]) -> Vec<bool> {
        (0..=255)
            .map(|address| {
                ranges
                    .iter()
                    .any(|s| s.first <= address && address <= s.last)
            })
            .collect()
    }

    /// Returns the fewest networks with a prefix of at least one bit that cover exactly `members`, counted
    /// in the binary tree of prefixes.
    fn fewest(members: &[bool]) -> usize {
        if members.iter().all(|member| !member) {
            0
        } else if members.len() < 256 && members.iter().all(|member| *member) {
            1
        } else {
            let (low, high) = members.split_at(members.len() / 2);
            fewest(low) + fewest(high)
        }
    }

    proptest! {
        #[test]
        fn ranges_touch_if_together_they_are_one_range(a in any::<(u8, u8)>(), b in any::<(u8, u8)>()) {
            let [a, b] = [a, b].map(|(a, b)| AddrRange { first: a.min(b), last: a.max(b) });
            let is_one = RangeSet::from_unsorted(vec![a, b]).ranges().len() == 1;
            prop_assert_eq!(a.touches(b), is_one);
            prop_assert_eq!(b.touches(a), is_one);
        }

        #[test]
        fn holds_the_addresses_of_its_ranges_in_any_order(ranges in ranges_u8()) {
            let set = RangeSet::from_unsorted(ranges.clone());
            let expected = members(&ranges);
            for address in 0..=255u8 {
                prop_assert_eq!(set.contains(address), expected[usize::from(address)]);
            }
            prop_assert_eq!(set.address_count(), expected.iter().filter(|m| **m).count() as u128);
            let mut reversed = ranges;
            reversed.reverse();
            prop_assert_eq!(&set, &RangeSet::from_unsorted(reversed));
            prop_assert_eq!(&set, &RangeSet::from_unsorted(set.ranges().to_vec()));
        }

        #[test]
        fn networks_are_the_fewest_and_exact(ranges in ranges_u8()) {
            let set = RangeSet::from_unsorted(ranges.clone());
            let networks: Vec<_> = set.networks().collect();
            let covered: Vec<_> = networks.iter().map(|network| network.range()).collect();
            prop_assert_eq!(members(&covered), members(&ranges));
            prop_assert_eq!(networks.len(), fewest(&members(&ranges)));
            prop_assert_eq!(networks.len(), set.network_count());
            prop_assert!(networks.iter().all(|n| n.host_bits < 8));
            prop_assert_eq!(RangeSet::from_unsorted(covered), set);
        }

        #[test]
        fn overlapping_ranges_are_those_with_a_common_address(
            ranges in ranges_u8(),
            (a, b) in any::<(u8, u8)>(),
        ) {
            let set = RangeSet::from_unsorted(ranges);
            let block = AddrRange { first: a.min(b), last: a.max(b) };
            let has_common = |range: &&AddrRange<u8>| {
                (range.first..=range.last).any(|address| block.first <= address && address <= block.last)
            };
            let expected: Vec<_> = set.ranges().iter().filter(has_common).copied().collect();
            prop_assert_eq!(set.overlapping(block), expected);
        }

        #[test]
        fn difference_is_exact(a in ranges_u8(), b in ranges_u8()) {
            let difference = RangeSet::from_unsorted(a.clone()).difference(&RangeSet::from_unsorted(b.clone()));
            let expected: Vec<bool> = members(&a).iter().zip(members(&b)).map(|(a, b)| *a && !b).collect();
            prop_assert_eq!(members(difference.ranges()), expected);
            prop_assert_eq!(&RangeSet::from_unsorted(difference.ranges().to_vec()), &difference);
        }
    }
}
