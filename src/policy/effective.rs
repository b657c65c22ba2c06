//! The rule that turns lists and a default into permitted addresses: Always wins over Deny, Deny over Allow,
//! and Allow over a default of deny. It is implemented once for a single address and once for sets.

use std::borrow::Cow;

use crate::ip::IpSet;
use crate::policy::Policy;
use crate::rule::{Action, DefaultPolicy};

/// Returns the action that applies to an address. `is_named_by` returns whether a rule with an action
/// contains the address. Only [`Action::Deny`] refuses the address.
pub(crate) fn deciding_action(
    default: DefaultPolicy,
    is_named_by: impl Fn(Action) -> bool,
) -> Action {
    if is_named_by(Action::Always) {
        Action::Always
    } else if is_named_by(Action::Deny) {
        Action::Deny
    } else if default == DefaultPolicy::Allow || is_named_by(Action::Allow) {
        Action::Allow
    } else {
        Action::Deny
    }
}

/// The permitted addresses of a policy, as a set or as the complement of one.
#[derive(Clone, Debug)]
pub(crate) struct Effective<'a> {
    /// The addresses that the policy treats differently from its default: allow − deny under
    /// default deny, deny under default allow.
    pub(crate) set: Cow<'a, IpSet>,
    /// `true` under default allow: `set` contains the refused addresses, and all others are permitted.
    pub(crate) is_complement: bool,
}

impl Effective<'_> {
    /// Returns whether nobody is permitted.
    pub(crate) fn is_nobody(&self) -> bool {
        if self.is_complement {
            self.set.is_everybody()
        } else {
            self.set.is_empty()
        }
    }

    /// Returns whether everybody is permitted.
    pub(crate) fn is_everybody(&self) -> bool {
        if self.is_complement {
            self.set.is_empty()
        } else {
            self.set.is_everybody()
        }
    }
}

impl Policy {
    /// Returns the permitted addresses without computing the complement of a list, which would take
    /// longer.
    pub(crate) fn effective(&self) -> Effective<'_> {
        match self.default {
            DefaultPolicy::Allow => Effective {
                set: Cow::Borrowed(&self.deny),
                is_complement: true,
            },
            DefaultPolicy::Deny => Effective {
                set: Cow::Owned(self.allow.difference(&self.deny)),
                is_complement: false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::samples::decide;
    use proptest::prelude::*;
    use std::net::IpAddr;

    /// Networks of both families, some of them inside others.
    const NETWORKS: [&str; 6] = [
        "10.0.0.0/24",
        "10.0.0.0/25",
        "10.0.0.7",
        "0.0.0.0/0",
        "2001:db8::/32",
        "2001:db8::7",
    ];
    /// Addresses inside the networks and next to them.
    const ADDRESSES: [&str; 6] = [
        "10.0.0.7",
        "10.0.0.200",
        "10.0.1.0",
        "2001:db8::7",
        "2001:db8::8",
        "::1",
    ];

    fn rules() -> impl Strategy<Value = Vec<(Action, &'static str)>> {
        let action = prop::sample::select(&[Action::Allow, Action::Deny, Action::Always]);
        let network = prop::sample::select(NETWORKS.as_slice());
        prop::collection::vec((action, network), 0..8)
    }

    proptest! {
        #[test]
        fn the_set_and_the_rule_for_one_address_agree(
            rules in rules(),
            default in prop_oneof![Just(DefaultPolicy::Allow), Just(DefaultPolicy::Deny)],
        ) {
            let policy = decide(&rules, default);
            let Effective { set, is_complement } = policy.effective();
            for address in ADDRESSES {
                let address: IpAddr = address.parse().unwrap();
                let is_in_set = match address {
                    IpAddr::V4(address) => set.ipv4.contains(address.to_bits()),
                    IpAddr::V6(address) => set.ipv6.contains(address.to_bits()),
                };
                let permits = is_in_set != is_complement;
                prop_assert_eq!(policy.permits(address), permits, "{}", address);
                let is_named_by = |action| rules.iter().any(|(of, network)| {
                    let network: ipnet::IpNet = if network.contains('/') {
                        network.parse().unwrap()
                    } else {
                        network.parse::<IpAddr>().unwrap().into()
                    };
                    *of == action && network.contains(&address)
                });
                let action = deciding_action(default, is_named_by);
                prop_assert_eq!(action != Action::Deny, permits, "{}", address);
            }
        }
    }
}
