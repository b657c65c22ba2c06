//! An IPv4 address at the start of a text, read at one go.
//!
//! # Implementation notes
//!
//! The address is read without a branch that depends on its digits, for random octets are one, two
//! or three digits long and a processor that guesses wrong twice a row loses more time than the
//! rest of the row takes.

use crate::csv::fast_path::simd::{ByteLanes, LANES};

/// How much text [`ipv4`] wants to see: the longest address with what ends it, and three bytes more,
/// so that four can be read from where the last octet starts.
const WINDOW_BYTES: usize = LANES + 3;

/// The address at the start of a text, and how many bytes it took. Accepts what
/// [`std::net::Ipv4Addr`] does: four octets of 1 to 3 digits, none above 255, none with a zero
/// before its digits.
#[expect(
    clippy::inline_always,
    reason = "it is called twice, and once for most rows"
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
    // Beyond the end is other text, which may have dots and zeros.
    let wrong = a.wrong
        | b.wrong
        | c.wrong
        | d.wrong
        | (a.length | b.length | c.length | d.length) & !3
        | zeros_before_digits & 1u32.wrapping_shl(end).wrapping_sub(1);
    let address = a.value << 24 | b.value << 16 | c.value << 8 | d.value;
    (wrong == 0).then_some((address, end as usize))
}

/// A number without the lowest of its bits.
#[inline]
fn without_lowest(bits: u32) -> u32 {
    bits & bits.wrapping_sub(1)
}

/// What was read for an octet of at most three digits; `wrong` is not zero where the text is not
/// that of `value`, but for zeros before its digits.
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
        // A byte each, the last one highest, and nothing else, if there are one to three.
        let digits = (u32::from_le_bytes(bytes.unwrap_or_default())
            ^ u32::from_le_bytes([b'0'; 4]))
        .wrapping_shl(32u32.wrapping_sub(length.wrapping_mul(8)));
        // Hundreds, tens and ones meet in the highest byte. That is the octet's value if the same
        // digits come out when it is printed.
        let value = digits.wrapping_mul(1 | 10 << 8 | 100 << 16) >> 24;
        let printed = DIGITS.get(value as usize).copied().unwrap_or_default();
        Self {
            value,
            length,
            wrong: digits ^ printed,
        }
    }
}

/// The digits of each octet, a byte each, the last one highest.
static DIGITS: [u32; 256] = digits();

#[expect(
    clippy::indexing_slicing,
    reason = "a constant that did not fit would not compile"
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
