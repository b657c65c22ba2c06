//! CIDR networks, and the shortest list of networks that covers a set.
//!
//! # Implementation notes
//!
//! Each range of a set is covered separately, because no network can span a gap. Within a range, the
//! greedy choice is optimal: at each position, the largest aligned block that fits.
//!
//! There is one deliberate exception to the shortest list: a whole family is written as two halves
//! (`0.0.0.0/1 128.0.0.0/1`), never as `/0`. Apache answers 500 to a prefix length of 0
//! (`apr_ipsubnet_create` requires at least one bit), and AWS WAF rejects it.

use crate::ip::family::Family;
use crate::ip::format::{NetworkText, Printer, decimal_digits};
use crate::ip::range::AddrRange;

/// An iterator over the fewest CIDR networks that cover ranges with gaps between them, in the order of
/// the ranges.
#[derive(Clone, Debug)]
pub struct Networks<'a, T> {
    ranges: std::slice::Iter<'a, AddrRange<T>>,
    /// The part of the current range that is not covered yet.
    rest: Option<AddrRange<T>>,
}

impl<'a, T> Networks<'a, T> {
    pub(crate) fn of(ranges: &'a [AddrRange<T>]) -> Self {
        Self {
            ranges: ranges.iter(),
            rest: None,
        }
    }
}

impl<T: Family> Iterator for Networks<'_, T> {
    type Item = Network<T>;

    #[inline]
    fn next(&mut self) -> Option<Network<T>> {
        let range = match self.rest {
            Some(rest) => rest,
            None => *self.ranges.next()?,
        };
        let AddrRange { first, last } = range;
        if first == last {
            self.rest = None;
            return Some(Network {
                first,
                host_bits: 0,
            });
        }
        // There are at most BITS - 1 host bits, because a whole family is written as two halves.
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
            .map(|first| AddrRange { first, last });
        Some(network)
    }
}

/// A CIDR network with at least one bit of prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Network<T> {
    /// The lowest address. Its host bits are all zero.
    pub first: T,
    /// The number of low bits that vary: `BITS` minus the prefix length. 0 for a single address.
    pub host_bits: u32,
}

impl<T: Family> Network<T> {
    /// Returns the highest address.
    #[must_use]
    pub fn last(self) -> T {
        // The low bits of `first` are zero, so this subtraction only sets them.
        let host_mask = !(!T::MIN << self.host_bits);
        !(!self.first - host_mask)
    }

    /// Returns the addresses of the network as a range.
    #[must_use]
    pub fn range(self) -> AddrRange<T> {
        AddrRange {
            first: self.first,
            last: self.last(),
        }
    }

    /// Prints the network, such as `192.0.2.0/24`, or only the address if the network has just one.
    #[inline]
    pub(crate) fn print(self, printer: &mut Printer<'_>) {
        self.first.print(printer);
        if self.host_bits > 0 {
            printer.prefix_length(T::BITS - self.host_bits);
        }
    }

    /// Returns the number of bytes that [`Network::print`] prints.
    pub(crate) fn text_bytes(self) -> usize {
        let prefix_length = T::BITS - self.host_bits;
        let suffix_bytes = match self.host_bits {
            0 => 0,
            _ => 1 + decimal_digits(prefix_length),
        };
        self.first.text_bytes() + suffix_bytes
    }

    /// Returns the text, such as `192.0.2.0/24`, or only the address if the network has just one.
    #[must_use]
    pub fn text(self) -> NetworkText {
        NetworkText::new(|printer| self.print(printer))
    }
}

impl<T: Family> AddrRange<T> {
    /// Returns the fewest CIDR networks that cover exactly this range, in ascending order.
    pub fn networks(&self) -> Networks<'_, T> {
        Networks::of(std::slice::from_ref(self))
    }

    /// Returns the range as one network if possible, otherwise as its two ends. The parser accepts both as
    /// an address cell.
    #[must_use]
    pub fn text(&self) -> String {
        let mut networks = self.networks();
        if let (Some(network), None) = (networks.next(), networks.next()) {
            return network.text().to_string();
        }
        format!("{}-{}", self.first.text(), self.last.text())
    }

    /// Returns the number of [`AddrRange::networks`] without building them. A range of IPv6 addresses can
    /// have up to 254.
    ///
    /// Consider the address before the range and the address after it, and the highest bit in which they
    /// differ. Each lower bit that is 0 in the address before, or 1 in the address after, adds one network.
    #[must_use]
    pub fn network_count(&self) -> usize {
        let ones = |bits: u128| bits.count_ones() as usize;
        match (self.first.previous(), self.last.next()) {
            // A whole family is two halves, never /0.
            (None, None) => 2,
            (None, Some(after)) => ones(after.widen()),
            (Some(_), None) => ones(T::MIN.wrapping_sub(self.first).widen()),
            (Some(before), Some(after)) => {
                let (before, after) = (before.widen(), after.widen());
                let highest = u128::BITS - 1 - (before ^ after).leading_zeros();
                let lower = (1 << highest) - 1;
                ones(!before & lower) + ones(after & lower)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<T: Family>(first: T, last: T, expected: &str) {
        let mut text = String::new();
        for network in (AddrRange { first, last }).networks() {
            text.push_str(network.text().as_str());
            text.push(' ');
        }
        assert_eq!(text.trim_end(), expected);
        let count = (AddrRange { first, last }).network_count();
        assert_eq!(count, expected.split(' ').count());
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
