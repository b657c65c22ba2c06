//! Splits Rust code into tokens. Comments, strings and character literals are left out.

/// A token: an identifier or number, `::`, or a single punctuation character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) text: String,
    /// The line number, starting at 1.
    pub(super) line: usize,
    /// `true` if the token belongs to an item under `#[cfg(test)]`.
    pub(super) is_test: bool,
}

/// Returns the tokens of a file.
pub(super) fn tokens(code: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = code;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let ignored = ignored_bytes(rest);
        let length = match first {
            _ if ignored > 0 => ignored,
            _ if is_word(first) => rest.find(|sign| !is_word(sign)).unwrap_or(rest.len()),
            ':' if rest.starts_with("::") => 2,
            _ => first.len_utf8(),
        };
        let (text, after) = rest.split_at(length);
        if ignored == 0 && !first.is_whitespace() {
            found.push(Token {
                text: text.to_owned(),
                line,
                is_test: false,
            });
        }
        line += text.matches('\n').count();
        rest = after;
    }
    mark_tests(&mut found);
    found
}

fn is_word(sign: char) -> bool {
    sign.is_alphanumeric() || sign == '_'
}

/// Returns the length of the comment, string or character literal at the start of the text, or 0.
fn ignored_bytes(text: &str) -> usize {
    if text.starts_with("//") {
        return text.find('\n').unwrap_or(text.len());
    }
    if text.starts_with("/*") {
        return block_comment_bytes(text);
    }
    let literal = text.trim_start_matches(['b', 'c', 'r']);
    let prefix = text.len() - literal.len();
    let hashes = literal.len() - literal.trim_start_matches('#').len();
    if text[..prefix].ends_with('r') && literal[hashes..].starts_with('"') {
        let end = format!("\"{}", "#".repeat(hashes));
        let from_text = &literal[hashes + 1..];
        let length = from_text
            .find(&end)
            .map_or(from_text.len(), |at| at + end.len());
        return prefix + hashes + 1 + length;
    }
    match literal.chars().next() {
        Some('"') => prefix + quoted_bytes(literal, '"'),
        Some('\'') if is_character(literal) => prefix + quoted_bytes(literal, '\''),
        _ => 0,
    }
}

/// Returns the length of the block comment at the start of the text. Block comments can be nested.
fn block_comment_bytes(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
        } else {
            at += 1;
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// Returns whether a quote starts a character literal. A lifetime such as `'a` has no closing quote.
fn is_character(text: &str) -> bool {
    let mut signs = text.chars().skip(1);
    signs.next() == Some('\\') || signs.next() == Some('\'')
}

fn quoted_bytes(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, sign) in text.char_indices().skip(1) {
        if sign == quote && !is_escaped {
            return at + sign.len_utf8();
        }
        is_escaped = sign == '\\' && !is_escaped;
    }
    text.len()
}

/// Marks the items under `#[cfg(test)]`, up to their `;` or the end of their first block.
fn mark_tests(tokens: &mut [Token]) {
    const ATTRIBUTE: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut at = 0;
    while at < tokens.len() {
        let is_attribute = tokens.len() - at >= ATTRIBUTE.len()
            && tokens[at..]
                .iter()
                .zip(ATTRIBUTE)
                .all(|(token, text)| token.text == text);
        if !is_attribute {
            at += 1;
            continue;
        }
        let end = at + ATTRIBUTE.len() + item_tokens(&tokens[at + ATTRIBUTE.len()..]);
        tokens[at..end]
            .iter_mut()
            .for_each(|token| token.is_test = true);
        at = end;
    }
}

/// Returns the number of tokens in the item at the start, including its attributes.
fn item_tokens(tokens: &[Token]) -> usize {
    let mut depth = 0;
    let mut is_import = false;
    for (at, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "use" if depth == 0 => is_import = true,
            "{" | "(" | "[" => depth += 1,
            ")" | "]" => depth -= 1,
            "}" => {
                depth -= 1;
                if depth == 0 && !is_import {
                    return at + 1;
                }
            }
            ";" if depth == 0 => return at + 1,
            _ => {}
        }
    }
    tokens.len()
}
