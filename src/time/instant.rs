//! Instants in whole seconds.

use std::fmt;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

/// The number of seconds in a day without a clock change.
pub(crate) const DAY_SECONDS: i64 = 86_400;

/// An instant in whole seconds since 1970-01-01T00:00:00Z, without leap seconds.
///
/// `Display` and JSON use RFC 3339 in UTC: `2026-12-31T22:59:59Z`.
///
/// ```
/// use htaccess_generator::time::Instant;
///
/// let instant = Instant::from_seconds(1_798_757_999);
/// assert_eq!(instant.to_string(), "2026-12-31T22:59:59Z");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(i64);

impl Instant {
    /// The first instant of the year 0.
    pub const MIN: Self = Self(-62_167_219_200);
    /// The last instant that jiff can represent. It is a day before the end of the year 9999, so that every
    /// local time is in a year of four digits.
    pub const MAX: Self = Self(253_402_207_200);

    /// Creates an instant from the seconds since 1970. Seconds out of range give the nearest valid instant.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        if seconds < Self::MIN.0 {
            Self::MIN
        } else if seconds > Self::MAX.0 {
            Self::MAX
        } else {
            Self(seconds)
        }
    }

    /// Returns the seconds since 1970.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// Returns the instant that is `seconds` seconds later, or earlier if `seconds` is negative.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_seconds(self.0.saturating_add(seconds))
    }

    /// Returns the instant that is `days` days later, or earlier if `days` is negative. A day has 24 hours.
    #[must_use]
    pub const fn plus_days(self, days: i64) -> Self {
        self.plus_seconds(days.saturating_mul(DAY_SECONDS))
    }

    pub(super) fn of_timestamp(timestamp: Timestamp) -> Self {
        Self::from_seconds(timestamp.as_second())
    }

    pub(super) fn timestamp(self) -> Timestamp {
        Timestamp::from_second(self.0).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.timestamp().fmt(f)
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_rfc_3339_in_utc() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (1_798_757_999, "2026-12-31T22:59:59Z"),
            (i64::MIN, "0000-01-01T00:00:00Z"),
            (i64::MAX, "9999-12-30T22:00:00Z"),
        ] {
            assert_eq!(Instant::from_seconds(seconds).to_string(), text);
        }
        assert_eq!(
            serde_json::to_string(&Instant::from_seconds(0)).unwrap(),
            "\"1970-01-01T00:00:00Z\""
        );
        assert_eq!(Instant::MAX.plus_days(1), Instant::MAX);
    }
}
