//! The IPv4-mapped block of IPv6, `::ffff:0:0/96` (RFC 4291, section 2.5.5.2).

use crate::ip::range::AddrRange;
use crate::ip::set::{IpSet, RangeSet};

/// The lowest IPv4-mapped IPv6 address, `::ffff:0.0.0.0`.
pub const MAPPED_FIRST: u128 = 0xffff_0000_0000;
/// The highest IPv4-mapped IPv6 address, `::ffff:255.255.255.255`.
pub const MAPPED_LAST: u128 = 0xffff_ffff_ffff;

/// Removes the IPv4-mapped block `::ffff:0:0/96` from an IPv6 set if the set would otherwise be written
/// with a network inside the block.
///
/// The block has no effect in an IPv6 list, because such clients are matched as IPv4, and Apache
/// answers 500 to a rule inside it. No range in the set starts or ends inside the block, because the
/// parser turns mapped addresses into IPv4. The only network inside the block that can be written is
/// therefore the block itself, which happens if a range starts at the block or shortly before it. Such
/// a range is cut around the block. A range that starts at or before `::fffe:0:0` covers the block with
/// a larger network and stays unchanged.
pub(crate) fn without_mapped_block(set: RangeSet<u128>) -> RangeSet<u128> {
    const WIDER_NETWORK_FIRST: u128 = MAPPED_FIRST - (1 << 32);
    let must_cut = |range: &AddrRange<u128>| {
        WIDER_NETWORK_FIRST < range.first
            && range.first <= MAPPED_FIRST
            && MAPPED_LAST <= range.last
    };
    if !set.ranges().iter().any(must_cut) {
        return set;
    }
    let mut ranges = Vec::with_capacity(set.ranges().len() + 1);
    for range @ &AddrRange { first, last } in set.ranges() {
        if !must_cut(range) {
            ranges.push(*range);
            continue;
        }
        if first < MAPPED_FIRST {
            ranges.push(AddrRange {
                first,
                last: MAPPED_FIRST - 1,
            });
        }
        if MAPPED_LAST < last {
            ranges.push(AddrRange {
                first: MAPPED_LAST + 1,
                last,
            });
        }
    }
    RangeSet::from_unsorted(ranges)
}

/// Converts a set to IPv6, for servers that look up clients of both families in one tree of IPv6
/// networks. IPv4 addresses become addresses in the IPv4-mapped block (RFC 4291, section 2.5.5.2). IPv6
/// addresses of the set that are already in that block are left out.
pub(crate) fn mapped(set: &IpSet) -> RangeSet<u128> {
    let block = RangeSet::from_unsorted(vec![AddrRange {
        first: MAPPED_FIRST,
        last: MAPPED_LAST,
    }]);
    let mut ranges = set.ipv6.difference(&block).into_ranges();
    ranges.extend(set.ipv4.ranges().iter().map(|range| AddrRange {
        first: MAPPED_FIRST + u128::from(range.first),
        last: MAPPED_FIRST + u128::from(range.last),
    }));
    RangeSet::from_unsorted(ranges)
}
