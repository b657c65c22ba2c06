//! Sorts ranges of IPv4 addresses by their first address, by counting digits instead of comparing.
//!
//! # Implementation notes
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

use crate::ip::range::AddrRange;

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

/// Sorts by `first`; the order of ranges with the same `first` is open.
pub(crate) fn sort(ranges: &mut [AddrRange<u32>]) {
    if ranges.is_sorted_by_key(|range| range.first) {
        return;
    }
    let (lowest, highest) = ranges
        .iter()
        .fold((u32::MAX, 0), |(lowest, highest), range| {
            (lowest.min(range.first), highest.max(range.first))
        });
    let differing_bits = u32::BITS - (lowest ^ highest).leading_zeros();
    if ranges.len() < PARTED_FROM {
        sort_part(&mut ranges.to_vec(), differing_bits, ranges);
        return;
    }
    let low_bits = differing_bits.saturating_sub(PARTS.ilog2());
    let mut parted = vec![AddrRange { first: 0, last: 0 }; ranges.len()];
    let counts: [_; PARTS] = scatter(ranges, low_bits, &mut parted);
    let parted = parted.as_mut_slice();
    if ranges.len() < HALVED_FROM {
        sort_parts(&counts, parted, low_bits, ranges);
        return;
    }
    // As many parts for each of two threads as make about half of the list.
    let mut front = 0;
    let front_counts = counts
        .iter()
        .take_while(|count| {
            let is_in_front = front < ranges.len() / 2;
            front += if is_in_front { **count } else { 0 };
            is_in_front
        })
        .count();
    let (front_counts, back_counts) = counts.split_at(front_counts);
    let (front_parts, back_parts) = parted.split_at_mut(front);
    let (front_target, back_target) = ranges.split_at_mut(front);
    thread::scope(|scope| {
        scope.spawn(|| sort_parts(back_counts, back_parts, low_bits, back_target));
        sort_parts(front_counts, front_parts, low_bits, front_target);
    });
}

/// Sorts parts that lie one behind the other, so many ranges each, into `target`.
fn sort_parts(
    counts: &[usize],
    mut parts: &mut [AddrRange<u32>],
    low_bits: u32,
    mut target: &mut [AddrRange<u32>],
) {
    for count in counts {
        let (part, other_parts) = parts.split_at_mut(*count);
        let (part_target, other_targets) = target.split_at_mut(*count);
        sort_part(part, low_bits, part_target);
        (parts, target) = (other_parts, other_targets);
    }
}

/// Sorts a part, whose ranges differ in their low bits only, into `target`, which is as long.
fn sort_part(part: &mut [AddrRange<u32>], low_bits: u32, target: &mut [AddrRange<u32>]) {
    if part.len() < COUNTED_FROM {
        part.sort_unstable_by_key(|range| range.first);
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
    part: &mut [AddrRange<u32>],
    low_bits: u32,
    target: &mut [AddrRange<u32>],
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

/// Copies ranges into the order of one of their digits, those with the same digit as they come;
/// tells how many each digit has.
fn scatter<const VALUES: usize>(
    from: &[AddrRange<u32>],
    lowest_bit: u32,
    to: &mut [AddrRange<u32>],
) -> [usize; VALUES] {
    let mut counts = [0; VALUES];
    for range in from {
        counts[digit::<VALUES>(*range, lowest_bit)] += 1;
    }
    let mut next = offsets(&counts);
    for range in from {
        let next = &mut next[digit::<VALUES>(*range, lowest_bit)];
        to[*next] = *range;
        *next += 1;
    }
    counts
}

/// Where the first range with each digit belongs.
fn offsets<const VALUES: usize>(counts: &[usize; VALUES]) -> [usize; VALUES] {
    let mut end = 0;
    counts.map(|count| {
        end += count;
        end - count
    })
}

#[inline]
fn digit<const VALUES: usize>(range: AddrRange<u32>, lowest_bit: u32) -> usize {
    (range.first >> lowest_bit) as usize % VALUES
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
            let mut ranges: Vec<AddrRange<u32>> = firsts
                .iter()
                .map(|first| AddrRange { first: first & mask, last: *first | mask })
                .collect();
            let mut expected = ranges.clone();
            expected.sort();
            sort(&mut ranges);
            prop_assert!(ranges.is_sorted_by_key(|range| range.first));
            ranges.sort();
            prop_assert_eq!(ranges, expected);
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
        let mut ranges: Vec<AddrRange<u32>> = (0..length)
            .map(|index| index.wrapping_mul(2_654_435_761) & 0xffff_ff0f)
            .map(|first| AddrRange {
                first: first >> (first & 15),
                last: first,
            })
            .collect();
        let mut expected = ranges.clone();
        expected.sort_by_key(|range| range.first);
        sort(&mut ranges);
        let firsts =
            |ranges: &[AddrRange<u32>]| ranges.iter().map(|range| range.first).collect::<Vec<_>>();
        assert_eq!(firsts(&ranges), firsts(&expected));
    }
}
