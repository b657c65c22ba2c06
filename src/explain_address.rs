//! Why a text is not an address, in words its writer can act on.
//!
//! Runs only for cells that [`crate::address::parse`] refused, so it may take its time. It never
//! decides what is accepted.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::quote::quote;

/// What an address cell may hold, for messages.
const ACCEPTED: &str = "an IPv4 or IPv6 address, a network such as 10.0.0.0/8, a range such as \
                        10.0.0.1-10.0.0.9, or all";

/// One sentence: the value, what is wrong with it, and what is accepted.
#[must_use]
pub(crate) fn explain(text: &str) -> String {
    let shown = quote(text);
    if let Some((address, suffix)) = text.split_once('/') {
        return explain_network(text, address, suffix);
    }
    if let Some((first, last)) = range_ends(text) {
        return explain_range(&shown, first, last);
    }
    format!("{shown} is not an IP address: {}", explain_single(text))
}

/// The two sides of a `-` where at least one looks like an address: `web-1` is a host name.
fn range_ends(text: &str) -> Option<(&str, &str)> {
    let (first, last) = text.split_once('-')?;
    let (first, last) = (first.trim(), last.trim());
    (looks_numeric(first) || looks_numeric(last)).then_some((first, last))
}

fn explain_range(shown: &str, first: &str, last: &str) -> String {
    for (end, which) in [(first, "first"), (last, "last")] {
        if is_address(end) {
            continue;
        }
        if end.is_empty() {
            return format!("{shown} is not a range: its {which} address is missing");
        }
        if end.contains('/') {
            return format!(
                "{shown} is not a range: its {which} end is a network, expected an address"
            );
        }
        let reason = explain_single(end);
        return format!("{shown} is not a range: its {which} address is wrong: {reason}");
    }
    format!("{shown} is not a range of addresses: expected two addresses and one \"-\"")
}

fn explain_network(text: &str, address: &str, suffix: &str) -> String {
    let shown = quote(text);
    if text.contains("://") {
        return format!("{shown} is a URL: expected {ACCEPTED}");
    }
    if suffix.contains('/') {
        return format!("{shown} is not a network: expected one \"/\", found more");
    }
    if !is_address(address) {
        let reason = explain_single(address);
        return format!("{shown} is not a network: {reason}");
    }
    if address.contains(':') {
        return format!("{shown} is not a network: the prefix length of IPv6 must be 0 to 128");
    }
    if suffix.contains('.') {
        return format!(
            "{shown} is not a network: {} is neither a netmask such as 255.255.255.0 nor a \
             hostmask such as 0.0.0.255",
            quote(suffix)
        );
    }
    format!("{shown} is not a network: the prefix length of IPv4 must be 0 to 32")
}

/// The part after "is not an IP address: ".
fn explain_single(text: &str) -> String {
    if text.contains('%') {
        return "a scope id such as %eth0 names an interface of one machine, servers cannot match \
                it; remove it"
            .to_owned();
    }
    if let Some(inner) = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        && inner.parse::<Ipv6Addr>().is_ok()
    {
        return format!("write {inner} without the brackets");
    }
    if let Some((address, port)) = text.split_once(':')
        && !port.contains(':')
        && address.parse::<Ipv4Addr>().is_ok()
    {
        return format!("write {address} without the port");
    }
    if text.contains(':') {
        return explain_ipv6(text);
    }
    if looks_numeric(text) {
        return explain_ipv4(text);
    }
    if text.contains(['–', '—', '‒', '−']) {
        return "a range is written with a plain \"-\"".to_owned();
    }
    if text.contains('.')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c))
    {
        return "host names are not accepted, for they would be looked up on every request"
            .to_owned();
    }
    format!("expected {ACCEPTED}")
}

fn explain_ipv4(text: &str) -> String {
    let octets: Vec<&str> = text.split('.').collect();
    if octets.contains(&"*") {
        return match wildcard_network(&octets) {
            Some(network) => format!("wildcards are not accepted, write {network}"),
            None => "wildcards are not accepted, write a network such as 10.0.0.0/8".to_owned(),
        };
    }
    if octets.len() != 4 {
        return format!("expected 4 octets, found {}", octets.len());
    }
    for octet in octets {
        if octet.is_empty() {
            return "an octet is empty".to_owned();
        }
        if !octet.bytes().all(|byte| byte.is_ascii_digit()) {
            return format!("octet {} is not a decimal number", quote(octet));
        }
        if octet.len() > 1 && octet.starts_with('0') {
            return format!(
                "octet {} has a leading zero, which some programs read as octal",
                quote(octet)
            );
        }
        if octet.parse::<u8>().is_err() {
            return format!("octet {} must be 0 to 255", quote(octet));
        }
    }
    format!("expected {ACCEPTED}")
}

/// `1.2.3.*` as `1.2.3.0/24`, where only whole octets at the end are wild.
fn wildcard_network(octets: &[&str]) -> Option<String> {
    let fixed = octets.iter().take_while(|octet| **octet != "*").count();
    let wild = octets.get(fixed..)?;
    if !(1..=3).contains(&fixed) || octets.len() > 4 || wild.iter().any(|octet| *octet != "*") {
        return None;
    }
    let mut whole: Vec<&str> = octets.get(..fixed)?.to_vec();
    whole.resize(4, "0");
    let address: Ipv4Addr = whole.join(".").parse().ok()?;
    Some(format!("{address}/{}", fixed * 8))
}

fn explain_ipv6(text: &str) -> String {
    if text.matches("::").count() > 1 || text.contains(":::") {
        return "\"::\" may stand once in an IPv6 address".to_owned();
    }
    let groups: Vec<&str> = text.split(':').collect();
    for group in &groups {
        if group.contains('.') {
            if group.parse::<Ipv4Addr>().is_err() {
                return format!("{} is not an IPv4 address", quote(group));
            }
        } else if !group.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return format!("group {} is not a hexadecimal number", quote(group));
        } else if group.len() > 4 {
            return format!("group {} has more than 4 digits", quote(group));
        }
    }
    if !text.contains("::") {
        let ipv4_at_end = usize::from(text.contains('.'));
        return format!(
            "expected 8 groups in IPv6, found {}",
            groups.len() + ipv4_at_end
        );
    }
    "an IPv6 address has 8 groups of up to 4 hexadecimal digits, with one \"::\" for a run of zeros"
        .to_owned()
}

fn is_address(text: &str) -> bool {
    text.parse::<std::net::IpAddr>().is_ok()
}

/// Starts as an address would: digits, dots, colons, stars.
fn looks_numeric(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit() || c == '.' || c == ':')
        && text
            .chars()
            .all(|c| c.is_ascii_hexdigit() || ".:*/".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, reason: &str) {
        let sentence = explain(text);
        assert!(
            sentence.starts_with(&quote(text)),
            "{sentence:?} does not start with the value"
        );
        assert!(
            sentence.ends_with(reason),
            "{sentence:?} does not end with {reason:?}"
        );
        assert!(crate::address::parse(text).is_err(), "{text:?} is accepted");
    }

    #[test]
    fn explains_ipv4() {
        check("2.2.2", "is not an IP address: expected 4 octets, found 3");
        check("1.2.3.4.5", "expected 4 octets, found 5");
        check("16909060", "expected 4 octets, found 1");
        check(
            "192.168.01.1",
            "octet \"01\" has a leading zero, which some programs read as octal",
        );
        check("1.2.3.256", "octet \"256\" must be 0 to 255");
        check("1.2..4", "an octet is empty");
        check("1.2.3.0a", "octet \"0a\" is not a decimal number");
        check("1.2.3.*", "wildcards are not accepted, write 1.2.3.0/24");
        check("10.*", "wildcards are not accepted, write 10.0.0.0/8");
        check(
            "1.*.3.4",
            "wildcards are not accepted, write a network such as 10.0.0.0/8",
        );
        check("1.2.3.4:80", "write 1.2.3.4 without the port");
    }

    #[test]
    fn explains_ipv6() {
        check(
            "fe80::1%eth0",
            "names an interface of one machine, servers cannot match it; remove it",
        );
        check("[2001:db8::1]", "write 2001:db8::1 without the brackets");
        check("1::2::3", "\"::\" may stand once in an IPv6 address");
        check("1:2:3", "expected 8 groups in IPv6, found 3");
        check("2001:db8::12345", "group \"12345\" has more than 4 digits");
        check("2001:db8::g", "group \"g\" is not a hexadecimal number");
        check("::ffff:1.2.3", "\"1.2.3\" is not an IPv4 address");
        check("1:2:3:4:5:6:7::8", "with one \"::\" for a run of zeros");
    }

    #[test]
    fn explains_networks() {
        check(
            "1.2.3.4/33",
            "is not a network: the prefix length of IPv4 must be 0 to 32",
        );
        check("1.2.3.4/", "the prefix length of IPv4 must be 0 to 32");
        check(
            "2001:db8::/129",
            "the prefix length of IPv6 must be 0 to 128",
        );
        check(
            "2001:db8::/ffff::",
            "the prefix length of IPv6 must be 0 to 128",
        );
        check("10.0.0.0/255.0.255.0", "nor a hostmask such as 0.0.0.255");
        check("10/8", "is not a network: expected 4 octets, found 1");
        check("1.2.3.0/24/1", "expected one \"/\", found more");
        check(
            "http://example.com/x",
            &format!("is a URL: expected {ACCEPTED}"),
        );
        check("fe80::%eth0/64", "servers cannot match it; remove it");
    }

    #[test]
    fn explains_ranges() {
        check("1.2.3.4-", "its last address is missing");
        check(
            "1.2.3-1.2.3.9",
            "its first address is wrong: expected 4 octets, found 3",
        );
        check("10.0.0.0/24-10.0.1.0/24", "");
        check(
            "1.2.3.4-9",
            "its last address is wrong: expected 4 octets, found 1",
        );
        check("1.2.3.4–1.2.3.9", "a range is written with a plain \"-\"");
    }

    #[test]
    fn explains_what_is_no_address_at_all() {
        check(
            "web-1.example.com",
            "for they would be looked up on every request",
        );
        check(
            "office",
            &format!("is not an IP address: expected {ACCEPTED}"),
        );
    }
}
