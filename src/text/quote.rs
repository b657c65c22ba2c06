//! Escapes untrusted text for messages, so that the text is bounded, stays on one line, and contains no
//! characters that could affect a terminal or a log or mislead the reader.
//!
//! Cells, object keys and environment variables are untrusted. Messages always pass them through [`quote`]
//! or [`escape`].
//!
//! The standard library is not used, because `{:?}` also escapes combining marks, such as the accent
//! of a decomposed "é", and `str::escape_debug` escapes apostrophes.

use crate::text::push_fmt::push_fmt;

/// The maximum number of characters of a value that a message shows. The rest is replaced by `…`.
pub const MAX_QUOTED_CHARS: usize = 64;

/// Escapes the first [`MAX_QUOTED_CHARS`] characters of a text, and encloses them in double quotes.
///
/// ```
/// assert_eq!(htaccess_generator::text::quote("a\nb"), r#""a\nb""#);
/// ```
#[must_use]
pub fn quote(text: &str) -> String {
    format!("\"{}\"", escape(text))
}

/// Escapes and shortens a text like [`quote`], but without quotes, for sentences that start with the value.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut shown = String::with_capacity(text.len().min(MAX_QUOTED_CHARS));
    for (index, character) in text.chars().enumerate() {
        if index == MAX_QUOTED_CHARS {
            shown.push('…');
            break;
        }
        match character {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            '"' => shown.push_str("\\\""),
            '\\' => shown.push_str("\\\\"),
            character if is_unprintable(character) => shown.extend(character.escape_unicode()),
            character => shown.push(character),
        }
    }
    shown
}

/// Escapes all characters that are invisible or reorder the text around them, such as `\u{202e}`. The
/// character `keep`, such as a line feed, stays unchanged. The text is not truncated.
#[must_use]
pub fn escape_invisible(text: &str, keep: Option<char>) -> String {
    escape_except(text, |character| Some(character) == keep)
}

/// Escapes a text of several lines like [`escape_invisible`]. Line feeds and tabs stay unchanged.
#[must_use]
pub fn escape_block(text: &str) -> String {
    escape_except(text, |character| matches!(character, '\n' | '\t'))
}

/// Replaces invisible characters in JSON from `serde_json` with `\u` escapes. The meaning of the JSON does
/// not change.
///
/// Outside of strings, such JSON contains no invisible characters except line feeds. Inside strings,
/// `serde_json` has already escaped line feeds. The function therefore keeps all line feeds.
#[must_use]
pub fn escape_json(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        if is_unprintable(character) && character != '\n' {
            for unit in character.encode_utf16(&mut [0; 2]) {
                push_fmt(&mut escaped, format_args!("\\u{unit:04x}"));
            }
        } else {
            escaped.push(character);
        }
    }
    escaped
}

fn escape_except(text: &str, is_kept: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_unprintable(character) && !is_kept(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Returns whether a character is invisible or reorders the text around it: control characters, white space
/// other than the space, and zero-width and bidirectional formatting characters (Unicode TR 36).
#[must_use]
pub fn is_unprintable(character: char) -> bool {
    character.is_control()
        || (character.is_whitespace() && character != ' ')
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_invisible_and_bidirectional_characters() {
        assert_eq!(quote("plain é"), "\"plain é\"");
        assert_eq!(quote("a\u{1b}[31m\u{202e}"), r#""a\u{1b}[31m\u{202e}""#);
        assert_eq!(quote("say \"x\" \\"), r#""say \"x\" \\""#);
    }

    #[test]
    fn invisible_characters_of_json_are_escaped_and_mean_the_same() {
        let text = "a\n\u{1b}\u{9b}\u{202e}\u{feff}\u{e0001}\u{7f}é\u{1f600}\"\\";
        let json = serde_json::to_string_pretty(&[text]).unwrap();
        let escaped = escape_json(&json);
        assert_eq!(
            escaped,
            "[\n  \"a\\n\\u001b\\u009b\\u202e\\ufeff\\udb40\\udc01\\u007fé\u{1f600}\\\"\\\\\"\n]"
        );
        let read: Vec<String> = serde_json::from_str(&escaped).unwrap();
        assert_eq!(read, [text]);
    }

    #[test]
    fn a_block_keeps_its_lines() {
        assert_eq!(escape_block("a\n\tb\r\u{9b}"), "a\n\tb\\u{d}\\u{9b}");
        assert_eq!(escape_invisible("a\nb\tc", Some('\n')), "a\nb\\u{9}c");
    }

    #[test]
    fn shows_at_most_64_characters() {
        assert_eq!(escape(&"é".repeat(64)), "é".repeat(64));
        assert_eq!(escape(&"é".repeat(65)), "é".repeat(64) + "…");
    }
}
