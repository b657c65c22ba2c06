//! The IPv4-mapped block of IPv6, `::ffff:0:0/96` (RFC 4291, section 2.5.5.2).

use crate::ip::set::{IpSet, SpanSet};
use crate::ip::span::Span;

/// The first of the IPv4-mapped IPv6 addresses, `::ffff:0.0.0.0`.
pub const MAPPED_FIRST: u128 = 0xffff_0000_0000;
/// The last of the IPv4-mapped IPv6 addresses, `::ffff:255.255.255.255`.
pub const MAPPED_LAST: u128 = 0xffff_ffff_ffff;

/// The IPv4-mapped block `::ffff:0:0/96` of an IPv6 set says nothing, for such clients are IPv4,
/// and Apache answers 500 to a rule inside it. No rule begins or ends inside the block (mapped
/// addresses became IPv4), so the only network inside it that a set can be written with is the
/// whole block, by a span that begins at it or shortly before: that span is cut around it. One
/// that begins before `::fffe:0:0` covers it with a wider network and stays.
pub(crate) fn without_mapped_block(set: SpanSet<u128>) -> SpanSet<u128> {
    const WIDER_NETWORK_FIRST: u128 = MAPPED_FIRST - (1 << 32);
    let is_to_cut = |span: &Span<u128>| {
        WIDER_NETWORK_FIRST < span.first && span.first <= MAPPED_FIRST && MAPPED_LAST <= span.last
    };
    if !set.spans().iter().any(is_to_cut) {
        return set;
    }
    let mut spans = Vec::with_capacity(set.spans().len() + 1);
    for span @ &Span { first, last } in set.spans() {
        if !is_to_cut(span) {
            spans.push(*span);
            continue;
        }
        if first < MAPPED_FIRST {
            spans.push(Span {
                first,
                last: MAPPED_FIRST - 1,
            });
        }
        if MAPPED_LAST < last {
            spans.push(Span {
                first: MAPPED_LAST + 1,
                last,
            });
        }
    }
    SpanSet::from_unsorted(spans)
}

/// A list for servers that find clients of both families in one tree of IPv6 networks: its IPv4
/// addresses in the IPv4-mapped block (RFC 4291, section 2.5.5.2), and nothing else there.
pub(crate) fn mapped(set: &IpSet) -> SpanSet<u128> {
    let block = SpanSet::from_unsorted(vec![Span {
        first: MAPPED_FIRST,
        last: MAPPED_LAST,
    }]);
    let mut spans = set.ipv6.difference(&block).into_spans();
    spans.extend(set.ipv4.spans().iter().map(|span| Span {
        first: MAPPED_FIRST + u128::from(span.first),
        last: MAPPED_FIRST + u128::from(span.last),
    }));
    SpanSet::from_unsorted(spans)
}
