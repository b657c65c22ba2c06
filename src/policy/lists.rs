//! A policy as one list of either permitted or refused addresses, for formats that have only one list.

use crate::ip::{IpSet, without_mapped_block};
use crate::policy::{Effective, Policy};

impl Policy {
    /// Returns the permitted addresses as one list, whose networks do not overlap.
    #[must_use]
    pub fn permitted(&self) -> IpSet {
        let Effective { set, is_complement } = self.effective();
        if is_complement {
            complement(&set)
        } else {
            writable(set.into_owned())
        }
    }

    /// Returns the refused addresses, which are all addresses that are not permitted.
    #[must_use]
    pub fn refused(&self) -> IpSet {
        let Effective { set, is_complement } = self.effective();
        if is_complement {
            writable(set.into_owned())
        } else {
            complement(&writable(set.into_owned()))
        }
    }

    /// Returns the addresses that the policy treats differently from its default: permitted addresses under
    /// default deny, refused addresses under default allow.
    #[must_use]
    pub fn exceptions(&self) -> IpSet {
        writable(self.effective().set.into_owned())
    }
}

/// Removes the IPv4-mapped block if servers could not read a list that contains it.
fn writable(set: IpSet) -> IpSet {
    let IpSet { ipv4, ipv6 } = set;
    IpSet {
        ipv4,
        ipv6: without_mapped_block(ipv6),
    }
}

fn complement(set: &IpSet) -> IpSet {
    writable(IpSet::everybody().difference(set))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ip::{RangeSet, mapped};
    use crate::policy::samples::{decide, text};
    use crate::rule::{Action, DefaultPolicy};

    const DENY: DefaultPolicy = DefaultPolicy::Deny;
    const ALLOW: DefaultPolicy = DefaultPolicy::Allow;

    #[test]
    fn permitted_and_refused_together_are_all_addresses() {
        for (rules, default, permitted, refused) in [
            (vec![], DENY, "", "0.0.0.0/1 128.0.0.0/1 ::/1 8000::/1"),
            (vec![], ALLOW, "0.0.0.0/1 128.0.0.0/1 ::/1 8000::/1", ""),
            (
                vec![
                    (Action::Allow, "128.0.0.0/1"),
                    (Action::Deny, "128.0.0.0/2"),
                    (Action::Allow, "8000::/1"),
                ],
                DENY,
                "192.0.0.0/2 8000::/1",
                "0.0.0.0/1 128.0.0.0/2 ::/1",
            ),
            (
                vec![(Action::Deny, "0.0.0.0/1"), (Action::Deny, "::/0")],
                ALLOW,
                "128.0.0.0/1",
                "0.0.0.0/1 ::/1 8000::/1",
            ),
        ] {
            let policy = decide(&rules, default);
            assert_eq!(text(&policy.permitted()), permitted);
            assert_eq!(text(&policy.refused()), refused);
            let exceptions = match default {
                ALLOW => refused,
                DENY => permitted,
            };
            assert_eq!(text(&policy.exceptions()), exceptions);
        }
    }

    #[test]
    fn maps_ipv4_into_its_block_and_nothing_else() {
        let mapped_text = |rules: &[(Action, &str)]| {
            let ipv6 = mapped(&decide(rules, DENY).allow);
            let ipv4 = RangeSet::default();
            text(&IpSet { ipv4, ipv6 })
        };
        let allow = |addresses: &[&'static str]| {
            let rules: Vec<_> = addresses
                .iter()
                .map(|text| (Action::Allow, *text))
                .collect();
            mapped_text(&rules)
        };
        assert_eq!(
            allow(&["192.0.2.0/24", "2001:db8::1"]),
            "::ffff:c000:200/120 2001:db8::1"
        );
        assert_eq!(allow(&["0.0.0.0/0"]), "::ffff:0:0/96");
        assert_eq!(allow(&["0.0.0.0/0", "::/0"]), "::/1 8000::/1");
        assert_eq!(allow(&["::fffe:0:0/95"]), "::fffe:0:0/96");
        assert_eq!(allow(&["::fffe:0:0/95", "0.0.0.0/0"]), "::fffe:0:0/95");
    }
}
