//! Reads the cells of the columns `Starts` and `Expires`.
//!
//! # Implementation notes
//!
//! A file may have a million dates, but only a few distinct days. [`DateReader`] computes the bounds of each
//! day once. It then adds the time of day to the start of the day, unless the clock changes on that day.
//! Asking the time zone for each cell took five times as long.

use crate::time::cell::{At, DateCell, WrittenDate};
use crate::time::date::Date;
use crate::time::instant::{DAY_SECONDS, Instant};
use crate::time::zone::TimeZone;

/// The number of days that are remembered, a power of two. Days in eight consecutive years do not collide.
const MAX_DAYS: usize = 4096;
/// The year that databases write for "never". A row that expires in this year does not end.
const YEAR_OF_NEVER: u16 = 9999;

/// The column of a date, which is one bound of a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// `Starts`: a date without a time means the first instant of the day.
    Starts,
    /// `Expires`: a date without a time means the end of the day, which is the first instant of the next day.
    Expires,
}

/// The error for a cell that is not in the grammar, or whose date does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidDate;

/// Reads dates in one time zone.
///
/// ```
/// use htaccess_generator::time::{Bound, DateReader, Instant, TimeZone};
///
/// let zone = TimeZone::named("Europe/Paris").unwrap();
/// let mut reader = DateReader::new(zone, Instant::from_seconds(0));
/// let mut read = |bound, cell| reader.read(bound, cell).unwrap().unwrap().to_string();
/// assert_eq!(read(Bound::Starts, "2026-12-31"), "2026-12-30T23:00:00Z");
/// assert_eq!(read(Bound::Expires, "2026-12-31"), "2026-12-31T23:00:00Z");
/// assert_eq!(read(Bound::Expires, "2026-12-31 18:00"), "2026-12-31T17:00:00Z");
/// assert_eq!(read(Bound::Expires, "2026-12-31T18:00:00Z"), "2026-12-31T18:00:00Z");
/// ```
#[derive(Clone, Debug)]
pub struct DateReader {
    zone: TimeZone,
    as_of: Instant,
    /// The days that have been read, each at its index from `WrittenDate::place`. Empty until the first day
    /// is read.
    days: Vec<Option<Day>>,
}

/// A day in the time zone.
#[derive(Clone, Copy, Debug)]
struct Day {
    written: WrittenDate,
    date: Date,
    first: Instant,
    end: Instant,
    /// The start of the day in UTC.
    utc: Instant,
    /// Set if the clock changes during the day.
    has_change: bool,
}

impl Default for DateReader {
    /// Creates a reader for UTC, as of 1970-01-01T00:00:00Z.
    fn default() -> Self {
        Self::new(TimeZone::default(), Instant::from_seconds(0))
    }
}

impl DateReader {
    /// Creates a reader. `as_of` is the instant as of which the rows are evaluated. Only explanations use it.
    #[must_use]
    pub fn new(zone: TimeZone, as_of: Instant) -> Self {
        Self {
            zone,
            as_of,
            days: Vec::new(),
        }
    }

    /// Returns the time zone.
    #[must_use]
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Returns the instant as of which the rows are evaluated.
    #[must_use]
    pub fn as_of(&self) -> Instant {
        self.as_of
    }

    /// Reads a cell without white space around it. `None` means that the cell sets no bound.
    ///
    /// # Errors
    ///
    /// [`InvalidDate`] for a text that is not in the grammar (`cell.rs`), or for a date that does not exist.
    pub fn read(&mut self, bound: Bound, cell: &str) -> Result<Option<Instant>, InvalidDate> {
        self.read_bytes(bound, cell.as_bytes())
    }

    /// Reads a cell from its bytes. See [`DateReader::read`].
    #[inline]
    pub(crate) fn read_bytes(
        &mut self,
        bound: Bound,
        cell: &[u8],
    ) -> Result<Option<Instant>, InvalidDate> {
        let DateCell::Date { date, at } = DateCell::parse(cell).ok_or(InvalidDate)? else {
            return Ok(None);
        };
        let day = self.day(date).ok_or(InvalidDate)?;
        let instant = match at {
            At::WholeDay => match bound {
                Bound::Starts => day.first,
                Bound::Expires => day.end,
            },
            At::Local(clock) if day.has_change => self.zone.instant(day.date, clock),
            At::Local(clock) => day.first.plus_seconds(clock.seconds()),
            At::Offset {
                clock,
                offset,
                extra_seconds,
            } => day
                .utc
                .plus_seconds(clock.seconds() - offset + extra_seconds),
        };
        let is_never = bound == Bound::Expires && date.year == YEAR_OF_NEVER;
        Ok((!is_never).then_some(instant))
    }

    /// Returns a day. `None` if the date does not exist.
    #[inline]
    fn day(&mut self, written: WrittenDate) -> Option<Day> {
        let place = written.place();
        match self.days.get(place) {
            Some(Some(day)) if day.written == written => Some(*day),
            _ => self.new_day(written),
        }
    }

    #[cold]
    fn new_day(&mut self, written: WrittenDate) -> Option<Day> {
        let date = Date::new(written.year, written.month, written.day)?;
        let first = self.zone.first_instant(date);
        let end = date
            .plus_days(1)
            .map_or(Instant::MAX, |next| self.zone.first_instant(next));
        let day = Day {
            written,
            date,
            first,
            end,
            utc: TimeZone::default().first_instant(date),
            has_change: first.plus_seconds(DAY_SECONDS) != end
                || self.zone.changes_between(first, end),
        };
        if self.days.is_empty() {
            self.days = vec![None; MAX_DAYS];
        }
        if let Some(place) = self.days.get_mut(written.place()) {
            *place = Some(day);
        }
        Some(day)
    }
}

impl WrittenDate {
    /// Returns the index in the table of days. Days in eight consecutive years have different indexes.
    #[inline]
    fn place(self) -> usize {
        let Self { year, month, day } = self;
        (usize::from(year) << 9 | usize::from(month) << 5 | usize::from(day)) % MAX_DAYS
    }
}

#[cfg(test)]
mod tests;
