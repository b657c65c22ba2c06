//! An oracle that decides which clients should get in. It follows the definition naively, and uses
//! bounds that the test made itself: nothing here calls the code under test.
//!
//! The default decides unless a rule names the client. An explicit Deny always wins. A client with
//! an IPv4-mapped IPv6 address is an IPv4 client.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The first IPv4-mapped IPv6 address, `::ffff:0.0.0.0`.
pub(crate) const MAPPED_FIRST: u128 = 0xffff_0000_0000;
/// The last IPv4-mapped IPv6 address, `::ffff:255.255.255.255`.
pub(crate) const MAPPED_LAST: u128 = 0xffff_ffff_ffff;

/// The effect of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Allow,
    Deny,
}

/// The clients that a rule names. The bounds are included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cover {
    Ipv4 { first: u32, last: u32 },
    Ipv6 { first: u128, last: u128 },
    Everybody,
}

impl Cover {
    fn names(self, client: Client) -> bool {
        match (self, client) {
            (Self::Ipv4 { first, last }, Client::Ipv4(bits)) => first <= bits && bits <= last,
            (Self::Ipv6 { first, last }, Client::Ipv6(bits)) => first <= bits && bits <= last,
            _ => false,
        }
    }
}

/// A rule, and the spelling of its address in the CSV.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) action: Action,
    pub(crate) cover: Cover,
    pub(crate) address: String,
}

/// A client as servers see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    Ipv4(u32),
    Ipv6(u128),
}

impl Client {
    /// The client of an address.
    pub(crate) fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::Ipv4(u32::from(address)),
            IpAddr::V6(address) => Self::of_ipv6(u128::from(address)),
        }
    }

    fn of_ipv6(bits: u128) -> Self {
        if (MAPPED_FIRST..=MAPPED_LAST).contains(&bits) {
            let bits = u32::try_from(bits - MAPPED_FIRST).expect("the block has 2^32 addresses");
            Self::Ipv4(bits)
        } else {
            Self::Ipv6(bits)
        }
    }
}

/// The address as text. If `bits` is in the mapped block, it is an IPv4 client of an IPv6
/// listener.
pub(crate) fn ipv6_text(bits: u128) -> String {
    Ipv6Addr::from(bits).to_string()
}

/// The address as text.
pub(crate) fn ipv4_text(bits: u32) -> String {
    Ipv4Addr::from(bits).to_string()
}

/// The default of a file with these rules. `all` rows decide it, and Deny wins among them. Without
/// such rows the settings decide.
pub(crate) fn default_action(rules: &[Rule], settings: Action) -> Action {
    let has = |action| {
        rules
            .iter()
            .any(|rule| rule.cover == Cover::Everybody && rule.action == action)
    };
    if has(Action::Deny) {
        Action::Deny
    } else if has(Action::Allow) {
        Action::Allow
    } else {
        settings
    }
}

/// Returns whether the client gets in.
pub(crate) fn permits(rules: &[Rule], settings: Action, client: Client) -> bool {
    let named = |action| {
        rules
            .iter()
            .any(|rule| rule.action == action && rule.cover.names(client))
    };
    !named(Action::Deny)
        && (named(Action::Allow) || default_action(rules, settings) == Action::Allow)
}
