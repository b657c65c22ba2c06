//! What a cell holds that is neither an address nor a rule: characters that only look right, words
//! for nothing, formulas, and what spreadsheets make of addresses.

use crate::csv::cell::DASHES;
use crate::text::is_unprintable;

/// Characters that nobody sees or tells from others, by their Unicode names.
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

/// The zeros of the decimal digits that keyboards of other scripts type.
const ZEROS: [char; 5] = ['\u{660}', '\u{6f0}', '\u{966}', '\u{9e6}', '\u{e50}'];

/// The first character that is not what it looks like, for a message; invisible ones before others.
pub(crate) fn strange_character(text: &str) -> Option<String> {
    invisible_character(text).or_else(|| {
        let character = text.chars().find(|c| !c.is_ascii())?;
        let kind = match character {
            '\u{ff01}'..='\u{ff5e}' => "the full-width ",
            _ if digit(character).is_some() => "the digit ",
            _ => "",
        };
        Some(format!(
            "{kind}\"{character}\" (U+{:04X})",
            u32::from(character)
        ))
    })
}

/// The first character that nobody sees, or that shows the text in another order.
pub(crate) fn invisible_character(text: &str) -> Option<String> {
    let character = text.chars().find(|c| is_invisible(*c))?;
    let name = NAMES.iter().find(|(known, _)| *known == character);
    Some(match name {
        Some((_, name)) => format!("U+{:04X} {name}", u32::from(character)),
        None if character.is_control() => {
            format!("the control character U+{:04X}", u32::from(character))
        }
        None => format!("U+{:04X}", u32::from(character)),
    })
}

fn is_invisible(character: char) -> bool {
    is_unprintable(character) && !character.is_ascii_whitespace()
}

/// The text in the characters that it looks to be made of; `None` where it is that already.
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

/// The ASCII digit for one of another script.
fn digit(character: char) -> Option<char> {
    let value = |zero: &char| u32::from(character).checked_sub(u32::from(*zero));
    let value = ZEROS.iter().filter_map(value).find(|value| *value < 10)?;
    char::from_digit(value, 10)
}

/// Whether a text is how databases, libraries and people write that there is no value.
pub(crate) fn means_nothing(text: &str) -> bool {
    text == "\\N"
        || [
            "null",
            "(null)",
            "none",
            "nan",
            "nil",
            "n/a",
            "na",
            "-",
            "--",
            "?",
            "undefined",
        ]
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word))
}

/// Whether a text is a formula, as `=A1` or `@SUM(…)`.
pub(crate) fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '@'])
}

/// Months as spreadsheets write them in English, French and German.
const MONTHS: &str = "jan january janv janvier feb february fev fév févr fevr février fevrier mar mars march \
    apr april avr avril may mai jun june juin jul july juil juillet aug august aou aoû \
    août aout sep sept september septembre oct october octobre okt oktober nov november \
    novembre dec december déc décembre decembre dez dezember";

/// What a spreadsheet made of an address or a network that it took for something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    /// `08-Oct`, `01/02/2003`: a date.
    Date,
    /// `1.92E+11`: a number whose last digits are lost.
    Rounded,
    /// `########`: a number or a date in a column that was too narrow to show it.
    Narrow,
}

/// Tells what a spreadsheet damaged beyond repair.
pub(crate) fn damage(text: &str) -> Option<Damage> {
    if text.len() >= 3 && text.bytes().all(|byte| byte == b'#') {
        return Some(Damage::Narrow);
    }
    if is_rounded(text) {
        return Some(Damage::Rounded);
    }
    // What follows a date is its time.
    let date = match text.split_once([' ', 'T']) {
        Some((date, time)) if time.contains(':') => date,
        _ => text,
    };
    is_date(date).then_some(Damage::Date)
}

fn is_rounded(text: &str) -> bool {
    let Some((digits, exponent)) = text.split_once(['E', 'e']) else {
        return false;
    };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
    is_number(exponent)
        && digits.contains(['.', ','])
        && digits.split(['.', ',']).count() == 2
        && digits.split(['.', ',']).all(is_number)
}

fn is_date(text: &str) -> bool {
    let is_number = |part: &&str| {
        (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let is_month = |part: &&str| {
        let word = part.trim_end_matches('.').to_lowercase();
        MONTHS.split(' ').any(|month| month == word)
    };
    let parts: Vec<&str> = text.split(['/', '-', ' ']).collect();
    let numbers = parts.iter().filter(|part| is_number(part)).count();
    let months = parts.iter().filter(|part| is_month(part)).count();
    if months == 1 && numbers == parts.len() - 1 {
        return matches!(parts.len(), 2 | 3);
    }
    ['/', '-', '.'].into_iter().any(|sign| {
        let parts: Vec<&str> = text.split(sign).collect();
        let has_year = parts.iter().any(|part| part.len() == 4);
        parts.len() == 3 && parts.iter().all(is_number) && (sign == '/' || has_year)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_nobody_sees() {
        let check = |text, expected: &str| {
            assert_eq!(strange_character(text).as_deref(), Some(expected));
        };
        check("1.2.\u{a0}3.4", "U+00A0 NO-BREAK SPACE");
        check("é1.2\u{feff}", "U+FEFF ZERO WIDTH NO-BREAK SPACE");
        check("\u{202e}4.3.2.1", "U+202E RIGHT-TO-LEFT OVERRIDE");
        check("1.2.3.4\u{7}", "the control character U+0007");
        check("１.2.3.4", "the full-width \"１\" (U+FF11)");
        check("١.٢.٣.٤", "the digit \"١\" (U+0661)");
        assert_eq!(strange_character("1.2.3 .x"), None);
    }

    #[test]
    fn writes_in_plain_characters() {
        let check = |text, expected: Option<&str>| {
            assert_eq!(plain(text).as_deref(), expected, "for {text:?}");
        };
        check("１９２．０。２．１", Some("192.0.2.1"));
        check("١.٢.٣.٤", Some("1.2.3.4"));
        check("1.2.\u{200b}3.4–5", Some("1.2.3.4-5"));
        check("1.2.3.4", None);
    }

    #[test]
    fn tells_what_a_spreadsheet_damaged() {
        for text in [
            "01/02/2003",
            "1/2/03",
            "2003-02-01",
            "01.02.2003",
            "08-Oct",
            "10-août",
            "Oct-08",
            "1 févr. 2003",
            "01/02/2003 00:00",
            "10-nov.",
        ] {
            assert_eq!(damage(text), Some(Damage::Date), "{text}");
        }
        for text in ["1.92E+11", "1,92E+11", "1.92168E11"] {
            assert_eq!(damage(text), Some(Damage::Rounded), "{text}");
        }
        assert_eq!(damage("########"), Some(Damage::Narrow));
        for text in [
            "2.2.2",
            "10/8",
            "1-2-3",
            "web-1",
            "1.2.3.4-9",
            "oct.example.com",
            "1e5",
            "marie-1",
            "2001:db8::1",
            "1.2.3.4/24",
            "",
        ] {
            assert_eq!(damage(text), None, "{text}");
        }
    }
}
