//! Explains why a text is not an address, and suggests addresses.
//!
//! Runs only for cells that [`crate::ip::parse_address`] rejected, so it may be slow. It never
//! decides what is accepted: each suggestion is parsed like any other cell before it is shown.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::csv::cell::is_error_value;
use crate::csv::columns::is_address_name;
use crate::csv::diagnose::characters::{invisible_character, plain, strange_character};
use crate::csv::diagnose::ipv4::{explain_ipv4, whole_octets};
use crate::csv::diagnose::mixed::{explain_mixed, without_signs_around};
use crate::csv::diagnose::spreadsheet::{
    SpreadsheetDamage, is_formula, is_placeholder, spreadsheet_damage,
};
use crate::csv::diagnose::{ACCEPTED, Explanation, MAX_EXPLAINED_BYTES, names_some};
use crate::ip::{AddressError, AddressSpec, parse_address};
use crate::text::{RichText, Segment, escape, rich};

/// The maximum length of a suggestion, in bytes. A range of two IPv6 addresses has up to 79 bytes. Only a
/// suggestion with many leading zeros in a prefix length is longer.
const MAX_FIX_BYTES: usize = 100;

impl fmt::Display for AddressError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.explain().fmt(f)
    }
}

impl std::error::Error for AddressError<'_> {}

impl AddressError<'_> {
    /// Returns suggested replacements for the cell, the most likely first. [`parse_address`] accepts each of
    /// them. Empty if there is no suggestion.
    #[must_use]
    pub fn fixes(&self) -> Vec<String> {
        self.explain().fixes
    }

    pub(super) fn explain(&self) -> Explanation {
        match self {
            Self::Invalid(given) if given.len() > MAX_EXPLAINED_BYTES => explain_long(given),
            Self::Invalid(given) => explain(given),
            Self::HostBitsSet { given, network } => {
                let (network, host) = (network.trunc().to_string(), network.addr().to_string());
                Explanation::new(rich!("{} has host bits set", escape(given)))
                    .with_help(rich!(
                        "write {} for the network or {} for the host",
                        &network,
                        &host
                    ))
                    .or(network)
                    .or(host)
            }
            Self::ReversedRange { given, first, last } => {
                let range = format!("{last}-{first}");
                Explanation::new(rich!("{} ends before it starts", Segment::quoted(given)))
                    .with_help(rich!("write {}", &range))
                    .or(range)
            }
            Self::MixedFamilies(given) => Explanation::new(rich!(
                "{} is not a range: it mixes IPv4 and IPv6",
                Segment::quoted(given)
            )),
        }
    }
}

/// Explains a cell over [`MAX_EXPLAINED_BYTES`] without searching it for its error.
fn explain_long(text: &str) -> Explanation {
    let quoted = Segment::quoted(text);
    if is_formula(text) {
        return explain_formula(&quoted);
    }
    Explanation::new(rich!(
        "{} is not an IP address: expected {}",
        quoted,
        ACCEPTED
    ))
}

/// Explains a cell in one sentence with the value, the error and the accepted contents, and adds suggestions.
/// [`parse_address`] accepts each suggestion.
#[must_use]
fn explain(text: &str) -> Explanation {
    #[cfg(test)]
    super::explained::count(text);
    let mut reason = explain_whole(text);
    let is_plain = |text: &str| {
        text.len() <= MAX_FIX_BYTES && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
    };
    reason.fixes.retain(|fix| is_plain(fix) && names_some(fix));
    reason
}

fn explain_whole(text: &str) -> Explanation {
    let quoted = Segment::quoted(text);
    if let Some(reason) = explain_no_value(&quoted, text) {
        return reason;
    }
    if let Some(reason) = explain_strange_characters(&quoted, text) {
        return reason;
    }
    if let Some((_, rest)) = text.split_once("://") {
        return explain_url(&quoted, rest);
    }
    if let Some(reason) = explain_mixed(&quoted, text) {
        return reason;
    }
    if let Some(reason) = explain_range(&quoted, text) {
        return reason;
    }
    if let Some((address, suffix)) = text.split_once('/') {
        return explain_network(&quoted, address, suffix);
    }
    explain_single(text).of_part(rich!("{} is not an IP address: ", quoted), |fix| fix)
}

/// Explains a cell that does not contain any address.
fn explain_no_value(quoted: &Segment, text: &str) -> Option<Explanation> {
    if is_placeholder(text) {
        return Some(Explanation::new(rich!(
            "{} is a placeholder for a missing address: write an address, or all",
            quoted
        )));
    }
    if is_address_name(text) {
        return Some(Explanation::new(rich!(
            "{} is a column name, so the line is a second header: remove the line",
            quoted
        )));
    }
    if ["allow", "deny"].contains(&text.to_ascii_lowercase().as_str()) {
        return Some(Explanation::new(rich!(
            "{} is a rule, not an address: if the columns are swapped, swap their names in the header",
            quoted
        )));
    }
    if is_error_value(text) {
        return Some(Explanation::new(rich!(
            "{} is a spreadsheet error value: write an address, or all",
            quoted
        )));
    }
    if is_formula(text) {
        return Some(explain_formula(quoted).or(text.trim_start_matches(['=', '@', '+'])));
    }
    let what = match spreadsheet_damage(text)? {
        SpreadsheetDamage::Date => "looks like a date that a spreadsheet made from an address",
        SpreadsheetDamage::Rounded => "is a rounded number that a spreadsheet made from an address",
        SpreadsheetDamage::Narrow => "is what a spreadsheet shows in a column that is too narrow",
    };
    Some(Explanation::new(rich!(
        "{} {}: format the column as text and write the address again",
        quoted,
        what
    )))
}

fn explain_formula(quoted: &Segment) -> Explanation {
    Explanation::new(rich!("{} is a formula: replace it with an address", quoted))
}

/// Explains characters that are invisible, or that look like the characters of an address.
fn explain_strange_characters(quoted: &Segment, text: &str) -> Option<Explanation> {
    let plain = plain(text)?;
    let is_address = names_some(&plain);
    if let Some(name) = invisible_character(text) {
        let reason = rich!("{} contains {}", quoted, &name);
        return Some(if is_address {
            Explanation::new(rich!("{}: write {}", &reason, escape(&plain))).naming(plain)
        } else {
            Explanation::new(rich!("{}: remove it", &reason)).or(plain)
        });
    }
    if !is_address {
        return None;
    }
    let name = strange_character(text)?;
    let reason = Explanation::new(rich!(
        "{} is not an IP address: it contains {}: write {}",
        quoted,
        &name,
        escape(&plain)
    ));
    Some(reason.naming(plain))
}

/// Explains a URL. `rest` is the text after the scheme.
fn explain_url(quoted: &Segment, rest: &str) -> Explanation {
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    match without_port(host) {
        Some(ip) => {
            Explanation::new(rich!("{} is a URL: write {}", quoted, ip)).naming(ip.to_string())
        }
        None => Explanation::new(rich!("{} is a URL: expected {}", quoted, ACCEPTED)),
    }
}

/// Returns the address in `1.2.3.4`, `1.2.3.4:80`, `[::1]` or `[::1]:80`.
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

/// Explains a range. `None` if neither side of `-` looks like an address, as in the host name `web-1`.
fn explain_range(quoted: &Segment, text: &str) -> Option<Explanation> {
    let (first, last) = text.split_once('-')?;
    let (first, last) = (first.trim(), last.trim());
    if !looks_numeric(first) && !looks_numeric(last) {
        return None;
    }
    if last.contains('-') {
        return Some(Explanation::new(rich!(
            "{} is not a range: expected two addresses separated by one {}",
            quoted,
            Segment::quoted("-")
        )));
    }
    if let Some(range) = range_of_networks(first, last) {
        let reason = rich!(
            "{} is not a range: the ends must be addresses: write {}",
            quoted,
            &range
        );
        return Some(Explanation::new(reason).naming(range));
    }
    for (end, which) in [(first, "first"), (last, "last")] {
        if is_address(end) {
            continue;
        }
        if end.is_empty() {
            let reason = rich!(
                "{} is not a range: the {} address is missing",
                quoted,
                which
            );
            return Some(Explanation::new(reason).or(format!("{first}{last}")));
        }
        if end.contains('/') {
            return Some(Explanation::new(rich!(
                "{} is not a range: the {} address cannot be a network",
                quoted,
                which
            )));
        }
        if let Some(range) = range_of_last_octets(first, last) {
            let reason = rich!(
                "{} is not a range: write the complete last address: {}",
                quoted,
                &range
            );
            return Some(Explanation::new(reason).naming(range));
        }
        let before = rich!(
            "{} is not a range: the {} address is invalid: ",
            quoted,
            which
        );
        let whole = |fix: String| match which {
            "first" => format!("{fix}-{last}"),
            _ => format!("{first}-{fix}"),
        };
        return Some(explain_single(end).of_part(before, whole));
    }
    Some(Explanation::new(rich!(
        "{} is not a range: expected two addresses separated by one {}",
        quoted,
        Segment::quoted("-")
    )))
}

/// Returns the range from the first address of one network to the last address of another:
/// `10.0.0.0-10.0.1.255` for `10.0.0.0/24-10.0.1.0/24`.
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

/// Completes the last address of a range: `10.0.0.1-10.0.0.9` for `10.0.0.1-9`, and
/// `10.0.0.1-10.0.1.9` for `10.0.0.1-1.9`.
fn range_of_last_octets(first: &str, last: &str) -> Option<String> {
    let address: Ipv4Addr = first.parse().ok()?;
    let given = last.split('.').count();
    let octets: Vec<&str> = first.split('.').collect();
    let common = octets.get(..octets.len().checked_sub(given)?)?.join(".");
    let end: Ipv4Addr = format!("{common}.{last}").parse().ok()?;
    (address <= end).then(|| format!("{address}-{end}"))
}

fn explain_network(quoted: &Segment, address: &str, suffix: &str) -> Explanation {
    let not = rich!("{} is not a network: ", quoted);
    if suffix.contains('/') {
        return Explanation::new(rich!("{}expected only one {}", &not, Segment::quoted("/")));
    }
    if !is_address(address) {
        let whole = |fix: String| format!("{fix}/{suffix}");
        let reason = explain_single(address).of_part(not, whole);
        return match whole_octets(address) {
            Some((address, _)) => reason.or(format!("{address}/{suffix}")),
            None => reason,
        };
    }
    if address.contains(':') {
        return Explanation::new(rich!(
            "{}the IPv6 prefix length must be from 0 to 128",
            &not
        ));
    }
    if suffix.contains('.') {
        let reason = Explanation::new(rich!(
            "{}{} is neither a netmask such as 255.255.255.0 nor a hostmask such as 0.0.0.255",
            &not,
            Segment::quoted(suffix)
        ));
        // The suffix may be the last address of a range.
        if address.split('.').next() == suffix.split('.').next() {
            return reason.or(format!("{address}-{suffix}"));
        }
        return reason;
    }
    let reason = Explanation::new(rich!("{}the IPv4 prefix length must be from 0 to 32", &not));
    match suffix {
        "" => reason.or(address),
        _ => reason,
    }
}

/// Explains a text that should be a single address. The reason is the part of the sentence after "is not an
/// IP address: ".
fn explain_single(text: &str) -> Explanation {
    if let Some((address, _)) = text.split_once('%')
        && !text.ends_with('%')
    {
        let reason = "a scope ID such as %eth0 is valid on one machine only, so a server cannot match \
                      it: remove it";
        return Explanation::new(reason).or(address);
    }
    if let Some(inner) = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        && inner.parse::<Ipv6Addr>().is_ok()
    {
        return Explanation::new(rich!("write {} without the brackets", inner)).naming(inner);
    }
    if let Some(ip) = without_port(text) {
        return Explanation::new(rich!("write {} without the port", ip)).naming(ip.to_string());
    }
    if let Some(address) = without_signs_around(text) {
        return Explanation::new(rich!("write only {}", escape(&address))).naming(address);
    }
    if text.contains(':') {
        return Explanation::new(explain_ipv6(text)).or(text.replace(":::", "::"));
    }
    if looks_numeric(text) {
        return explain_ipv4(text);
    }
    let is_decimal = |c: char| c.is_ascii_digit() || c == '.' || c == ',';
    if text.contains(|c: char| c.is_ascii_digit()) && text.chars().all(is_decimal) {
        return explain_ipv4(&text.replace(',', "."));
    }
    if text.starts_with("0x") || text.starts_with("0X") {
        return Explanation::new("expected 4 decimal octets, found a hexadecimal number");
    }
    if text.contains('.')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c))
    {
        return Explanation::new(
            "host names are not accepted, because a server would look them up on every request",
        );
    }
    Explanation::new(rich!("expected {}", ACCEPTED))
}

fn explain_ipv6(text: &str) -> RichText {
    if text.matches("::").count() > 1 || text.contains(":::") {
        return rich!(
            "{} can appear only once in an IPv6 address",
            Segment::quoted("::")
        );
    }
    let groups: Vec<&str> = text.split(':').collect();
    for group in &groups {
        if group.contains('.') {
            if group.parse::<Ipv4Addr>().is_err() {
                return rich!("{} is not an IPv4 address", Segment::quoted(group));
            }
        } else if !group.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return rich!(
                "group {} is not a hexadecimal number",
                Segment::quoted(group)
            );
        } else if group.len() > 4 {
            return rich!("group {} has more than 4 digits", Segment::quoted(group));
        }
    }
    if !text.contains("::") {
        let ipv4_at_end = usize::from(text.contains('.'));
        return rich!(
            "expected 8 groups in an IPv6 address, found {}",
            groups.len() + ipv4_at_end
        );
    }
    rich!(
        "an IPv6 address has 8 groups of up to 4 hexadecimal digits, and one {} can replace groups of zeros",
        Segment::quoted("::")
    )
}

fn is_address(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok()
}

/// Returns whether a text starts like an address and has only hexadecimal digits, dots, colons,
/// slashes and wildcards.
fn looks_numeric(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit() || c == '.' || c == ':')
        && text
            .chars()
            .all(|c| c.is_ascii_hexdigit() || ".:*/xX%?".contains(c))
}

#[cfg(test)]
mod tests;
