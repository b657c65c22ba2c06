//! The period in which a row is active.

use crate::time::instant::Instant;

/// The time from `starts` (included) to `expires` (excluded).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period {
    /// The first instant of the period. `None` if there is no bound.
    pub starts: Option<Instant>,
    /// The first instant after the period. `None` if there is no bound.
    pub expires: Option<Instant>,
}

/// The state of an accepted row at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowState {
    /// The row has not started.
    Pending,
    /// The row has started and has not ended.
    Active,
    /// The row has ended.
    Expired,
}

impl RowState {
    /// Returns the name in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Expired => "expired",
        }
    }
}

impl Period {
    /// The period without bounds.
    pub const ALWAYS: Self = Self {
        starts: None,
        expires: None,
    };

    /// Returns whether the period has no bounds.
    #[must_use]
    #[inline]
    pub fn is_always(&self) -> bool {
        self.starts.is_none() && self.expires.is_none()
    }

    /// Returns whether the period ends before it starts, or at the same instant.
    #[must_use]
    pub fn is_reversed(&self) -> bool {
        matches!((self.starts, self.expires), (Some(starts), Some(expires)) if expires <= starts)
    }

    /// Returns the time that is in both periods. `None` if they do not overlap.
    #[must_use]
    pub fn intersection(self, other: Self) -> Option<Self> {
        let both = Self {
            // `None` is less than every start, so `max` is correct. An end of `None` is later than every
            // other end.
            starts: self.starts.max(other.starts),
            expires: match (self.expires, other.expires) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            },
        };
        (!both.is_reversed()).then_some(both)
    }

    /// Returns the state of a row with this period at an instant. The row is active if
    /// `starts <= at < expires`.
    #[must_use]
    #[inline]
    pub fn state(&self, at: Instant) -> RowState {
        if self.expires.is_some_and(|expires| expires <= at) {
            RowState::Expired
        } else if self.starts.is_some_and(|starts| at < starts) {
            RowState::Pending
        } else {
            RowState::Active
        }
    }

    /// Returns the first bound after an instant. `None` if there is none.
    #[must_use]
    #[inline]
    pub fn next_bound(&self, after: Instant) -> Option<Instant> {
        let is_later = |bound: &Instant| *bound > after;
        // A period that is not reversed starts before it ends.
        self.starts
            .filter(is_later)
            .or(self.expires.filter(is_later))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Instant {
        Instant::from_seconds(seconds)
    }

    #[test]
    fn an_intersection_is_active_exactly_while_both_are() {
        let bounds = [None, Some(at(1)), Some(at(2)), Some(at(3))];
        let all = || {
            let pairs = bounds.iter().flat_map(|one| bounds.map(|two| (*one, two)));
            pairs.filter_map(|(starts, expires)| {
                let period = Period { starts, expires };
                (!period.is_reversed()).then_some(period)
            })
        };
        for (one, other) in all().flat_map(|one| all().map(move |other| (one, other))) {
            let both = one.intersection(other);
            for now in (0..5).map(at) {
                let is_active = |period: Period| period.state(now) == RowState::Active;
                assert_eq!(
                    both.is_some_and(is_active),
                    is_active(one) && is_active(other),
                    "{one:?} {other:?}"
                );
            }
        }
    }

    #[test]
    fn a_row_is_active_from_its_start_until_just_before_its_end() {
        let period = Period {
            starts: Some(at(10)),
            expires: Some(at(20)),
        };
        for (now, state, next) in [
            (9, RowState::Pending, Some(10)),
            (10, RowState::Active, Some(20)),
            (19, RowState::Active, Some(20)),
            (20, RowState::Expired, None),
            (21, RowState::Expired, None),
        ] {
            assert_eq!(period.state(at(now)), state, "at {now}");
            assert_eq!(period.next_bound(at(now)), next.map(at), "at {now}");
        }
        assert_eq!(Period::ALWAYS.state(Instant::MIN), RowState::Active);
        assert_eq!(Period::ALWAYS.next_bound(Instant::MIN), None);
        assert!(!period.is_reversed());
        let empty = Period {
            expires: Some(at(10)),
            ..period
        };
        assert!(empty.is_reversed());
    }
}
