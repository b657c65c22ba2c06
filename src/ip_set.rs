//! Exact sets of addresses: union, difference, and the fewest CIDR networks that cover them.
//!
//! # Advice for hackers
//!
//! A set is a sorted list of closed spans of integers, `u32` for IPv4 and `u128` for IPv6, with
//! a gap of at least one address between two spans. Every constructor restores that invariant
//! ([`SpanSet::from_unsorted`]), every operation is one linear walk that keeps it, and two sets
//! are equal exactly when they hold the same addresses.
//!
//! The fewest CIDRs of a set are those of its spans taken one by one: no network can reach over a
//! gap, so spans do not interact. Within a span the greedy choice (the largest aligned block that
//! starts here and fits) is optimal.
//!
//! One deliberate exception to "fewest": a whole family is two halves (`0.0.0.0/1 128.0.0.0/1`),
//! never `/0`, because Apache answers 500 to any prefix length of 0 (`apr_ipsubnet_create` wants
//! at least one bit) and AWS WAF refuses it too.

use std::ops::{BitAnd, Not, Shl, Sub};

use crate::network_text::{NetworkText, Printer, decimal_digits, ipv4_bytes, ipv6_bytes};
use crate::radix_sort;

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
        Networks {
            spans: std::slice::from_ref(self).iter(),
            rest: None,
        }
    }
}

/// The fewest CIDR networks of spans that do not touch, in the spans' order.
#[derive(Clone, Debug)]
pub struct Networks<'a, T> {
    spans: std::slice::Iter<'a, Span<T>>,
    /// What is left of the last span taken.
    rest: Option<Span<T>>,
}

impl<T: Word> Iterator for Networks<'_, T> {
    type Item = Network<T>;

    #[inline]
    fn next(&mut self) -> Option<Network<T>> {
        let span = match self.rest {
            Some(rest) => rest,
            None => *self.spans.next()?,
        };
        let Span { first, last } = span;
        if first == last {
            self.rest = None;
            return Some(Network {
                first,
                host_bits: 0,
            });
        }
        // At most BITS - 1 host bits: a whole family is two halves.
        let aligned = first.trailing_zeros().min(T::BITS - 1);
        let fitting = match (last - first).next() {
            Some(count) => T::BITS - 1 - count.leading_zeros(),
            None => T::BITS - 1,
        };
        let network = Network {
            first,
            host_bits: aligned.min(fitting),
        };
        let end = network.last();
        self.rest = end
            .next()
            .filter(|_| end < last)
            .map(|first| Span { first, last });
        Some(network)
    }
}

/// A CIDR network with at least one bit of prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Network<T> {
    /// The lowest address, its host bits all zero.
    pub first: T,
    /// How many low bits vary: `BITS` less the prefix length; 0 for a single address.
    pub host_bits: u32,
}

impl<T: Word> Network<T> {
    /// The highest address.
    #[must_use]
    pub fn last(self) -> T {
        // The low bits of `first` are zero, so this subtraction only sets them.
        let host_mask = !(!T::MIN << self.host_bits);
        !(!self.first - host_mask)
    }

    /// The same addresses as a span.
    #[must_use]
    pub fn span(self) -> Span<T> {
        Span {
            first: self.first,
            last: self.last(),
        }
    }

    /// Prints `192.0.2.0/24`, or the bare address of a single one.
    #[inline]
    pub(crate) fn print(self, printer: &mut Printer<'_>) {
        self.first.print(printer);
        if self.host_bits > 0 {
            printer.prefix_length(T::BITS - self.host_bits);
        }
    }

    /// How many bytes that is.
    pub(crate) fn text_bytes(self) -> usize {
        let prefix_length = T::BITS - self.host_bits;
        let behind = match self.host_bits {
            0 => 0,
            _ => 1 + decimal_digits(prefix_length),
        };
        self.first.text_bytes() + behind
    }

    /// The same as a text of its own.
    #[must_use]
    pub fn text(self) -> NetworkText {
        NetworkText::new(|printer| self.print(printer))
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
        let whole = Span {
            first: T::MIN,
            last: T::MAX,
        };
        self.spans == [whole]
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

    /// The fewest CIDR networks that cover exactly this set, ascending (see the module's advice
    /// for `/0`).
    #[must_use]
    pub fn networks(&self) -> Networks<'_, T> {
        Networks {
            spans: self.spans.iter(),
            rest: None,
        }
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
            let (first, last) = (T::MIN, !T::MIN);
            SpanSet::from_unsorted(vec![Span { first, last }])
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

    #[track_caller]
    fn check<T: Word>(first: T, last: T, expected: &str) {
        let mut text = String::new();
        for network in (Span { first, last }).networks() {
            text.push_str(network.text().as_str());
            text.push(' ');
        }
        assert_eq!(text.trim_end(), expected);
    }

    #[test]
    fn writes_the_boundaries_of_ipv4() {
        check(0, u32::MAX, "0.0.0.0/1 128.0.0.0/1");
        check(0, 0u32, "0.0.0.0");
        check(u32::MAX, u32::MAX, "255.255.255.255");
        check(1, u32::MAX >> 30, "0.0.0.1 0.0.0.2/31");
        check(0x0a00_0000, 0x0aff_ffffu32, "10.0.0.0/8");
    }

    #[test]
    fn writes_the_boundaries_of_ipv6() {
        check(0, u128::MAX, "::/1 8000::/1");
        check(1u128, 1, "::1");
        check(
            u128::MAX,
            u128::MAX,
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        );
        check(
            0x2001_0db8u128 << 96,
            (0x2001_0db9u128 << 96) - 1,
            "2001:db8::/32",
        );
    }
}
