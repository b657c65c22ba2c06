//! The effect of a new version of a CSV: the networks and addresses that gain or lose access.
//!
//! `hold.rs` decides whether such a change needs an approval. Neither module reads CSVs or other files. Both
//! only compare two policies.

use crate::answer::{AccessChange, AccessCount};
use crate::ip::{Family, IpSet, RangeSet};
use crate::policy::Policy;
use crate::review::diff::{Diff, only_in};

/// The maximum number of networks that [`Change`] lists for each side (gained and lost).
pub const MAX_SAMPLED: usize = 50;
/// 2^128 in decimal: the digits before the last 18 digits, and the last 18 digits.
const ALL_IPV6: (&str, u64) = ("340282366920938463463", 374_607_431_768_211_456);

/// A policy, and the number of rows that it was built from.
#[derive(Clone, Copy, Debug)]
pub struct Version<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// The number of active rows. A change is also weighed by rows, because the output may join 100 rows into
    /// one network.
    pub rows: u64,
}

/// The difference between two versions of a policy, for a reviewer and for `hold.rs`.
#[derive(Clone, Debug)]
pub struct Change {
    /// The counts for the answer.
    pub counts: AccessChange,
    /// The first [`MAX_SAMPLED`] networks that gain access: IPv4, then IPv6, in ascending order.
    pub gained: Vec<String>,
    /// The first [`MAX_SAMPLED`] networks that lose access, in the same order.
    pub lost: Vec<String>,
    /// The addresses that gain access and the addresses that lose access.
    pub(super) diff: Diff,
    pub(super) before: Permitted,
    pub(super) after: Permitted,
}

/// The permitted addresses of a version, and the number of its rows.
#[derive(Clone, Debug)]
pub(super) struct Permitted {
    pub(super) set: IpSet,
    pub(super) rows: u64,
}

impl Permitted {
    fn of(version: Version<'_>) -> Self {
        Self {
            set: version.policy.permitted(),
            rows: version.rows,
        }
    }
}

impl Change {
    /// Compares two versions.
    ///
    /// The time and the memory that this takes grow with the number of ranges in both versions.
    #[must_use]
    pub fn between(old: Version<'_>, new: Version<'_>) -> Self {
        let (before, after) = (Permitted::of(old), Permitted::of(new));
        let diff = Diff {
            gained: only_in(&after.set, &before.set),
            lost: only_in(&before.set, &after.set),
        };
        Self {
            counts: AccessChange {
                gained: count(&diff.gained),
                lost: count(&diff.lost),
            },
            gained: sample(&diff.gained),
            lost: sample(&diff.lost),
            diff,
            before,
            after,
        }
    }

    /// Returns whether nobody gains or loses access.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.diff.is_empty()
    }
}

fn count(set: &IpSet) -> AccessCount {
    AccessCount {
        networks: set.network_count() as u64,
        addresses: address_digits(set),
    }
}

/// Returns the number of addresses as decimal digits, at most 39.
fn address_digits(set: &IpSet) -> String {
    let ipv4 = set.ipv4.address_count();
    let (sum, is_over) = set.ipv6.address_count().overflowing_add(ipv4);
    // For all of IPv6, `address_count` returns one address less than the exact number.
    let rest = match (set.ipv6.is_whole(), is_over) {
        (true, _) => ipv4,
        (false, true) => sum,
        (false, false) => return sum.to_string(),
    };
    let (first, last) = ALL_IPV6;
    format!("{first}{}", u128::from(last) + rest)
}

fn sample(set: &IpSet) -> Vec<String> {
    fn texts<T: Family>(set: &RangeSet<T>) -> impl Iterator<Item = String> {
        set.networks().map(|network| network.text().to_string())
    }
    let all = texts(&set.ipv4).chain(texts(&set.ipv6));
    all.take(MAX_SAMPLED).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::samples::policy;

    fn change(old: &str, new: &str) -> Change {
        let (old, new) = (policy(old), policy(new));
        let version = |policy| Version { policy, rows: 1 };
        Change::between(version(&old), version(&new))
    }

    #[track_caller]
    fn check(old: &str, new: &str, expected: &str) {
        let counts = change(old, new).counts;
        assert_eq!(serde_json::to_string(&counts).unwrap(), expected);
    }

    #[test]
    fn counts_networks_and_addresses_of_both_families() {
        check(
            "+10.0.0.0/24 +192.0.2.1",
            "+192.0.2.1 +198.51.100.0/25 +203.0.113.0/25",
            r#"{"gained":{"networks":2,"addresses":"256"},"lost":{"networks":1,"addresses":"256"}}"#,
        );
        check(
            "",
            "+2001:db8::/32 +10.0.0.1",
            r#"{"gained":{"networks":2,"addresses":"79228162514264337593543950337"},"lost":{"networks":0,"addresses":"0"}}"#,
        );
    }

    #[test]
    fn counts_every_address_there_is() {
        let everybody = IpSet::everybody();
        assert_eq!(
            address_digits(&everybody),
            "340282366920938463463374607436063178752"
        );
        let ipv6 = RangeSet::from_unsorted(vec![crate::ip::AddrRange {
            first: 1,
            last: u128::MAX,
        }]);
        let almost = IpSet { ipv6, ..everybody };
        assert_eq!(
            address_digits(&almost),
            "340282366920938463463374607436063178751"
        );
    }

    #[test]
    fn names_the_first_networks_in_their_shortest_form() {
        let hosts: Vec<String> = (0..60)
            .map(|host| format!("+10.0.0.{}", 2 * host))
            .collect();
        let hosts = hosts.join(" ");
        let change = change("+192.0.2.0/25 +192.0.2.128/25", &format!("{hosts} +::1"));
        assert_eq!(change.lost, ["192.0.2.0/24"]);
        assert_eq!(change.gained.len(), MAX_SAMPLED);
        assert_eq!(change.gained[0], "10.0.0.0");
        assert_eq!(change.counts.gained.networks, 61);
    }
}
