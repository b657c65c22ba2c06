//! Parses a date cell byte by byte. `reader.rs` turns the result into an instant.
//!
//! ```text
//! cell     = no-bound / date [ "T" / " " time [ [ fraction ] offset ] ]
//! no-bound = "" / "-" / "never"                  any case
//! date     = 4DIGIT "-" 2DIGIT "-" 2DIGIT        2026-12-31
//! time     = 2DIGIT ":" 2DIGIT [ ":" 2DIGIT ]    18:00, 18:00:30; at most 23:59:59
//! fraction = "." 1*DIGIT                         only after seconds
//! offset   = "Z" / ( "+" / "-" ) 2DIGIT ":" 2DIGIT    at most 23:59
//! ```
//!
//! A cell with an offset is a date-time of RFC 3339, in which `T` and `Z` may be in lower case, and `T` may
//! be a space. Unlike in RFC 3339, the seconds may be omitted. The second 60 is not accepted, because leap
//! seconds are announced only six months ahead.

use crate::time::instant::DAY_SECONDS;

/// A cell as written. Its date may not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DateCell {
    /// The cell sets no bound.
    NoBound,
    /// A date, with or without a time of day.
    Date { date: WrittenDate, at: At },
}

/// A date as written in a cell. It may not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WrittenDate {
    pub(super) year: u16,
    pub(super) month: u8,
    pub(super) day: u8,
}

/// The part of a date cell after the date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// There is no time.
    WholeDay,
    /// A local time.
    Local(Clock),
    /// A time with an offset from UTC in seconds. `extra_seconds` is 1 if the cell has a fraction of a second
    /// that is not zero. This rounding up changes no result, because an instant in whole seconds is before
    /// the rounded time if and only if it is before the written time.
    Offset {
        clock: Clock,
        offset: i64,
        extra_seconds: i64,
    },
}

/// A time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clock {
    pub(crate) hour: u8,
    pub(crate) minute: u8,
    pub(crate) second: u8,
}

impl Clock {
    /// Returns the seconds since midnight on a day without a clock change.
    pub(crate) fn seconds(self) -> i64 {
        i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second)
    }

    /// Returns the time. `None` if one of its parts is out of range.
    pub(crate) fn checked(self) -> Option<Self> {
        (self.seconds() < DAY_SECONDS && self.minute < 60 && self.second < 60).then_some(self)
    }
}

impl DateCell {
    /// Parses a cell. `None` if it is not in the grammar.
    #[inline]
    pub(super) fn parse(cell: &[u8]) -> Option<Self> {
        let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, rest @ ..] = cell else {
            let is_no_bound =
                cell.is_empty() || cell == b"-" || cell.eq_ignore_ascii_case(b"never");
            return is_no_bound.then_some(Self::NoBound);
        };
        let date = WrittenDate {
            year: u16::from(pair(*y1, *y2)?) * 100 + u16::from(pair(*y3, *y4)?),
            month: pair(*m1, *m2)?,
            day: pair(*d1, *d2)?,
        };
        let at = match rest {
            [] => At::WholeDay,
            [b'T' | b't' | b' ', rest @ ..] => At::parse(rest)?,
            _ => return None,
        };
        Some(Self::Date { date, at })
    }
}

impl At {
    fn parse(text: &[u8]) -> Option<Self> {
        let [h1, h2, b':', m1, m2, rest @ ..] = text else {
            return None;
        };
        let (second, rest, has_seconds) = match rest {
            [b':', s1, s2, rest @ ..] => (pair(*s1, *s2)?, rest, true),
            _ => (0, rest, false),
        };
        let clock = Clock {
            hour: pair(*h1, *h2)?,
            minute: pair(*m1, *m2)?,
            second,
        };
        let clock = clock.checked()?;
        if rest.is_empty() {
            return Some(Self::Local(clock));
        }
        let (extra_seconds, rest) = match rest {
            [b'.', rest @ ..] if has_seconds => fraction(rest)?,
            _ => (0, rest),
        };
        Some(Self::Offset {
            clock,
            offset: offset(rest)?,
            extra_seconds,
        })
    }
}

/// Reads the digits of a fraction. Returns 1 if the fraction is not zero, or else 0, and the text after the
/// digits.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let end = text
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let is_zero = digits.iter().all(|digit| *digit == b'0');
    (!digits.is_empty()).then_some((i64::from(!is_zero), rest))
}

fn offset(text: &[u8]) -> Option<i64> {
    match text {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let clock = Clock {
                hour: pair(*h1, *h2)?,
                minute: pair(*m1, *m2)?,
                second: 0,
            };
            let seconds = clock.checked()?.seconds();
            Some(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

/// Reads a number of two digits.
#[inline]
fn pair(tens: u8, ones: u8) -> Option<u8> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then_some(tens * 10 + ones)
}
