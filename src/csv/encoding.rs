//! UTF-16 and Windows-1252 → Unicode, as the Encoding Standard has them
//! (<https://encoding.spec.whatwg.org>).
//!
//! The crate `encoding_rs` does this and much more. Its tables of East Asian characters cannot be
//! left out, and made the function's zip 3 % larger; so it only stands beside this in the tests.

use std::char::decode_utf16;

/// What is not UTF-16: half a character, or half a pair of surrogates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Damaged;

/// Which byte of two comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ByteOrder {
    LittleEndian,
    BigEndian,
}

/// UTF-16 in pieces, cut anywhere.
#[derive(Clone, Debug)]
pub(crate) struct Utf16 {
    order: ByteOrder,
    /// The first byte of two.
    first: Option<u8>,
    /// The first surrogate of a pair.
    high: Option<u16>,
}

impl Utf16 {
    pub(crate) fn new(order: ByteOrder) -> Self {
        Self {
            order,
            first: None,
            high: None,
        }
    }

    /// Appends the text of the next piece, up to what is damaged.
    pub(crate) fn push(&mut self, piece: &[u8], text: &mut String) -> Result<(), Damaged> {
        let mut bytes = self.first.take().into_iter().chain(piece.iter().copied());
        while let Some(first) = bytes.next() {
            let Some(second) = bytes.next() else {
                self.first = Some(first);
                break;
            };
            let unit = match self.order {
                ByteOrder::LittleEndian => u16::from_le_bytes([first, second]),
                ByteOrder::BigEndian => u16::from_be_bytes([first, second]),
            };
            let is_high = (0xd800..0xdc00).contains(&unit);
            let character = match self.high.take() {
                None if is_high => {
                    self.high = Some(unit);
                    continue;
                }
                None => decode_utf16([unit]).next(),
                Some(high) => decode_utf16([high, unit]).next(),
            };
            match character {
                Some(Ok(character)) => text.push(character),
                _ => return Err(Damaged),
            }
        }
        Ok(())
    }

    /// Ends the text, which must not stop inside a character.
    pub(crate) fn finish(&self) -> Result<(), Damaged> {
        match (self.first, self.high) {
            (None, None) => Ok(()),
            _ => Err(Damaged),
        }
    }
}

/// Windows-1252, which any bytes are.
pub(crate) fn windows_1252(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| windows_1252_char(*byte)).collect()
}

fn windows_1252_char(byte: u8) -> char {
    /// The bytes from 0x80 on; the others are what they are in ISO 8859-1.
    const FROM_0X80: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž',
        '\u{8f}', '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}',
        'ž', 'Ÿ',
    ];
    let place = usize::from(byte).checked_sub(0x80);
    let replaced = place.and_then(|place| FROM_0X80.get(place));
    replaced.copied().unwrap_or(char::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::{UTF_16BE, UTF_16LE, WINDOWS_1252};
    use proptest::prelude::*;

    #[test]
    fn reads_windows_1252_as_encoding_rs_does() {
        let bytes: Vec<u8> = (0..=u8::MAX).collect();
        let (expected, _) = WINDOWS_1252.decode_without_bom_handling(&bytes);
        assert_eq!(windows_1252(&bytes), expected);
    }

    /// Surrogates often, so that pairs meet.
    fn units() -> impl Strategy<Value = Vec<u8>> {
        let unit = prop_oneof![
            any::<u16>(),
            0xd7fe..0xe002u16,
            0xd800..0xd802u16,
            0xdc00..0xdc02u16,
            0x20..0x7fu16
        ];
        (prop::collection::vec(unit, 0..6), any::<bool>()).prop_map(|(units, is_cut)| {
            let mut bytes: Vec<u8> = units.into_iter().flat_map(u16::to_le_bytes).collect();
            bytes.truncate(bytes.len() - usize::from(is_cut && !bytes.is_empty()));
            bytes
        })
    }

    fn read(order: ByteOrder, bytes: &[u8], piece_bytes: usize) -> Result<String, Damaged> {
        let mut decoder = Utf16::new(order);
        let mut text = String::new();
        for piece in bytes.chunks(piece_bytes) {
            decoder.push(piece, &mut text)?;
        }
        decoder.finish().map(|()| text)
    }

    proptest! {
        #[test]
        fn reads_utf_16_as_encoding_rs_does(bytes in units(), piece_bytes in 1..7usize) {
            for (order, encoding) in
                [(ByteOrder::LittleEndian, UTF_16LE), (ByteOrder::BigEndian, UTF_16BE)]
            {
                let expected = encoding.decode_without_bom_handling_and_without_replacement(&bytes);
                let found = read(order, &bytes, piece_bytes);
                prop_assert_eq!(found.ok(), expected.map(std::borrow::Cow::into_owned));
            }
        }
    }
}
