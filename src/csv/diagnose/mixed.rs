//! Explains cells that contain more than an address: several addresses, a remark, blanks, or a range whose
//! ends are not joined by `-`.

use std::net::{IpAddr, Ipv4Addr};

use crate::csv::diagnose::{Explanation, names_some};
use crate::text::{Segment, escape, rich};

/// Signs and words that people write between the ends of a range.
const BETWEEN_ENDS: [&str; 14] = [
    "->",
    "=>",
    "...",
    "..",
    "…",
    "~",
    ">",
    "--",
    " to ",
    " through ",
    " bis ",
    " au ",
    " à ",
    ":",
];
/// Characters that separate addresses in a cell, in addition to white space.
const SEPARATORS: &str = ",;|&+";
/// Characters that people write around an address.
const SIGNS: &[char] = &[
    ',', ';', '.', '(', ')', '[', ']', '<', '>', '{', '}', '\\', '\'', '"', '`', '|',
];
/// Words that negate a statement about an address.
const NEGATIONS: [&str; 12] = [
    "not", "no", "except", "but", "without", "never", "sauf", "pas", "non", "excepté", "hors",
    "sans",
];

/// Explains a cell that contains more than an address. `None` for other cells.
pub(crate) fn explain_mixed(quoted: &Segment, text: &str) -> Option<Explanation> {
    let joined = without_inner_blanks(text).filter(|joined| names_some(joined));
    if let Some(joined) = joined {
        let reason = rich!(
            "{} contains {}: write {}",
            quoted,
            unwanted_sign(text),
            escape(&joined)
        );
        return Some(Explanation::new(reason).naming(joined));
    }
    if let Some(range) = range_by_other_signs(text) {
        let reason = rich!(
            "{} is not a range: the addresses must be separated by {}: write {}",
            quoted,
            Segment::quoted("-"),
            &range
        );
        return Some(Explanation::new(reason).naming(range));
    }
    if let Some(address) = four_numbers(text) {
        let reason = rich!(
            "{} is not an IP address: the octets must be separated by {}: write {}",
            quoted,
            Segment::quoted("."),
            address
        );
        return Some(Explanation::new(reason).naming(address.to_string()));
    }
    explain_words(quoted, text)
}

/// Removes the blanks from a text if each of them is next to a sign that addresses contain. `192.0.2. 10` is
/// one address, but `192.0.2.1 0` could be two numbers.
fn without_inner_blanks(text: &str) -> Option<String> {
    let is_sign = |c: char| ".:/-\\".contains(c);
    let mut words = text.split_whitespace();
    let mut joined = words.next()?.to_owned();
    for word in words {
        if !joined.ends_with(is_sign) && !word.starts_with(is_sign) {
            return None;
        }
        joined.push_str(word);
    }
    let joined = joined.replace('\\', "/");
    (joined != text).then_some(joined)
}

/// Returns the name of the sign that [`without_inner_blanks`] removes or replaces.
fn unwanted_sign(text: &str) -> &'static str {
    if text.contains(['\n', '\r']) {
        "a line break"
    } else if text.contains(char::is_whitespace) {
        "a space"
    } else {
        "a backslash"
    }
}

fn range_by_other_signs(text: &str) -> Option<String> {
    BETWEEN_ENDS.iter().find_map(|sign| {
        let (first, last) = text.split_once(sign)?;
        let first: IpAddr = first.trim().parse().ok()?;
        let last: IpAddr = last.trim().parse().ok()?;
        let range = format!("{first}-{last}");
        names_some(&range).then_some(range)
    })
}

/// Reads `192,168,1,10` and similar texts: four numbers with single signs between them.
fn four_numbers(text: &str) -> Option<Ipv4Addr> {
    let is_sign = |c: char| ".,;:_- ".contains(c);
    // `1.2.3-9` is more likely a range than an address.
    let dashes = text.matches('-').count();
    if !text.contains(|c: char| is_sign(c) && c != '.') || !matches!(dashes, 0 | 3) {
        return None;
    }
    let octets: Vec<&str> = text.split(is_sign).collect();
    octets.join(".").parse().ok()
}

/// Explains addresses among words and other addresses.
fn explain_words(quoted: &Segment, text: &str) -> Option<Explanation> {
    let is_separator = |c: char| c.is_whitespace() || SEPARATORS.contains(c);
    let words: Vec<&str> = text
        .split(is_separator)
        .map(|word| word.trim_matches(|c: char| SIGNS.contains(&c) || c == '='))
        .filter(|word| !word.is_empty())
        .collect();
    if words.len() < 2 {
        return None;
    }
    let addresses: Vec<&str> = words
        .iter()
        .copied()
        .filter(|word| names_some(word))
        .collect();
    let first = addresses.first()?;
    if let [_, mask] = addresses.as_slice()
        && words.len() == 2
        && (mask.starts_with("255.") || mask.starts_with("0."))
    {
        let network = format!("{first}/{mask}");
        let reason = rich!(
            "{} has no {} before its mask: write {}",
            quoted,
            Segment::quoted("/"),
            escape(&network)
        );
        if names_some(&network) {
            return Some(Explanation::new(reason).naming(network));
        }
    }
    if addresses.len() > 1 {
        return Some(Explanation::new(rich!(
            "{} contains {} addresses: write each address in a separate row",
            quoted,
            addresses.len()
        )));
    }
    let reason = Explanation::new(rich!(
        "{} contains more than an address: write only the address, and move the rest to the comment",
        quoted
    ));
    let is_negation = |word: &&str| NEGATIONS.contains(&word.to_lowercase().as_str());
    // `192.0.2.1 0` may be an address that a blank splits in two.
    let is_part = |word: &&str| !names_some(word) && word.starts_with(|c: char| c.is_ascii_digit());
    if words.iter().any(|word| is_negation(word) || is_part(word)) || text.contains('!') {
        return Some(reason);
    }
    Some(reason.or(*first))
}

/// Removes the signs around an address, as in `(192.0.2.1),`. `None` if the rest is not an address.
pub(crate) fn without_signs_around(text: &str) -> Option<String> {
    let inner = text.trim_matches(SIGNS);
    (inner != text && names_some(inner)).then(|| inner.to_owned())
}
