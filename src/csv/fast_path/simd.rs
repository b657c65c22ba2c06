//! Compares sixteen bytes at once and returns one bit for each byte. The end of a cell is then found by
//! counting zero bits, instead of testing the bytes one by one.

use wide::u8x16;

/// The number of bytes that are compared at once.
pub(crate) const LANES: usize = 16;

/// Sixteen bytes. In the results of the methods, bit 0 stands for the first byte and bit 15 for the last
/// byte. Higher bits are zero.
#[derive(Clone, Copy)]
pub(crate) struct ByteLanes(u8x16);

impl ByteLanes {
    #[inline]
    pub(crate) fn new(bytes: &[u8; LANES]) -> Self {
        Self(u8x16::new(*bytes))
    }

    /// Returns one bit for each byte, set if the byte equals `byte`.
    #[inline]
    pub(crate) fn equal_to(self, byte: u8) -> u32 {
        self.0.simd_eq(u8x16::splat(byte)).to_bitmask()
    }

    /// Returns one bit for each byte, set if the byte is an ASCII digit.
    #[inline]
    pub(crate) fn digits(self) -> u32 {
        let values = self.0 ^ u8x16::splat(b'0');
        values.simd_eq(values.min(u8x16::splat(9))).to_bitmask()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(bytes: &[u8; LANES], is_of_kind: impl Fn(u8) -> bool) -> u32 {
        let bits = bytes.iter().enumerate();
        bits.map(|(index, byte)| u32::from(is_of_kind(*byte)) << index)
            .sum()
    }

    #[test]
    fn finds_each_byte_next_to_each_other_byte() {
        for byte in 0..=u8::MAX {
            for other in 0..=u8::MAX {
                let mut bytes = [other; LANES];
                bytes[usize::from(byte ^ other) % LANES] = byte;
                let block = ByteLanes::new(&bytes);
                assert_eq!(block.equal_to(byte), expected(&bytes, |it| it == byte));
                assert_eq!(block.digits(), expected(&bytes, |it| it.is_ascii_digit()));
            }
        }
    }
}
