//! The shortest pair of lists that permits the same addresses.

use crate::ip::{Family, Network, RangeSet, range_difference, split_before};

/// Two lists that permit exactly `allow` − `deny`, range of `allow` by range: either the range with
/// the denied networks that touch it, or what is left of it, whichever takes fewer networks (on a
/// tie what is left, for one list is read faster than two). Denies that touch no allow vanish.
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
            rest.iter()
                .take_while(|deny| deny.first <= range.last)
                .flat_map(|deny| (*deny).networks())
                .filter(|network| range.first <= network.last() && network.first <= range.last)
        };
        let networks_left: usize = left.iter().map(|range| range.networks().count()).sum();
        if networks_left <= range.networks().count() + touching().count() {
            kept.extend_from_slice(&left);
        } else {
            kept.push(range);
            denied.extend(touching().map(Network::range));
        }
    }
    (RangeSet::from_sorted(kept), RangeSet::from_unsorted(denied))
}
