//! A policy in words and numbers, as a report tells it.

use serde::Serialize;

use crate::cost::thousands;
use crate::ip_set::{IpSet, Network, SpanSet, Word};
use crate::picture::Ipv4;
use crate::policy::Policy;
use crate::report::DefaultPolicy;

/// So many networks are named in the sentence; more are counted.
const NAMED_MAX: usize = 4;
/// So many networks of one size are named.
const EXAMPLES_MAX: usize = 3;
/// So many networks of IPv6 have a line of their own.
const IPV6_ROWS_MAX: usize = 50;

/// A sentence whose networks stand apart from its words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Words(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Piece {
    is_network: bool,
    text: String,
}

impl Words {
    fn add(&mut self, text: impl Into<String>) {
        self.0.push(Piece {
            is_network: false,
            text: text.into(),
        });
    }

    fn network(&mut self, text: impl Into<String>) {
        self.0.push(Piece {
            is_network: true,
            text: text.into(),
        });
    }

    /// The networks by name if they are few, or else how many: `these 12 networks`.
    fn networks(&mut self, set: &IpSet, count: usize) {
        if count > NAMED_MAX {
            self.add(format!("these {} networks", thousands(count as u64)));
            return;
        }
        let names: Vec<String> = texts(&set.ipv4).chain(texts(&set.ipv6)).collect();
        for (index, name) in names.into_iter().enumerate() {
            match index {
                0 => {}
                _ if index + 1 == count => self.add(" and "),
                _ => self.add(", "),
            }
            self.network(name);
        }
    }

    /// The sentence, for a title or a test.
    #[cfg(test)]
    fn text(&self) -> String {
        self.0.iter().map(|piece| piece.text.as_str()).collect()
    }
}

fn texts<T: Word>(set: &SpanSet<T>) -> impl Iterator<Item = String> {
    set.networks().map(|network| network.text().to_string())
}

/// Who gets in, in one sentence.
pub(crate) fn sentence(policy: &Policy) -> Words {
    let Policy {
        default,
        allow,
        deny,
    } = policy;
    let (allow_count, deny_count) = (allow.network_count(), deny.network_count());
    let mut words = Words::default();
    match default {
        DefaultPolicy::Deny if allow_count == 0 => {
            words.add("Nobody gets in.");
            return words;
        }
        DefaultPolicy::Deny => {
            words.add("Only ");
            words.networks(allow, allow_count);
            words.add(if allow_count == 1 {
                " gets in"
            } else {
                " get in"
            });
        }
        DefaultPolicy::Allow => words.add("Everybody gets in"),
    }
    if deny_count > 0 {
        words.add(", except ");
        words.networks(deny, deny_count);
        if *default == DefaultPolicy::Deny && deny_count > NAMED_MAX {
            words.add(" inside them");
        }
    }
    words.add(".");
    words
}

/// How many addresses that is, in one sentence.
pub(crate) fn extent(policy: &Policy, ipv4: &Ipv4) -> String {
    let addresses = |count: u128| match count {
        1 => "1 IPv4 address".to_owned(),
        count => {
            let count = u64::try_from(count).unwrap_or(u64::MAX);
            format!("{} IPv4 addresses", thousands(count))
        }
    };
    let networks = |count: usize| match count {
        1 => "1 IPv6 network".to_owned(),
        count => format!("{} IPv6 networks", thousands(count as u64)),
    };
    match policy.default {
        DefaultPolicy::Deny => {
            let ipv6 = policy.allow.ipv6.networks().count();
            match (ipv4.allowed_addresses(), ipv6) {
                (0, 0) => String::new(),
                (0, ipv6) => format!("That is {}, and no IPv4 address.", networks(ipv6)),
                (ipv4, 0) => format!("That is {}, and no IPv6 address.", addresses(ipv4)),
                (ipv4, ipv6) => format!("That is {} and {}.", addresses(ipv4), networks(ipv6)),
            }
        }
        DefaultPolicy::Allow => {
            let ipv6 = policy.deny.ipv6.networks().count();
            match (ipv4.denied_addresses(), ipv6) {
                (0, 0) => "No address is kept out.".to_owned(),
                (0, ipv6) => format!("{} kept out.", are(networks(ipv6), ipv6 as u128)),
                (ipv4, 0) => format!("{} kept out.", are(addresses(ipv4), ipv4)),
                (ipv4, ipv6) => {
                    format!("{} and {} are kept out.", addresses(ipv4), networks(ipv6))
                }
            }
        }
    }
}

fn are(what: String, count: u128) -> String {
    what + if count == 1 { " is" } else { " are" }
}

/// The networks of one prefix length.
#[derive(Debug, Serialize)]
pub(crate) struct SizeRow {
    family: &'static str,
    prefix_length: u32,
    /// How many addresses each has; `2^64` and the like for IPv6.
    addresses: String,
    allow: String,
    deny: String,
    /// The length of its bar, of 100.
    bar_allow: u64,
    bar_deny: u64,
    examples: Vec<String>,
    more: String,
}

/// One network of IPv6.
#[derive(Debug, Serialize)]
pub(crate) struct Ipv6Row {
    network: String,
    is_allowed: bool,
    addresses: String,
}

/// The networks of both lists by size, the widest first, and the widest networks of IPv6.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Sizes {
    pub(crate) rows: Vec<SizeRow>,
    pub(crate) ipv6: Vec<Ipv6Row>,
    pub(crate) more_ipv6: String,
}

impl Sizes {
    pub(crate) fn of(policy: &Policy) -> Self {
        let Policy { allow, deny, .. } = policy;
        let ipv4 = Tally::of(&allow.ipv4, &deny.ipv4, EXAMPLES_MAX);
        let ipv6 = Tally::of(&allow.ipv6, &deny.ipv6, IPV6_ROWS_MAX);
        let most = ipv4.most().max(ipv6.most()).max(1);
        let mut rows = ipv4.rows("IPv4", most);
        rows.extend(ipv6.rows("IPv6", most));
        let all: u64 = ipv6.0.iter().map(|size| size.allow + size.deny).sum();
        let rows_ipv6 = ipv6.networks();
        let more = all - rows_ipv6.len() as u64;
        Self {
            rows,
            ipv6: rows_ipv6,
            more_ipv6: if more > 0 {
                thousands(more)
            } else {
                String::new()
            },
        }
    }
}

/// The networks of one family, by how many of their bits vary.
struct Tally<T>(Vec<Size<T>>);

struct Size<T> {
    allow: u64,
    deny: u64,
    /// The first few, and whether they are allowed.
    first: Vec<(Network<T>, bool)>,
}

impl<T: Word> Tally<T> {
    fn of(allow: &SpanSet<T>, deny: &SpanSet<T>, named_max: usize) -> Self {
        let empty = || Size {
            allow: 0,
            deny: 0,
            first: Vec::new(),
        };
        let mut sizes: Vec<Size<T>> = (0..T::BITS).map(|_| empty()).collect();
        for (set, is_allowed) in [(allow, true), (deny, false)] {
            for network in set.networks() {
                let Some(size) = sizes.get_mut(network.host_bits as usize) else {
                    continue;
                };
                *(if is_allowed {
                    &mut size.allow
                } else {
                    &mut size.deny
                }) += 1;
                if size.first.len() < named_max {
                    size.first.push((network, is_allowed));
                }
            }
        }
        Self(sizes)
    }

    fn most(&self) -> u64 {
        let counts = self.0.iter().map(|size| size.allow + size.deny);
        counts.max().unwrap_or(0)
    }

    fn rows(&self, family: &'static str, most: u64) -> Vec<SizeRow> {
        let sizes = (0..T::BITS).zip(&self.0).rev();
        let used = sizes.filter(|(_, size)| size.allow + size.deny > 0);
        used.map(|(host_bits, size)| {
            let all = size.allow + size.deny;
            let examples = size.first.iter().take(EXAMPLES_MAX);
            let examples: Vec<String> = examples
                .map(|(network, _)| network.text().to_string())
                .collect();
            let more = all - examples.len() as u64;
            SizeRow {
                family,
                prefix_length: T::BITS - host_bits,
                addresses: addresses(host_bits),
                allow: thousands(size.allow),
                deny: thousands(size.deny),
                bar_allow: (size.allow * 100).div_ceil(most),
                bar_deny: (size.deny * 100).div_ceil(most),
                examples,
                more: if more > 0 {
                    thousands(more)
                } else {
                    String::new()
                },
            }
        })
        .collect()
    }

    /// The widest, and of one size the allowed ones first.
    fn networks(&self) -> Vec<Ipv6Row> {
        let sizes = self.0.iter().rev();
        let named = sizes.flat_map(|size| &size.first).take(IPV6_ROWS_MAX);
        named
            .map(|(network, is_allowed)| Ipv6Row {
                network: network.text().to_string(),
                is_allowed: *is_allowed,
                addresses: addresses(network.host_bits),
            })
            .collect()
    }
}

fn addresses(host_bits: u32) -> String {
    match host_bits {
        0..=32 => thousands(1 << host_bits),
        _ => format!("2^{host_bits}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::samples::policy;

    #[track_caller]
    fn check(rules: &str, expected: &str) {
        let policy = policy(rules);
        let extent = extent(&policy, &Ipv4::of(&policy));
        let found = format!("{} {extent}", sentence(&policy).text());
        assert_eq!(found.trim_end(), expected);
    }

    #[test]
    fn says_who_gets_in() {
        check("-1.1.1.1", "Nobody gets in.");
        check(
            "+192.168.1.10 +172.100.2.0/24 -172.100.2.77",
            "Only 172.100.2.0/24 and 192.168.1.10 get in, except 172.100.2.77. That is 256 IPv4 \
             addresses, and no IPv6 address.",
        );
        check(
            "+2001:db8::/32",
            "Only 2001:db8::/32 gets in. That is 1 IPv6 network, and no IPv4 address.",
        );
        check(
            "+1.1.1.1 +1.1.1.3 +1.1.1.5 +1.1.1.7 +2001:db8::1",
            "Only these 5 networks get in. That is 4 IPv4 addresses and 1 IPv6 network.",
        );
        check("+all", "Everybody gets in. No address is kept out.");
        check(
            "+all -1.1.1.1",
            "Everybody gets in, except 1.1.1.1. 1 IPv4 address is kept out.",
        );
        check(
            "+all -1.1.1.1 -2001:db8::/32 -2001:dba::/32",
            "Everybody gets in, except 1.1.1.1, 2001:db8::/32 and 2001:dba::/32. 1 IPv4 address \
             and 2 IPv6 networks are kept out.",
        );
        check(
            "+0.0.0.0/0",
            "Only 0.0.0.0/1 and 128.0.0.0/1 get in. That is 4,294,967,296 IPv4 addresses, and no \
             IPv6 address.",
        );
    }

    #[test]
    fn lists_networks_by_size() {
        let policy = policy("+1.0.0.0/8 +2.2.2.2 +3.3.3.3 +4.4.4.4 +5.5.5.5 -1.1.1.1 +fd00::/64");
        let sizes = Sizes::of(&policy);
        let rows: Vec<_> = sizes
            .rows
            .iter()
            .map(|row| {
                let SizeRow {
                    family,
                    prefix_length,
                    addresses,
                    allow,
                    deny,
                    more,
                    ..
                } = row;
                format!("{family} /{prefix_length}: {addresses}, {allow} {deny}, {more}")
            })
            .collect();
        assert_eq!(
            rows,
            [
                "IPv4 /8: 16,777,216, 1 0, ",
                "IPv4 /32: 1, 4 1, 2",
                "IPv6 /64: 2^64, 1 0, "
            ]
        );
        assert_eq!(sizes.rows[1].examples, ["2.2.2.2", "3.3.3.3", "4.4.4.4"]);
        assert_eq!(sizes.ipv6[0].network, "fd00::/64");
        assert_eq!(sizes.more_ipv6, "");
    }
}
