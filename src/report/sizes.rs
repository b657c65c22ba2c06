//! Counts networks by their size, for the tables of the report.

use serde::Serialize;

use crate::ip::{Family, Network, RangeSet};
use crate::policy::Policy;
use crate::text::{thousands, thousands_if_any};

/// The maximum number of networks of each size that are shown as examples.
const MAX_EXAMPLES: usize = 3;
/// The minimum number of networks for which the table is useful.
const MIN_NETWORKS: u64 = 10;

/// The networks of one prefix length.
#[derive(Debug, Serialize)]
pub(crate) struct SizeRow {
    family: &'static str,
    prefix_length: u32,
    /// The number of addresses in each network, as a power such as `2⁶⁴` if the number is large.
    addresses: String,
    allow: String,
    deny: String,
    /// The length of the bar of the Allow networks, from 0 to 100.
    bar_allow: u64,
    /// The length of the bar of the Deny networks, from 0 to 100.
    bar_deny: u64,
    examples: Vec<String>,
    more: String,
}

/// Returns the networks of both lists by size, the widest first. Empty if there are only a few networks,
/// which a reader can count at a glance.
pub(crate) fn sizes(policy: &Policy) -> Vec<SizeRow> {
    let Policy { allow, deny, .. } = policy;
    let ipv4 = PrefixHistogram::of(&allow.ipv4, &deny.ipv4);
    let ipv6 = PrefixHistogram::of(&allow.ipv6, &deny.ipv6);
    if ipv4.networks() + ipv6.networks() < MIN_NETWORKS {
        return Vec::new();
    }
    let max_networks = ipv4.max_networks().max(ipv6.max_networks()).max(1);
    let mut rows = ipv4.rows("IPv4", max_networks);
    rows.extend(ipv6.rows("IPv6", max_networks));
    rows
}

/// The networks of one family by size. The index is the number of host bits, which vary inside a network.
pub(crate) struct PrefixHistogram<T>(Vec<SizeCount<T>>);

struct SizeCount<T> {
    allow: u64,
    deny: u64,
    /// The first few networks of this size, as examples.
    first: Vec<Network<T>>,
}

impl<T: Family> PrefixHistogram<T> {
    fn of(allow: &RangeSet<T>, deny: &RangeSet<T>) -> Self {
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
                if size.first.len() < MAX_EXAMPLES {
                    size.first.push(network);
                }
            }
        }
        Self(sizes)
    }

    fn networks(&self) -> u64 {
        self.0.iter().map(|size| size.allow + size.deny).sum()
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
            let examples = size.first.iter();
            let examples: Vec<String> =
                examples.map(|network| network.text().to_string()).collect();
            let more = all - examples.len() as u64;
            SizeRow {
                family,
                prefix_length: T::BITS - host_bits,
                addresses: addresses_in(host_bits),
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
}

/// Returns the number of addresses in a network with `host_bits` varying bits, such as `256` or `2⁹⁶`.
pub(crate) fn addresses_in(host_bits: u32) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    if host_bits <= 32 {
        return thousands(1 << host_bits);
    }
    let power = host_bits.to_string();
    let digits = power
        .bytes()
        .map(|digit| DIGITS.get(usize::from(digit - b'0')));
    std::iter::once('2')
        .chain(digits.flatten().copied())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::samples::policy;

    #[test]
    fn lists_networks_by_size() {
        let few = policy("+1.0.0.0/8 +2.2.2.2");
        assert!(sizes(&few).is_empty());
        let policy = policy(
            "+1.0.0.0/8 +2.2.2.2 +3.3.3.3 +4.4.4.4 +5.5.5.5 +6.6.6.6 +7.7.7.7 +8.8.8.8 -1.1.1.1 \
             +fd00::/64",
        );
        let sizes = sizes(&policy);
        let rows: Vec<_> = sizes
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
                "IPv4 /32: 1, 7 1, 5",
                "IPv6 /64: 2⁶⁴, 1 0, "
            ]
        );
        assert_eq!(sizes[1].examples, ["2.2.2.2", "3.3.3.3", "4.4.4.4"]);
    }
}
