//! Exact sets of addresses: union, difference, and the fewest CIDR networks that cover them.
//!
//! # Advice for hackers
//!
//! A set is a sorted list of closed spans of integers, `u32` for IPv4 and `u128` for IPv6, with
//! a gap of at least one address between two spans. Every constructor restores that invariant
//! ([`SpanSet::from_unsorted`]), every operation is one linear walk that keeps it, and two sets
//! are equal exactly when they hold the same addresses.

use std::ops::{BitAnd, Not, Shl, Sub};

use crate::ip::format::{Printer, ipv4_bytes, ipv6_bytes};
use crate::ip::network::Networks;
use crate::ip::radix_sort;

/// The integer that stands for an address: `u32` for IPv4, `u128` for IPv6.
pub trait Word:
    Copy
    + Ord
    + Not<Output = Self>
    + Shl<u32, Output = Self>
    + Sub<Output = Self>
    + BitAnd<Output = Self>
{
    /// How many bits an address has.
    const BITS: u32;
    /// The lowest address.
    const MIN: Self;
    /// The highest address.
    const MAX: Self;
    /// The next address, or `None` after the highest.
    fn next(self) -> Option<Self>;
    /// The address before, or `None` before the lowest.
    fn previous(self) -> Option<Self>;
    /// The difference; less than zero becomes a high number.
    #[must_use]
    fn wrapping_sub(self, other: Self) -> Self;
    /// How many low bits are zero; `BITS` for zero itself.
    fn trailing_zeros(self) -> u32;
    /// How many high bits are zero; `BITS` for zero itself.
    fn leading_zeros(self) -> u32;
    /// As a number of addresses.
    fn widen(self) -> u128;
    /// Prints the address in its canonical text (RFC 5952 for IPv6).
    fn print(self, printer: &mut Printer<'_>);
    /// How many bytes it prints.
    fn text_bytes(self) -> usize;
    /// Sorts spans by their first address.
    fn sort(spans: &mut [Span<Self>]);
}

/// The families differ in their integer, and in how they are printed and sorted.
macro_rules! word {
    ($integer:ty, $print:expr, $text_bytes:expr, $sort:expr) => {
        impl Word for $integer {
            const BITS: u32 = <$integer>::BITS;
            const MIN: Self = <$integer>::MIN;
            const MAX: Self = <$integer>::MAX;
            fn next(self) -> Option<Self> {
                self.checked_add(1)
            }
            fn previous(self) -> Option<Self> {
                self.checked_sub(1)
            }
            fn wrapping_sub(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }
            fn trailing_zeros(self) -> u32 {
                self.trailing_zeros()
            }
            fn leading_zeros(self) -> u32 {
                self.leading_zeros()
            }
            fn widen(self) -> u128 {
                self.into()
            }
            fn print(self, printer: &mut Printer<'_>) {
                $print(printer, self);
            }
            fn text_bytes(self) -> usize {
                $text_bytes(self)
            }
            fn sort(spans: &mut [Span<Self>]) {
                $sort(spans);
            }
        }
    };
}
word!(u32, Printer::ipv4, ipv4_bytes, radix_sort::sort);
word!(u128, Printer::ipv6, ipv6_bytes, sort_by_comparing);

fn sort_by_comparing<T: Word>(spans: &mut [Span<T>]) {
    spans.sort_unstable_by_key(|span| span.first);
}

/// The addresses from `first` to `last`, both included; `first <= last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span<T> {
    /// The lowest address.
    pub first: T,
    /// The highest address.
    pub last: T,
}

impl<T: Word> Span<T> {
    /// Every address.
    const WHOLE: Self = Self {
        first: T::MIN,
        last: T::MAX,
    };

    /// Whether no address is left between the end of this span and the start of the other.
    fn reaches(self, other: Self) -> bool {
        self.last.next().is_none_or(|next| other.first <= next)
    }

    /// Whether the two together are one span, whichever comes first. Which does is not asked: of
    /// random addresses a processor cannot foresee that, but that no answer here will be yes.
    pub(crate) fn touches(self, other: Self) -> bool {
        let is_followed_by = |span: Self, other: Self| {
            span.last.next() == Some(other.first)
                || other.first.wrapping_sub(span.first) <= span.last - span.first
        };
        is_followed_by(self, other) || is_followed_by(other, self)
    }

    /// The fewest CIDR networks that cover exactly this span, in ascending order.
    pub fn networks(&self) -> Networks<'_, T> {
        Networks::of(std::slice::from_ref(self))
    }
}

/// A set of addresses of one family. See the module's advice for the invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanSet<T> {
    spans: Vec<Span<T>>,
}

impl<T> Default for SpanSet<T> {
    fn default() -> Self {
        Self { spans: Vec::new() }
    }
}

impl<T: Word> SpanSet<T> {
    /// The union of spans in any order, overlapping or not.
    #[must_use]
    pub fn from_unsorted(mut spans: Vec<Span<T>>) -> Self {
        T::sort(&mut spans);
        spans.dedup_by(|span, kept| {
            // Sorted, so `span` starts at or after `kept`; merge if it starts inside or right behind.
            let touches = kept.reaches(*span);
            if touches {
                kept.last = kept.last.max(span.last);
            }
            touches
        });
        Self { spans }
    }

    /// The union of spans that are ascending already, with gaps between them.
    pub(crate) fn from_sorted(spans: Vec<Span<T>>) -> Self {
        debug_assert!(
            spans.is_sorted_by(|span, next| span.first <= span.last && !span.reaches(*next)),
            "spans touch or are out of order"
        );
        Self { spans }
    }

    /// The same, to be added to.
    #[must_use]
    pub fn into_spans(self) -> Vec<Span<T>> {
        self.spans
    }

    /// The spans, ascending, with gaps between them.
    #[must_use]
    pub fn spans(&self) -> &[Span<T>] {
        &self.spans
    }

    /// Whether the set has no address.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Whether the set holds every address.
    pub(crate) fn is_whole(&self) -> bool {
        self.spans == [Span::WHOLE]
    }

    /// Whether the address is in the set.
    #[must_use]
    pub fn contains(&self, address: T) -> bool {
        let after = self.spans.partition_point(|span| span.first <= address);
        after
            .checked_sub(1)
            .and_then(|index| self.spans.get(index))
            .is_some_and(|span| address <= span.last)
    }

    /// The addresses of this set that are not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let mut spans = Vec::with_capacity(self.spans.len());
        let mut rest = other.spans.as_slice();
        for span in &self.spans {
            (_, rest) = split_before(rest, span.first);
            span_difference(*span, rest, &mut spans);
        }
        Self { spans }
    }

    /// The fewest CIDR networks that cover exactly this set, ascending (see
    /// [`Networks`] for `/0`).
    #[must_use]
    pub fn networks(&self) -> Networks<'_, T> {
        Networks::of(&self.spans)
    }

    /// How many addresses the set has; `u128::MAX` also stands for all of IPv6.
    #[must_use]
    pub fn address_count(&self) -> u128 {
        self.spans.iter().fold(0, |sum: u128, span| {
            sum.saturating_add((span.last - span.first).widen().saturating_add(1))
        })
    }
}

/// Splits ascending, disjoint spans into those that end before `address` and the others.
pub(crate) fn split_before<T: Word>(spans: &[Span<T>], address: T) -> (&[Span<T>], &[Span<T>]) {
    let ended = spans
        .iter()
        .position(|span| span.last >= address)
        .unwrap_or(spans.len());
    spans.split_at(ended)
}

/// Appends what is left of `span` without `others` (ascending, none ending before it) to `out`.
pub(crate) fn span_difference<T: Word>(span: Span<T>, others: &[Span<T>], out: &mut Vec<Span<T>>) {
    let mut first = span.first;
    for other in others.iter().take_while(|other| other.first <= span.last) {
        if let Some(last) = other.first.previous().filter(|last| first <= *last) {
            out.push(Span { first, last });
        }
        match other.last.next() {
            Some(next) if next <= span.last => first = next,
            _ => return,
        }
    }
    out.push(Span {
        first,
        last: span.last,
    });
}

/// A set of addresses of both families, which never mix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IpSet {
    /// The IPv4 addresses.
    pub ipv4: SpanSet<u32>,
    /// The IPv6 addresses.
    pub ipv6: SpanSet<u128>,
}

impl IpSet {
    /// Whether the set has no address.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ipv4.is_empty() && self.ipv6.is_empty()
    }

    /// All of IPv4 and all of IPv6.
    #[must_use]
    pub fn everybody() -> Self {
        fn all<T: Word>() -> SpanSet<T> {
            SpanSet::from_sorted(vec![Span::WHOLE])
        }
        Self {
            ipv4: all(),
            ipv6: all(),
        }
    }

    /// The addresses of this set that are not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        Self {
            ipv4: self.ipv4.difference(&other.ipv4),
            ipv6: self.ipv6.difference(&other.ipv6),
        }
    }

    /// How many CIDR networks the set is written as.
    #[must_use]
    pub fn network_count(&self) -> usize {
        self.ipv4.networks().count() + self.ipv6.networks().count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // A family of 8 bits, small enough to list: the set arithmetic does not depend on the width,
    // and this one lets a naive oracle look at every address.
    word!(u8, |_: &mut Printer<'_>, _| {}, |_| 0, sort_by_comparing);

    fn spans_u8() -> impl Strategy<Value = Vec<Span<u8>>> {
        prop::collection::vec((any::<u8>(), any::<u8>()), 0..12).prop_map(|pairs| {
            pairs
                .into_iter()
                .map(|(a, b)| Span {
                    first: a.min(b),
                    last: a.max(b),
                })
                .collect()
        })
    }

    fn members(spans: &[Span<u8>]) -> Vec<bool> {
        (0..=255)
            .map(|address| {
                spans
                    .iter()
                    .any(|s| s.first <= address && address <= s.last)
            })
            .collect()
    }

    /// The fewest networks with a prefix of at least one bit that cover exactly `members`,
    /// counted on the binary tree of prefixes.
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
        fn spans_touch_if_they_are_one_together(a in any::<(u8, u8)>(), b in any::<(u8, u8)>()) {
            let [a, b] = [a, b].map(|(a, b)| Span { first: a.min(b), last: a.max(b) });
            let is_one = SpanSet::from_unsorted(vec![a, b]).spans().len() == 1;
            prop_assert_eq!(a.touches(b), is_one);
            prop_assert_eq!(b.touches(a), is_one);
        }

        #[test]
        fn holds_the_addresses_of_its_spans_in_any_order(spans in spans_u8()) {
            let set = SpanSet::from_unsorted(spans.clone());
            let expected = members(&spans);
            for address in 0..=255u8 {
                prop_assert_eq!(set.contains(address), expected[usize::from(address)]);
            }
            prop_assert_eq!(set.address_count(), expected.iter().filter(|m| **m).count() as u128);
            let mut reversed = spans;
            reversed.reverse();
            prop_assert_eq!(&set, &SpanSet::from_unsorted(reversed));
            prop_assert_eq!(&set, &SpanSet::from_unsorted(set.spans().to_vec()));
        }

        #[test]
        fn networks_are_the_fewest_and_exact(spans in spans_u8()) {
            let set = SpanSet::from_unsorted(spans.clone());
            let networks: Vec<_> = set.networks().collect();
            let covered: Vec<_> = networks.iter().map(|network| network.span()).collect();
            prop_assert_eq!(members(&covered), members(&spans));
            prop_assert_eq!(networks.len(), fewest(&members(&spans)));
            prop_assert!(networks.iter().all(|n| n.host_bits < 8));
            prop_assert_eq!(SpanSet::from_unsorted(covered), set);
        }

        #[test]
        fn difference_is_exact(a in spans_u8(), b in spans_u8()) {
            let difference = SpanSet::from_unsorted(a.clone()).difference(&SpanSet::from_unsorted(b.clone()));
            let expected: Vec<bool> = members(&a).iter().zip(members(&b)).map(|(a, b)| *a && !b).collect();
            prop_assert_eq!(members(difference.spans()), expected);
            prop_assert_eq!(&SpanSet::from_unsorted(difference.spans().to_vec()), &difference);
        }
    }
}
