//! The context in which a date cell is explained: its column, the time zone and the current day.

use crate::csv::diagnose::date::written::Written;
use crate::time::{Bound, Clock, Date, DateReader, TimeZone};

/// The facts that are known about a date cell before it is read.
pub(super) struct Question<'a> {
    pub(super) bound: Bound,
    pub(super) zone: &'a TimeZone,
    pub(super) dates: &'a DateReader,
    /// The local date of the instant as of which rows are evaluated.
    pub(super) today: Date,
}

impl Question<'_> {
    /// Returns the first day of a month for `Starts`, and the last day for `Expires`.
    pub(super) fn month(&self, year: u16, month: u8) -> Option<Date> {
        let first = Date::new(year, month, 1)?;
        Some(match self.bound {
            Bound::Starts => first,
            Bound::Expires => first.last_of_month(),
        })
    }

    /// Returns the next date with this month and day, which may be today.
    pub(super) fn next_day(&self, month: u8, day: u8) -> Option<Date> {
        // The next leap day is at most eight years away.
        (0..=8)
            .filter_map(|years| Date::new(self.today.year() + years, month, day))
            .find(|date| *date >= self.today)
    }

    /// Returns the first or last day of the next such month, which may be the current month.
    pub(super) fn next_month(&self, month: u8) -> Option<Date> {
        let this_year = self.today.year();
        let is_over = month < self.today.month();
        self.month(this_year + u16::from(is_over), month)
    }

    /// Returns the texts of the suggestions, without those that would not be accepted.
    pub(super) fn accepted(&self, written: &[Written]) -> Vec<String> {
        let mut dates = self.dates.clone();
        let mut fixes: Vec<String> = written.iter().map(Written::to_string).collect();
        fixes.retain(|fix| dates.read(self.bound, fix).is_ok());
        fixes
    }

    /// Returns the local time `seconds` after the instant as of which rows are evaluated, rounded up to a
    /// whole minute.
    pub(super) fn local_after(&self, seconds: i64) -> (Date, Clock) {
        let instant = self.dates.as_of().plus_seconds(seconds + 59);
        let (date, clock) = self.zone.local(instant);
        (date, Clock { second: 0, ..clock })
    }
}
