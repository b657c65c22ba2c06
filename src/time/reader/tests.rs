//! Tables of cells, and a comparison with a naive reader in zones whose clocks change in different ways.

use super::*;
use proptest::prelude::*;

/// Zones whose clocks change by an hour, by half an hour, at midnight, or never.
const ZONES: [&str; 5] = [
    "Europe/Paris",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "Asia/Kolkata",
];

fn reader(zone: &str) -> DateReader {
    DateReader::new(
        TimeZone::named(zone).unwrap(),
        Instant::from_seconds(1_790_000_000),
    )
}

#[track_caller]
fn check(zone: &str, bound: Bound, cell: &str, expected: &str) {
    let found = match reader(zone).read(bound, cell) {
        Ok(Some(instant)) => instant.to_string(),
        Ok(None) => "no bound".to_owned(),
        Err(InvalidDate) => "invalid".to_owned(),
    };
    assert_eq!(found, expected, "for {cell:?} in {zone}");
}

#[test]
fn reads_the_table_of_the_documentation() {
    use Bound::{Expires, Starts};
    for cell in ["", "-", "never", "Never", "NEVER"] {
        check("Europe/Paris", Starts, cell, "no bound");
        check("Europe/Paris", Expires, cell, "no bound");
    }
    for (bound, cell, expected) in [
        (Starts, "2026-12-31", "2026-12-30T23:00:00Z"),
        (Expires, "2026-12-31", "2026-12-31T23:00:00Z"),
        (Expires, "2026-12-31 18:00", "2026-12-31T17:00:00Z"),
        (Expires, "2026-12-31T18:00:30", "2026-12-31T17:00:30Z"),
        (Starts, "2026-12-31t18:00", "2026-12-31T17:00:00Z"),
        (Expires, "2026-12-31T18:00:00Z", "2026-12-31T18:00:00Z"),
        (Expires, "2026-12-31 18:00:00z", "2026-12-31T18:00:00Z"),
        (Expires, "2026-12-31T18:00Z", "2026-12-31T18:00:00Z"),
        (Starts, "2026-12-31T18:00:00+01:00", "2026-12-31T17:00:00Z"),
        (Starts, "2026-12-31T18:00:00-09:30", "2027-01-01T03:30:00Z"),
        (Starts, "2026-12-31T18:00:00-00:00", "2026-12-31T18:00:00Z"),
        // A fraction of a second is rounded up to a whole second.
        (Starts, "2026-12-31T18:00:00.000Z", "2026-12-31T18:00:00Z"),
        (Starts, "2026-12-31T18:00:00.001Z", "2026-12-31T18:00:01Z"),
        (Expires, "2028-02-29", "2028-02-29T23:00:00Z"),
        (Starts, "1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
    ] {
        check("Europe/Paris", bound, cell, expected);
    }
}

#[test]
fn reads_the_first_and_the_last_years() {
    use Bound::{Expires, Starts};
    check("UTC", Starts, "0000-01-01", "0000-01-01T00:00:00Z");
    check("UTC", Expires, "0001-01-01", "0001-01-02T00:00:00Z");
    check(
        "UTC",
        Starts,
        "0000-01-01T00:00:00+14:00",
        "0000-01-01T00:00:00Z",
    );
    check("UTC", Expires, "9998-12-31", "9999-01-01T00:00:00Z");
    check("UTC", Expires, "9999-12-31", "no bound");
    check("UTC", Expires, "9999-12-31T23:59:59Z", "no bound");
    check("UTC", Starts, "9999-12-31", "9999-12-30T22:00:00Z");
    check("UTC", Starts, "9999-12-31 23:59", "9999-12-30T22:00:00Z");
    check("Pacific/Apia", Starts, "9999-01-01", "9998-12-31T11:00:00Z");
}

#[test]
fn rejects_everything_else() {
    for cell in [
        "31/12/2026",
        "2026-13-01",
        "2026-00-01",
        "2026-02-29",
        "2026-02-30",
        "2026-04-31",
        "2026-12-00",
        "2026-1-5",
        "20261231",
        "2026-12-31 24:00",
        "2026-12-31 18:60",
        "2026-12-31 18:00:60",
        "2026-12-31T23:59:60Z",
        "2026-12-31 18",
        "2026-12-31T",
        "2026-12-31 ",
        " 2026-12-31",
        "2026-12-31  18:00",
        "2026-12-31_18:00",
        "2026-12-31 18:00:00.5",
        "2026-12-31T18:00.5Z",
        "2026-12-31T18:00:00.Z",
        "2026-12-31T18:00:00 Z",
        "2026-12-31T18:00:00+0100",
        "2026-12-31T18:00:00+01",
        "2026-12-31T18:00:00+24:00",
        "2026-12-31T18:00:00+01:60",
        "2026-12-31Z",
        "2026-12-31+01:00",
        "12026-12-31",
        "-2026-12-31",
        "２０２６-12-31",
        "nevermore",
        "--",
        "7d",
        "46387",
        "tomorrow",
    ] {
        check("Europe/Paris", Bound::Starts, cell, "invalid");
        check("Europe/Paris", Bound::Expires, cell, "invalid");
    }
}

#[test]
fn remembers_days_that_share_a_place() {
    let mut reader = reader("Europe/Paris");
    let mut found = Vec::new();
    for cell in ["2026-12-31", "2034-12-31", "2026-12-31", "2026-02-30"] {
        found.push(reader.read_bytes(Bound::Starts, cell.as_bytes()));
    }
    assert_eq!(found.first(), found.get(2));
    assert_ne!(found.first(), found.get(1));
    assert_eq!(found.get(3), Some(&Err(InvalidDate)));
}

/// Returns the local time of an instant, as the seconds since 1970 of the same date and time in UTC. The
/// naive reader asks the time zone nothing else.
fn local_seconds(zone: &TimeZone, instant: i64) -> i64 {
    let (date, clock) = zone.local(Instant::from_seconds(instant));
    TimeZone::default().instant(date, clock).seconds()
}

/// Returns the first instant with this local time. If the clock skips the local time, it is read with the
/// offset before the gap.
fn naive_instant(zone: &TimeZone, local: i64) -> i64 {
    let near = local - 15 * 3600..local + 15 * 3600;
    let mut candidates = near
        .step_by(900)
        .map(|near| near + local - local_seconds(zone, near));
    candidates
        .find(|at| local_seconds(zone, *at) == local)
        .unwrap_or_else(|| {
            let before = local - 15 * 3600;
            before + local - local_seconds(zone, before)
        })
}

/// Returns the first instant at which the local time is `midnight` or later.
fn naive_first_instant(zone: &TimeZone, midnight: i64) -> i64 {
    (midnight - 15 * 3600..midnight + 15 * 3600)
        .step_by(900)
        .find(|at| local_seconds(zone, *at) >= midnight)
        .unwrap()
}

fn text(local: i64) -> String {
    let text = Instant::from_seconds(local).to_string();
    text.trim_end_matches('Z').to_owned()
}

#[track_caller]
fn check_local(zone: &TimeZone, reader: &mut DateReader, local: i64) {
    let cell = text(local);
    let found = reader.read(Bound::Starts, &cell).unwrap().unwrap();
    assert_eq!(
        found.seconds(),
        naive_instant(zone, local),
        "{cell} in {zone}"
    );
    let midnight = local - local.rem_euclid(DAY_SECONDS);
    for (bound, midnight) in [
        (Bound::Starts, midnight),
        (Bound::Expires, midnight + DAY_SECONDS),
    ] {
        let found = reader.read(bound, &cell[..10]).unwrap().unwrap();
        let expected = naive_first_instant(zone, midnight);
        assert_eq!(
            found.seconds(),
            expected,
            "{bound:?} {} in {zone}",
            &cell[..10]
        );
    }
}

#[test]
fn agrees_with_a_naive_reader_around_every_clock_change() {
    for name in ZONES {
        let mut reader = reader(name);
        let zone = reader.zone().clone();
        let mut changes = Vec::new();
        let mut at = 1_750_000_000;
        while at < 1_900_000_000 {
            if local_seconds(&zone, at + 900) - local_seconds(&zone, at) != 900 {
                changes.push(at + 900);
            }
            at += 900;
        }
        assert_eq!(changes.is_empty(), name == "Asia/Kolkata", "{name}");
        for change in changes {
            let (before, after) = (
                local_seconds(&zone, change - 1),
                local_seconds(&zone, change),
            );
            for local in [before + 1, after] {
                for seconds in [-7200, -1800, -1, 0, 1, 900, 1799, 1800, 3599, 3600, 86_399] {
                    check_local(&zone, &mut reader, local + seconds);
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn agrees_with_a_naive_reader(
        name in prop::sample::select(ZONES.as_slice()),
        local in 0_i64..4_000_000_000,
    ) {
        let mut reader = reader(name);
        let zone = reader.zone().clone();
        check_local(&zone, &mut reader, local);
    }

    #[test]
    fn no_cell_panics(cell in "\\PC{0,40}", bound in prop::bool::ANY) {
        let bound = if bound { Bound::Starts } else { Bound::Expires };
        let _ = reader("Africa/Cairo").read(bound, &cell);
    }

    #[test]
    fn no_date_panics(cell in "[0-9]{4}-[01][0-9]-[0-3][0-9]([T ][0-2][0-9]:[0-5][0-9](:[0-5][0-9]([.][0-9]{0,3})?)?(Z|[+-][0-2][0-9]:[0-5][0-9])?)?") {
        for bound in [Bound::Starts, Bound::Expires] {
            let _ = reader("America/New_York").read(bound, &cell);
        }
    }
}
