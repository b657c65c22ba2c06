//! Escapes untrusted text for messages: bounded, on one line, without characters that could affect a
//! terminal, a log or the reader.
//!
//! Cells, object keys and environment variables are untrusted. Messages show them through
//! [`quote`] or [`escape`], never unchanged.
//!
//! The standard library is not used, because `{:?}` also escapes combining marks, such as the accent
//! of a decomposed "é", and `str::escape_debug` escapes apostrophes.

/// The maximum number of characters of a value that a message shows. The rest becomes `…`.
pub const MAX_QUOTED_CHARS: usize = 64;

/// Escapes a text and puts it in double quotes, at most [`MAX_QUOTED_CHARS`] characters of it.
///
/// ```
/// assert_eq!(htaccess_generator::text::quote("a\nb"), r#""a\nb""#);
/// ```
#[must_use]
pub fn quote(text: &str) -> String {
    format!("\"{}\"", escape(text))
}

/// Like [`quote`], but without the quotes, for sentences that start with the value.
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

/// Escapes characters that are invisible or move the text around them, such as `\u{202e}`, in the
/// whole text. One character may be kept, such as the line end.
#[must_use]
pub fn escape_invisible(text: &str, keep: Option<char>) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_unprintable(character) && Some(character) != keep {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Returns whether a character is invisible or moves the text around it: controls, separators other
/// than the space, zero-width and bidirectional formatting characters (Unicode TR 36).
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
    fn shows_at_most_64_characters() {
        assert_eq!(escape(&"é".repeat(64)), "é".repeat(64));
        assert_eq!(escape(&"é".repeat(65)), "é".repeat(64) + "…");
    }
}
