//! Why a text is not an address, in words its writer can act on, and what it could say instead.
//!
//! Runs only for cells that [`crate::ip::parse_address`] refused, so it may take its time. It never
//! decides what is accepted: what it suggests is parsed like any other cell before it is shown.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::csv::cell::is_error_value;
use crate::csv::columns::is_address_name;
use crate::csv::diagnose::characters::{invisible_character, plain, strange_character};
use crate::csv::diagnose::ipv4::{explain_ipv4, whole_octets};
use crate::csv::diagnose::mixed::{explain_mixed, without_signs_around};
use crate::csv::diagnose::spreadsheet::{
    SpreadsheetDamage, is_formula, means_nothing, spreadsheet_damage,
};
use crate::csv::diagnose::{ACCEPTED, Reason, names_some};
use crate::ip::{AddressError, AddressSpec, parse_address};
use crate::text::{escape, quote};

/// The longest suggestion: two IPv6 addresses are 79 bytes, and only a prefix length with many
/// zeros before it is more.
const MAX_FIX_BYTES: usize = 100;

impl fmt::Display for AddressError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(given) => f.write_str(&explain(given).sentence),
            Self::HostBitsSet { given, network } => write!(
                f,
                "{} has host bits set: write {} for the network or {} for the host",
                escape(given),
                network.trunc(),
                network.addr(),
            ),
            Self::ReversedRange { given, first, last } => write!(
                f,
                "{} ends before it starts: write {last}-{first}",
                quote(given)
            ),
            Self::MixedFamilies(given) => write!(
                f,
                "{} is not a range: one end is IPv4 and the other is IPv6",
                quote(given)
            ),
        }
    }
}

impl std::error::Error for AddressError<'_> {}

impl AddressError<'_> {
    /// What the cell could say instead, the likeliest first: each is accepted by [`parse_address`]. Empty
    /// where nothing can be told from the cell.
    #[must_use]
    pub fn fixes(&self) -> Vec<String> {
        match self {
            Self::Invalid(given) => explain(given).fixes,
            Self::HostBitsSet { network, .. } => {
                vec![network.trunc().to_string(), network.addr().to_string()]
            }
            Self::ReversedRange { first, last, .. } => vec![format!("{last}-{first}")],
            Self::MixedFamilies(_) => Vec::new(),
        }
    }
}

/// One sentence, which is the value, what is wrong with it, and what is accepted; and suggestions
/// that are accepted, each of them.
#[must_use]
fn explain(text: &str) -> Reason {
    let mut reason = explain_whole(text);
    let is_plain = |text: &str| {
        text.len() <= MAX_FIX_BYTES && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
    };
    reason.fixes.retain(|fix| is_plain(fix) && names_some(fix));
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
    if let Some(reason) = explain_mixed(&shown, text) {
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
    if ["allow", "deny"].contains(&text.to_ascii_lowercase().as_str()) {
        return Some(Reason::new(format!(
            "{shown} is a rule and no address: where the columns changed places, exchange their names in the header"
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
    let what = match spreadsheet_damage(text)? {
        SpreadsheetDamage::Date => "looks like a date that a spreadsheet made of an address",
        SpreadsheetDamage::Rounded => {
            "is a number that a spreadsheet made of an address, and rounded"
        }
        SpreadsheetDamage::Narrow => "is what a spreadsheet shows in a column that is too narrow",
    };
    Some(Reason::new(format!(
        "{shown} {what}: make the column a text column and write the address again"
    )))
}

/// Characters that nobody sees, or that look like those of an address.
fn explain_strange_characters(shown: &str, text: &str) -> Option<Reason> {
    let plain = plain(text)?;
    let is_address = names_some(&plain);
    if let Some(name) = invisible_character(text) {
        let way_out = if is_address {
            format!("write {}", escape(&plain))
        } else {
            "remove it".to_owned()
        };
        let reason = Reason::new(format!("{shown} has {name} in it: {way_out}"));
        return Some(reason.or(plain));
    }
    if !is_address {
        return None;
    }
    let name = strange_character(text)?;
    let reason = Reason::new(format!(
        "{shown} is not an IP address: it has {name} in it, write {}",
        escape(&plain)
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
        if let Some(range) = range_of_last_octets(first, last) {
            let reason = format!("{shown} is not a range: write its last address whole, {range}");
            return Some(Reason::new(reason).or(range));
        }
        let before = format!("{shown} is not a range: its {which} address is wrong: ");
        let whole = |fix: String| match which {
            "first" => format!("{fix}-{last}"),
            _ => format!("{first}-{fix}"),
        };
        return Some(explain_single(end).of_part(&before, whole));
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
    match (parse_address(first).ok()?, parse_address(last).ok()?) {
        (AddressSpec::Ipv4(first), AddressSpec::Ipv4(last)) if first.first <= last.last => {
            let ends = [first.first, last.last].map(Ipv4Addr::from_bits);
            Some(format!("{}-{}", ends[0], ends[1]))
        }
        (AddressSpec::Ipv6(first), AddressSpec::Ipv6(last)) if first.first <= last.last => {
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
        if address.split('.').next() == suffix.split('.').next() {
            return reason.or(format!("{address}-{suffix}"));
        }
        return reason;
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
        return Reason::new(format!("write {} and nothing else", escape(&address))).or(address);
    }
    if text.contains(':') {
        return Reason::new(explain_ipv6(text)).or(text.replace(":::", "::"));
    }
    if looks_numeric(text) {
        return explain_ipv4(text);
    }
    let is_decimal = |c: char| c.is_ascii_digit() || c == '.' || c == ',';
    if text.contains(|c: char| c.is_ascii_digit()) && text.chars().all(is_decimal) {
        return explain_ipv4(&text.replace(',', "."));
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
mod tests;
