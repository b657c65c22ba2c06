//! Collects rules with periods, and builds the policy at one instant and after the next change.
//!
//! The rules are kept in parts, relative to the earliest change found so far: the rules that are active
//! before and after it, the rules that end at it, the rules that start at it, and the rules that start later.
//! If an earlier change is found, the rules that end at the previous one are active before and after the new
//! one, and the rules that start at the previous one start later. Each rule is therefore kept only once, and
//! takes no more memory than a rule without a period. Rules that have ended are not kept.

use crate::ip::{AddrRange, AddressSpec};
use crate::policy::Policy;
use crate::policy::rules::PolicyBuilder;
use crate::rule::{Action, DefaultPolicy};
use crate::time::{Instant, Period, RowState};

/// The first instant at which a rule starts or ends, and the policy from that instant on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextChange {
    /// The instant of the change.
    pub at: Instant,
    /// The policy from this instant on.
    pub policy: Policy,
}

/// Collects the rules of a CSV, each with its period, and builds policies from them.
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
    /// The number of rules in `dated`, `ending`, `starting` and `later`, or of their ranges after a merge.
    dated_rules: usize,
    has_too_many_dated: bool,
}

impl Timeline {
    /// Creates a timeline that collects the rules for an instant.
    #[must_use]
    pub fn new(as_of: Instant) -> Self {
        Self::with_max_ranges(as_of, usize::MAX)
    }

    /// Creates a timeline that collects the rules for an instant. It keeps at most about `max_ranges` active
    /// ranges without an end for each action and family, and as many other ranges.
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

    /// Returns whether the rules have more ranges than the timeline keeps. A policy built from them would be
    /// incomplete.
    #[must_use]
    pub fn has_too_many_ranges(&self) -> bool {
        self.has_too_many_dated || self.lasting.has_too_many_ranges()
    }

    /// Returns the instant for which the rules are collected.
    #[must_use]
    pub fn as_of(&self) -> Instant {
        self.as_of
    }

    /// Returns the first instant after [`Timeline::as_of`] at which a rule starts or ends. `None` if there is
    /// none.
    #[must_use]
    pub fn next_change(&self) -> Option<Instant> {
        self.next_change
    }

    /// Adds a rule without a period for IPv4 addresses. Most rules are of this kind.
    #[inline]
    pub fn add_ipv4(&mut self, action: Action, addresses: AddrRange<u32>) {
        self.lasting.add_ipv4(action, addresses);
    }

    /// Adds a rule, and returns its state at [`Timeline::as_of`].
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

    /// Merges the ranges in `dated`, `ending`, `starting` and `later`, so that repeated rows take no memory.
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
            // The file is refused, so the rest of it must not take memory.
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

    /// Returns the default that the active `all` rows set, or `otherwise` if there is none.
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

    /// Builds the policy after the next change. `None` if there is no next change. This takes as long as
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

    /// Builds the policy at [`Timeline::as_of`]. `otherwise` is the default of a file without an active `all`
    /// row.
    #[must_use]
    pub fn build(self, otherwise: DefaultPolicy) -> Policy {
        let mut rules = self.lasting;
        rules.append(self.dated);
        rules.append(self.ending);
        rules.build(otherwise)
    }

    /// Builds a policy that permits every address that gets in at [`Timeline::as_of`] or later. It contains
    /// every Allow rule and every Always rule that has not ended, and only the Deny rules that are active now
    /// and never end. `None` if there is no next change, because the result would be the same as that of
    /// [`Timeline::build`].
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

    /// Returns the policy of the rules that are active at an instant.
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
