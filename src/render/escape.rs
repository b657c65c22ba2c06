//! Escapes the values that templates print.

use std::io::{self, Write};

/// Percent-encodes (RFC 3986) every character except letters, digits, the space and
/// `-._~/:,()[]@+=*!?&^|`.
///
/// An escaped value cannot end a line, and cannot start a quoted string, a tag, a comment or a line
/// continuation. The encoding is reversible, because `%` itself is encoded. Addresses stay unchanged.
pub(crate) fn escape(text: &str, out: &mut dyn Write) -> io::Result<()> {
    let mut rest = text;
    while let Some(start) = rest.find(|c| !is_plain(c)) {
        let (plain, from_special) = rest.split_at(start);
        out.write_all(plain.as_bytes())?;
        let special_end = from_special.find(is_plain).unwrap_or(from_special.len());
        let (special, after) = from_special.split_at(special_end);
        for byte in special.bytes() {
            write!(out, "%{byte:02X}")?;
        }
        rest = after;
    }
    out.write_all(rest.as_bytes())
}

fn is_plain(character: char) -> bool {
    character.is_alphanumeric() || " -._~/:,()[]@+=*!?&^|".contains(character)
}
