//! Calendar dates, without a time or a time zone.

use std::fmt;

/// An existing date in a year from 0 to 9999. `Display` writes `2026-12-31`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Date(jiff::civil::Date);

impl Date {
    /// Creates a date. `None` if the date does not exist.
    pub(crate) fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let [month, day] = [month, day].map(|number| i8::try_from(number).ok());
        let date = jiff::civil::Date::new(i16::try_from(year).ok()?, month?, day?);
        date.ok().map(Self)
    }

    pub(super) fn of_civil(date: jiff::civil::Date) -> Self {
        Self(date)
    }

    pub(super) fn civil(self) -> jiff::civil::Date {
        self.0
    }

    /// Returns the date that is `days` days later, or earlier if `days` is negative. `None` if it is not in
    /// the years 0 to 9999.
    pub(crate) fn plus_days(self, days: i64) -> Option<Self> {
        let span = jiff::Span::new().try_days(days).ok()?;
        Self::in_years(self.0.checked_add(span).ok()?)
    }

    /// Returns the same day `months` months later, or the last day of that month if the month is shorter.
    /// `None` if it is not in the years 0 to 9999.
    pub(crate) fn plus_months(self, months: i64) -> Option<Self> {
        let span = jiff::Span::new().try_months(months).ok()?;
        Self::in_years(self.0.checked_add(span).ok()?)
    }

    fn in_years(date: jiff::civil::Date) -> Option<Self> {
        (date.year() >= 0).then_some(Self(date))
    }

    /// Returns the first day of the date's month.
    pub(crate) fn first_of_month(self) -> Self {
        Self(self.0.first_of_month())
    }

    /// Returns the last day of the date's month.
    pub(crate) fn last_of_month(self) -> Self {
        Self(self.0.last_of_month())
    }

    /// Returns the Monday of an ISO 8601 week. `None` if the year has no such week.
    pub(crate) fn monday_of_week(year: u16, week: u8) -> Option<Self> {
        let week = jiff::civil::ISOWeekDate::new(
            i16::try_from(year).ok()?,
            i8::try_from(week).ok()?,
            jiff::civil::Weekday::Monday,
        );
        week.ok().map(|week| Self(week.date()))
    }

    /// Returns the year.
    pub(crate) fn year(self) -> u16 {
        u16::try_from(self.0.year()).unwrap_or_default()
    }

    /// Returns the month, 1 to 12.
    pub(crate) fn month(self) -> u8 {
        self.0.month().unsigned_abs()
    }

    /// Returns the day of the month, 1 to 31.
    pub(crate) fn day(self) -> u8 {
        self.0.day().unsigned_abs()
    }

    /// Returns the day of the week, from 0 for Monday to 6 for Sunday.
    pub(crate) fn weekday(self) -> u8 {
        self.0.weekday().to_monday_zero_offset().unsigned_abs()
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
