//! Prints addresses and networks in canonical form. Printing does not allocate, because a list may contain
//! a million networks.
//!
//! Each text is printed directly into its output line. Copying it there from another buffer would read
//! back bytes that were just written one by one, which stalls the processor.

use std::fmt;
use std::net::Ipv6Addr;

/// The size of the buffer for a text, in bytes: the longest text, which is an IPv6 address of 39
/// characters with a suffix such as `/127`, rounded up to whole machine words.
pub(crate) const MAX_TEXT_BYTES: usize = 48;

/// The text of an octet, including the dot after it.
#[derive(Clone, Copy, Default)]
struct PrintedOctet {
    text: [u8; 4],
    bytes: u32,
}

static OCTETS: [PrintedOctet; 256] = octets();

/// A text that is being printed into the caller's buffer.
pub struct Printer<'a> {
    room: &'a mut [u8; MAX_TEXT_BYTES],
    length: usize,
}

impl<'a> Printer<'a> {
    /// Creates a printer that starts at the beginning of `room`. Bytes after the text may also be
    /// overwritten.
    #[inline]
    pub(crate) fn new(room: &'a mut [u8; MAX_TEXT_BYTES]) -> Self {
        Self { room, length: 0 }
    }

    /// Ends the text with a separator. Returns the length of both, in bytes.
    #[inline]
    pub(crate) fn finish(mut self, separator: u8) -> usize {
        self.push(separator);
        self.length
    }

    /// Prints an IPv4 address.
    #[inline]
    pub(crate) fn ipv4(&mut self, address: u32) {
        for octet in address.to_be_bytes() {
            let printed = OCTETS.get(usize::from(octet)).copied().unwrap_or_default();
            // The text is far shorter than 32 bytes. The remainder lets the compiler omit a bounds check.
            let room = self.room.get_mut(self.length % 32..);
            if let Some(room) = room.and_then(<[u8]>::first_chunk_mut) {
                *room = printed.text;
            }
            self.length += printed.bytes as usize;
        }
        // The last dot is not part of the text.
        self.length -= 1;
    }

    /// Prints an IPv6 address as RFC 5952 recommends: in lower case, without leading zeros, and with `::`
    /// for the longest run of two or more zero groups, or for the first of them if several are equally long.
    ///
    /// The standard library prints the same text but is slower: `generate/ipv6/5000` in `benches/stages.rs`
    /// took 1.6 times as long (3.1 ms instead of 1.95), and `generate/ipv6/1000000` 1.3 to 1.6 times (640 to
    /// 720 ms instead of 455 to 480).
    pub(crate) fn ipv6(&mut self, address: u128) {
        let groups = Ipv6Addr::from_bits(address).segments();
        let (zeros_from, zeros_to) = longest_zeros(groups);
        for (index, group) in groups.into_iter().enumerate() {
            if (zeros_from..zeros_to).contains(&index) {
                if index == zeros_from {
                    self.push(b':');
                }
                continue;
            }
            if index > 0 {
                self.push(b':');
            }
            self.hexadecimal(group);
        }
        if zeros_from < zeros_to && zeros_to == groups.len() {
            self.push(b':');
        }
    }

    /// Prints `/` and a prefix length of at most three digits.
    #[inline]
    pub(crate) fn prefix_length(&mut self, length: u32) {
        self.push(b'/');
        if length > 99 {
            self.push(decimal_digit(length / 100));
        }
        if length > 9 {
            self.push(decimal_digit(length / 10 % 10));
        }
        self.push(decimal_digit(length % 10));
    }

    fn hexadecimal(&mut self, group: u16) {
        let digits = (u16::BITS - group.leading_zeros()).div_ceil(4).max(1);
        for place in (0..digits).rev() {
            let digit = char::from_digit(u32::from(group) >> (place * 4) & 0xf, 16);
            self.push(digit.map_or(b'0', |digit| digit as u8));
        }
    }

    #[inline]
    fn push(&mut self, byte: u8) {
        if let Some(room) = self.room.get_mut(self.length) {
            *room = byte;
            self.length += 1;
        }
    }
}

/// The text of one network: `192.0.2.0/24`, `2001:db8::/32`, or only the address if the network has just
/// one.
#[derive(Clone, Copy)]
pub struct NetworkText {
    room: [u8; MAX_TEXT_BYTES],
    length: usize,
}

impl NetworkText {
    pub(crate) fn new(print: impl FnOnce(&mut Printer<'_>)) -> Self {
        let mut room = [0; MAX_TEXT_BYTES];
        let mut printer = Printer::new(&mut room);
        print(&mut printer);
        let length = printer.length;
        Self { room, length }
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let text = self.room.get(..self.length).unwrap_or_default();
        std::str::from_utf8(text).unwrap_or_default()
    }
}

impl fmt::Display for NetworkText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Returns the length of the text of an IPv4 address, in bytes.
///
/// All octets are compared at the same time. For example, in 10.200.3.4 (`0x0ac8_0304`), 10 and 200 have
/// at least two digits, and 200 has three. `more_digits` is therefore `0x0102_0000`, with one count in
/// each byte. The counts add up to 3, so the text has 7 + 3 = 10 bytes.
#[inline]
pub(crate) fn ipv4_bytes(address: u32) -> usize {
    const EVERY_BYTE: u32 = u32::MAX / 0xff;
    const TOP_BITS: u32 = EVERY_BYTE * 0x80;
    // The top bit of each byte is set if the octet is at least `number`. No byte carries into the next.
    let at_least =
        |number: u32| (((address & !TOP_BITS) + EVERY_BYTE * (0x80 - number)) | address) & TOP_BITS;
    let more_digits = (at_least(10) >> 7) + (at_least(100) >> 7);
    // The multiplication leaves the sum of all bytes in the highest byte.
    let more_digits = more_digits.wrapping_mul(EVERY_BYTE) >> 24;
    "0.0.0.0".len() + more_digits as usize
}

/// Returns the number of digits of a number below 1,000, such as an octet or a prefix length.
#[inline]
pub(crate) fn decimal_digits(number: u32) -> usize {
    1 + usize::from(number > 9) + usize::from(number > 99)
}

/// Returns the length of the text of an IPv6 address, in bytes.
pub(crate) fn ipv6_bytes(address: u128) -> usize {
    let mut room = [0; MAX_TEXT_BYTES];
    let mut printer = Printer::new(&mut room);
    printer.ipv6(address);
    printer.length
}

/// Returns the start and the end of the longest run of at least two zero groups, or of the first one if
/// several are equally long. The end is exclusive. If there is no such run, both are equal.
fn longest_zeros(groups: [u16; 8]) -> (usize, usize) {
    let mut longest = (0, 0);
    let mut from = 0;
    for (index, group) in groups.into_iter().enumerate() {
        if group != 0 {
            from = index + 1;
        } else if index + 1 - from > (longest.1 - longest.0).max(1) {
            longest = (from, index + 1);
        }
    }
    longest
}

/// Returns the digit of a value below 10.
const fn decimal_digit(value: u32) -> u8 {
    b'0' + value.to_le_bytes()[0]
}

#[expect(
    clippy::indexing_slicing,
    reason = "a constant that did not fit would not compile"
)]
const fn octets() -> [PrintedOctet; 256] {
    let mut printed = [PrintedOctet {
        text: [b'.'; 4],
        bytes: 0,
    }; 256];
    let mut octet = 0;
    while octet < 256 {
        let [hundreds, tens, ones] = [octet / 100, octet / 10 % 10, octet % 10];
        let [hundreds, tens, ones] = [
            decimal_digit(hundreds),
            decimal_digit(tens),
            decimal_digit(ones),
        ];
        let (text, bytes) = match octet {
            0..10 => ([ones, b'.', 0, 0], 2),
            10..100 => ([tens, ones, b'.', 0], 3),
            _ => ([hundreds, tens, ones, b'.'], 4),
        };
        printed[octet as usize] = PrintedOctet { text, bytes };
        octet += 1;
    }
    printed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ip::mapped::{MAPPED_FIRST, MAPPED_LAST};
    use proptest::prelude::*;
    use std::net::Ipv4Addr;

    #[test]
    fn prints_every_octet() {
        for octet in 0..=255u8 {
            let address = Ipv4Addr::new(octet, 255 - octet, 7, octet);
            let text = NetworkText::new(|printer| printer.ipv4(address.to_bits()));
            assert_eq!(text.to_string(), address.to_string());
            assert_eq!(ipv4_bytes(address.to_bits()), address.to_string().len());
        }
    }

    #[test]
    fn prints_every_prefix_length() {
        for length in 1..=128 {
            let text = NetworkText::new(|printer| {
                printer.ipv6(u128::MAX);
                printer.prefix_length(length);
            });
            let expected = format!("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/{length}");
            assert_eq!(text.as_str(), expected);
        }
    }

    proptest! {
        /// Most groups are 0 or 1, so that runs of zeros are likely.
        #[test]
        fn prints_ipv6_as_the_standard_library_does(
            groups in prop::array::uniform8(prop_oneof![Just(0), Just(1), any::<u16>()])
        ) {
            let address = Ipv6Addr::from(groups);
            // The program treats mapped addresses as IPv4 and never prints them as IPv6.
            prop_assume!(!(MAPPED_FIRST..=MAPPED_LAST).contains(&address.to_bits()));
            let text = NetworkText::new(|printer| printer.ipv6(address.to_bits()));
            prop_assert_eq!(text.to_string(), address.to_string());
        }
    }
}
