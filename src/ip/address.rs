//! Parses the text of one cell into the addresses that it specifies.
//!
//! ```text
//! cell    = "all" / "*" / "any"                  the default policy, any case
//!         / ip                                   192.0.2.1, 2001:db8::1
//!         / ip "/" prefix-length                 10.0.0.0/8, 2001:db8::/32
//!         / ipv4 "/" netmask                     10.0.0.0/255.0.0.0
//!         / ipv4 "/" hostmask                    10.0.0.0/0.255.255.255
//!         / ip *space "-" *space ip              a range, both ends included
//! ```
//!
//! A cell is accepted if and only if Python's `ipaddress.ip_address` or `ip_network(strict=True)`
//! accepts it, with three exceptions: ranges and `all` are also accepted, and IPv6 scope IDs
//! (`fe80::1%eth0`) are not, because Apache cannot match them. IPv4-mapped IPv6 addresses (RFC 4291,
//! section 2.5.5.2) become IPv4, because servers match such clients against their IPv4 rules.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::ip::range::AddrRange;

/// The maximum number of digits in a prefix length, including leading zeros. CPython has the same limit
/// for converting text to an integer (`sys.int_info.default_max_str_digits`).
const MAX_PREFIX_DIGITS: usize = 4300;

/// The addresses that one cell specifies. `Display` writes a cell that specifies the same addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressSpec {
    /// IPv4 addresses, as integers in network order.
    Ipv4(AddrRange<u32>),
    /// IPv6 addresses, as integers in network order.
    Ipv6(AddrRange<u128>),
    /// All addresses of both families: the row sets the file's default policy.
    All,
}

impl fmt::Display for AddressSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ipv4(range) => f.write_str(&range.text()),
            Self::Ipv6(range) => f.write_str(&range.text()),
            Self::All => f.write_str("all"),
        }
    }
}

/// The reason why a cell does not specify addresses.
///
/// `Display`, which is implemented in `csv/diagnose/address.rs`, writes a sentence that starts with the
/// value. The sentence is built only when it is shown, because most rejections are only counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressError<'a> {
    /// The cell does not match the grammar.
    Invalid(&'a str),
    /// A network whose address has bits set beyond its prefix.
    HostBitsSet {
        /// The cell.
        given: &'a str,
        /// The network as written, with the host bits.
        network: IpNet,
    },
    /// A range whose first address is higher than its last.
    ReversedRange {
        /// The cell.
        given: &'a str,
        /// The first address of the range.
        first: IpAddr,
        /// The last address of the range.
        last: IpAddr,
    },
    /// A range that starts in one family and ends in the other.
    MixedFamilies(&'a str),
}

/// Parses the addresses that a cell specifies. The caller has removed white space around the cell.
///
/// ```
/// use htaccess_generator::ip::{parse_address, AddressSpec};
///
/// assert_eq!(parse_address("0.0.0.0/255.255.255.254"), parse_address("0.0.0.0-0.0.0.1"));
/// assert_eq!(parse_address("::ffff:192.0.2.1"), parse_address("192.0.2.1"));
/// assert_eq!(parse_address("ALL"), Ok(AddressSpec::All));
/// assert_eq!(
///     parse_address("2.2.2").unwrap_err().to_string(),
///     "\"2.2.2\" is not an IP address: expected 4 octets, found 3"
/// );
/// ```
///
/// # Errors
///
/// See [`AddressError`].
pub fn parse_address(text: &str) -> Result<AddressSpec, AddressError<'_>> {
    // Every address contains a dot or a colon. This check makes short texts without them cheap to reject,
    // because a hostile upload may consist mostly of such texts.
    let may_be_address = memchr::memchr2(b'.', b':', text.as_bytes()).is_some();
    if may_be_address && let Ok(ip) = text.parse::<IpAddr>() {
        return Ok(single(ip));
    }
    if text == "*" || text.eq_ignore_ascii_case("all") || text.eq_ignore_ascii_case("any") {
        return Ok(AddressSpec::All);
    }
    if !may_be_address {
        return Err(AddressError::Invalid(text));
    }
    let parsed = if let Some((address, suffix)) = text.split_once('/') {
        parse_network(text, address, suffix)?
    } else if let Some((first, last)) = text.split_once('-') {
        parse_range(text, first.trim(), last.trim())?
    } else {
        None
    };
    parsed.ok_or(AddressError::Invalid(text))
}

fn single(ip: IpAddr) -> AddressSpec {
    match ip.to_canonical() {
        IpAddr::V4(ip) => AddressSpec::Ipv4(AddrRange {
            first: ip.to_bits(),
            last: ip.to_bits(),
        }),
        IpAddr::V6(ip) => AddressSpec::Ipv6(AddrRange {
            first: ip.to_bits(),
            last: ip.to_bits(),
        }),
    }
}

/// Parses an address and a prefix length or mask. Returns `None` if they do not form a network. The
/// caller reports that case.
fn parse_network<'a>(
    text: &'a str,
    address: &str,
    suffix: &str,
) -> Result<Option<AddressSpec>, AddressError<'a>> {
    let Ok(ip) = address.parse::<IpAddr>() else {
        return Ok(None);
    };
    let network: Option<IpNet> = match ip {
        IpAddr::V4(ip) => ipv4_network(ip, suffix).map(IpNet::V4),
        IpAddr::V6(ip) => prefix_length(suffix)
            .and_then(|length| Ipv6Net::new(ip, length).ok())
            .map(IpNet::V6),
    };
    let Some(network) = network else {
        return Ok(None);
    };
    if network.network() != ip {
        return Err(AddressError::HostBitsSet {
            given: text,
            network,
        });
    }
    Ok(network_range(network))
}

fn ipv4_network(ip: Ipv4Addr, suffix: &str) -> Option<Ipv4Net> {
    if let Some(length) = prefix_length(suffix) {
        return Ipv4Net::new(ip, length).ok();
    }
    let mask: Ipv4Addr = suffix.parse().ok()?;
    // Like Python, tries the mask as a netmask first, so 0.0.0.0 is /0 and not /32.
    Ipv4Net::with_netmask(ip, mask)
        .or_else(|_| Ipv4Net::with_netmask(ip, Ipv4Addr::from_bits(!mask.to_bits())))
        .ok()
}

/// Parses a prefix length like Python: ASCII digits, leading zeros allowed.
fn prefix_length(text: &str) -> Option<u8> {
    let is_number = (1..=MAX_PREFIX_DIGITS).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number {
        return None;
    }
    match text.trim_start_matches('0') {
        "" => Some(0),
        digits => digits.parse().ok(),
    }
}

/// Parses the two ends of a range. Returns `None` unless both are addresses. The caller reports that
/// case.
fn parse_range<'a>(
    text: &'a str,
    first: &str,
    last: &str,
) -> Result<Option<AddressSpec>, AddressError<'a>> {
    let (Ok(first), Ok(last)) = (first.parse::<IpAddr>(), last.parse::<IpAddr>()) else {
        return Ok(None);
    };
    let addresses = match (first.to_canonical(), last.to_canonical()) {
        (IpAddr::V4(first), IpAddr::V4(last)) => ipv4_range(first, last),
        (IpAddr::V6(first), IpAddr::V6(last)) => ipv6_range(first, last),
        _ => return Err(AddressError::MixedFamilies(text)),
    };
    match addresses {
        Some(addresses) => Ok(Some(addresses)),
        None => Err(AddressError::ReversedRange {
            given: text,
            first,
            last,
        }),
    }
}

/// Returns the range, or `None` if the first address is higher than the last.
fn ipv4_range(first: Ipv4Addr, last: Ipv4Addr) -> Option<AddressSpec> {
    let (first, last) = (first.to_bits(), last.to_bits());
    (first <= last).then_some(AddressSpec::Ipv4(AddrRange { first, last }))
}

/// Returns the range, or `None` if the first address is higher than the last.
fn ipv6_range(first: Ipv6Addr, last: Ipv6Addr) -> Option<AddressSpec> {
    let (first, last) = (first.to_bits(), last.to_bits());
    (first <= last).then_some(AddressSpec::Ipv6(AddrRange { first, last }))
}

/// Returns the addresses of a network. A network that lies completely inside the IPv4-mapped block
/// becomes IPv4. A larger network that contains the block, such as `::/64`, stays IPv6.
fn network_range(network: IpNet) -> Option<AddressSpec> {
    match network {
        IpNet::V4(network) => ipv4_range(network.network(), network.broadcast()),
        IpNet::V6(network) => {
            let (first, last) = (network.network(), network.broadcast());
            match (first.to_ipv4_mapped(), last.to_ipv4_mapped()) {
                (Some(first), Some(last)) => ipv4_range(first, last),
                _ => ipv6_range(first, last),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares the result with the expected range as text, or with the expected error message.
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let shown = match parse_address(text) {
            Ok(AddressSpec::Ipv4(AddrRange { first, last })) => {
                format!(
                    "{}-{}",
                    Ipv4Addr::from_bits(first),
                    Ipv4Addr::from_bits(last)
                )
            }
            Ok(AddressSpec::Ipv6(AddrRange { first, last })) => {
                format!(
                    "{}-{}",
                    Ipv6Addr::from_bits(first),
                    Ipv6Addr::from_bits(last)
                )
            }
            Ok(AddressSpec::All) => "all".to_owned(),
            Err(err) => err.to_string(),
        };
        assert_eq!(shown, expected, "for {text:?}");
    }

    #[test]
    fn accepts_single_addresses() {
        check("192.0.2.1", "192.0.2.1-192.0.2.1");
        check("2001:DB8::1", "2001:db8::1-2001:db8::1");
        check("::1.2.3.4", "::102:304-::102:304");
        check("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0-1:2:3:4:5:6:7:0");
    }

    #[test]
    fn accepts_networks_by_prefix_netmask_and_hostmask() {
        check("10.0.0.0/8", "10.0.0.0-10.255.255.255");
        check("10.0.0.0/008", "10.0.0.0-10.255.255.255");
        check("10.0.0.0/255.0.0.0", "10.0.0.0-10.255.255.255");
        check("10.0.0.0/0.255.255.255", "10.0.0.0-10.255.255.255");
        check("0.0.0.0/0", "0.0.0.0-255.255.255.255");
        check("0.0.0.0/0.0.0.0", "0.0.0.0-255.255.255.255");
        check("1.2.3.4/255.255.255.255", "1.2.3.4-1.2.3.4");
        check(
            "2001:db8::/32",
            "2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
        );
        check("::/0", "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    }

    #[test]
    fn accepts_ranges_with_both_ends() {
        check("10.0.0.1-10.0.0.9", "10.0.0.1-10.0.0.9");
        check("10.0.0.1 - 10.0.0.9", "10.0.0.1-10.0.0.9");
        check("::5-::9", "::5-::9");
        check("::ffff:10.0.0.1-10.0.0.9", "10.0.0.1-10.0.0.9");
    }

    #[test]
    fn maps_ipv4_mapped_ipv6_to_ipv4() {
        check("::ffff:1.2.3.4", "1.2.3.4-1.2.3.4");
        check("::ffff:102:0/112", "1.2.0.0-1.2.255.255");
        check("::ffff:0:0/96", "0.0.0.0-255.255.255.255");
        check("::fffe:0:0/95", "::fffe:0:0-::ffff:255.255.255.255");
    }

    #[test]
    fn accepts_the_words_for_everybody_in_any_case() {
        for text in ["all", "All", "ANY", "*"] {
            check(text, "all");
        }
    }

    #[test]
    fn suggests_network_and_host_for_host_bits() {
        let message = "10.0.0.5/24 has host bits set: write 10.0.0.0/24 for the network or 10.0.0.5 for the host";
        check("10.0.0.5/24", message);
        check(
            "2001:db8::1/32",
            "2001:db8::1/32 has host bits set: write 2001:db8::/32 for the network or 2001:db8::1 for the host",
        );
    }

    #[test]
    fn refuses_ranges_that_go_down_or_mix_families() {
        check(
            "10.0.0.9-10.0.0.1",
            "\"10.0.0.9-10.0.0.1\" ends before it starts: write 10.0.0.1-10.0.0.9",
        );
        check(
            "10.0.0.9-::1",
            "\"10.0.0.9-::1\" is not a range: it mixes IPv4 and IPv6",
        );
    }

    #[test]
    fn refuses_prefix_lengths_that_python_cannot_read() {
        assert!(parse_address(&format!("10.0.0.0/{}8", "0".repeat(MAX_PREFIX_DIGITS - 1))).is_ok());
        assert!(parse_address(&format!("10.0.0.0/{}8", "0".repeat(MAX_PREFIX_DIGITS))).is_err());
    }
}
