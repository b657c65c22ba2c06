//! A date cell in question: its column, and the day on which it is read.

use crate::csv::diagnose::date::written::Written;
use crate::time::{Bound, Clock, Date, DateReader, TimeZone};

/// A cell and what is known about it.
pub(super) struct Question<'a> {
    pub(super) bound: Bound,
    pub(super) zone: &'a TimeZone,
    pub(super) dates: &'a DateReader,
    /// The local date of the instant of which the rows are read.
    pub(super) today: Date,
}

impl Question<'_> {
    /// Returns the day of a month that the column means: the first or the last one.
    pub(super) fn month(&self, year: u16, month: u8) -> Option<Date> {
        let first = Date::new(year, month, 1)?;
        Some(match self.bound {
            Bound::Starts => first,
            Bound::Expires => first.last_of_month(),
        })
    }

    /// Returns the first such day that is not over.
    pub(super) fn next_day(&self, month: u8, day: u8) -> Option<Date> {
        // A leap day comes at most eight years later.
        (0..=8)
            .filter_map(|years| Date::new(self.today.year() + years, month, day))
            .find(|date| *date >= self.today)
    }

    /// Returns the day of the first such month that is not over.
    pub(super) fn next_month(&self, month: u8) -> Option<Date> {
        let this_year = self.today.year();
        let is_over = month < self.today.month();
        self.month(this_year + u16::from(is_over), month)
    }

    /// Returns the suggestions as texts that are accepted.
    pub(super) fn accepted(&self, written: &[Written]) -> Vec<String> {
        let mut dates = self.dates.clone();
        let mut fixes: Vec<String> = written.iter().map(Written::to_string).collect();
        fixes.retain(|fix| dates.read(self.bound, fix).is_ok());
        fixes
    }

    /// Returns the local time some seconds after the instant of which the rows are read, in whole
    /// minutes, rounded up.
    pub(super) fn local_after(&self, seconds: i64) -> (Date, Clock) {
        let instant = self.dates.as_of().plus_seconds(seconds + 59);
        let (date, clock) = self.zone.local(instant);
        (date, Clock { second: 0, ..clock })
    }
}
