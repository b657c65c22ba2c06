//! IP addresses as integers: parsing, ranges, exact sets, CIDR networks, and their text.

mod address;
mod format;
mod network;
mod radix_sort;
mod set;

pub use self::address::{AddressError, Addresses, MAPPED_FIRST, MAPPED_LAST, parse_address};
pub use self::format::Printer;
pub(crate) use self::format::TEXT_BYTES_MAX;
pub use self::network::{Network, Networks};
pub use self::set::{IpSet, Span, SpanSet, Word};
pub(crate) use self::set::{span_difference, split_before};
