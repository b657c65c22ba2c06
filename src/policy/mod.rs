//! Builds a policy from rules: a default, and the fewest networks that express the rest.
//!
//! An explicit Deny wins, whatever the order of the rows, except over addresses that the common CSV always
//! lets in. Under default deny, the permitted addresses are (allow − deny) ∪ always. Under default allow,
//! they are everything − (deny − always). The lists of a policy are not the lists of the CSV. They are the
//! shortest lists that permit the same addresses, because Apache reads them again on every request.

mod effective;
mod lists;
mod rules;
mod shortest;
mod timeline;

pub(crate) use self::effective::{Effective, deciding_action};
pub use self::rules::PolicyBuilder;
pub(crate) use self::rules::UnsortedRanges;
pub use self::timeline::{NextChange, Timeline};

use std::net::IpAddr;

use crate::ip::IpSet;
use crate::rule::{Action, DefaultPolicy};

/// A default and two lists, which together decide whether an address is permitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The default for addresses that are in no list.
    pub default: DefaultPolicy,
    /// The allowed addresses. Empty under default allow.
    pub allow: IpSet,
    /// The addresses that are refused although `allow`, or the default of allow, includes them.
    pub deny: IpSet,
}

impl Policy {
    /// Returns whether a client with this address is permitted.
    #[must_use]
    pub fn permits(&self, address: IpAddr) -> bool {
        let is_in = |set: &IpSet| match address.to_canonical() {
            IpAddr::V4(address) => set.ipv4.contains(address.to_bits()),
            IpAddr::V6(address) => set.ipv6.contains(address.to_bits()),
        };
        let action = deciding_action(self.default, |action| match action {
            Action::Allow => is_in(&self.allow),
            Action::Deny => is_in(&self.deny),
            // The two lists already take Always rules into account.
            Action::Always => false,
        });
        action != Action::Deny
    }
}

/// Policies for tests, and their lists as text.
#[cfg(test)]
pub(crate) mod samples {
    use super::*;
    use crate::ip::parse_address;
    use crate::ip::{Family, Network};
    use crate::rule::Action;

    pub(crate) fn decide(rules: &[(Action, &str)], default: DefaultPolicy) -> Policy {
        let mut collected = PolicyBuilder::default();
        for (action, address) in rules {
            collected.add(*action, parse_address(address).unwrap());
        }
        collected.build(default)
    }

    /// Builds a policy under default deny from rules such as `+10.0.0.1` (Allow), `-10.0.0.1` (Deny) and
    /// `!10.0.0.1` (Always).
    pub(crate) fn policy(rules: &str) -> Policy {
        let rules = rules.split_whitespace().map(|rule| match rule.split_at(1) {
            ("+", address) => (Action::Allow, address),
            ("!", address) => (Action::Always, address),
            (_, address) => (Action::Deny, address),
        });
        decide(&rules.collect::<Vec<_>>(), DefaultPolicy::Deny)
    }

    /// Returns the networks separated by spaces, IPv4 first.
    pub(crate) fn text(set: &IpSet) -> String {
        fn write<T: Family>(networks: impl Iterator<Item = Network<T>>, out: &mut String) {
            for network in networks {
                out.push_str(network.text().as_str());
                out.push(' ');
            }
        }
        let mut out = String::new();
        write(set.ipv4.networks(), &mut out);
        write(set.ipv6.networks(), &mut out);
        out.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::samples::{decide, text};
    use super::*;
    use crate::rule::Action;

    /// Checks the lists of the policy that is built from rules such as `+10.0.0.1` (Allow), `-10.0.0.1`
    /// (Deny) and `!10.0.0.1` (Always), in this order and in reverse.
    #[track_caller]
    fn check(rules: &str, default: DefaultPolicy, allow: &str, deny: &str) {
        let parsed: Vec<(Action, &str)> = rules
            .split_whitespace()
            .map(|rule| match rule.split_at(1) {
                ("+", address) => (Action::Allow, address),
                ("!", address) => (Action::Always, address),
                (_, address) => (Action::Deny, address),
            })
            .collect();
        let policy = decide(&parsed, default);
        assert_eq!(
            (text(&policy.allow), text(&policy.deny)),
            (allow.to_owned(), deny.to_owned())
        );
        let reversed: Vec<_> = parsed.iter().rev().copied().collect();
        assert_eq!(
            decide(&reversed, default),
            policy,
            "the order of rows matters"
        );
    }

    const DENY: DefaultPolicy = DefaultPolicy::Deny;
    const ALLOW: DefaultPolicy = DefaultPolicy::Allow;

    #[test]
    fn merges_neighbours_and_overlaps() {
        check(
            "+10.0.0.0/25 +10.0.0.128/25 +10.0.0.7 +::2 +::3",
            DENY,
            "10.0.0.0/24 ::2/127",
            "",
        );
    }

    #[test]
    fn drops_denies_that_change_nothing() {
        check("+192.168.1.10 -1.1.1.1", DENY, "192.168.1.10", "");
        check("-1.1.1.1", DENY, "", "");
    }

    #[test]
    fn writes_a_hole_as_two_lists_and_a_half_as_one() {
        check(
            "+172.100.2.0/24 -172.100.2.77",
            DENY,
            "172.100.2.0/24",
            "172.100.2.77",
        );
        check(
            "+172.100.2.0/24 -172.100.2.0/25",
            DENY,
            "172.100.2.128/25",
            "",
        );
        check("+1.1.1.1 -1.1.1.0/24", DENY, "", "");
    }

    #[test]
    fn keeps_only_denies_under_default_allow() {
        check("+1.1.1.1 -2.2.2.2 -2.2.2.3", ALLOW, "", "2.2.2.2/31");
        check("+all -2.2.2.2", DENY, "", "2.2.2.2");
    }

    #[test]
    fn the_files_default_wins_and_deny_wins_in_the_file() {
        check("-all +1.1.1.1", ALLOW, "1.1.1.1", "");
        check("-all +all +1.1.1.1", ALLOW, "1.1.1.1", "");
    }

    #[test]
    fn always_wins_over_a_deny_and_leaves_the_rest_of_it() {
        check("!10.0.0.7 -10.0.0.0/24", DENY, "10.0.0.7", "");
        check("!10.0.0.7 -10.0.0.6/31 +10.0.0.6", DENY, "10.0.0.7", "");
        check("!10.0.0.7 +10.0.0.6", DENY, "10.0.0.6/31", "");
        check("!10.0.0.7 -10.0.0.6/31", ALLOW, "", "10.0.0.6");
        check("!10.0.0.7 -10.0.0.6/31 +all", DENY, "", "10.0.0.6");
        check("!10.0.0.7 -all", ALLOW, "10.0.0.7", "");
        check("!all -10.0.0.7 -all", DENY, "", "");
        check("!::7 -::6/127", ALLOW, "", "::6");
    }

    #[test]
    fn writes_whole_families_as_halves() {
        check(
            "+0.0.0.0/0 +::/0",
            DENY,
            "0.0.0.0/1 128.0.0.0/1 ::/1 8000::/1",
            "",
        );
    }

    #[test]
    fn never_writes_the_mapped_block() {
        check(
            "+::fffe:ffff:ffff-::1:0:0:1",
            DENY,
            "::fffe:ffff:ffff ::1:0:0:0/127",
            "",
        );
        check(
            "-::fffe:ffff:ffff-::1:0:0:1",
            ALLOW,
            "",
            "::fffe:ffff:ffff ::1:0:0:0/127",
        );
        check(
            "+::fffe:0:0/95 -::fffe:0:0-::fffe:ffff:fffe",
            DENY,
            "::fffe:ffff:ffff",
            "",
        );
        check("+::fffe:0:0/95 -::fffe:0:0-::fffe:ffff:ffff", DENY, "", "");
        check("+::fffe:0:0/95", DENY, "::fffe:0:0/95", "");
    }
}
