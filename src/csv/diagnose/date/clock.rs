//! Finds the time of day and the offset from UTC in the tokens of a date cell, and removes them.

use crate::csv::diagnose::date::tokens::{Token, small};
use crate::csv::diagnose::date::words::abbreviated_offset;
use crate::time::Clock;

/// A time of day as people write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WrittenTime {
    /// A time that exists.
    At(Clock),
    /// 24:00, the end of the day.
    Midnight24,
    /// A time that does not exist, such as 25:00.
    Impossible,
}

/// Removes a time, and the offset from UTC after it, from the tokens. The offset is in minutes. `None` if
/// there is no time.
pub(super) fn take_time(tokens: &mut Vec<Token<'_>>) -> Option<(WrittenTime, Option<i32>)> {
    let is_dotted_time = |three: &[Token<'_>]| {
        matches!(
            three,
            [Token::Mark('.'), Token::Number(_), Token::Word("uhr")]
        )
    };
    // In German, a dot may separate the hour and the minute, as in "18.00 Uhr".
    if let Some(place) = tokens.windows(3).position(is_dotted_time)
        && let Some(mark) = tokens.get_mut(place)
    {
        *mark = Token::Mark(':');
    }
    let place = tokens.windows(2).position(is_start_of_time)?;
    let time = tokens.get(place..)?;
    let (hour, mut length) = match time {
        [Token::Number(hour), ..] => (small(hour), 1),
        _ => return None,
    };
    let mut minute = Some(0);
    let mut second = Some(0);
    match time.get(1..)? {
        [
            Token::Mark(':') | Token::Word("h"),
            Token::Number(number),
            ..,
        ] if number.len() == 2 => {
            minute = small(number);
            length += 2;
            if let Some([Token::Mark(':'), Token::Number(number), ..]) = time.get(length..) {
                second = small(number);
                length += 2;
            }
            if let Some([Token::Mark('.' | ','), Token::Number(_), ..]) = time.get(length..) {
                length += 2;
            }
        }
        [Token::Word("h" | "uhr"), ..] => length += 1,
        _ => {}
    }
    let afternoon = match time.get(length..)? {
        [Token::Word("am"), ..] => Some(false),
        [Token::Word("pm"), ..] => Some(true),
        _ => None,
    };
    length += usize::from(afternoon.is_some());
    let offset = offset_at_start(time.get(length..)?);
    length += offset.map_or(0, |(_, length)| length);
    // An abbreviation may repeat the offset, as in "+0000 UTC".
    if let (Some(_), Some([Token::Word(word), ..])) = (offset, time.get(length..)) {
        length += usize::from(abbreviated_offset(word).is_some());
    }
    tokens.drain(place..place + length);
    let time = written_time(hour, minute, second, afternoon);
    Some((time, offset.map(|(minutes, _)| minutes)))
}

/// Returns whether two tokens start a time: `18:`, `18h`, `6 pm`.
fn is_start_of_time(pair: &[Token<'_>]) -> bool {
    matches!(
        pair,
        [
            Token::Number(_),
            Token::Mark(':') | Token::Word("h" | "uhr" | "am" | "pm")
        ]
    )
}

fn written_time(
    hour: Option<u8>,
    minute: Option<u8>,
    second: Option<u8>,
    afternoon: Option<bool>,
) -> WrittenTime {
    let (Some(hour), Some(minute), Some(second)) = (hour, minute, second) else {
        return WrittenTime::Impossible;
    };
    let hour = match (afternoon, hour) {
        (None, hour) => hour,
        (Some(is_afternoon), 1..=12) => hour % 12 + if is_afternoon { 12 } else { 0 },
        // The hour is in the 24-hour format already, as in "18:00 PM".
        (Some(_), 13..=23) => hour,
        (Some(_), _) => return WrittenTime::Impossible,
    };
    if (hour, minute, second) == (24, 0, 0) {
        return WrittenTime::Midnight24;
    }
    let clock = Clock {
        hour,
        minute,
        second,
    };
    clock
        .checked()
        .map_or(WrittenTime::Impossible, WrittenTime::At)
}

/// Reads an offset from UTC at the start of the tokens. Returns the offset in minutes and its number of
/// tokens.
fn offset_at_start(tokens: &[Token<'_>]) -> Option<(i32, usize)> {
    match tokens {
        // "UTC+1" and "GMT+1".
        [Token::Word("utc" | "gmt"), rest @ ..] if matches!(rest, [Token::Mark('+' | '-'), ..]) => {
            offset_at_start(rest).map(|(minutes, length)| (minutes, length + 1))
        }
        [
            Token::Mark(sign @ ('+' | '-')),
            Token::Number(hour),
            Token::Mark(':'),
            Token::Number(minute),
            ..,
        ] => Some((signed(*sign, small(hour)?, small(minute)?)?, 4)),
        [Token::Mark(sign @ ('+' | '-')), Token::Number(number), ..] => {
            let (hour, minute) = match number.len() {
                4 => number.split_at_checked(2)?,
                _ => (*number, "0"),
            };
            Some((signed(*sign, small(hour)?, small(minute)?)?, 2))
        }
        [Token::Word(word), ..] => Some((abbreviated_offset(word)?, 1)),
        _ => None,
    }
}

fn signed(sign: char, hour: u8, minute: u8) -> Option<i32> {
    let clock = Clock {
        hour,
        minute,
        second: 0,
    };
    let minutes = i32::try_from(clock.checked()?.seconds() / 60).ok()?;
    Some(if sign == '-' { -minutes } else { minutes })
}
