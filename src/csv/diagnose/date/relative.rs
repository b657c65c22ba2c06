//! Reads durations, and words for days that are relative to today.

use crate::csv::diagnose::date::question::Question;
use crate::csv::diagnose::date::tokens::{Token, small, value};
use crate::csv::diagnose::date::words::{Relative, Unit, relative, units, weekday};
use crate::csv::diagnose::date::written::Written;
use crate::time::{Bound, Date};

/// Words around a duration that do not change it.
const AROUND: [&str; 16] = [
    "in", "for", "after", "within", "next", "dans", "pendant", "après", "für", "nach", "durante",
    "en", "por", "from", "now", "later",
];
const NUMBERS: [(&str, u16); 14] = [
    ("a", 1),
    ("an", 1),
    ("one", 1),
    ("un", 1),
    ("une", 1),
    ("una", 1),
    ("ein", 1),
    ("eine", 1),
    ("einen", 1),
    ("two", 2),
    ("three", 3),
    ("deux", 2),
    ("zwei", 2),
    ("dos", 2),
];

impl Unit {
    /// Returns the length of the unit in seconds. 0 for units of whole days, whose length depends on the
    /// calendar.
    fn seconds(self) -> i64 {
        match self {
            Self::Seconds => 1,
            Self::Minutes => 60,
            Self::Hours => 3600,
            Self::Days | Self::Weeks | Self::Months | Self::Years => 0,
        }
    }
}

impl Question<'_> {
    /// Returns the dates at which a duration ends if it starts now. `None` if the text is not a
    /// duration.
    pub(super) fn after_duration(&self, tokens: &[Token<'_>]) -> Option<Vec<Written>> {
        match tokens {
            [Token::Word("pt"), rest @ ..] => {
                return self.sum(rest, |unit| unit != Unit::Months);
            }
            [Token::Word("p"), rest @ ..] => {
                return self.sum(rest, |unit| unit != Unit::Minutes);
            }
            _ => {}
        }
        let words: Vec<Token<'_>> = tokens
            .iter()
            .copied()
            .filter(|token| match token {
                Token::Word(word) => !AROUND.contains(word),
                Token::Mark(mark) => !matches!(mark, '+' | '~' | '.' | ','),
                Token::Number(_) => true,
            })
            .collect();
        match words.as_slice() {
            // `m` means minutes or months.
            [Token::Number(_), Token::Word("m")] => {
                let months = self.sum(&words, |unit| unit == Unit::Months);
                let minutes = self.sum(&words, |unit| unit == Unit::Minutes);
                Some([months?, minutes?].concat())
            }
            _ => self.sum(&words, |_| true),
        }
    }

    /// Adds durations, such as `3 days`, to the current time. `is_meant` chooses between the units that one
    /// word may mean.
    fn sum(&self, tokens: &[Token<'_>], is_meant: impl Fn(Unit) -> bool) -> Option<Vec<Written>> {
        let mut parts = Vec::new();
        for pair in tokens.chunks(2) {
            let (number, word) = match pair {
                [Token::Number(number), Token::Word(word)] => (value(number)?, *word),
                [Token::Word(number), Token::Word(word)] => {
                    (NUMBERS.iter().find(|(name, _)| name == number)?.1, *word)
                }
                _ => return None,
            };
            // In ISO 8601, a `T` separates the days from the hours, as in `P1DT12H`.
            let word = if word == "dt" { "d" } else { word };
            let unit = units(word).find(|unit| is_meant(*unit))?;
            parts.push((unit, i64::from(number)));
        }
        let seconds: i64 = parts
            .iter()
            .map(|(unit, number)| unit.seconds() * number)
            .sum();
        let (mut date, clock) = self.local_after(seconds);
        for (unit, number) in &parts {
            date = match unit {
                Unit::Days => date.plus_days(*number)?,
                Unit::Weeks => date.plus_days(number * 7)?,
                Unit::Months => date.plus_months(*number)?,
                Unit::Years => date.plus_months(number * 12)?,
                Unit::Seconds | Unit::Minutes | Unit::Hours => date,
            };
        }
        let has_time = parts.iter().any(|(unit, _)| unit.seconds() > 0);
        (!parts.is_empty()).then(|| {
            vec![if has_time {
                Written::Local(date, clock)
            } else {
                Written::Day(date)
            }]
        })
    }

    /// Returns the day that a text means, such as `tomorrow` or `Friday`.
    pub(super) fn relative_day(&self, text: &str) -> Option<Date> {
        let today = self.today;
        let text = text.strip_prefix("until ").unwrap_or(text);
        let day = text.strip_prefix("next ").unwrap_or(text);
        if let Some(weekday) = weekday(day) {
            let days = i64::from((weekday + 7 - today.weekday()) % 7);
            let days = if days == 0 { 7 } else { days };
            return today.plus_days(days);
        }
        let to_sunday = i64::from(6 - today.weekday());
        match relative(text)? {
            Relative::Yesterday => today.plus_days(-1),
            Relative::Today => Some(today),
            Relative::Tomorrow => today.plus_days(1),
            Relative::EndOfWeek => today.plus_days(to_sunday),
            Relative::NextWeek => {
                let monday = today.plus_days(to_sunday + 1)?;
                Some(self.of_span(monday, monday.plus_days(6)?))
            }
            Relative::EndOfMonth => Some(today.last_of_month()),
            Relative::NextMonth => {
                let first = today.first_of_month().plus_months(1)?;
                Some(self.of_span(first, first.last_of_month()))
            }
            Relative::EndOfQuarter => {
                Date::new(today.year(), (today.month() - 1) / 3 * 3 + 3, 1).map(Date::last_of_month)
            }
            Relative::EndOfYear => Date::new(today.year(), 12, 31),
            Relative::NextYear => self.year(today.year() + 1),
        }
    }

    /// Returns a day of a quarter, of a week of ISO 8601 or of a year: the first one for `Starts`, and the
    /// last one for `Expires`.
    pub(super) fn day_of_span(&self, tokens: &[Token<'_>]) -> Option<Date> {
        let (word, number, year) = match tokens {
            [Token::Number(year)] if year.len() == 4 => {
                let year = value(year)?;
                return (1970..=2200).contains(&year).then(|| self.year(year))?;
            }
            [Token::Word(word), Token::Number(number)] => (*word, small(number)?, None),
            [
                Token::Word(word),
                Token::Number(number),
                ..,
                Token::Number(year),
            ]
            | [
                Token::Number(year),
                ..,
                Token::Word(word),
                Token::Number(number),
            ] => (*word, small(number)?, Some(value(year)?)),
            _ => return None,
        };
        if tokens.len() > 4 {
            return None;
        }
        let this_year = year.unwrap_or(self.today.year());
        match word {
            "q" | "t" | "quarter" | "quartal" | "trimestre" => {
                let first_month = number.checked_sub(1)?.checked_mul(3)? + 1;
                let first = Date::new(this_year, first_month, 1)?;
                Some(self.of_span(first, first.plus_months(2)?.last_of_month()))
            }
            "w" | "kw" | "cw" | "wk" | "week" | "woche" | "semaine" | "semana" => {
                let monday = Date::monday_of_week(this_year, number)?;
                Some(self.of_span(monday, monday.plus_days(6)?))
            }
            _ => None,
        }
    }

    fn year(&self, year: u16) -> Option<Date> {
        Some(self.of_span(Date::new(year, 1, 1)?, Date::new(year, 12, 31)?))
    }

    fn of_span(&self, first: Date, last: Date) -> Date {
        match self.bound {
            Bound::Starts => first,
            Bound::Expires => last,
        }
    }
}
