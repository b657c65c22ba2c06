//! The target `address`: parses a cell as addresses, and formats the result again.

use std::net::{IpAddr, Ipv6Addr};

use htaccess_generator::ip::{
    AddrRange, AddressError, AddressSpec, Family, MAPPED_FIRST, Network, RangeSet, parse_address,
};
use htaccess_generator::text::{escape, quote};

use super::{MAX_SENTENCE_BYTES, check_message};

/// The maximum length of a suggestion, in bytes.
const MAX_FIX_BYTES: usize = 100;

/// Checks a cell in UTF-8. The white space around it is removed first.
pub(crate) fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let text = text.trim();
    match parse_address(text) {
        Ok(addresses) => check_accepted(text, addresses),
        Err(err) => check_refused(text, &err),
    }
    check_against_std(text);
}

fn check_accepted(text: &str, addresses: AddressSpec) {
    match addresses {
        AddressSpec::All => assert!(["all", "any", "*"].contains(&&*text.to_lowercase())),
        AddressSpec::Ipv4(range) => {
            check_networks(range, mapped(range));
            let ends = [range.first, range.last].map(text_of_word);
            assert_eq!(parse_address(&ends.join("-")), Ok(addresses));
        }
        AddressSpec::Ipv6(range) => {
            check_networks(range, range);
            let ends = [range.first, range.last].map(text_of_word);
            // A network can end at the end of the mapped block (`::/80`). A range cannot be written with such
            // an end, because the parser turns the end into IPv4.
            let has_mapped_end = [range.first, range.last]
                .iter()
                .any(|end| Ipv6Addr::from_bits(*end).to_ipv4_mapped().is_some());
            if !has_mapped_end {
                assert_eq!(parse_address(&ends.join("-")), Ok(addresses));
            }
        }
    }
}

fn text_of_word(first: impl Family) -> String {
    Network {
        first,
        host_bits: 0,
    }
    .text()
    .to_string()
}

/// Checks that the networks of a range, printed and parsed again, cover exactly the range. `expected` is
/// the range as IPv6.
fn check_networks<T: Family>(range: AddrRange<T>, expected: AddrRange<u128>) {
    assert!(range.first <= range.last);
    let networks: Vec<Network<T>> = range.networks().collect();
    assert!(
        networks.len() <= 2 * T::BITS as usize - 2,
        "{}",
        networks.len()
    );
    let read: Vec<AddrRange<u128>> = networks
        .into_iter()
        .map(|network| {
            let text = network.text();
            match parse_address(text.as_str()).unwrap() {
                AddressSpec::Ipv4(range) => mapped(range),
                AddressSpec::Ipv6(range) => range,
                AddressSpec::All => panic!("{text} is not everybody"),
            }
        })
        .collect();
    assert_eq!(RangeSet::from_unsorted(read).ranges(), [expected]);
}

fn mapped(range: AddrRange<u32>) -> AddrRange<u128> {
    AddrRange {
        first: MAPPED_FIRST + u128::from(range.first),
        last: MAPPED_FIRST + u128::from(range.last),
    }
}

fn check_refused(text: &str, err: &AddressError<'_>) {
    let message = err.to_string();
    let start = match err {
        AddressError::HostBitsSet { .. } => escape(text),
        _ => quote(text),
    };
    assert!(message.starts_with(&start), "{message}");
    check_message(&message, MAX_SENTENCE_BYTES);
    for fix in err.fixes() {
        assert!(parse_address(&fix).is_ok(), "{fix:?} for {text:?}");
        check_message(&fix, MAX_FIX_BYTES);
    }
    // The parser must accept what the message suggests.
    let way_out = message.rsplit_once(": write ").map(|(_, way_out)| way_out);
    let is_accepted = |text: Option<&str>| parse_address(text.unwrap()).is_ok();
    match err {
        AddressError::HostBitsSet { .. } => {
            let networks = way_out.and_then(|text| text.split_once(" for the network or "));
            let (network, host) = networks.unwrap();
            assert!(is_accepted(Some(network)), "{message}");
            assert!(is_accepted(host.strip_suffix(" for the host")), "{message}");
        }
        AddressError::ReversedRange { .. } => assert!(is_accepted(way_out), "{message}"),
        _ => {}
    }
}

/// Checks that a text without `/` and `-` is accepted if and only if the standard library accepts it.
fn check_against_std(text: &str) {
    let is_word = ["all", "any", "*"].contains(&&*text.to_ascii_lowercase());
    if !is_word && !text.contains(['/', '-']) {
        assert_eq!(parse_address(text).is_ok(), text.parse::<IpAddr>().is_ok());
    }
}
