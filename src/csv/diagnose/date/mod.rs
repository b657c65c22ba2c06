//! Explains why a cell of `Starts` or `Expires` is not a date, and suggests the dates that it may mean.
//!
//! The text is cut into tokens (`tokens.rs`). The tokens are compared with the forms that people,
//! spreadsheets and programs write: numbers in every order and months by name (`calendar.rs`), with or
//! without a time of day (`clock.rs`), single numbers (`numbers.rs`), durations and relative days
//! (`relative.rs`). `words.rs` has the words of four languages.
//!
//! If a text can be read in two ways, both dates are suggested. A suggestion is never applied.

mod calendar;
mod clock;
mod numbers;
mod question;
mod relative;
mod tokens;
mod words;
mod written;

use strsim::osa_distance;

use crate::csv::cell::is_lost_value;
use crate::csv::diagnose::characters::{plain, strange_character};
use crate::csv::diagnose::date::calendar::{Readings, readings};
use crate::csv::diagnose::date::clock::{WrittenTime, take_time};
use crate::csv::diagnose::date::numbers::{NumberKind, number_kind};
use crate::csv::diagnose::date::question::Question;
use crate::csv::diagnose::date::tokens::{Token, small, tokens, value};
use crate::csv::diagnose::date::words::is_without_end;
use crate::csv::diagnose::date::written::Written;
use crate::csv::diagnose::spreadsheet::is_formula;
use crate::csv::diagnose::{Explanation, MAX_EXPLAINED_BYTES};
use crate::text::{RichText, Segment, rich};
use crate::time::{Bound, Clock, Date, DateReader, TimeZone};

/// The accepted forms, for messages without a suggestion.
const ACCEPTED: &str = "write a date such as 2026-12-31, 2026-12-31 18:00 or 2026-12-31T18:00:00Z";

/// Explains a cell that [`DateReader::read`] does not accept.
pub(super) fn explain_date(text: &str, bound: Bound, dates: &DateReader) -> Explanation {
    let zone = dates.zone();
    let (today, _) = zone.local(dates.as_of());
    let question = Question {
        bound,
        zone,
        dates,
        today,
    };
    let searched = (text.len() <= MAX_EXPLAINED_BYTES).then_some(text);
    let found = searched.and_then(|text| question.find(text));
    let Some(Finding { problem, written }) = found else {
        return without_suggestion(text, bound);
    };
    let fixes = question.accepted(&written);
    let column = column_name(bound);
    let reason = rich!("{} in {} {}", Segment::quoted(text), column, &problem);
    if fixes.is_empty() {
        return Explanation::new(reason).with_help(ACCEPTED);
    }
    Explanation {
        help: Some(format!("write {}", fixes.join(" or ")).into()),
        fixes,
        names_a_fix: true,
        ..Explanation::new(reason)
    }
}

/// Explains a cell that does not look like a date.
fn without_suggestion(text: &str, bound: Bound) -> Explanation {
    let quoted = rich!("{} in {}", Segment::quoted(text), column_name(bound));
    let reason = if is_lost_value(text) {
        rich!("{} is what a spreadsheet shows instead of a date", &quoted)
    } else if is_formula(text) {
        let reason = rich!("{} is a formula", &quoted);
        return Explanation::new(reason).with_help("replace it with a date");
    } else {
        let strange = strange_character(text).filter(|_| text.contains(|c: char| c.is_numeric()));
        strange.map_or_else(
            || rich!("{} is not a date", &quoted),
            |name| rich!("{} is not a date, because it contains {}", &quoted, &name),
        )
    };
    Explanation::new(reason).with_help(ACCEPTED)
}

/// Returns the name of the column in messages, regardless of its name in the file.
fn column_name(bound: Bound) -> &'static str {
    match bound {
        Bound::Starts => "Starts",
        Bound::Expires => "Expires",
    }
}

/// The problem of a cell, written as the end of a sentence, and the dates that the cell may mean.
struct Finding {
    problem: RichText,
    written: Vec<Written>,
}

impl Finding {
    fn new(problem: impl Into<RichText>, written: impl Into<Vec<Written>>) -> Self {
        Self {
            problem: problem.into(),
            written: written.into(),
        }
    }
}

impl Question<'_> {
    fn find(&self, text: &str) -> Option<Finding> {
        let plain = plain(text);
        let lower = plain.as_deref().unwrap_or(text).trim().to_lowercase();
        let lower = lower.trim_matches(['"', '\'', '`', '.', ',', ';', '!']);
        if is_without_end(lower) || (lower.len() >= 4 && osa_distance(lower, "never") == 1) {
            return Some(self.never());
        }
        if let Some(day) = self.relative_day(lower) {
            return Some(Finding::new("is not a fixed date", [Written::Day(day)]));
        }
        let (lower, zone) = without_zone(lower);
        let tokens = tokens(lower)?;
        if let Some(written) = self.after_duration(&tokens) {
            let problem = "is a duration, which would start again at every upload";
            return Some(Finding::new(problem, written));
        }
        if let Some(day) = self.day_of_span(&tokens) {
            return Some(Finding::new("is a period, not a date", [Written::Day(day)]));
        }
        if let Some(number) = number_kind(&tokens, self) {
            return Some(match number {
                NumberKind::Serial(written) => Finding::new(
                    "is the number that a spreadsheet stores for a date",
                    [written],
                ),
                NumberKind::Unix(written) => Finding::new("is a Unix timestamp", [written]),
                NumberKind::Digits(written) => Self::found("", written),
            });
        }
        self.calendar(tokens, zone.as_ref())
            .or_else(|| self.two_dates(lower))
    }

    /// Explains a cell that says that there is no end. Nothing is suggested for `Starts`, because a row
    /// without a start is active at once.
    fn never(&self) -> Finding {
        match self.bound {
            Bound::Starts => Finding::new("is not a date", []),
            Bound::Expires => Finding::new("is not a date", [Written::Never]),
        }
    }

    /// Reads a calendar date, with or without a time.
    fn calendar(&self, mut tokens: Vec<Token<'_>>, zone: Option<&TimeZone>) -> Option<Finding> {
        if let Some(problem) = self.missing_day(&tokens) {
            return Some(problem);
        }
        let time = take_time(&mut tokens);
        if tokens.is_empty() {
            return Some(Finding::new("is a time without a date", []));
        }
        let readings = readings(&tokens, self)?;
        let (dates, problem) = match readings {
            Readings::Dates(dates) => (dates, ""),
            Readings::WithoutYear(dates) => (dates, "has no year"),
            Readings::Span(date) if time.is_none() => (vec![date], "has no day"),
            Readings::Span(_) => return None,
        };
        if dates.is_empty() {
            return Some(Finding::new("is a date that does not exist", []));
        }
        let Some((time, offset)) = time else {
            let written = dates.into_iter().map(Written::Day).collect();
            return Some(Self::found(problem, written));
        };
        let clock = match time {
            WrittenTime::At(clock) => Some(clock),
            WrittenTime::Midnight24 => None,
            WrittenTime::Impossible => {
                return Some(Finding::new("contains a time that does not exist", []));
            }
        };
        let written = dates.into_iter().filter_map(|date| {
            let date = match clock {
                Some(_) => date,
                None => date.plus_days(1)?,
            };
            let clock = clock.unwrap_or(MIDNIGHT);
            Some(match (offset, zone) {
                (Some(offset), _) => Written::AtOffset(date, clock, offset),
                (None, Some(zone)) if zone != self.zone => {
                    Written::Instant(zone.instant(date, clock))
                }
                (None, _) => Written::Local(date, clock),
            })
        });
        Some(Self::found(problem, written.collect()))
    }

    /// Explains a date in the accepted order (year, month, day) whose day or month does not exist.
    fn missing_day(&self, tokens: &[Token<'_>]) -> Option<Finding> {
        let [
            Token::Number(year),
            Token::Mark('-'),
            Token::Number(month),
            Token::Mark('-'),
            Token::Number(day),
            rest @ ..,
        ] = tokens
        else {
            return None;
        };
        let (year, month, day) = (value(year)?, small(month)?, small(day)?);
        let suggested = |date: Option<Date>| -> Vec<Written> {
            let date = date.filter(|_| rest.is_empty());
            date.map(Written::Day).into_iter().collect()
        };
        if !(1..=12).contains(&month) {
            return Some(Finding::new(
                rich!(
                    "has the month {}, but a year has 12 months",
                    u32::from(month)
                ),
                suggested(Date::new(year, day, month)),
            ));
        }
        let last = Date::new(year, month, 1)?.last_of_month();
        if (1..=last.day()).contains(&day) {
            return None;
        }
        let nearest = match self.bound {
            Bound::Starts => last.plus_days(1),
            Bound::Expires => Some(last),
        };
        Some(Finding::new(
            rich!(
                "does not exist, because the month has {} days",
                u32::from(last.day())
            ),
            suggested(nearest.filter(|_| day > 0)),
        ))
    }

    /// Creates a finding for dates in another form. If `problem` is empty, the problem is the form or, if
    /// there are several dates, that they are ambiguous.
    fn found(problem: &str, written: Vec<Written>) -> Finding {
        let problem = match (problem, written.len()) {
            ("", 0 | 1) => "is not in an accepted format",
            ("", _) => "can be read in more than one way",
            (problem, _) => problem,
        };
        Finding::new(problem, written)
    }

    /// Explains a cell with two dates, such as `2026-01-01 - 2026-12-31`.
    fn two_dates(&self, text: &str) -> Option<Finding> {
        let separators = [
            " - ", " – ", " to ", "..", "/", " bis ", " au ", " al ", " until ",
        ];
        let (first, second) = separators
            .iter()
            .find_map(|separator| text.split_once(separator))?;
        let meant = |text: &str| {
            let found = self.calendar(tokens(text)?, None);
            found.map(|found| found.written)
        };
        let (first, second) = (meant(first)?, meant(second)?);
        Some(Finding::new(
            "contains two dates, but each date has its own column",
            match self.bound {
                Bound::Starts => first,
                Bound::Expires => second,
            },
        ))
    }
}

const MIDNIGHT: Clock = Clock {
    hour: 0,
    minute: 0,
    second: 0,
};

/// Splits the name of a time zone from the end of a text, as in `18:00 Europe/Paris` or
/// `18:00[Europe/Paris]`.
fn without_zone(text: &str) -> (&str, Option<TimeZone>) {
    let end = text.trim_end_matches(']');
    let Some((before, name)) = end.rsplit_once(['[', ' ']) else {
        return (text, None);
    };
    if !name.contains('/') || !name.starts_with(char::is_alphabetic) {
        return (text, None);
    }
    match TimeZone::named(name) {
        Ok(zone) => (before.trim_end(), Some(zone)),
        Err(_) => (text, None),
    }
}

#[cfg(test)]
mod tests;
