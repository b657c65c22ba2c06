//! Recognizes files of other formats that people upload instead of a CSV. Each message says which format it
//! is and how to get a CSV.
//!
//! The signatures are from the specifications of the formats: ZIP (APPNOTE.TXT, section 4.3.7), the
//! compound files of old versions of Office (MS-CFB, section 2.2), PDF (ISO 32000-1, section 7.5.2), and the
//! magic numbers in the manuals of compressors.

use memchr::memmem;

/// The instruction to save a sheet as CSV.
const SAVE_AS_CSV: &str = "save the sheet as CSV (Excel: File > Save As > CSV UTF-8; \
     LibreOffice: File > Save As > Text CSV; Google Sheets: File > Download > CSV) and upload the CSV";

/// Recognizes a binary format by the first bytes of an upload.
#[must_use]
pub(crate) fn binary_kind(first: &[u8]) -> Option<String> {
    let starts = |magic: &[u8]| first.starts_with(magic);
    if starts(b"PK\x03\x04") || starts(b"PK\x05\x06") {
        return Some(zip_kind(first));
    }
    if starts(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        return Some(format!(
            "the file is an old Office document, such as an Excel workbook (.xls), or an Office document with a \
             password: {SAVE_AS_CSV}"
        ));
    }
    if starts(b"%PDF-") {
        return Some(
            "the file is a PDF document: export a CSV from the program that contains the rules"
                .to_owned(),
        );
    }
    if starts(b"SQLite format 3\0") {
        return Some("the file is an SQLite database: export the table as CSV".to_owned());
    }
    let compressed = [
        (b"\x1f\x8b".as_slice(), "compressed twice with gzip"),
        (b"\xfd7zXZ\0", "compressed with xz"),
        (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
        (b"7z\xbc\xaf\x27\x1c", "compressed with 7-Zip"),
        (b"Rar!\x1a\x07", "compressed with RAR"),
    ]
    .into_iter()
    .find_map(|(magic, name)| starts(magic).then_some(name))
    .or_else(|| {
        let block = first.strip_prefix(b"BZh")?.get(1..)?;
        block
            .starts_with(b"1AY&SY")
            .then_some("compressed with bzip2")
    })?;
    Some(format!(
        "the file is {compressed}: upload the CSV uncompressed, or compressed once with gzip"
    ))
}

/// Describes a ZIP file by the names of its first entries.
fn zip_kind(first: &[u8]) -> String {
    let holds = |name: &str| memmem::find(first, name.as_bytes()).is_some();
    let workbook = |program: &str| format!("the file is {program}: {SAVE_AS_CSV}");
    if holds("application/vnd.oasis.opendocument.spreadsheet") {
        workbook("a LibreOffice or OpenOffice spreadsheet (.ods)")
    } else if holds("application/vnd.oasis.opendocument") {
        workbook("an OpenDocument file, such as .odt")
    } else if holds("xl/") {
        workbook("an Excel workbook (.xlsx)")
    } else if holds("word/") {
        workbook("a Word document (.docx)")
    } else if holds(".iwa") || holds("Index.zip") {
        "the file is a Numbers or Pages document: choose File > Export To > CSV in Numbers and \
         upload the CSV"
            .to_owned()
    } else {
        "the file is a ZIP file or a spreadsheet workbook (.xlsx, .ods): save the sheet as CSV \
         and upload the CSV"
            .to_owned()
    }
}

/// Recognizes UTF-16 without a byte order mark, and UTF-32. In UTF-16, every second byte at the
/// start is NUL.
#[must_use]
pub(crate) fn wide_text_kind(first: &[u8]) -> Option<&'static str> {
    const UTF16: &str = "the file is UTF-16 without a byte order mark: save it as CSV UTF-8";
    const UTF32: &str = "the file is UTF-32: save it as CSV UTF-8";
    let is_wide = |unit: &[u8], order: &[u8]| {
        unit.len() == order.len()
            && unit
                .iter()
                .zip(order)
                .all(|(byte, text)| (*byte == 0) == (*text == 0))
    };
    let all = |order: &[u8]| {
        first.len() >= 2 * order.len()
            && first
                .chunks_exact(order.len())
                .take(16)
                .all(|unit| is_wide(unit, order))
    };
    let without_mark = match first {
        [0xff, 0xfe, 0, 0, rest @ ..] | [0, 0, 0xfe, 0xff, rest @ ..] => rest,
        _ => first,
    };
    let is_utf32 = |text: &[u8]| {
        let mut units = text.chunks_exact(4).take(16).peekable();
        units.peek().is_some()
            && units.all(|unit| is_wide(unit, &[1, 0, 0, 0]) || is_wide(unit, &[0, 0, 0, 1]))
    };
    if is_utf32(without_mark) {
        return Some(UTF32);
    }
    (all(&[1, 0]) || all(&[0, 1])).then_some(UTF16)
}

/// Recognizes a text that is not a CSV by its first line.
#[must_use]
pub(crate) fn text_kind(line: &[u8]) -> Option<&'static str> {
    let line = line.trim_ascii_start();
    let starts = |word: &str| {
        line.get(..word.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
    };
    let any = |words: &[&str]| words.iter().any(|word| starts(word));
    if any(&[
        "Require ",
        "Order ",
        "Allow from",
        "Deny from",
        "<Require",
        "<Limit",
        "<Files",
        "<IfModule",
        "<IfVersion",
        "Satisfy ",
        "RewriteEngine",
    ]) {
        return Some("the file is an Apache configuration: upload the CSV that it is made from");
    }
    if any(&[
        "<!doctype html",
        "<html",
        "<table",
        "<head",
        "<body",
        "<meta",
        "<div",
        "<style",
    ]) {
        return Some(
            "the file is a web page (HTML): open it in a spreadsheet and save the sheet as CSV",
        );
    }
    if starts("<?xml") || starts("<workbook") || starts("<") {
        return Some("the file is XML: open it in a spreadsheet and save the sheet as CSV");
    }
    if starts("{\\rtf") {
        return Some(
            "the file is rich text (.rtf): save it as plain text, or save the sheet as CSV",
        );
    }
    if starts("{") || starts("[") {
        return Some(
            "the file is JSON: expected a CSV with one line for each rule, such as the output of `jq -r '… | @csv'`",
        );
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognizes_utf16_and_utf32() {
        let utf16: Vec<u8> = "IP,Rule\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let utf16_be: Vec<u8> = "IP,Rule\n"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        let utf32: Vec<u8> = "IP,Rule"
            .chars()
            .flat_map(|c| u32::from(c).to_le_bytes())
            .collect();
        assert!(wide_text_kind(&utf16).is_some_and(|kind| kind.contains("UTF-16")));
        assert!(wide_text_kind(&utf16_be).is_some_and(|kind| kind.contains("UTF-16")));
        assert!(wide_text_kind(&utf32).is_some_and(|kind| kind.contains("UTF-32")));
        for other in [
            b"".as_slice(),
            b"I",
            b"I\0",
            b"IP,Rule\n\0",
            b"\0\0\0\0\0\0\0\0",
            b"a\0b\0\0\0c\0",
        ] {
            assert_eq!(wide_text_kind(other), None, "{other:?}");
        }
    }

    #[test]
    fn recognizes_text_that_is_not_a_csv() {
        let check = |line: &str, part: &str| {
            let kind = text_kind(line.as_bytes()).unwrap_or_default();
            assert!(kind.contains(part), "{line}: {kind}");
        };
        check("<!DOCTYPE html>", "HTML");
        check("  <TABLE border=1>", "HTML");
        check("<?xml version=\"1.0\"?>", "XML");
        check("[{\"IP Address\": \"1.2.3.4\"}]", "JSON");
        check("Order Allow,Deny", "Apache");
        check("<RequireAny>", "Apache");
        for line in ["", "IP,Rule", "Ordered by,IP", "Address"] {
            assert_eq!(text_kind(line.as_bytes()), None, "{line}");
        }
    }
}
