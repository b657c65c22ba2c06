//! Reads an IPv4 address at the start of a text.
//!
//! # Implementation notes
//!
//! No branch depends on the digits of the address. Random octets have one, two or three digits, and a
//! processor that mispredicts two branches per row loses more time than the rest of the row takes.
//!
//! # Example
//!
//! The text is `10.0.2.33,Allow,`. Bit 0 stands for the first byte:
//!
//! ```text
//! index         0123456789
//! text          10.0.2.33,
//! digits        1101010110     bits 0, 1, 3, 5, 7 and 8
//! dots          0010101000     bits 2, 4 and 6: the ends of the first three octets
//! end                    9     the first bit that is set in neither
//! starts        1001010100     bit 0, and the bit after each dot
//! ```
//!
//! The octets are at 0..2, 3..4, 5..6 and 7..9. A leading zero is a `0` at the start of an octet
//! with a digit after it. Here, the zero at 3 has a dot after it.
//!
//! The last octet starts at 7 and has 2 digits. Its value is computed in four steps:
//!
//! ```text
//! four bytes from 7       33,A          0x41_2c_33_33     the first byte is the lowest
//! xor '0' in each byte    3 3 28 113    0x71_1c_03_03     digits become their values
//! shift by 32 - 8 * 2     0 0 3 3       0x03_03_00_00     bytes after the octet are dropped
//! highest byte of         1 * 3 + 10 * 3 + 100 * 0 = 33   the product with 1, 10 and 100
//! ```
//!
//! `DIGITS[33]` is also `0x03_03_00_00`, so the text is 33 in decimal. The two differ if one of the bytes is
//! not a digit, or if the value is over 255.

use crate::csv::fast_path::simd::{ByteLanes, LANES};

/// The number of bytes that [`ipv4`] needs: the longest address with the byte after it, and three more, so
/// that four bytes can be read from the start of the last octet.
const WINDOW_BYTES: usize = LANES + 3;

/// Returns the address at the start of a text, and its length in bytes. Accepts the same texts as
/// [`std::net::Ipv4Addr`]: four octets of 1 to 3 digits, none above 255, none with leading zeros.
#[expect(
    clippy::inline_always,
    reason = "it has two callers, and most rows need only one of them"
)]
#[inline(always)]
pub(crate) fn ipv4(text: &[u8; WINDOW_BYTES]) -> Option<(u32, usize)> {
    let block = ByteLanes::new(text.first_chunk()?);
    let (digits, dots) = (block.digits(), block.equal_to(b'.'));
    let end = (!(digits | dots)).trailing_zeros();
    let later_dots = without_lowest(dots);
    let last_dots = without_lowest(later_dots);
    let [first_dot, second_dot, third_dot] = [dots, later_dots, last_dots].map(u32::trailing_zeros);
    let [a, b, c, d] = [
        Octet::of(text, 0, first_dot),
        Octet::of(text, first_dot + 1, second_dot),
        Octet::of(text, second_dot + 1, third_dot),
        Octet::of(text, third_dot + 1, end),
    ];
    let starts = dots << 1 | 1;
    let zeros_before_digits = starts & block.equal_to(b'0') & digits >> 1;
    // The text after the address may also contain dots and zeros, so only the bits before `end` count.
    let wrong = a.wrong
        | b.wrong
        | c.wrong
        | d.wrong
        | (a.length | b.length | c.length | d.length) & !3
        | zeros_before_digits & 1u32.wrapping_shl(end).wrapping_sub(1);
    let address = a.value << 24 | b.value << 16 | c.value << 8 | d.value;
    (wrong == 0).then_some((address, end as usize))
}

/// Returns a number with its lowest set bit cleared.
#[inline]
fn without_lowest(bits: u32) -> u32 {
    bits & bits.wrapping_sub(1)
}

/// An octet of one to three digits. `wrong` is not zero if the text is not `value` in decimal.
/// Leading zeros are not detected here.
#[derive(Clone, Copy)]
struct Octet {
    value: u32,
    length: u32,
    wrong: u32,
}

impl Octet {
    #[inline]
    fn of(text: &[u8; WINDOW_BYTES], start: u32, end: u32) -> Self {
        let bytes = text.get(start as usize % LANES..);
        let bytes = bytes.and_then(<[u8]>::first_chunk).copied();
        let length = end.wrapping_sub(start);
        // If there are one to three digits, this is one byte for each digit, with the last digit in the
        // highest byte and zeros in the bytes below the first digit.
        let digits = (u32::from_le_bytes(bytes.unwrap_or_default())
            ^ u32::from_le_bytes([b'0'; 4]))
        .wrapping_shl(32u32.wrapping_sub(length.wrapping_mul(8)));
        // The product adds up hundreds, tens and ones in its highest byte. The sum is the value of the octet
        // only if its decimal digits equal the digits that were read.
        let value = digits.wrapping_mul(1 | 10 << 8 | 100 << 16) >> 24;
        let printed = DIGITS.get(value as usize).copied().unwrap_or_default();
        Self {
            value,
            length,
            wrong: digits ^ printed,
        }
    }
}

/// The digits of each octet, one byte for each digit, the last digit in the highest byte.
static DIGITS: [u32; 256] = digits();

#[expect(
    clippy::indexing_slicing,
    reason = "an index out of bounds does not compile in a constant"
)]
const fn digits() -> [u32; 256] {
    let mut digits = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        let [hundreds, tens, ones] = [octet / 100, octet / 10 % 10, octet % 10];
        digits[octet as usize] = hundreds << 8 | tens << 16 | ones << 24;
        octet += 1;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn reads_addresses_as_the_standard_library_does() {
        let octets = [
            "0", "1", "9", "10", "99", "100", "199", "200", "255", "256", "999", "01", "", "1000",
            "-1", "+1",
        ];
        let mut accepted = 0;
        for index in 0..16usize.pow(4) {
            let [a, b, c, d] = [0, 4, 8, 12].map(|bits| octets[index >> bits & 15]);
            let text = format!("{a}.{b}.{c}.{d}");
            let padded = format!("{text},Allow,1.2.3.4,0.0");
            let expected = text.parse::<Ipv4Addr>().ok();
            let read = ipv4(padded.as_bytes().first_chunk().unwrap());
            assert_eq!(
                read,
                expected.map(|address| (address.to_bits(), text.len())),
                "for {text:?}"
            );
            accepted += usize::from(read.is_some());
        }
        assert_eq!(accepted, 9 * 9 * 9 * 9);
    }
}
