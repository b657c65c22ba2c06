//! Collects rules with periods: the policy at one instant, and after the next change.
//!
//! Only the instant of the next change is known in advance, so the rules are kept in three parts: those
//! that are active before and after it, those that end at it, and those that start at it. When an earlier
//! change is found, the rules that end at the later one are active before and after the earlier one, and
//! the rules that start at the later one do not matter. So a rule takes no more memory than one without a
//! period.

use crate::ip::{AddrRange, AddressSpec};
use crate::policy::Policy;
use crate::policy::rules::PolicyBuilder;
use crate::rule::{Action, DefaultPolicy};
use crate::time::{Instant, Period, RowState};

/// The first instant at which a rule starts or ends, and the policy from then on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextChange {
    /// The instant.
    pub at: Instant,
    /// The policy from this instant on.
    pub policy: Policy,
}

/// Collects the rules of a CSV, each with its period, until [`Timeline::build`].
#[derive(Clone, Debug)]
pub struct Timeline {
    as_of: Instant,
    /// The rules that are active at `as_of` and after the next change.
    lasting: PolicyBuilder,
    /// The rules that end at the next change.
    ending: PolicyBuilder,
    /// The rules that start at the next change.
    starting: PolicyBuilder,
    next_change: Option<Instant>,
}

impl Timeline {
    /// Starts to collect the rules for an instant.
    #[must_use]
    pub fn new(as_of: Instant) -> Self {
        Self::with_max_ranges(as_of, usize::MAX)
    }

    /// Starts to collect the rules for an instant. Keeps at most about `max_ranges` ranges of each action
    /// and family that do not end next.
    #[must_use]
    pub fn with_max_ranges(as_of: Instant, max_ranges: usize) -> Self {
        Self {
            as_of,
            lasting: PolicyBuilder::with_max_ranges(max_ranges),
            ending: PolicyBuilder::default(),
            starting: PolicyBuilder::default(),
            next_change: None,
        }
    }

    /// Returns whether the rules have more ranges than are kept. A policy of them would be incomplete.
    #[must_use]
    pub fn has_too_many_ranges(&self) -> bool {
        self.lasting.has_too_many_ranges()
    }

    /// Returns the instant for which the rules are collected.
    #[must_use]
    pub fn as_of(&self) -> Instant {
        self.as_of
    }

    /// Returns the first later instant at which a rule starts or ends.
    #[must_use]
    pub fn next_change(&self) -> Option<Instant> {
        self.next_change
    }

    /// Adds a rule without a period for IPv4 addresses. Most rules are of this kind.
    #[inline]
    pub fn add_ipv4(&mut self, action: Action, addresses: AddrRange<u32>) {
        self.lasting.add_ipv4(action, addresses);
    }

    /// Adds a rule, and returns its state at the instant.
    #[inline]
    pub fn add(&mut self, action: Action, addresses: AddressSpec, period: Period) -> RowState {
        let state = period.state(self.as_of);
        let next_bound = period.next_bound(self.as_of);
        if let Some(bound) = next_bound
            && self.next_change.is_none_or(|change| bound < change)
        {
            self.move_next_change(bound);
        }
        let is_at_change = next_bound.is_some() && next_bound == self.next_change;
        match (state, is_at_change) {
            (RowState::Active, false) => self.lasting.add(action, addresses),
            (RowState::Active, true) => self.ending.add(action, addresses),
            (RowState::Pending, true) => self.starting.add(action, addresses),
            (RowState::Pending, false) | (RowState::Expired, _) => {}
        }
        state
    }

    /// Adds the rules of another timeline for the same instant.
    pub fn append(&mut self, mut other: Self) {
        let changes = [self.next_change, other.next_change];
        if let Some(change) = changes.into_iter().flatten().min() {
            for timeline in [&mut *self, &mut other] {
                if timeline.next_change != Some(change) {
                    timeline.move_next_change(change);
                }
            }
        }
        self.lasting.append(other.lasting);
        self.ending.append(other.ending);
        self.starting.append(other.starting);
    }

    /// Makes an earlier instant the next change.
    #[cold]
    fn move_next_change(&mut self, change: Instant) {
        self.next_change = Some(change);
        self.lasting.append(std::mem::take(&mut self.ending));
        self.starting = PolicyBuilder::default();
    }

    /// Returns the default that the active rules set, or `otherwise` if there is no active `all` row.
    #[must_use]
    pub fn default_policy(&self, otherwise: DefaultPolicy) -> DefaultPolicy {
        let ending = self.ending.default_policy(otherwise);
        match self.lasting.default_policy(ending) {
            // A Deny that ends wins over an Allow that lasts.
            DefaultPolicy::Allow if self.ending.denies_all() => DefaultPolicy::Deny,
            default => default,
        }
    }

    /// Builds the policy after the next change. `None` if there is no change. Takes as long as
    /// [`Timeline::build`], and copies the rules.
    #[must_use]
    pub fn build_next(&self, otherwise: DefaultPolicy) -> Option<NextChange> {
        let at = self.next_change?;
        let mut rules = self.lasting.clone();
        rules.append(self.starting.clone());
        Some(NextChange {
            at,
            policy: rules.build(otherwise),
        })
    }

    /// Builds the policy at the instant. `otherwise` is the default of a file without an active `all`
    /// row.
    #[must_use]
    pub fn build(self, otherwise: DefaultPolicy) -> Policy {
        let mut rules = self.lasting;
        rules.append(self.ending);
        rules.build(otherwise)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ip::parse_address;
    use proptest::prelude::*;

    const ADDRESSES: [&str; 5] = [
        "10.0.0.0/30",
        "10.0.0.1",
        "10.0.0.2/31",
        "2001:db8::1",
        "all",
    ];

    type Rule = (Action, &'static str, Period);

    fn rule() -> impl Strategy<Value = Rule> {
        let bound = || prop::option::weighted(0.7, (0_i64..6).prop_map(Instant::from_seconds));
        let period = (bound(), bound()).prop_filter_map("reversed", |(starts, expires)| {
            let period = Period { starts, expires };
            (!period.is_reversed()).then_some(period)
        });
        (
            prop_oneof![Just(Action::Allow), Just(Action::Deny)],
            prop::sample::select(ADDRESSES.as_slice()),
            period,
        )
    }

    /// The policy of the rules that are active at an instant.
    fn naive(rules: &[Rule], at: Instant, default: DefaultPolicy) -> Policy {
        let mut active = PolicyBuilder::default();
        for (action, addresses, period) in rules {
            if period.starts.is_none_or(|starts| starts <= at)
                && period.expires.is_none_or(|expires| at < expires)
            {
                active.add(*action, parse_address(addresses).unwrap());
            }
        }
        active.build(default)
    }

    proptest! {
        #[test]
        fn the_policies_before_and_after_the_next_change_are_those_of_the_active_rules(
            rules in prop::collection::vec(rule(), 0..12),
            split in 0_usize..16,
            as_of in -1_i64..7,
            default in prop_oneof![Just(DefaultPolicy::Deny), Just(DefaultPolicy::Allow)],
        ) {
            let as_of = Instant::from_seconds(as_of);
            let (mut timeline, mut other) = (Timeline::new(as_of), Timeline::new(as_of));
            for (index, (action, addresses, period)) in rules.iter().enumerate() {
                let timeline = if index < split { &mut timeline } else { &mut other };
                timeline.add(*action, parse_address(addresses).unwrap(), *period);
            }
            timeline.append(other);
            let bounds = rules.iter().flat_map(|(_, _, period)| [period.starts, period.expires]);
            let next_change = bounds.flatten().filter(|bound| *bound > as_of).min();
            prop_assert_eq!(timeline.next_change(), next_change);
            let next = next_change.map(|at| NextChange {
                at,
                policy: naive(&rules, at, default),
            });
            prop_assert_eq!(timeline.build_next(default), next);
            let now = naive(&rules, as_of, default);
            prop_assert_eq!(timeline.default_policy(default), now.default);
            prop_assert_eq!(timeline.build(default), now);
        }
    }
}
