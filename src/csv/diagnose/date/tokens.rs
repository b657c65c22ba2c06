//! Cuts the text of a date cell into numbers, words and marks.

/// The maximum number of tokens of a text that is searched for a date.
const MAX_TOKENS: usize = 24;

/// A piece of a date cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// ASCII digits.
    Number(&'a str),
    /// Letters.
    Word(&'a str),
    /// Another character except white space.
    Mark(char),
}

/// Cuts a lower-case text into tokens. `None` if it has more than [`MAX_TOKENS`] tokens.
pub(super) fn tokens(text: &str) -> Option<Vec<Token<'_>>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if tokens.len() == MAX_TOKENS {
            return None;
        }
        let end_of =
            |is_inside: fn(char) -> bool| rest.find(|c: char| !is_inside(c)).unwrap_or(rest.len());
        let (token, end) = if first.is_ascii_digit() {
            let end = end_of(|c| c.is_ascii_digit());
            (Token::Number(rest.get(..end)?), end)
        } else if first.is_alphabetic() {
            let end = end_of(char::is_alphabetic);
            (Token::Word(rest.get(..end)?), end)
        } else {
            (Token::Mark(first), first.len_utf8())
        };
        tokens.push(token);
        rest = rest.get(end..)?.trim_start();
    }
    Some(tokens)
}

/// Returns the value of digits. `None` if the value is too large for a date.
pub(super) fn value(digits: &str) -> Option<u16> {
    digits.parse().ok()
}

/// Returns the value of one or two digits. `None` if there are more.
pub(super) fn small(digits: &str) -> Option<u8> {
    (digits.len() <= 2).then(|| digits.parse().ok())?
}
