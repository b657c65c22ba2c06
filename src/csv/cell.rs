//! Decodes a cell and removes what spreadsheets and editors put around its value.
//!
//! Removing these characters does not change the meaning of a cell, so there is no warning. Ambiguous cells
//! are rejected with an explanation (`csv/diagnose/`) and never guessed.
//!
//! ```text
//! cell    = *around [ formula / quoted / "'" value / value ] *around
//! around  = white space, and characters that have no width, such as U+FEFF
//! formula = "=" DQUOTE value DQUOTE       keeps Excel from reading the value as a number
//! quoted  = one pair of quotes: "…" '…' “…” ‘…’ «…» and the like
//! ```

use std::borrow::Cow;
use std::sync::OnceLock;

use encoding_rs::WINDOWS_1252;

/// Dashes that word processors and spreadsheets write instead of `-`: the hyphens, dashes and minus
/// signs of Unicode.
pub(crate) const DASHES: [char; 10] = [
    '\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}', '\u{2014}', '\u{2015}', '\u{2212}', '\u{fe58}',
    '\u{fe63}', '\u{ff0d}',
];

/// The pairs of quotes that may enclose a value.
const QUOTES: [(char, char); 9] = [
    ('"', '"'),
    ('\'', '\''),
    ('“', '”'),
    ('„', '“'),
    ('”', '”'),
    ('‘', '’'),
    ('’', '’'),
    ('«', '»'),
    ('`', '`'),
];

/// Returns a cell as text, without the white space and invisible characters around its value.
#[must_use]
pub(crate) fn cell_text(cell: &[u8]) -> Cow<'_, str> {
    within(cell, trimmed)
}

/// Returns a comment as text, without the white space around it. Everything else is kept as written.
#[must_use]
pub(crate) fn comment_text(cell: &[u8]) -> Cow<'_, str> {
    within(cell, str::trim)
}

#[inline]
fn within(cell: &[u8], trim: impl Fn(&str) -> &str) -> Cow<'_, str> {
    match decoded(cell) {
        Cow::Borrowed(text) => Cow::Borrowed(trim(text)),
        Cow::Owned(text) => match trim(&text) {
            trimmed if trimmed.len() == text.len() => Cow::Owned(text),
            trimmed => Cow::Owned(trimmed.to_owned()),
        },
    }
}

/// Decodes UTF-8 or, if the bytes are not UTF-8, Windows-1252.
#[inline]
#[must_use]
pub(crate) fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) if bytes.len() <= MAX_SHORT_BYTES => Cow::Owned(short_windows_1252(bytes)),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(bytes).0,
    }
}

/// The maximum length of a cell that [`short_windows_1252`] decodes, in bytes.
const MAX_SHORT_BYTES: usize = 32;

/// Decodes a short cell in Windows-1252. The decoder of `encoding_rs` is made for long texts: its setup takes
/// longer than decoding these bytes.
fn short_windows_1252(bytes: &[u8]) -> String {
    static UPPER_HALF: OnceLock<Vec<char>> = OnceLock::new();
    let upper_half = UPPER_HALF.get_or_init(|| {
        let bytes: Vec<u8> = (0x80..=0xff).collect();
        let (text, _) = WINDOWS_1252.decode_without_bom_handling(&bytes);
        text.chars().collect()
    });
    let mut text = String::with_capacity(3 * bytes.len());
    for byte in bytes {
        let upper = byte.checked_sub(0x80).map(usize::from);
        let upper = upper.and_then(|index| upper_half.get(index).copied());
        text.push(upper.unwrap_or(char::from(*byte)));
    }
    text
}

/// Returns a text without the white space and zero-width characters around it.
#[inline]
#[must_use]
pub(crate) fn trimmed(text: &str) -> &str {
    // Nearly every cell starts and ends with a character of its value.
    match text.as_bytes() {
        [] => text,
        [only] if only.is_ascii_graphic() => text,
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim_matches(is_around),
    }
}

/// Returns whether a character around a value does not belong to the value.
fn is_around(character: char) -> bool {
    character.is_whitespace() || (!character.is_ascii() && has_no_width(character))
}

/// Returns whether a character is invisible and has no visible effect. Characters that change the
/// direction of text (U+202A to U+202E, U+2066 to U+2069) are excluded, because a value with them
/// is not the text that it looks like.
fn has_no_width(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}'
    )
}

/// The first UTF-8 bytes of the quotes that are not ASCII.
const FIRST_QUOTE_BYTES: [u8; 2] = [0xc2, 0xe2];
/// The first UTF-8 bytes of the dashes.
const FIRST_DASH_BYTES: [u8; 2] = [0xe2, 0xef];

/// Returns whether [`unwrapped`] could change a cell. This is rare.
#[inline]
pub(crate) fn may_be_wrapped(text: &str) -> bool {
    let [dash, other_dash] = FIRST_DASH_BYTES;
    match text.as_bytes() {
        [b'=' | b'"' | b'\'' | b'`', ..] => true,
        [first, ..] if FIRST_QUOTE_BYTES.contains(first) => true,
        bytes => !text.is_ascii() && memchr::memchr2(dash, other_dash, bytes).is_some(),
    }
}

/// Returns the value of a cell that has a formula or quotes around it, or that contains typographic dashes.
/// `None` for all other cells, which are nearly all cells.
#[must_use]
pub(crate) fn unwrapped(text: &str) -> Option<String> {
    if !may_be_wrapped(text) {
        return None;
    }
    let value = formula_value(text).unwrap_or(text);
    let value = without_quotes(value);
    if value.contains(DASHES) {
        return Some(value.replace(DASHES, "-"));
    }
    (value.len() != text.len()).then(|| value.to_owned())
}

/// Returns the value of a formula that is a text: `192.0.2.1` for `="192.0.2.1"`.
fn formula_value(text: &str) -> Option<&str> {
    let quoted = trimmed(text.strip_prefix('=')?);
    let value = quoted.strip_prefix('"')?.strip_suffix('"')?;
    (!value.contains('"')).then(|| trimmed(value))
}

/// Removes one pair of quotes, or the apostrophe that marks a value as text in a spreadsheet.
fn without_quotes(text: &str) -> &str {
    let first = text.chars().next();
    let mut pairs = QUOTES.iter().filter(|(open, _)| Some(*open) == first);
    match pairs.find_map(|(open, close)| text.strip_prefix(*open)?.strip_suffix(*close)) {
        Some(value) => trimmed(value),
        None => trimmed(text.strip_prefix('\'').unwrap_or(text)),
    }
}

/// Returns whether a cell shows a failed spreadsheet formula: `#N/A`, `#REF!`, `#NOM?`, `#NV`. Excel writes
/// these values into CSV files, in its display language.
#[must_use]
pub(crate) fn is_error_value(text: &str) -> bool {
    let Some(word) = text.strip_prefix('#') else {
        return false;
    };
    let is_word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || b"/0_".contains(&byte))
    };
    matches!(word, "N/A" | "NV" | "N/D") || word.strip_suffix(['!', '?']).is_some_and(is_word)
}

/// Returns whether a spreadsheet wrote something else instead of the value: a failed formula, or the `####`
/// of a column that was too narrow.
#[must_use]
pub(crate) fn is_lost_value(text: &str) -> bool {
    is_error_value(text) || (text.len() > 2 && text.bytes().all(|byte| byte == b'#'))
}

/// Returns whether a text starts with `#`, possibly after white space. A tab that is the delimiter does not
/// count as white space, because it ends an empty cell.
pub(crate) fn starts_with_hash(text: &[u8], delimiter: u8) -> bool {
    text.iter()
        .find(|byte| **byte == delimiter || !byte.is_ascii_whitespace())
        == Some(&b'#')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_invalid_utf8_as_windows_1252() {
        assert_eq!(cell_text(b"caf\xe9 \xa0"), "café");
        assert_eq!(cell_text("café\u{a0}".as_bytes()), "café");
    }

    #[test]
    fn reads_any_byte_as_windows_1252() {
        assert_eq!(decoded(b"\x80\x85\x8a\x99\x9f\xa4\xff"), "€…Š™Ÿ¤ÿ");
        // Windows-1252 does not define these five; the Encoding Standard reads them as C1 controls.
        assert_eq!(
            decoded(b"\x81\x8d\x8f\x90\x9d"),
            "\u{81}\u{8d}\u{8f}\u{90}\u{9d}"
        );
        // A byte order mark has no meaning in a cell.
        assert_eq!(decoded(b"\xff\xfea"), "ÿþa");
        let all: Vec<u8> = (0..=255).collect();
        let short: String = all
            .chunks(MAX_SHORT_BYTES)
            .map(short_windows_1252)
            .collect();
        assert_eq!(decoded(&all), short);
    }

    #[test]
    fn removes_invisible_characters_around_a_value() {
        let cell = "\u{feff}\u{202f}\u{200b}1.2.3.4\u{200e}\u{2060}\u{ad}\t";
        assert_eq!(cell_text(cell.as_bytes()), "1.2.3.4");
        assert_eq!(comment_text(" x\u{200e} ".as_bytes()), "x\u{200e}");
        let turned = "\u{202e}4.3.2.1";
        assert_eq!(cell_text(turned.as_bytes()), turned);
        assert_eq!(cell_text("1.2\u{200b}.3.4".as_bytes()), "1.2\u{200b}.3.4");
    }

    #[track_caller]
    fn check_unwrapped(text: &str, value: Option<&str>) {
        assert_eq!(unwrapped(text).as_deref(), value, "for {text:?}");
    }

    #[test]
    fn unwraps_only_formulas_that_are_text() {
        check_unwrapped("=\"1.2.3.4\"", Some("1.2.3.4"));
        check_unwrapped("= \" Allow \"", Some("Allow"));
        check_unwrapped("=\"1.2.3.4\"&\"0\"", None);
        check_unwrapped("=1.2.3.4", None);
        check_unwrapped("=A1", None);
    }

    #[test]
    fn unwraps_one_pair_of_quotes_or_an_apostrophe() {
        for text in [
            "\"1.2.3.4\"",
            "'1.2.3.4'",
            "“1.2.3.4”",
            "„1.2.3.4“",
            "«\u{a0}1.2.3.4\u{a0}»",
            "'1.2.3.4",
        ] {
            check_unwrapped(text, Some("1.2.3.4"));
        }
        check_unwrapped("''1.2.3.4''", Some("'1.2.3.4'"));
        check_unwrapped("1.2.3.4'", None);
        check_unwrapped("\"", None);
        check_unwrapped("", None);
    }

    #[test]
    fn replaces_typographic_dashes() {
        for dash in DASHES {
            check_unwrapped(
                &format!("1.2.3.4 {dash} 1.2.3.9"),
                Some("1.2.3.4 - 1.2.3.9"),
            );
        }
        check_unwrapped("é", None);
    }

    #[test]
    fn every_cell_that_can_be_unwrapped_is_recognized() {
        for (open, close) in QUOTES {
            let text = format!("{open}a{close}");
            assert!(may_be_wrapped(&text), "{text}");
            assert_eq!(unwrapped(&text).as_deref(), Some("a"));
        }
        for dash in DASHES {
            let text = format!("é{dash}");
            assert!(may_be_wrapped(&text), "{text}");
            assert_eq!(unwrapped(&text).as_deref(), Some("é-"));
        }
    }

    #[test]
    fn distinguishes_failed_formulas_from_comments() {
        for text in [
            "#N/A", "#REF!", "#DIV/0!", "#NAME?", "#NOM?", "#VALEUR!", "#NV",
        ] {
            assert!(is_error_value(text), "{text}");
        }
        for text in [
            "#", "#!", "# N/A", "#n/a", "#hello!", "N/A", "#N/A!x", "#DENY",
        ] {
            assert!(!is_error_value(text), "{text}");
        }
    }
}
