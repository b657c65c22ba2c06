//! Reads the numbers and the month of a date cell as dates, in every order that people use.

use crate::csv::diagnose::date::question::Question;
use crate::csv::diagnose::date::tokens::{Token, small, value};
use crate::csv::diagnose::date::words::{is_filler, month, weekday};
use crate::time::Date;

/// The dates that a text may mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Readings {
    /// Dates, the most likely first. Empty if no order gives a date that exists.
    Dates(Vec<Date>),
    /// Dates without a year. Each is the next date with its month and day.
    WithoutYear(Vec<Date>),
    /// A month. The date is its first day for `Starts`, and its last day for `Expires`.
    Span(Date),
}

/// The numbers, the month name and the separator of a date, without the words that do not change it.
struct Parts<'a> {
    numbers: Vec<&'a str>,
    month: Option<u8>,
    /// The count of numbers before the month name.
    numbers_before_month: usize,
    separator: char,
}

impl<'a> Parts<'a> {
    /// Returns the parts. `None` if there is a word or a mark that does not occur in a date.
    fn of(tokens: &[Token<'a>]) -> Option<Self> {
        let mut parts = Self {
            numbers: Vec::new(),
            month: None,
            numbers_before_month: 0,
            separator: ' ',
        };
        for token in tokens {
            match token {
                Token::Number(number) => parts.numbers.push(number),
                Token::Word(word) => match month(word).filter(|_| parts.month.is_none()) {
                    Some(month) => {
                        parts.month = Some(month);
                        parts.numbers_before_month = parts.numbers.len();
                    }
                    None if is_filler(word) || weekday(word).is_some() || *word == "t" => {}
                    None => return None,
                },
                Token::Mark(mark @ ('/' | '-' | '.')) => parts.separator = *mark,
                Token::Mark(',' | ';' | '\'' | '’' | '(' | ')' | '<' | '≤' | '=' | '_') => {}
                Token::Mark(_) => return None,
            }
        }
        Some(parts)
    }
}

/// Reads the tokens of a cell, without those of its time. `None` if they are not a date.
pub(super) fn readings(tokens: &[Token<'_>], question: &Question<'_>) -> Option<Readings> {
    let parts = Parts::of(tokens)?;
    let numbers: &[&str] = &parts.numbers;
    match (parts.month, numbers) {
        (None, [first, second, third]) => three_numbers(first, second, third, parts.separator),
        (None, [first, second]) => two_numbers(first, second, question),
        (Some(month), [first, second]) => Some(Readings::Dates(with_month(month, first, second))),
        (Some(month), [number]) => Some(month_and_number(
            month,
            number,
            parts.numbers_before_month > 0,
            question,
        )),
        (Some(month), []) => Some(Readings::Span(question.next_month(month)?)),
        _ => None,
    }
}

/// Returns a year of two or four digits. Two digits mean a year from 2000 to 2099.
fn year(digits: &str) -> Option<u16> {
    match digits.len() {
        2 => Some(2000 + value(digits)?),
        4 => value(digits),
        _ => None,
    }
}

fn date(year: Option<u16>, month: &str, day: &str) -> Option<Date> {
    Date::new(year?, small(month)?, small(day)?)
}

fn distinct(dates: impl IntoIterator<Item = Option<Date>>) -> Vec<Date> {
    let mut distinct = Vec::new();
    for date in dates.into_iter().flatten() {
        if !distinct.contains(&date) {
            distinct.push(date);
        }
    }
    distinct
}

fn three_numbers(first: &str, second: &str, third: &str, separator: char) -> Option<Readings> {
    let year_last = || {
        [
            date(year(third), second, first),
            date(year(third), first, second),
        ]
    };
    let year_first = || date(year(first), second, third);
    let dates = match (first.len(), second.len(), third.len()) {
        (4, 1 | 2, 1 | 2) => {
            let usual = year_first();
            let swapped = date(year(first), third, second);
            distinct([usual.or(swapped)])
        }
        (1 | 2, 1 | 2, 4) => distinct(year_last()),
        (1 | 2, 1 | 2, 2) if separator == '-' => {
            let [day_first, month_first] = year_last();
            distinct([year_first(), day_first, month_first])
        }
        (1 | 2, 1 | 2, 2) => {
            let dates = distinct(year_last());
            if dates.is_empty() {
                distinct([year_first()])
            } else {
                dates
            }
        }
        _ => return None,
    };
    Some(Readings::Dates(dates))
}

fn two_numbers(first: &str, second: &str, question: &Question<'_>) -> Option<Readings> {
    match (first.len(), second.len()) {
        (4, 1 | 2) => Some(Readings::Span(
            question.month(value(first)?, small(second)?)?,
        )),
        (1 | 2, 4) => Some(Readings::Span(
            question.month(value(second)?, small(first)?)?,
        )),
        // A year and the day of the year, as in ISO 8601.
        (4, 3) => {
            let first_day = Date::new(value(first)?, 1, 1)?;
            let day = first_day.plus_days(i64::from(value(second)?) - 1)?;
            (day.year() == first_day.year() && day >= first_day).then(|| Readings::Dates(vec![day]))
        }
        (1 | 2, 1 | 2) => {
            let day_first = question.next_day(small(second)?, small(first)?);
            let month_first = question.next_day(small(first)?, small(second)?);
            Some(Readings::WithoutYear(distinct([day_first, month_first])))
        }
        _ => None,
    }
}

/// Returns the dates for a month name, a day and a year. The day or the year may come first.
fn with_month(month: u8, first: &str, second: &str) -> Vec<Date> {
    let of = |year_digits: &str, day: &str| {
        small(day).and_then(|day| Date::new(year(year_digits)?, month, day))
    };
    if first.len() == 4 {
        distinct([of(first, second)])
    } else {
        let usual = of(second, first);
        distinct([usual.or_else(|| of(first, second))])
    }
}

fn month_and_number(
    month: u8,
    number: &str,
    is_number_first: bool,
    question: &Question<'_>,
) -> Readings {
    let with_day = small(number).and_then(|day| question.next_day(month, day));
    // A spreadsheet shows "Dec-31" for December 2031, but "31-Dec" only for a day.
    let with_year = year(number)
        .filter(|year| !is_number_first && *year >= question.today.year())
        .and_then(|year| question.month(year, month));
    match (with_day, with_year) {
        (None, Some(date)) => Readings::Span(date),
        (day, year) => Readings::WithoutYear(distinct([day, year])),
    }
}
