//! Which of sixteen bytes are of a kind, a bit for each: a cell's end is then found by counting
//! zero bits, and not by looking at one byte after the other.

use wide::u8x16;

/// How many bytes are looked at together.
pub(crate) const LANES: usize = 16;

/// Sixteen bytes. A result has a bit for each of them, the first one's the lowest, and no other.
#[derive(Clone, Copy)]
pub(crate) struct ByteLanes(u8x16);

impl ByteLanes {
    #[inline]
    pub(crate) fn new(bytes: &[u8; LANES]) -> Self {
        Self(u8x16::new(*bytes))
    }

    /// The bytes that are the same as `byte`.
    #[inline]
    pub(crate) fn equal_to(self, byte: u8) -> u32 {
        self.0.simd_eq(u8x16::splat(byte)).to_bitmask()
    }

    /// The bytes that are ASCII digits.
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
    fn finds_every_byte_beside_every_other() {
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
