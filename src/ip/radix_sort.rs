//! Sorts ranges of IPv4 addresses by their first address with a radix sort, which counts digits instead
//! of comparing addresses.
//!
//! # Implementation notes
//!
//! A long list is first divided into parts by the highest 8 bits in which its addresses differ. Each part
//! is then sorted by its lower bits, 8 to 12 at a time. A part fits the processor's cache even if the list
//! does not. Dividing the list in place would not need a second list, but was not faster, because each
//! step depends on the step before.
//!
//! | length in ranges | method |
//! |---|---|
//! | below [`MIN_COUNTED_LEN`] | sorted by comparing |
//! | below [`MIN_LONG_DIGITS_LEN`] | sorted by digits with [`SHORT_DIGIT_VALUES`] values |
//! | below [`MIN_PARTED_LEN`] | sorted by two or three long digits, see below |
//! | below [`MIN_TWO_THREADS_LEN`] | divided into [`PARTS`] parts, each sorted by the method for its length |
//! | longer | divided in the same way, with half of the list sorted by a second thread |
//!
//! Keys of at least [`MIN_THREE_DIGITS_BITS`] bits have three long digits with [`THIRD_DIGIT_VALUES`]
//! values. Shorter keys have two long digits with [`HALF_DIGIT_VALUES`] values.

#![expect(
    clippy::indexing_slicing,
    reason = "a digit is below the number of its values, and an offset below the length of the list that was counted"
)]

use std::thread;

use crate::ip::range::AddrRange;

/// The number of parts, which is the number of values of the highest 8 differing bits.
const PARTS: usize = 256;
/// The number of values of a short digit of 8 bits. A pass visits the counter of each value, so few
/// values are better for short lists.
const SHORT_DIGIT_VALUES: usize = 256;
/// The number of values of a digit of 11 bits. Three such digits cover the 32 bits of an address.
const THIRD_DIGIT_VALUES: usize = 2048;
/// The number of values of a digit of 12 bits. Two such digits cover the 24 low bits of a part.
const HALF_DIGIT_VALUES: usize = 4096;
/// The minimum number of bits of a key that needs three digits.
const MIN_THREE_DIGITS_BITS: u32 = 2 * HALF_DIGIT_VALUES.ilog2() + 1;
/// The minimum length of a part that is sorted by digits. Comparing is faster for shorter parts.
const MIN_COUNTED_LEN: usize = 128;
/// The minimum length of a part that is sorted by long digits, which need fewer passes but more
/// counters.
const MIN_LONG_DIGITS_LEN: usize = 2048;
/// The minimum length of a list that is divided into parts. A shorter list and its copy (512 KiB
/// together) fit the processor's cache, so dividing the list would save nothing.
const MIN_PARTED_LEN: usize = 32 * 1024;
/// The minimum length of a list for which a second thread saves time.
const MIN_TWO_THREADS_LEN: usize = 256 * 1024;

/// Sorts by `first`. The order of ranges with the same `first` is unspecified.
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
    if ranges.len() < MIN_PARTED_LEN {
        sort_part(&mut ranges.to_vec(), differing_bits, ranges);
        return;
    }
    let low_bits = differing_bits.saturating_sub(PARTS.ilog2());
    let mut parted = vec![AddrRange { first: 0, last: 0 }; ranges.len()];
    let counts: [_; PARTS] = scatter(ranges, low_bits, &mut parted);
    let parted = parted.as_mut_slice();
    if ranges.len() < MIN_TWO_THREADS_LEN {
        sort_parts(&counts, parted, low_bits, ranges);
        return;
    }
    // The parts are divided so that each of the two threads sorts about half of the list.
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

/// Sorts consecutive parts, whose lengths are `counts`, into `target`.
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

/// Sorts a part into `target`, which has the same length. The ranges of the part differ only in their
/// low bits.
fn sort_part(part: &mut [AddrRange<u32>], low_bits: u32, target: &mut [AddrRange<u32>]) {
    if part.len() < MIN_COUNTED_LEN {
        part.sort_unstable_by_key(|range| range.first);
        target.copy_from_slice(part);
        return;
    }
    match low_bits {
        _ if part.len() < MIN_LONG_DIGITS_LEN => {
            sort_by_digits::<SHORT_DIGIT_VALUES>(part, low_bits, target);
        }
        MIN_THREE_DIGITS_BITS.. => sort_by_digits::<THIRD_DIGIT_VALUES>(part, low_bits, target),
        _ => sort_by_digits::<HALF_DIGIT_VALUES>(part, low_bits, target),
    }
}

/// Sorts by one digit after another, from the lowest to the highest. Each pass copies the ranges from
/// one of the two slices to the other.
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

/// Copies ranges in the order of one digit, and returns the number of ranges for each value of the
/// digit. Ranges with the same value keep their order.
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

/// Returns the index of the first range for each value of a digit.
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
            firsts in prop::collection::vec(any::<u32>(), 0..2 * MIN_LONG_DIGITS_LEN),
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
        // Most addresses are low, so that the lengths of the parts differ greatly.
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
