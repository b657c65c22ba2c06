//! Finds characters in a cell that are invisible or look like other characters, and replaces them with plain
//! ASCII.

use crate::csv::cell::DASHES;
use crate::text::{RichText, Segment, is_unprintable, rich};

/// Characters that are invisible or look like other characters, with their Unicode names.
const NAMES: [(char, &str); 28] = [
    ('\u{a0}', "NO-BREAK SPACE"),
    ('\u{ad}', "SOFT HYPHEN"),
    ('\u{180e}', "MONGOLIAN VOWEL SEPARATOR"),
    ('\u{2002}', "EN SPACE"),
    ('\u{2003}', "EM SPACE"),
    ('\u{2007}', "FIGURE SPACE"),
    ('\u{2009}', "THIN SPACE"),
    ('\u{200a}', "HAIR SPACE"),
    ('\u{200b}', "ZERO WIDTH SPACE"),
    ('\u{200c}', "ZERO WIDTH NON-JOINER"),
    ('\u{200d}', "ZERO WIDTH JOINER"),
    ('\u{200e}', "LEFT-TO-RIGHT MARK"),
    ('\u{200f}', "RIGHT-TO-LEFT MARK"),
    ('\u{2028}', "LINE SEPARATOR"),
    ('\u{2029}', "PARAGRAPH SEPARATOR"),
    ('\u{202a}', "LEFT-TO-RIGHT EMBEDDING"),
    ('\u{202b}', "RIGHT-TO-LEFT EMBEDDING"),
    ('\u{202c}', "POP DIRECTIONAL FORMATTING"),
    ('\u{202d}', "LEFT-TO-RIGHT OVERRIDE"),
    ('\u{202e}', "RIGHT-TO-LEFT OVERRIDE"),
    ('\u{202f}', "NARROW NO-BREAK SPACE"),
    ('\u{2060}', "WORD JOINER"),
    ('\u{2066}', "LEFT-TO-RIGHT ISOLATE"),
    ('\u{2067}', "RIGHT-TO-LEFT ISOLATE"),
    ('\u{2068}', "FIRST STRONG ISOLATE"),
    ('\u{2069}', "POP DIRECTIONAL ISOLATE"),
    ('\u{3000}', "IDEOGRAPHIC SPACE"),
    ('\u{feff}', "ZERO WIDTH NO-BREAK SPACE"),
];

/// The digit zero of other scripts whose digits can be typed on keyboards.
const ZEROS: [char; 5] = ['\u{660}', '\u{6f0}', '\u{966}', '\u{9e6}', '\u{e50}'];

/// Describes the first character that is invisible or, if there is none, the first character that is not
/// ASCII. The description is for a message.
pub(crate) fn strange_character(text: &str) -> Option<RichText> {
    invisible_character(text).or_else(|| {
        let character = text.chars().find(|c| !c.is_ascii())?;
        let kind = match character {
            '\u{ff01}'..='\u{ff5e}' => "the full-width character ",
            _ if digit(character).is_some() => "the digit ",
            _ => "the character ",
        };
        Some(rich!(
            "{}{} ({})",
            kind,
            Segment::quoted(&character.to_string()),
            code_point(character)
        ))
    })
}

/// Describes the first character that is invisible or changes the direction of the text.
pub(crate) fn invisible_character(text: &str) -> Option<RichText> {
    let character = text.chars().find(|c| is_invisible(*c))?;
    let name = NAMES.iter().find(|(known, _)| *known == character);
    Some(match name {
        Some((_, name)) => rich!("the character {} {}", code_point(character), *name),
        None if character.is_control() => {
            rich!("the control character {}", code_point(character))
        }
        None => rich!("the character {}", code_point(character)),
    })
}

/// Returns the code point of a character in Unicode notation, such as `U+00A0`.
fn code_point(character: char) -> String {
    format!("U+{:04X}", u32::from(character))
}

fn is_invisible(character: char) -> bool {
    is_unprintable(character) && !character.is_ascii_whitespace()
}

/// Replaces characters that look like ASCII characters, and removes invisible characters and
/// quotes. `None` if nothing changes.
pub(crate) fn plain(text: &str) -> Option<String> {
    let plain: String = text
        .chars()
        .filter(|c| !is_invisible(*c) && !"“”„‘’«»".contains(*c))
        .map(|c| match c {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
            '\u{3002}' | '\u{2024}' => '.',
            c if DASHES.contains(&c) => '-',
            c => digit(c).unwrap_or(c),
        })
        .collect();
    (plain != text).then_some(plain)
}

/// Returns the ASCII digit for a digit of another script.
fn digit(character: char) -> Option<char> {
    let value = |zero: &char| u32::from(character).checked_sub(u32::from(*zero));
    let value = ZEROS.iter().filter_map(value).find(|value| *value < 10)?;
    char::from_digit(value, 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_invisible_and_similar_characters() {
        let check = |text, expected: &str| {
            let name = strange_character(text).map(|name| name.to_string());
            assert_eq!(name.as_deref(), Some(expected));
        };
        check("1.2.\u{a0}3.4", "the character U+00A0 NO-BREAK SPACE");
        check(
            "é1.2\u{feff}",
            "the character U+FEFF ZERO WIDTH NO-BREAK SPACE",
        );
        check(
            "\u{202e}4.3.2.1",
            "the character U+202E RIGHT-TO-LEFT OVERRIDE",
        );
        check("1.2.3.4\u{7}", "the control character U+0007");
        check("１.2.3.4", "the full-width character \"１\" (U+FF11)");
        check("١.٢.٣.٤", "the digit \"١\" (U+0661)");
        assert_eq!(strange_character("1.2.3 .x"), None);
    }

    #[test]
    fn replaces_similar_characters() {
        let check = |text, expected: Option<&str>| {
            assert_eq!(plain(text).as_deref(), expected, "for {text:?}");
        };
        check("１９２．０。２．１", Some("192.0.2.1"));
        check("١.٢.٣.٤", Some("1.2.3.4"));
        check("1.2.\u{200b}3.4–5", Some("1.2.3.4-5"));
        check("1.2.3.4", None);
    }
}
