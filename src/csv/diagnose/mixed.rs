//! Cells that hold an address and more: several addresses, a remark, blanks, ends of a range that
//! something else than `-` joins.

use std::net::{IpAddr, Ipv4Addr};

use crate::csv::diagnose::{Explanation, names_some};
use crate::text::{Segment, escape, rich};

/// What people write between the ends of a range.
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
/// What separates addresses in a cell, apart from white space.
const SEPARATORS: &str = ",;|&+";
/// What stands around an address in a text.
const SIGNS: &[char] = &[
    ',', ';', '.', '(', ')', '[', ']', '<', '>', '{', '}', '\\', '\'', '"', '`', '|',
];
/// Words that turn round what is said of an address.
const NEGATIONS: [&str; 12] = [
    "not", "no", "except", "but", "without", "never", "sauf", "pas", "non", "excepté", "hors",
    "sans",
];

/// Tells what is beside an address; `None` where the cell is no such.
pub(crate) fn explain_mixed(shown: &Segment, text: &str) -> Option<Explanation> {
    let joined = without_inner_blanks(text).filter(|joined| names_some(joined));
    if let Some(joined) = joined {
        let reason = rich!("{} has a blank in it: write {}", shown, escape(&joined));
        return Some(Explanation::new(reason).naming(joined));
    }
    if let Some(range) = range_by_other_signs(text) {
        let reason = rich!(
            "{} is not a range: its ends are joined by {}, write {}",
            shown,
            Segment::quoted("-"),
            &range
        );
        return Some(Explanation::new(reason).naming(range));
    }
    if let Some(address) = four_numbers(text) {
        let reason = rich!(
            "{} is not an IP address: its octets are joined by {}, write {}",
            shown,
            Segment::quoted("."),
            address
        );
        return Some(Explanation::new(reason).naming(address.to_string()));
    }
    explain_words(shown, text)
}

/// The text without its blanks, where each of them stands beside a sign of an address:
/// `192.0.2.1 0` could be two numbers, `192.0.2. 10` is one.
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

fn range_by_other_signs(text: &str) -> Option<String> {
    BETWEEN_ENDS.iter().find_map(|sign| {
        let (first, last) = text.split_once(sign)?;
        let first: IpAddr = first.trim().parse().ok()?;
        let last: IpAddr = last.trim().parse().ok()?;
        let range = format!("{first}-{last}");
        names_some(&range).then_some(range)
    })
}

/// `192,168,1,10` and the like: four numbers with single signs between them.
fn four_numbers(text: &str) -> Option<Ipv4Addr> {
    let is_sign = |c: char| ".,;:_- ".contains(c);
    // `1.2.3-9` is rather a range than an address.
    let dashes = text.matches('-').count();
    if !text.contains(|c: char| is_sign(c) && c != '.') || !matches!(dashes, 0 | 3) {
        return None;
    }
    let octets: Vec<&str> = text.split(is_sign).collect();
    octets.join(".").parse().ok()
}

/// Addresses among words and other addresses.
fn explain_words(shown: &Segment, text: &str) -> Option<Explanation> {
    let is_separator = |c: char| c.is_whitespace() || SEPARATORS.contains(c);
    let words: Vec<&str> = text
        .split(is_separator)
        .map(|word| word.trim_matches(|c: char| SIGNS.contains(&c) || c == '='))
        .filter(|word| !word.is_empty())
        .collect();
    if words.len() < 2 {
        return None;
    }
    let found: Vec<&str> = words
        .iter()
        .copied()
        .filter(|word| names_some(word))
        .collect();
    let first = found.first()?;
    if let [_, mask] = found.as_slice()
        && words.len() == 2
        && (mask.starts_with("255.") || mask.starts_with("0."))
    {
        let network = format!("{first}/{mask}");
        let reason = rich!(
            "{} has a blank before its mask: write {}",
            shown,
            escape(&network)
        );
        if names_some(&network) {
            return Some(Explanation::new(reason).naming(network));
        }
    }
    if found.len() > 1 {
        return Some(Explanation::new(rich!(
            "{} holds {} addresses: give each of them a row of its own",
            shown,
            found.len()
        )));
    }
    let reason = Explanation::new(rich!(
        "{} holds more than an address: write the address alone, and the rest as a comment",
        shown
    ));
    let is_negation = |word: &&str| NEGATIONS.contains(&word.to_lowercase().as_str());
    // `192.0.2.1 0` may be an address that a blank cut in two.
    let is_part = |word: &&str| !names_some(word) && word.starts_with(|c: char| c.is_ascii_digit());
    if words.iter().any(|word| is_negation(word) || is_part(word)) || text.contains('!') {
        return Some(reason);
    }
    Some(reason.or(*first))
}

/// `(192.0.2.1),` without the signs around it, where an address is left.
pub(crate) fn without_signs_around(text: &str) -> Option<String> {
    let inner = text.trim_matches(SIGNS);
    (inner != text && names_some(inner)).then(|| inner.to_owned())
}
