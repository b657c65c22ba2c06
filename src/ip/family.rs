//! The two address families, and how to print and sort the addresses of each.

/// An address family, implemented for the integer type of its addresses: `u32` for IPv4, `u128` for IPv6.
pub trait Family: AddrInt {
    /// Prints the address in its canonical text (RFC 5952 for IPv6).
    fn print(self, printer: &mut Printer<'_>);
    /// Returns the canonical text of the address.
    fn text(self) -> NetworkText {
        NetworkText::new(|printer| self.print(printer))
    }
    /// Returns the number of bytes that [`Family::print`] prints.
    fn text_bytes(self) -> usize;
    /// Sorts ranges by their first address.
    fn sort(ranges: &mut [AddrRange<Self>]);
}

/// Implements [`Family`] for an integer with the given functions.
macro_rules! family {
    ($integer:ty, $print:expr, $text_bytes:expr, $sort:expr) => {
        impl Family for $integer {
            fn print(self, printer: &mut Printer<'_>) {
                $print(printer, self);
            }
            fn text_bytes(self) -> usize {
                $text_bytes(self)
            }
            fn sort(ranges: &mut [AddrRange<Self>]) {
                $sort(ranges);
            }
        }
    };
}
family!(u32, Printer::ipv4, ipv4_bytes, radix_sort::sort);
family!(u128, Printer::ipv6, ipv6_bytes, sort_by_comparing);
#[cfg(test)]
pub(crate) use family;

use crate::ip::format::{NetworkText, Printer, ipv4_bytes, ipv6_bytes};
use crate::ip::radix_sort;
use crate::ip::range::{AddrInt, AddrRange};

pub(crate) fn sort_by_comparing<T: AddrInt>(ranges: &mut [AddrRange<T>]) {
    ranges.sort_unstable_by_key(|range| range.first);
}
