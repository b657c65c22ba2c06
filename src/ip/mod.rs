//! IP addresses as integers: parsing, ranges, exact sets, CIDR networks, and their text.
//!
//! IPv4 addresses are `u32` and IPv6 addresses are `u128`. Most types are generic over the [`Family`].
//! This folder does not depend on CSVs, rules or messages: an [`AddressError`] contains only data, and
//! `csv` turns it into a message.

mod address;
mod family;
mod format;
mod mapped;
mod network;
mod radix_sort;
mod range;
mod set;

pub use self::address::{AddressError, AddressSpec, parse_address};
pub use self::family::Family;
pub(crate) use self::format::MAX_TEXT_BYTES;
pub use self::format::Printer;
pub use self::mapped::{MAPPED_FIRST, MAPPED_LAST};
pub(crate) use self::mapped::{mapped, without_mapped_block};
pub use self::network::{Network, Networks};
pub use self::range::{AddrInt, AddrRange};
pub(crate) use self::range::{range_difference, split_before};
pub use self::set::{IpSet, RangeSet};
