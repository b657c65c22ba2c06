//! Finds the shortest pair of an allow list and a deny list that permits the same addresses.

use crate::ip::{AddrRange, Family, Network, RangeSet, range_difference, split_before};

/// Returns two lists that permit exactly `allow` − `deny`.
///
/// The function chooses the form with fewer networks for each range of `allow`: the whole range, together
/// with the denied networks that overlap it, or the rest of the range without the denied addresses. On a tie,
/// it chooses the rest, because servers read one list faster than two. Denied addresses that overlap no
/// allowed range are left out.
pub(crate) fn shortest<T: Family>(
    allow: RangeSet<T>,
    deny: &RangeSet<T>,
) -> (RangeSet<T>, RangeSet<T>) {
    if deny.is_empty() {
        return (allow, RangeSet::default());
    }
    let mut kept = Vec::with_capacity(allow.ranges().len());
    let mut denied = Vec::new();
    let mut left = Vec::new();
    let mut ranges = allow.ranges();
    let mut rest = deny.ranges();
    loop {
        let next_denied = rest.first().map_or(T::MAX, |deny| deny.first);
        let (untouched, others) = split_before(ranges, next_denied);
        kept.extend_from_slice(untouched);
        let Some((&range, others)) = others.split_first() else {
            break;
        };
        ranges = others;
        (_, rest) = split_before(rest, range.first);
        if rest.first().is_none_or(|deny| range.last < deny.first) {
            kept.push(range);
            continue;
        }
        left.clear();
        range_difference(range, rest, &mut left);
        if left.is_empty() {
            continue;
        }
        let touching = || {
            let overlapping = rest.iter().take_while(|deny| deny.first <= range.last);
            overlapping.filter_map(|deny| touching_part(*deny, range))
        };
        let count = |ranges: &[AddrRange<T>]| ranges.iter().map(AddrRange::network_count).sum();
        let networks_left: usize = count(&left);
        let networks_touching: usize = touching().map(|part| part.network_count()).sum();
        if networks_left <= range.network_count() + networks_touching {
            kept.extend_from_slice(&left);
        } else {
            kept.push(range);
            denied.extend(touching());
        }
    }
    (RangeSet::from_sorted(kept), RangeSet::from_unsorted(denied))
}

/// Returns the part of `deny` whose networks overlap `range`. `None` if there is no such network.
fn touching_part<T: Family>(deny: AddrRange<T>, range: AddrRange<T>) -> Option<AddrRange<T>> {
    if range.first <= deny.first && deny.last <= range.last {
        return Some(deny);
    }
    let networks = deny.networks();
    let is_touching =
        |network: &Network<T>| range.first <= network.last() && network.first <= range.last;
    let mut touching = networks.filter(is_touching);
    let first = touching.next()?;
    let last = touching.last().unwrap_or(first);
    Some(AddrRange {
        first: first.first,
        last: last.last(),
    })
}
