//! Ranges of addresses, which are integers, and operations on them.

use std::ops::{BitAnd, Not, Shl, Sub};

/// The integer that represents an address: `u32` for IPv4, `u128` for IPv6.
pub trait AddrInt:
    Copy
    + Ord
    + Not<Output = Self>
    + Shl<u32, Output = Self>
    + Sub<Output = Self>
    + BitAnd<Output = Self>
{
    /// The number of bits of an address.
    const BITS: u32;
    /// The lowest address.
    const MIN: Self;
    /// The highest address.
    const MAX: Self;
    /// Returns the next address, or `None` for the highest.
    fn next(self) -> Option<Self>;
    /// Returns the previous address, or `None` for the lowest.
    fn previous(self) -> Option<Self>;
    /// Returns the difference. A negative difference wraps around to a high number.
    #[must_use]
    fn wrapping_sub(self, other: Self) -> Self;
    /// Returns the number of trailing zero bits, or `BITS` if the integer is zero.
    fn trailing_zeros(self) -> u32;
    /// Returns the number of leading zero bits, or `BITS` if the integer is zero.
    fn leading_zeros(self) -> u32;
    /// Converts the integer to `u128`, for counts of addresses.
    fn widen(self) -> u128;
}

/// Implements [`AddrInt`] for an unsigned integer.
macro_rules! addr_int {
    ($integer:ty) => {
        impl AddrInt for $integer {
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
        }
    };
}
addr_int!(u32);
addr_int!(u128);
#[cfg(test)]
pub(crate) use addr_int;

/// The addresses from `first` to `last`, both included. `first` is never higher than `last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AddrRange<T> {
    /// The lowest address.
    pub first: T,
    /// The highest address.
    pub last: T,
}

impl<T: AddrInt> AddrRange<T> {
    /// All addresses of the family.
    pub(crate) const WHOLE: Self = Self {
        first: T::MIN,
        last: T::MAX,
    };

    /// Returns the addresses that are in both ranges, or `None` if there are none.
    pub(crate) fn intersection(self, other: Self) -> Option<Self> {
        let first = self.first.max(other.first);
        let last = self.last.min(other.last);
        (first <= last).then_some(Self { first, last })
    }

    /// Returns whether the other range starts at most one address after the end of this range, so that there
    /// is no gap between them.
    pub(crate) fn reaches(self, other: Self) -> bool {
        self.last.next().is_none_or(|next| other.first <= next)
    }

    /// Returns whether the two ranges overlap or are adjacent, in either order.
    ///
    /// The function does not branch on the order, because a processor cannot predict the order of random
    /// addresses. It predicts well that random ranges do not touch.
    pub(crate) fn touches(self, other: Self) -> bool {
        let is_followed_by = |range: Self, other: Self| {
            range.last.next() == Some(other.first)
                || other.first.wrapping_sub(range.first) <= range.last - range.first
        };
        is_followed_by(self, other) || is_followed_by(other, self)
    }
}

/// Splits ascending, disjoint ranges into the ranges that end before `address` and the rest.
pub(crate) fn split_before<T: AddrInt>(
    ranges: &[AddrRange<T>],
    address: T,
) -> (&[AddrRange<T>], &[AddrRange<T>]) {
    let index = ranges
        .iter()
        .position(|range| range.last >= address)
        .unwrap_or(ranges.len());
    ranges.split_at(index)
}

/// Appends the parts of `range` that are not in `others` to `out`. The ranges in `others` must be
/// ascending, and none may end before `range` starts.
pub(crate) fn range_difference<T: AddrInt>(
    range: AddrRange<T>,
    others: &[AddrRange<T>],
    out: &mut Vec<AddrRange<T>>,
) {
    let mut first = range.first;
    for other in others.iter().take_while(|other| other.first <= range.last) {
        if let Some(last) = other.first.previous().filter(|last| first <= *last) {
            out.push(AddrRange { first, last });
        }
        match other.last.next() {
            Some(next) if next <= range.last => first = next,
            _ => return,
        }
    }
    out.push(AddrRange {
        first,
        last: range.last,
    });
}
