//! Sorts spans of IPv4 addresses by their first address, by counting digits instead of comparing.
//!
//! # Advice for hackers
//!
//! A list is parted by the highest eight bits in which its addresses differ. Each part, which fits a
//! processor's cache where the list does not, is then sorted by its lower bits, eight to twelve at
//! a time. Parting in place spares the second list and is no faster: each step of it waits for the
//! one before.

#![expect(
    clippy::indexing_slicing,
    reason = "a digit is below the number of its values, and an offset below the length of the list that was counted"
)]

use std::thread;

use crate::ip::span::Span;

/// How many values a digit has that a list is parted by.
const PARTS: usize = 256;
/// How many a digit of a part has: longer digits are fewer, and each costs a look at all its values.
const FEW_VALUES: usize = 256;
/// All bits of an address are three digits of these.
const MANY_VALUES: usize = 2048;
/// The bits of a part are two of these.
const MOST_VALUES: usize = 4096;
/// From so many bits on two digits are not enough.
const THREE_DIGITS_FROM: u32 = 2 * MOST_VALUES.ilog2() + 1;
/// Below this length comparing is faster.
const COUNTED_FROM: usize = 128;
/// From this length on longer digits are worth it.
const MANY_VALUES_FROM: usize = 2048;
/// Up to this length a list and its copy fit a processor's cache (512 KiB), and need no parting.
const PARTED_FROM: usize = 32 * 1024;

/// From this length on a list is worth a second thread.
const HALVED_FROM: usize = 256 * 1024;

/// Sorts by `first`; the order of spans with the same `first` is open.
pub(crate) fn sort(spans: &mut [Span<u32>]) {
    if spans.is_sorted_by_key(|span| span.first) {
        return;
    }
    let (lowest, highest) = spans.iter().fold((u32::MAX, 0), |(lowest, highest), span| {
        (lowest.min(span.first), highest.max(span.first))
    });
    let differing_bits = u32::BITS - (lowest ^ highest).leading_zeros();
    if spans.len() < PARTED_FROM {
        sort_part(&mut spans.to_vec(), differing_bits, spans);
        return;
    }
    let low_bits = differing_bits.saturating_sub(PARTS.ilog2());
    let mut parted = vec![Span { first: 0, last: 0 }; spans.len()];
    let counts: [_; PARTS] = scatter(spans, low_bits, &mut parted);
    let parted = parted.as_mut_slice();
    if spans.len() < HALVED_FROM {
        sort_parts(&counts, parted, low_bits, spans);
        return;
    }
    // As many parts for each of two threads as make about half of the list.
    let mut front = 0;
    let front_counts = counts
        .iter()
        .take_while(|count| {
            let is_in_front = front < spans.len() / 2;
            front += if is_in_front { **count } else { 0 };
            is_in_front
        })
        .count();
    let (front_counts, back_counts) = counts.split_at(front_counts);
    let (front_parts, back_parts) = parted.split_at_mut(front);
    let (front_target, back_target) = spans.split_at_mut(front);
    thread::scope(|scope| {
        scope.spawn(|| sort_parts(back_counts, back_parts, low_bits, back_target));
        sort_parts(front_counts, front_parts, low_bits, front_target);
    });
}

/// Sorts parts that lie one behind the other, so many spans each, into `target`.
fn sort_parts(
    counts: &[usize],
    mut parts: &mut [Span<u32>],
    low_bits: u32,
    mut target: &mut [Span<u32>],
) {
    for count in counts {
        let (part, other_parts) = parts.split_at_mut(*count);
        let (part_target, other_targets) = target.split_at_mut(*count);
        sort_part(part, low_bits, part_target);
        (parts, target) = (other_parts, other_targets);
    }
}

/// Sorts a part, whose spans differ in their low bits only, into `target`, which is as long.
fn sort_part(part: &mut [Span<u32>], low_bits: u32, target: &mut [Span<u32>]) {
    if part.len() < COUNTED_FROM {
        part.sort_unstable_by_key(|span| span.first);
        target.copy_from_slice(part);
        return;
    }
    match low_bits {
        _ if part.len() < MANY_VALUES_FROM => sort_by_digits::<FEW_VALUES>(part, low_bits, target),
        THREE_DIGITS_FROM.. => sort_by_digits::<MANY_VALUES>(part, low_bits, target),
        _ => sort_by_digits::<MOST_VALUES>(part, low_bits, target),
    }
}

/// To and fro, by one digit after the other.
fn sort_by_digits<const VALUES: usize>(
    part: &mut [Span<u32>],
    low_bits: u32,
    target: &mut [Span<u32>],
) {
    let (mut from, mut to) = (part, target);
    let mut is_in_target = false;
    for lowest_bit in (0..low_bits).step_by(VALUES.ilog2() as usize) {
        scatter::<VALUES>(from, lowest_bit, to);
        (from, to) = (to, from);
        is_in_target = !is_in_target;
    }
    if !is_in_target {
        to.copy_from_slice(from);
    }
}

/// Copies spans into the order of one of their digits, those with the same digit as they come;
/// tells how many each digit has.
fn scatter<const VALUES: usize>(
    from: &[Span<u32>],
    lowest_bit: u32,
    to: &mut [Span<u32>],
) -> [usize; VALUES] {
    let mut counts = [0; VALUES];
    for span in from {
        counts[digit::<VALUES>(*span, lowest_bit)] += 1;
    }
    let mut next = offsets(&counts);
    for span in from {
        let next = &mut next[digit::<VALUES>(*span, lowest_bit)];
        to[*next] = *span;
        *next += 1;
    }
    counts
}

/// Where the first span with each digit belongs.
fn offsets<const VALUES: usize>(counts: &[usize; VALUES]) -> [usize; VALUES] {
    let mut end = 0;
    counts.map(|count| {
        end += count;
        end - count
    })
}

#[inline]
fn digit<const VALUES: usize>(span: Span<u32>, lowest_bit: u32) -> usize {
    (span.first >> lowest_bit) as usize % VALUES
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sorts_and_loses_nothing(
            firsts in prop::collection::vec(any::<u32>(), 0..2 * MANY_VALUES_FROM),
            mask in prop_oneof![Just(u32::MAX), Just(0xff_ffff), Just(0x7ff), Just(0xff), Just(0xffc0_0001), any::<u32>()],
        ) {
            let mut spans: Vec<Span<u32>> = firsts
                .iter()
                .map(|first| Span { first: first & mask, last: *first | mask })
                .collect();
            let mut expected = spans.clone();
            expected.sort();
            sort(&mut spans);
            prop_assert!(spans.is_sorted_by_key(|span| span.first));
            spans.sort();
            prop_assert_eq!(spans, expected);
        }
    }

    #[test]
    fn sorts_long_parts() {
        check_long(100_000);
        check_long(300_000);
    }

    #[track_caller]
    fn check_long(length: u32) {
        // Crowded at the low end, so that parts are of very different lengths.
        let mut spans: Vec<Span<u32>> = (0..length)
            .map(|index| index.wrapping_mul(2_654_435_761) & 0xffff_ff0f)
            .map(|first| Span {
                first: first >> (first & 15),
                last: first,
            })
            .collect();
        let mut expected = spans.clone();
        expected.sort_by_key(|span| span.first);
        sort(&mut spans);
        let firsts = |spans: &[Span<u32>]| spans.iter().map(|span| span.first).collect::<Vec<_>>();
        assert_eq!(firsts(&spans), firsts(&expected));
    }
}
