//! The shortest pair of lists that permits the same addresses.

use crate::ip::{Family, Network, SpanSet, span_difference, split_before};

/// Two lists that permit exactly `allow` − `deny`, span of `allow` by span: either the span with
/// the denied networks that touch it, or what is left of it, whichever takes fewer networks (on a
/// tie what is left, for one list is read faster than two). Denies that touch no allow vanish.
pub(crate) fn shortest<T: Family>(
    allow: SpanSet<T>,
    deny: &SpanSet<T>,
) -> (SpanSet<T>, SpanSet<T>) {
    if deny.is_empty() {
        return (allow, SpanSet::default());
    }
    let mut kept = Vec::with_capacity(allow.spans().len());
    let mut denied = Vec::new();
    let mut left = Vec::new();
    let mut spans = allow.spans();
    let mut rest = deny.spans();
    loop {
        let next_denied = rest.first().map_or(T::MAX, |deny| deny.first);
        let (untouched, others) = split_before(spans, next_denied);
        kept.extend_from_slice(untouched);
        let Some((&span, others)) = others.split_first() else {
            break;
        };
        spans = others;
        (_, rest) = split_before(rest, span.first);
        if rest.first().is_none_or(|deny| span.last < deny.first) {
            kept.push(span);
            continue;
        }
        left.clear();
        span_difference(span, rest, &mut left);
        if left.is_empty() {
            continue;
        }
        let touching = || {
            rest.iter()
                .take_while(|deny| deny.first <= span.last)
                .flat_map(|deny| (*deny).networks())
                .filter(|network| span.first <= network.last() && network.first <= span.last)
        };
        let networks_left: usize = left.iter().map(|span| span.networks().count()).sum();
        if networks_left <= span.networks().count() + touching().count() {
            kept.extend_from_slice(&left);
        } else {
            kept.push(span);
            denied.extend(touching().map(Network::span));
        }
    }
    (SpanSet::from_sorted(kept), SpanSet::from_unsorted(denied))
}
