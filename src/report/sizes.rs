//! Counts networks by their size, for the tables of the report.

use serde::Serialize;

use crate::ip::{Family, Network, RangeSet};
use crate::policy::Policy;
use crate::text::{thousands, thousands_if_any};

/// The maximum number of networks of one size that are named.
const MAX_EXAMPLES: usize = 3;
/// The maximum number of IPv6 networks in the table of IPv6.
const MAX_IPV6_ROWS: usize = 50;

/// The networks of one prefix length.
#[derive(Debug, Serialize)]
pub(crate) struct SizeRow {
    family: &'static str,
    prefix_length: u32,
    /// The number of addresses of each network; powers such as `2^64` for IPv6.
    addresses: String,
    allow: String,
    deny: String,
    /// The length of the bar, from 0 to 100.
    bar_allow: u64,
    bar_deny: u64,
    examples: Vec<String>,
    more: String,
}

/// One IPv6 network.
#[derive(Debug, Serialize)]
pub(crate) struct Ipv6Row {
    network: String,
    is_allowed: bool,
    addresses: String,
}

/// The networks of both lists by size, the widest first, and the widest IPv6 networks.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Sizes {
    pub(crate) rows: Vec<SizeRow>,
    pub(crate) ipv6: Vec<Ipv6Row>,
    pub(crate) more_ipv6: String,
}

impl Sizes {
    pub(crate) fn of(policy: &Policy) -> Self {
        let Policy { allow, deny, .. } = policy;
        let ipv4 = PrefixHistogram::of(&allow.ipv4, &deny.ipv4, MAX_EXAMPLES);
        let ipv6 = PrefixHistogram::of(&allow.ipv6, &deny.ipv6, MAX_IPV6_ROWS);
        let max_networks = ipv4.max_networks().max(ipv6.max_networks()).max(1);
        let mut rows = ipv4.rows("IPv4", max_networks);
        rows.extend(ipv6.rows("IPv6", max_networks));
        let all: u64 = ipv6.0.iter().map(|size| size.allow + size.deny).sum();
        let rows_ipv6 = ipv6.networks();
        let more = all - rows_ipv6.len() as u64;
        Self {
            rows,
            ipv6: rows_ipv6,
            more_ipv6: thousands_if_any(more),
        }
    }
}

/// The networks of one family. The index is the number of their bits that vary.
pub(crate) struct PrefixHistogram<T>(Vec<SizeCount<T>>);

struct SizeCount<T> {
    allow: u64,
    deny: u64,
    /// The first few networks, each with true if it is allowed.
    first: Vec<(Network<T>, bool)>,
}

impl<T: Family> PrefixHistogram<T> {
    fn of(allow: &RangeSet<T>, deny: &RangeSet<T>, max_named: usize) -> Self {
        let empty = || SizeCount {
            allow: 0,
            deny: 0,
            first: Vec::new(),
        };
        let mut sizes: Vec<SizeCount<T>> = (0..T::BITS).map(|_| empty()).collect();
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
                if size.first.len() < max_named {
                    size.first.push((network, is_allowed));
                }
            }
        }
        Self(sizes)
    }

    fn max_networks(&self) -> u64 {
        let counts = self.0.iter().map(|size| size.allow + size.deny);
        counts.max().unwrap_or(0)
    }

    fn rows(&self, family: &'static str, max_networks: u64) -> Vec<SizeRow> {
        let sizes = (0..T::BITS).zip(&self.0).rev();
        let used = sizes.filter(|(_, size)| size.allow + size.deny > 0);
        used.map(|(host_bits, size)| {
            let all = size.allow + size.deny;
            let examples = size.first.iter().take(MAX_EXAMPLES);
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
                bar_allow: (size.allow * 100).div_ceil(max_networks),
                bar_deny: (size.deny * 100).div_ceil(max_networks),
                examples,
                more: thousands_if_any(more),
            }
        })
        .collect()
    }

    /// The widest networks. Those of the same size start with the allowed ones.
    fn networks(&self) -> Vec<Ipv6Row> {
        let sizes = self.0.iter().rev();
        let named = sizes.flat_map(|size| &size.first).take(MAX_IPV6_ROWS);
        named
            .map(|(network, is_allowed)| Ipv6Row {
                network: network.text().to_string(),
                is_allowed: *is_allowed,
                addresses: addresses(network.host_bits),
            })
            .collect()
    }
}

pub(crate) fn addresses(host_bits: u32) -> String {
    match host_bits {
        0..=32 => thousands(1 << host_bits),
        _ => format!("2^{host_bits}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::samples::policy;

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
