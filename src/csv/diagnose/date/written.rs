//! Suggested dates, written in the forms that are accepted.

use std::fmt;

use crate::time::{Clock, Date, Instant};

/// A date in an accepted form. `Display` is the text of the cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// A day: `2026-12-31`.
    Day(Date),
    /// A local time: `2026-12-31 18:00`.
    Local(Date, Clock),
    /// A time at an offset from UTC in minutes: `2026-12-31T18:00:00+01:00`.
    AtOffset(Date, Clock, i32),
    /// An instant: `2026-12-31T17:00:00Z`.
    Instant(Instant),
    /// No bound: `never`.
    Never,
}

impl Written {
    /// Returns the year. 0 for an instant and for `never`.
    pub(super) fn year(self) -> u16 {
        match self {
            Self::Day(date) | Self::Local(date, _) | Self::AtOffset(date, ..) => date.year(),
            Self::Instant(_) | Self::Never => 0,
        }
    }
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(date) => write!(f, "{date}"),
            Self::Local(date, clock) => {
                write!(f, "{date} {:02}:{:02}", clock.hour, clock.minute)?;
                match clock.second {
                    0 => Ok(()),
                    second => write!(f, ":{second:02}"),
                }
            }
            Self::AtOffset(date, clock, offset) => {
                let Clock {
                    hour,
                    minute,
                    second,
                } = clock;
                write!(f, "{date}T{hour:02}:{minute:02}:{second:02}")?;
                let sign = if *offset < 0 { '-' } else { '+' };
                match offset.unsigned_abs() {
                    0 => f.write_str("Z"),
                    minutes => write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60),
                }
            }
            Self::Instant(instant) => write!(f, "{instant}"),
            Self::Never => f.write_str("never"),
        }
    }
}
