//! Why a text is not an address, in words its writer can act on, and what it could say instead.
//!
//! Runs only for cells that [`crate::address::parse`] refused, so it may take its time. It never
//! decides what is accepted: what it suggests is parsed like any other cell before it is shown.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::address::{self, Addresses};
use crate::cell::is_error_value;
use crate::explain_several::{explain_several, without_signs_around};
use crate::explain_text::{
    Damage, damage, invisible_character, is_formula, means_nothing, plain, strange_character,
};
use crate::header::is_address_name;
use crate::quote::quote;

/// What an address cell may hold, for messages.
const ACCEPTED: &str = "an IPv4 or IPv6 address, a network such as 10.0.0.0/8, a range such as \
                        10.0.0.1-10.0.0.9, or all";

/// Why a cell is rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    /// One sentence, or its end.
    pub(crate) sentence: String,
    /// What the cell could say instead, the likeliest first.
    pub(crate) fixes: Vec<String>,
}

impl Reason {
    /// A reason that suggests nothing.
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self {
            sentence: sentence.into(),
            fixes: Vec::new(),
        }
    }

    /// The same, with one more suggestion.
    pub(crate) fn or(mut self, fix: impl Into<String>) -> Self {
        self.fixes.push(fix.into());
        self
    }

    /// The reason for the whole of a text of which this is the reason for a part.
    fn of_part(self, before: &str, whole: impl Fn(String) -> String) -> Self {
        Self {
            sentence: format!("{before}{}", self.sentence),
            fixes: self.fixes.into_iter().map(whole).collect(),
        }
    }
}

/// One sentence, which is the value, what is wrong with it, and what is accepted; and suggestions
/// that are accepted, each of them.
#[must_use]
pub(crate) fn explain(text: &str) -> Reason {
    let mut reason = explain_whole(text);
    reason.fixes.retain(|fix| address::parse(fix).is_ok());
    reason
}

fn explain_whole(text: &str) -> Reason {
    let shown = quote(text);
    if let Some(reason) = explain_no_value(&shown, text) {
        return reason;
    }
    if let Some(reason) = explain_strange_characters(&shown, text) {
        return reason;
    }
    if let Some((_, rest)) = text.split_once("://") {
        return explain_url(&shown, rest);
    }
    if let Some(reason) = explain_several(&shown, text) {
        return reason;
    }
    if let Some(reason) = explain_range(&shown, text) {
        return reason;
    }
    if let Some((address, suffix)) = text.split_once('/') {
        return explain_network(&shown, address, suffix);
    }
    explain_single(text).of_part(&format!("{shown} is not an IP address: "), |fix| fix)
}

/// What holds no address at all, however it is spelt.
fn explain_no_value(shown: &str, text: &str) -> Option<Reason> {
    if means_nothing(text) {
        return Some(Reason::new(format!(
            "{shown} stands for a missing address: write one, or all"
        )));
    }
    if is_address_name(text) {
        return Some(Reason::new(format!(
            "{shown} is a column's name: this is a second header, remove the line"
        )));
    }
    if is_error_value(text) {
        return Some(Reason::new(format!(
            "{shown} is a formula that failed in the spreadsheet: write an address, or all"
        )));
    }
    if is_formula(text) {
        let reason = Reason::new(format!(
            "{shown} is a formula: paste its value, an address, in its place"
        ));
        return Some(reason.or(text.trim_start_matches(['=', '@', '+'])));
    }
    let what = match damage(text)? {
        Damage::Date => "looks like a date that a spreadsheet made of an address",
        Damage::Rounded => "is a number that a spreadsheet made of an address, and rounded",
        Damage::Narrow => "is what a spreadsheet shows in a column that is too narrow",
    };
    Some(Reason::new(format!(
        "{shown} {what}: make the column a text column and write the address again"
    )))
}

/// Characters that nobody sees, or that look like those of an address.
fn explain_strange_characters(shown: &str, text: &str) -> Option<Reason> {
    let plain = plain(text)?;
    let is_address = address::parse(&plain).is_ok();
    if let Some(name) = invisible_character(text) {
        let way_out = match is_address {
            true => format!("write {plain}"),
            false => "remove it".to_owned(),
        };
        let reason = Reason::new(format!("{shown} has {name} in it: {way_out}"));
        return Some(reason.or(plain));
    }
    if !is_address {
        return None;
    }
    let name = strange_character(text)?;
    let reason = Reason::new(format!(
        "{shown} is not an IP address: it has {name} in it, write {plain}"
    ));
    Some(reason.or(plain))
}

/// `rest` is what follows the scheme.
fn explain_url(shown: &str, rest: &str) -> Reason {
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    match without_port(host) {
        Some(ip) => Reason::new(format!("{shown} is a URL: write {ip}")).or(ip.to_string()),
        None => Reason::new(format!("{shown} is a URL: expected {ACCEPTED}")),
    }
}

/// The address of `1.2.3.4`, `1.2.3.4:80`, `[::1]` or `[::1]:80`.
fn without_port(host: &str) -> Option<IpAddr> {
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((inner, port)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let is_alone = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        return inner
            .parse::<Ipv6Addr>()
            .ok()
            .filter(|_| is_alone)
            .map(IpAddr::V6);
    }
    let (address, port) = host.split_once(':').unwrap_or((host, ""));
    address
        .parse::<Ipv4Addr>()
        .ok()
        .filter(|_| is_port(port))
        .map(IpAddr::V4)
}

/// `None` where neither side of a `-` looks like an address: `web-1` is a host name.
fn explain_range(shown: &str, text: &str) -> Option<Reason> {
    let (first, last) = text.split_once('-')?;
    let (first, last) = (first.trim(), last.trim());
    if !looks_numeric(first) && !looks_numeric(last) {
        return None;
    }
    if last.contains('-') {
        return Some(Reason::new(format!(
            "{shown} is not a range: expected two addresses and one \"-\", found more"
        )));
    }
    if let Some(range) = range_of_networks(first, last) {
        let reason = format!("{shown} is not a range: its ends are networks, write {range}");
        return Some(Reason::new(reason).or(range));
    }
    for (end, which) in [(first, "first"), (last, "last")] {
        if is_address(end) {
            continue;
        }
        if end.is_empty() {
            let reason = format!("{shown} is not a range: its {which} address is missing");
            return Some(Reason::new(reason).or(format!("{first}{last}")));
        }
        if end.contains('/') {
            return Some(Reason::new(format!(
                "{shown} is not a range: its {which} end is a network, expected an address"
            )));
        }
        let before = format!("{shown} is not a range: its {which} address is wrong: ");
        let whole = |fix: String| match which {
            "first" => format!("{fix}-{last}"),
            _ => format!("{first}-{fix}"),
        };
        let mut reason = explain_single(end).of_part(&before, whole);
        reason.fixes.extend(range_of_last_octets(first, last));
        return Some(reason);
    }
    Some(Reason::new(format!(
        "{shown} is not a range of addresses: expected two addresses and one \"-\""
    )))
}

/// `10.0.0.0/24-10.0.1.0/24` from the first address of the first to the last one of the last.
fn range_of_networks(first: &str, last: &str) -> Option<String> {
    if !first.contains('/') && !last.contains('/') {
        return None;
    }
    match (address::parse(first).ok()?, address::parse(last).ok()?) {
        (Addresses::Ipv4(first), Addresses::Ipv4(last)) if first.first <= last.last => {
            let ends = [first.first, last.last].map(Ipv4Addr::from_bits);
            Some(format!("{}-{}", ends[0], ends[1]))
        }
        (Addresses::Ipv6(first), Addresses::Ipv6(last)) if first.first <= last.last => {
            let ends = [first.first, last.last].map(Ipv6Addr::from_bits);
            Some(format!("{}-{}", ends[0], ends[1]))
        }
        _ => None,
    }
}

/// `10.0.0.1-9` as `10.0.0.1-10.0.0.9`, and `10.0.0.1-1.9` as `10.0.0.1-10.0.1.9`.
fn range_of_last_octets(first: &str, last: &str) -> Option<String> {
    let address: Ipv4Addr = first.parse().ok()?;
    let given = last.split('.').count();
    let octets: Vec<&str> = first.split('.').collect();
    let common = octets.get(..octets.len().checked_sub(given)?)?.join(".");
    let end: Ipv4Addr = format!("{common}.{last}").parse().ok()?;
    (address <= end).then(|| format!("{address}-{end}"))
}

fn explain_network(shown: &str, address: &str, suffix: &str) -> Reason {
    let not = format!("{shown} is not a network: ");
    if suffix.contains('/') {
        return Reason::new(format!("{not}expected one \"/\", found more"));
    }
    if !is_address(address) {
        let whole = |fix: String| format!("{fix}/{suffix}");
        let reason = explain_single(address).of_part(&not, whole);
        return match whole_octets(address) {
            Some((address, _)) => reason.or(format!("{address}/{suffix}")),
            None => reason,
        };
    }
    if address.contains(':') {
        return Reason::new(format!("{not}the prefix length of IPv6 must be 0 to 128"));
    }
    if suffix.contains('.') {
        let reason = Reason::new(format!(
            "{not}{} is neither a netmask such as 255.255.255.0 nor a hostmask such as 0.0.0.255",
            quote(suffix)
        ));
        // The last address in place of a mask.
        return match address.split('.').next() == suffix.split('.').next() {
            true => reason.or(format!("{address}-{suffix}")),
            false => reason,
        };
    }
    let reason = Reason::new(format!("{not}the prefix length of IPv4 must be 0 to 32"));
    match suffix {
        "" => reason.or(address),
        _ => reason,
    }
}

/// The part after "is not an IP address: ".
fn explain_single(text: &str) -> Reason {
    if let Some((address, _)) = text.split_once('%')
        && !text.ends_with('%')
    {
        let reason = "a scope id such as %eth0 names an interface of one machine, servers cannot \
                      match it; remove it";
        return Reason::new(reason).or(address);
    }
    if let Some(inner) = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        && inner.parse::<Ipv6Addr>().is_ok()
    {
        return Reason::new(format!("write {inner} without the brackets")).or(inner);
    }
    if let Some(ip) = without_port(text) {
        return Reason::new(format!("write {ip} without the port")).or(ip.to_string());
    }
    if let Some(address) = without_signs_around(text) {
        return Reason::new(format!("write {address} and nothing else")).or(address);
    }
    if text.contains(':') {
        return Reason::new(explain_ipv6(text)).or(text.replace(":::", "::"));
    }
    if looks_numeric(text) {
        return explain_ipv4(text);
    }
    if text.starts_with("0x") || text.starts_with("0X") {
        return Reason::new("expected 4 octets in decimal, found hexadecimal");
    }
    if text.contains('.')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c))
    {
        return Reason::new(
            "host names are not accepted, for they would be looked up on every request",
        );
    }
    Reason::new(format!("expected {ACCEPTED}"))
}

fn explain_ipv4(text: &str) -> Reason {
    let octets: Vec<&str> = text.split('.').collect();
    if octets.iter().any(|octet| is_wild(octet)) {
        return match wildcard_network(&octets) {
            Some(network) => {
                Reason::new(format!("wildcards are not accepted, write {network}")).or(network)
            }
            None => Reason::new("wildcards are not accepted, write a network such as 10.0.0.0/8"),
        };
    }
    if octets.len() != 4 || octets.ends_with(&[""]) {
        return explain_count(text, octets.len());
    }
    for octet in &octets {
        if octet.is_empty() {
            return Reason::new("an octet is empty");
        }
        if !octet.bytes().all(|byte| byte.is_ascii_digit()) {
            return Reason::new(format!("octet {} is not a decimal number", quote(octet)));
        }
        if octet.len() > 1 && octet.starts_with('0') {
            return explain_leading_zero(&octets, octet);
        }
        if octet.parse::<u8>().is_err() {
            return Reason::new(format!("octet {} must be 0 to 255", quote(octet)));
        }
    }
    Reason::new(format!("expected {ACCEPTED}"))
}

/// Not four octets. Three of them suggest nothing: Apache takes `2.2.2` for a network, others for
/// 2.2.0.2.
fn explain_count(text: &str, count: usize) -> Reason {
    if let Some(octets) = text.strip_suffix('.')
        && let Some((address, bits)) = whole_octets(octets)
    {
        let network = format!("{address}/{bits}");
        return Reason::new(format!("an octet is empty, write {network}")).or(network);
    }
    let expected = format!("expected 4 octets, found {count}");
    if count != 1 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Reason::new(expected);
    }
    let integer = text.parse::<u32>().ok().filter(|number| 1 << 24 <= *number);
    let integer = integer.map(|number| Ipv4Addr::from_bits(number).to_string());
    let reason = match without_separators(text) {
        Some(address) => Reason::new(format!(
            "{expected}; a spreadsheet that takes the dots for thousands separators leaves this \
             of {address}"
        ))
        .or(address.to_string()),
        None => Reason::new(expected),
    };
    integer.into_iter().fold(reason, Reason::or)
}

/// `192168100200` as 192.168.100.200: every octet but the first has three digits.
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
    // A thousands separator stands before digits, zeros too, but an octet has none in front.
    let text = address.to_string();
    (text.len() == digits.len() + 3).then_some(address)
}

/// Read as decimal and, where that is something else, as octal: both readings are about.
fn explain_leading_zero(octets: &[&str], octet: &str) -> Reason {
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
    let reason = Reason::new(format!(
        "octet {} has a leading zero, which some programs read as octal",
        quote(octet)
    ));
    decimal.into_iter().chain(octal).fold(reason, Reason::or)
}

fn is_wild(octet: &str) -> bool {
    matches!(
        octet,
        "*" | "x" | "X" | "xx" | "xxx" | "XX" | "XXX" | "%" | "?"
    )
}

/// `1.2.3.*` as `1.2.3.0/24`, where only whole octets at the end are wild.
fn wildcard_network(octets: &[&str]) -> Option<String> {
    let fixed = octets.iter().take_while(|octet| !is_wild(octet)).count();
    let wild = octets.get(fixed..)?;
    if octets.len() > 4 || !wild.iter().all(|octet| is_wild(octet)) {
        return None;
    }
    let (address, bits) = whole_octets(&octets.get(..fixed)?.join("."))?;
    Some(format!("{address}/{bits}"))
}

/// One to three octets as the start of a network, and the bits that they are.
fn whole_octets(text: &str) -> Option<(Ipv4Addr, usize)> {
    let count = text.split('.').count();
    if !(1..=3).contains(&count) {
        return None;
    }
    let address = format!("{text}{}", ".0".repeat(4 - count)).parse().ok()?;
    Some((address, count * 8))
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
    text.parse::<IpAddr>().is_ok()
}

/// Starts as an address would: digits, dots, colons, wildcards.
fn looks_numeric(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit() || c == '.' || c == ':')
        && text
            .chars()
            .all(|c| c.is_ascii_hexdigit() || ".:*/xX%?".contains(c))
}

#[cfg(test)]
#[path = "explain_address_tests.rs"]
mod tests;
