//! Collects rules with periods: the policy at one instant, and after the next change.
//!
//! Only the instant of the next change is known in advance, so the rules are kept in parts: those that
//! are active before and after it, those that end at it, and those that start at it or later. When an
//! earlier change is found, the rules that end at the later one are active before and after the earlier
//! one, and the rules that start at the later one start after it. So each rule is kept once, and takes no
//! more memory than one without a period. Rules that have ended are not kept.

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
    /// The active rules without an end.
    lasting: PolicyBuilder,
    /// The active rules that end after the next change.
    dated: PolicyBuilder,
    /// The rules that end at the next change.
    ending: PolicyBuilder,
    /// The rules that start at the next change.
    starting: PolicyBuilder,
    /// The rules that start after the next change.
    later: PolicyBuilder,
    next_change: Option<Instant>,
    max_ranges: usize,
    /// The number of rules in the last four parts, or of their ranges if they were merged.
    dated_rules: usize,
    has_too_many_dated: bool,
}

impl Timeline {
    /// Starts to collect the rules for an instant.
    #[must_use]
    pub fn new(as_of: Instant) -> Self {
        Self::with_max_ranges(as_of, usize::MAX)
    }

    /// Starts to collect the rules for an instant. Keeps at most about `max_ranges` active ranges without
    /// an end of each action and family, and as many other ranges.
    #[must_use]
    pub fn with_max_ranges(as_of: Instant, max_ranges: usize) -> Self {
        Self {
            as_of,
            lasting: PolicyBuilder::with_max_ranges(max_ranges),
            dated: PolicyBuilder::default(),
            ending: PolicyBuilder::default(),
            starting: PolicyBuilder::default(),
            later: PolicyBuilder::default(),
            next_change: None,
            max_ranges,
            dated_rules: 0,
            has_too_many_dated: false,
        }
    }

    /// Returns whether the rules have more ranges than are kept. A policy of them would be incomplete.
    #[must_use]
    pub fn has_too_many_ranges(&self) -> bool {
        self.has_too_many_dated || self.lasting.has_too_many_ranges()
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
        if period.is_always() {
            self.lasting.add(action, addresses);
            return RowState::Active;
        }
        let state = period.state(self.as_of);
        let next_bound = period.next_bound(self.as_of);
        if let Some(bound) = next_bound
            && self.next_change.is_none_or(|change| bound < change)
        {
            self.move_next_change(bound);
        }
        let is_at_change = next_bound.is_some() && next_bound == self.next_change;
        let part = match state {
            RowState::Active if next_bound.is_none() => &mut self.lasting,
            RowState::Active if is_at_change => &mut self.ending,
            RowState::Active => &mut self.dated,
            RowState::Pending if is_at_change => &mut self.starting,
            RowState::Pending => &mut self.later,
            RowState::Expired => return state,
        };
        part.add(action, addresses);
        if next_bound.is_some() {
            self.dated_rules += 1;
            if self.dated_rules / 2 > self.max_ranges {
                self.merge_dated();
            }
        }
        state
    }

    /// Merges the ranges that end or start later, so that repeated rows take no memory.
    #[cold]
    fn merge_dated(&mut self) {
        let parts = [
            &mut self.dated,
            &mut self.ending,
            &mut self.starting,
            &mut self.later,
        ];
        self.dated_rules = parts.into_iter().map(PolicyBuilder::merge).sum();
        if self.dated_rules > self.max_ranges {
            // The rest of the file takes no memory. It is refused.
            let (as_of, max_ranges) = (self.as_of, self.max_ranges);
            *self = Self::with_max_ranges(as_of, max_ranges);
            self.has_too_many_dated = true;
        }
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
        self.dated.append(other.dated);
        self.ending.append(other.ending);
        self.starting.append(other.starting);
        self.later.append(other.later);
        self.dated_rules += other.dated_rules;
        self.has_too_many_dated |= other.has_too_many_dated;
    }

    /// Makes an earlier instant the next change.
    #[cold]
    fn move_next_change(&mut self, change: Instant) {
        self.next_change = Some(change);
        self.dated.append(std::mem::take(&mut self.ending));
        self.later.append(std::mem::take(&mut self.starting));
    }

    /// Returns the default that the active rules set, or `otherwise` if there is no active `all` row.
    #[must_use]
    pub fn default_policy(&self, otherwise: DefaultPolicy) -> DefaultPolicy {
        let Self {
            lasting,
            dated,
            ending,
            ..
        } = self;
        let all_rows = lasting.all_rows().and(dated.all_rows());
        all_rows.and(ending.all_rows()).default_policy(otherwise)
    }

    /// Builds the policy after the next change. `None` if there is no change. Takes as long as
    /// [`Timeline::build`], and copies the rules.
    #[must_use]
    pub fn build_next(&self, otherwise: DefaultPolicy) -> Option<NextChange> {
        let at = self.next_change?;
        let mut rules = self.lasting.clone();
        rules.append(self.dated.clone());
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
        rules.append(self.dated);
        rules.append(self.ending);
        rules.build(otherwise)
    }

    /// Builds a policy that permits every address that gets in at the instant or later. It has every Allow rule that
    /// has not ended, and the Deny rules that deny from now on without an end. `None` if there is no
    /// change, because it is the policy at the instant then.
    #[must_use]
    pub fn build_ever(&self, otherwise: DefaultPolicy) -> Option<Policy> {
        self.next_change?;
        let mut rules = self.lasting.clone();
        for part in [&self.dated, &self.ending, &self.starting, &self.later] {
            rules.append(part.without_denies());
        }
        Some(rules.build(otherwise))
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
            prop_oneof![
                3 => Just(Action::Allow),
                3 => Just(Action::Deny),
                1 => Just(Action::Always),
            ],
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
            let ever = timeline.build_ever(default);
            prop_assert_eq!(ever.is_some(), next_change.is_some());
            for at in as_of.seconds()..8 {
                let permitted = naive(&rules, Instant::from_seconds(at), default).permitted();
                let outside = ever.as_ref().map(|ever| permitted.difference(&ever.permitted()));
                prop_assert!(outside.is_none_or(|outside| outside.is_empty()));
            }
            let now = naive(&rules, as_of, default);
            prop_assert_eq!(timeline.default_policy(default), now.default);
            prop_assert_eq!(timeline.build(default), now);
        }
    }
}
