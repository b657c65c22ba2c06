//! Explains why a text of digits and dots is not an IPv4 address, and suggests addresses.

use std::net::Ipv4Addr;

use crate::csv::diagnose::{ACCEPTED, Explanation};
use crate::text::{Segment, rich};

/// Explains a text that starts like an IPv4 address. The reason is the part of the sentence after "is not an
/// IP address: ".
pub(crate) fn explain_ipv4(text: &str) -> Explanation {
    let octets: Vec<&str> = text.split('.').collect();
    if octets.iter().any(|octet| is_wild(octet)) {
        return match wildcard_network(&octets) {
            Some(network) => {
                Explanation::new(rich!("wildcards are not accepted: write {}", &network))
                    .naming(network)
            }
            None => {
                Explanation::new("wildcards are not accepted: write a network such as 10.0.0.0/8")
            }
        };
    }
    if octets.len() != 4 || octets.ends_with(&[""]) {
        return explain_count(text, octets.len());
    }
    for octet in &octets {
        if octet.is_empty() {
            return Explanation::new("an octet is empty");
        }
        if !octet.bytes().all(|byte| byte.is_ascii_digit()) {
            return Explanation::new(rich!(
                "octet {} is not a decimal number",
                Segment::quoted(octet)
            ));
        }
        if octet.len() > 1 && octet.starts_with('0') {
            return explain_leading_zero(&octets, octet);
        }
        if octet.parse::<u8>().is_err() {
            return Explanation::new(rich!(
                "octet {} is greater than 255",
                Segment::quoted(octet)
            ));
        }
    }
    Explanation::new(rich!("expected {}", ACCEPTED))
}

/// Explains a text that does not have four octets. Nothing is suggested for three octets, because
/// Apache reads `2.2.2` as a network and other programs read it as 2.2.0.2.
fn explain_count(text: &str, count: usize) -> Explanation {
    if let Some(octets) = text.strip_suffix('.')
        && let Some((address, bits)) = whole_octets(octets)
    {
        let network = format!("{address}/{bits}");
        return Explanation::new(rich!("an octet is empty: write {}", &network)).naming(network);
    }
    let expected = rich!("expected 4 octets, found {}", count);
    if count != 1 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Explanation::new(expected);
    }
    let integer = text.parse::<u32>().ok().filter(|number| 1 << 24 <= *number);
    let integer = integer.map(|number| Ipv4Addr::from_bits(number).to_string());
    let reason = match without_separators(text) {
        Some(address) => Explanation::new(rich!(
            "{}; a spreadsheet that reads dots as thousands separators turns {} into this number",
            &expected,
            address
        ))
        .naming(address.to_string()),
        None => Explanation::new(expected),
    };
    integer.into_iter().fold(reason, Explanation::or)
}

/// Reads `192168100200` as 192.168.100.200. Every octet except the first must have three digits.
fn without_separators(digits: &str) -> Option<Ipv4Addr> {
    let first = digits
        .len()
        .checked_sub(9)
        .filter(|len| (1..=3).contains(len))?;
    let octet = |from: usize, to: usize| digits.get(from..to)?.parse::<u8>().ok();
    let address = Ipv4Addr::new(
        octet(0, first)?,
        octet(first, first + 3)?,
        octet(first + 3, first + 6)?,
        octet(first + 6, first + 9)?,
    );
    // The digits after a thousands separator may start with zero, but an octet may not.
    let text = address.to_string();
    (text.len() == digits.len() + 3).then_some(address)
}

/// Explains an octet with a leading zero. Suggests the decimal reading and, if it differs, the
/// octal one, because programs use both.
fn explain_leading_zero(octets: &[&str], octet: &str) -> Explanation {
    let decimal = |octet: &&str| octet.parse::<u8>().ok();
    let octal = |octet: &&str| match octet.strip_prefix('0') {
        Some("") => Some(0),
        Some(digits) => u8::from_str_radix(digits, 8).ok(),
        None => octet.parse().ok(),
    };
    let joined = |values: Option<Vec<u8>>| {
        let values: Vec<String> = values?.iter().map(u8::to_string).collect();
        Some(values.join("."))
    };
    let decimal = joined(octets.iter().map(decimal).collect());
    let octal =
        joined(octets.iter().map(octal).collect()).filter(|octal| decimal.as_ref() != Some(octal));
    let reason = Explanation::new(rich!(
        "octet {} has a leading zero, which some programs read as octal",
        Segment::quoted(octet)
    ));
    decimal
        .into_iter()
        .chain(octal)
        .fold(reason, Explanation::or)
}

fn is_wild(octet: &str) -> bool {
    matches!(
        octet,
        "*" | "x" | "X" | "xx" | "xxx" | "XX" | "XXX" | "%" | "?"
    )
}

/// Reads `1.2.3.*` as `1.2.3.0/24`. Only whole octets at the end may be wildcards.
fn wildcard_network(octets: &[&str]) -> Option<String> {
    let fixed = octets.iter().take_while(|octet| !is_wild(octet)).count();
    let wild = octets.get(fixed..)?;
    if octets.len() > 4 || !wild.iter().all(|octet| is_wild(octet)) {
        return None;
    }
    let (address, bits) = whole_octets(&octets.get(..fixed)?.join("."))?;
    Some(format!("{address}/{bits}"))
}

/// Completes one to three octets to an address with zeros. Returns the address, and the number of bits of the
/// given octets.
pub(crate) fn whole_octets(text: &str) -> Option<(Ipv4Addr, usize)> {
    let count = text.split('.').count();
    if !(1..=3).contains(&count) {
        return None;
    }
    let address = format!("{text}{}", ".0".repeat(4 - count)).parse().ok()?;
    Some((address, count * 8))
}
