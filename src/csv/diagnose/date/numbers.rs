//! Reads a cell that is one number as a date: a spreadsheet's serial number, a Unix time, or digits
//! without separators.

use crate::csv::diagnose::date::question::Question;
use crate::csv::diagnose::date::tokens::{Token, small, value};
use crate::csv::diagnose::date::written::Written;
use crate::time::{Clock, Date, Instant};

/// The serial numbers that are read as dates: from 1 January 1990 to 31 December 2199. A smaller number is
/// more likely something else.
const SERIALS: std::ops::RangeInclusive<i64> = 32_874..=109_574;
/// The Unix times that are read as dates: from 2001, when they reached ten digits, to 2199.
const UNIX_SECONDS: std::ops::RangeInclusive<i64> = 1_000_000_000..=7_258_118_399;

/// The meaning of a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NumberKind {
    /// The number that a spreadsheet stores for a date.
    Serial(Written),
    /// Seconds, milliseconds, microseconds or nanoseconds since 1970.
    Unix(Written),
    /// Digits without separators.
    Digits(Vec<Written>),
}

/// Reads the tokens as a number. `None` if they are not a number that could be a date.
pub(super) fn number_kind(tokens: &[Token<'_>], question: &Question<'_>) -> Option<NumberKind> {
    match tokens {
        [Token::Number(days)] => serial(days, "")
            .map(NumberKind::Serial)
            .or_else(|| unix_time(days).map(NumberKind::Unix))
            .or_else(|| plain_digits(days, question)),
        [
            Token::Number(days),
            Token::Mark('.' | ','),
            Token::Number(fraction),
        ] => serial(days, fraction)
            .map(NumberKind::Serial)
            .or_else(|| unix_time(days).map(NumberKind::Unix)),
        // The basic format of ISO 8601, as calendar programs write it.
        [
            Token::Number(date),
            Token::Word("t"),
            Token::Number(time),
            rest @ ..,
        ] if date.len() == 8 => {
            let date = compact_date(date)?;
            let clock = compact_clock(time)?;
            match rest {
                [] => Some(Written::Local(date, clock)),
                [Token::Word("z")] => Some(Written::AtOffset(date, clock, 0)),
                _ => None,
            }
            .map(|written| NumberKind::Digits(vec![written]))
        }
        _ => None,
    }
}

/// Reads a serial number of Excel's 1900 system, which `LibreOffice` also uses: the days since 30 December
/// 1899. The fraction is the part of the day that has passed. Apple Numbers shows a date cell as text, so it
/// does not write serial numbers.
fn serial(days: &str, fraction: &str) -> Option<Written> {
    let days = days.parse().ok().filter(|days| SERIALS.contains(days))?;
    let date = Date::new(1899, 12, 30)?.plus_days(days)?;
    // Nine digits are more than enough for a precision of one second.
    let digits = fraction.get(..fraction.len().min(9))?;
    let scale = 10_i64.checked_pow(u32::try_from(digits.len()).ok()?)?;
    let part: i64 = if digits.is_empty() {
        0
    } else {
        digits.parse().ok()?
    };
    let seconds = (part * 86_400 + scale / 2) / scale;
    Some(match seconds {
        0 => Written::Day(date),
        // The seconds were rounded up to the next day.
        86_400.. => Written::Day(date.plus_days(1)?),
        _ => Written::Local(date, clock(seconds)?),
    })
}

fn clock(seconds: i64) -> Option<Clock> {
    let part = |seconds: i64| u8::try_from(seconds).ok();
    Some(Clock {
        hour: part(seconds / 3600)?,
        minute: part(seconds / 60 % 60)?,
        second: part(seconds % 60)?,
    })
}

fn unix_time(digits: &str) -> Option<Written> {
    let number: i64 = digits.parse().ok()?;
    let seconds = match digits.len() {
        10 => number,
        13 => number / 1000,
        16 => number / 1_000_000,
        19 => number / 1_000_000_000,
        _ => return None,
    };
    let is_likely = UNIX_SECONDS.contains(&seconds);
    is_likely.then(|| Written::Instant(Instant::from_seconds(seconds)))
}

fn compact_date(digits: &str) -> Option<Date> {
    let (year, rest) = digits.split_at_checked(4)?;
    let (month, day) = rest.split_at_checked(2)?;
    Date::new(value(year)?, small(month)?, small(day)?)
}

fn compact_clock(digits: &str) -> Option<Clock> {
    let (hour, rest) = digits.split_at_checked(2)?;
    let (minute, second) = rest.split_at_checked(2)?;
    let second = if second.is_empty() { "0" } else { second };
    let clock = Clock {
        hour: small(hour)?,
        minute: small(minute)?,
        second: small(second)?,
    };
    clock.checked()
}

fn plain_digits(digits: &str, question: &Question<'_>) -> Option<NumberKind> {
    let day = |year: &str, month: &str, day: &str| {
        let date = Date::new(value(year)?, small(month)?, small(day)?)?;
        let is_likely = (1970..=2199).contains(&date.year());
        is_likely.then_some(Written::Day(date))
    };
    let mut found: Vec<Written> = match digits.len() {
        8 => {
            let (first, rest) = digits.split_at_checked(2)?;
            let (second, year) = rest.split_at_checked(2)?;
            let year_first = compact_date(digits)
                .map(Written::Day)
                .filter(|_| matches!(first, "19" | "20" | "21"));
            let others = [day(year, second, first), day(year, first, second)];
            year_first
                .into_iter()
                .chain(others.into_iter().flatten())
                .collect()
        }
        6 => {
            let (first, rest) = digits.split_at_checked(2)?;
            let (second, third) = rest.split_at_checked(2)?;
            let year = |digits: &str| format!("20{digits}");
            [
                day(&year(first), second, third),
                day(&year(third), second, first),
                day(&year(third), first, second),
                question
                    .month(value(digits.get(..4)?)?, small(third)?)
                    .map(Written::Day),
            ]
            .into_iter()
            .flatten()
            .filter(|written| written.year() >= question.today.year())
            .collect()
        }
        12 | 14 => {
            let (date, time) = digits.split_at_checked(8)?;
            vec![Written::Local(compact_date(date)?, compact_clock(time)?)]
        }
        _ => return None,
    };
    found.dedup();
    (!found.is_empty()).then_some(NumberKind::Digits(found))
}
