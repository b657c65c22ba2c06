//! Measures the uncompressed size of a workbook before it is parsed.
//!
//! The sizes in the directory of a ZIP file may be wrong, so this module also unpacks each part and counts
//! its bytes. The parser reserves memory for the number of texts that the part `sharedStrings.xml` announces.
//! A huge number would abort the program, so a workbook is refused if the part is too short for that many
//! texts.

use std::io::{Cursor, Read};

use memchr::{memchr2, memmem};
use zip::ZipArchive;
use zip::result::ZipError;

use crate::input::workbook::error::WorkbookError;

const PIECE_BYTES: usize = 64 * 1024;
/// The XML attribute that announces the number of texts.
const COUNT: &[u8] = b"uniqueCount";
/// The maximum length of the attribute [`COUNT`] with its value, in bytes. This number of bytes is kept from
/// one piece to the next.
const COUNT_BYTES: usize = 256;
/// The length of the shortest text, `<si/>`, in bytes.
const MIN_TEXT_BYTES: u64 = 5;

/// Checks that the uncompressed size of a workbook is at most `max_bytes`, and that it does not announce more
/// texts than it can contain.
pub(super) fn check(bytes: &[u8], max_bytes: u64) -> Result<(), WorkbookError> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| WorkbookError::Damaged)?;
    let announced = archive.decompressed_size();
    if announced.is_some_and(|announced| announced > u128::from(max_bytes)) {
        return Err(WorkbookError::TooLarge);
    }
    let mut left = max_bytes;
    for index in 0..archive.len() {
        let mut part = match archive.by_index(index) {
            Ok(part) => part,
            // The part is encrypted with a ZIP password. Excel encrypts workbooks in another way.
            Err(ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED)) => {
                return Err(WorkbookError::Password);
            }
            Err(_) => return Err(WorkbookError::Damaged),
        };
        let name = part.name().map_err(|_| WorkbookError::Damaged)?;
        let has_texts = name.to_ascii_lowercase().ends_with("sharedstrings.xml");
        let mut texts = has_texts.then(Texts::default);
        let bytes = measure(&mut part, left, texts.as_mut())?;
        if texts.is_some_and(|texts| texts.announced > bytes / MIN_TEXT_BYTES) {
            return Err(WorkbookError::Damaged);
        }
        left -= bytes;
    }
    Ok(())
}

/// Returns the uncompressed size of a part in bytes. Passes the uncompressed bytes to `texts`, if given.
fn measure(
    part: &mut impl Read,
    max_bytes: u64,
    mut texts: Option<&mut Texts>,
) -> Result<u64, WorkbookError> {
    let mut piece = vec![0; PIECE_BYTES];
    let mut total = 0;
    loop {
        let bytes = part.read(&mut piece).map_err(|_| WorkbookError::Damaged)?;
        total += bytes as u64;
        if total > max_bytes {
            return Err(WorkbookError::TooLarge);
        }
        let piece = piece.get(..bytes).unwrap_or_default();
        if let Some(texts) = &mut texts {
            texts.push(piece)?;
        }
        if piece.is_empty() {
            return Ok(total);
        }
    }
}

/// Finds the largest number of texts that a part announces, in any of its [`COUNT`] attributes.
#[derive(Default)]
struct Texts {
    announced: u64,
    /// The end of the previous piece, because an attribute may start there.
    tail: Vec<u8>,
}

impl Texts {
    fn push(&mut self, piece: &[u8]) -> Result<(), WorkbookError> {
        // A zero or escape byte means UTF-16 or ISO-2022-JP, in which the search would not find the
        // attribute. Spreadsheet programs write UTF-8.
        if memchr2(0, 0x1b, piece).is_some() {
            return Err(WorkbookError::Damaged);
        }
        let mut text = std::mem::take(&mut self.tail);
        text.extend_from_slice(piece);
        for start in memmem::find_iter(&text, COUNT) {
            let value = text.get(start + COUNT.len()..).unwrap_or_default();
            let is_digit = |byte: &u8| byte.is_ascii_digit();
            let from = value.iter().position(is_digit).unwrap_or(value.len());
            let digits = value.iter().skip(from).take_while(|byte| is_digit(byte));
            let number = digits.fold(0u64, |number, digit| {
                number
                    .saturating_mul(10)
                    .saturating_add(u64::from(digit - b'0'))
            });
            self.announced = self.announced.max(number);
        }
        self.tail = text.split_off(text.len().saturating_sub(COUNT_BYTES));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn pack(name: &str, text: &[u8]) -> Vec<u8> {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        archive
            .start_file(name, SimpleFileOptions::default())
            .unwrap();
        archive.write_all(text).unwrap();
        archive.finish().unwrap().into_inner()
    }

    /// Replaces each occurrence of the uncompressed size in the ZIP file with another size.
    fn with_size(mut packed: Vec<u8>, size: u32, announced: u32) -> Vec<u8> {
        let places: Vec<usize> = memmem::find_iter(&packed, &size.to_le_bytes()).collect();
        assert!(!places.is_empty());
        for place in places {
            packed[place..place + 4].copy_from_slice(&announced.to_le_bytes());
        }
        packed
    }

    #[test]
    fn the_size_is_measured_and_not_only_read() {
        let packed = pack("xl/styles.xml", &vec![b' '; 100_000]);
        assert!(packed.len() < 1000);
        assert!(check(&packed, 100_000).is_ok());
        assert!(matches!(
            check(&packed, 99_999),
            Err(WorkbookError::TooLarge)
        ));
        let small = with_size(packed.clone(), 100_000, 10);
        assert!(check(&small, 99_999).is_err());
        let large = with_size(packed, 100_000, 100_001);
        assert!(matches!(
            check(&large, 100_000),
            Err(WorkbookError::TooLarge)
        ));
    }

    #[test]
    fn bytes_are_counted_as_they_are_unpacked() {
        let bytes = vec![b' '; 200_000];
        let measured = |max_bytes| measure(&mut bytes.as_slice(), max_bytes, None);
        assert!(matches!(measured(200_000), Ok(200_000)));
        assert!(matches!(measured(199_999), Err(WorkbookError::TooLarge)));
    }

    #[test]
    fn texts_are_announced_in_any_piece() {
        for padding in [
            0,
            PIECE_BYTES - 60,
            PIECE_BYTES - 30,
            PIECE_BYTES - 10,
            2 * PIECE_BYTES,
        ] {
            let start = " ".repeat(padding);
            let many = format!("{start}<sst count='3' uniqueCount = '999999999999999'>");
            let packed = pack("XL/SharedStrings.xml", many.as_bytes());
            assert!(
                matches!(check(&packed, 1 << 30), Err(WorkbookError::Damaged)),
                "{padding}"
            );
            let few = format!("{start}<sst uniqueCount=\"2\"><si/><si/></sst>");
            assert!(check(&pack("xl/sharedStrings.xml", few.as_bytes()), 1 << 30).is_ok());
        }
    }
}
