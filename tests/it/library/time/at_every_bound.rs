//! Who gets in at each time, compared with a naive implementation in five time zones. The table of
//! their clock changes is independent of the library.

use std::fmt::Write as _;

use htaccess_generator::generate::{Decision, Keep, Upload};
use htaccess_generator::list::Shared;
use htaccess_generator::policy::Policy;
use htaccess_generator::settings::{Settings, Strict};
use htaccess_generator::source::Source;
use htaccess_generator::time::{Instant, TimeZone};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::{AS_OF, KEY};

/// A time zone with its clock changes in 2026 and 2027. Each change has its instant and the new offset
/// from UTC in minutes. The first offset applies before all changes.
struct Zone {
    name: &'static str,
    first_offset: i64,
    changes: &'static [(i64, i64)],
}

const ZONES: [Zone; 5] = [
    Zone {
        name: "UTC",
        first_offset: 0,
        changes: &[],
    },
    // 2026-03-29T01:00Z, 2026-10-25T01:00Z, 2027-03-28T01:00Z, 2027-10-31T01:00Z
    Zone {
        name: "Europe/Paris",
        first_offset: 60,
        changes: &[
            (1_774_746_000, 120),
            (1_792_890_000, 60),
            (1_806_195_600, 120),
            (1_824_944_400, 60),
        ],
    },
    // 2026-03-08T07:00Z, 2026-11-01T06:00Z, 2027-03-14T07:00Z, 2027-11-07T06:00Z
    Zone {
        name: "America/New_York",
        first_offset: -300,
        changes: &[
            (1_772_953_200, -240),
            (1_793_512_800, -300),
            (1_805_007_600, -240),
            (1_825_567_200, -300),
        ],
    },
    // 2026-04-04T15:00Z, 2026-10-03T15:30Z, 2027-04-03T15:00Z, 2027-10-02T15:30Z
    Zone {
        name: "Australia/Lord_Howe",
        first_offset: 660,
        changes: &[
            (1_775_314_800, 630),
            (1_791_041_400, 660),
            (1_806_764_400, 630),
            (1_822_491_000, 660),
        ],
    },
    // 2026-04-23T22:00Z, 2026-10-29T21:00Z, 2027-04-29T22:00Z, 2027-10-28T21:00Z
    Zone {
        name: "Africa/Cairo",
        first_offset: 120,
        changes: &[
            (1_776_981_600, 180),
            (1_793_307_600, 120),
            (1_809_036_000, 180),
            (1_824_757_200, 120),
        ],
    },
];

impl Zone {
    fn offset(&self, instant: i64) -> i64 {
        let changes = self.changes.iter().rev();
        let mut before = changes.filter(|(at, _)| *at <= instant);
        60 * before
            .next()
            .map_or(self.first_offset, |(_, offset)| *offset)
    }

    /// Returns the local time at an instant, in seconds as if it were UTC.
    fn local(&self, instant: i64) -> i64 {
        instant + self.offset(instant)
    }

    /// Returns the first instant with a local time. If the clocks skip this time, the offset
    /// before the change applies.
    fn instant(&self, local: i64) -> i64 {
        let mut offsets: Vec<i64> = self.changes.iter().map(|(_, offset)| 60 * offset).collect();
        offsets.push(60 * self.first_offset);
        let instants = offsets.iter().map(|offset| local - offset);
        let first = instants.filter(|at| self.local(*at) == local).min();
        first.unwrap_or(local - self.offset(local - 86_400))
    }

    /// Returns the first instant at which the local time is `midnight` or later.
    fn first_instant(&self, midnight: i64) -> i64 {
        let skipped = self.changes.iter().map(|(at, _)| *at);
        let skipped =
            skipped.filter(|at| self.local(at - 1) < midnight && midnight <= self.local(*at));
        skipped.min().unwrap_or_else(|| self.instant(midnight))
    }
}

#[test]
fn the_table_of_zones_is_that_of_the_library() {
    for zone in &ZONES {
        let known = TimeZone::named(zone.name).unwrap();
        for (change, _) in zone.changes {
            for instant in [change - 1, *change] {
                let minutes = zone.local(instant).rem_euclid(86_400) / 60;
                let clock = format!("{:02}:{:02}", minutes / 60, minutes % 60);
                let shown = known.show(Instant::from_seconds(instant));
                assert!(shown.contains(&format!(", {clock}")), "{shown} {clock}");
            }
        }
    }
}

/// A bound as text, and its instant. `None` if the row has no such bound.
#[derive(Clone, Debug)]
struct WrittenBound {
    text: String,
    instant: Option<i64>,
}

#[derive(Clone, Debug)]
struct WrittenRow {
    is_allow: bool,
    /// The last bytes of the first and the last address in 10.0.0.0/28, or `None` for an `all` row.
    range: Option<(u8, u8)>,
    starts: WrittenBound,
    expires: WrittenBound,
}

fn written(seconds: i64) -> String {
    let text = Instant::from_seconds(seconds).to_string();
    text.trim_end_matches('Z').to_owned()
}

/// A bound near a clock change or at any time within two years, in one of several forms.
fn bound(zone: usize, is_end: bool) -> impl Strategy<Value = WrittenBound> {
    let zone = &ZONES[zone];
    let near = (0..zone.changes.len().max(1), -7300_i64..7300).prop_map(|(index, seconds)| {
        zone.changes
            .get(index)
            .map_or(1_790_000_000, |(at, _)| zone.local(*at))
            + seconds
    });
    let any = 1_770_000_000_i64..1_829_000_000;
    let local = prop_oneof![near, any];
    (local, 0..9_u8).prop_map(move |(local, form)| match form {
        0..2 => WrittenBound {
            text: ["", "never"][usize::from(form)].to_owned(),
            instant: None,
        },
        2..4 => {
            let midnight = local - local.rem_euclid(86_400);
            let days = i64::from(is_end);
            WrittenBound {
                text: written(midnight)[..10].to_owned(),
                instant: Some(zone.first_instant(midnight + days * 86_400)),
            }
        }
        4..6 => {
            let local = local - local.rem_euclid(60);
            WrittenBound {
                text: written(local)[..16].replace('T', " "),
                instant: Some(zone.instant(local)),
            }
        }
        6..7 => WrittenBound {
            text: written(local),
            instant: Some(zone.instant(local)),
        },
        7 => WrittenBound {
            text: format!("{}Z", written(local)),
            instant: Some(local),
        },
        _ => WrittenBound {
            text: format!("{}-03:30", written(local)),
            instant: Some(local + 210 * 60),
        },
    })
}

fn row(zone: usize) -> impl Strategy<Value = WrittenRow> {
    let range = prop_oneof![
        8 => (0..16_u8, 0..16_u8).prop_map(|(one, other)| Some((one.min(other), one.max(other)))),
        1 => Just(None),
    ];
    (any::<bool>(), range, bound(zone, false), bound(zone, true)).prop_map(
        |(is_allow, range, starts, expires)| WrittenRow {
            is_allow,
            range,
            starts,
            expires,
        },
    )
}

impl WrittenRow {
    fn is_reversed(&self) -> bool {
        matches!((self.starts.instant, self.expires.instant), (Some(starts), Some(expires)) if expires <= starts)
    }

    fn is_active(&self, at: i64) -> bool {
        self.starts.instant.is_none_or(|starts| starts <= at)
            && self.expires.instant.is_none_or(|expires| at < expires)
    }

    fn bounds(&self) -> impl Iterator<Item = i64> {
        [self.starts.instant, self.expires.instant]
            .into_iter()
            .flatten()
    }
}

/// Returns who gets in at an instant: one value for each of the 16 addresses, and one
/// for all other addresses.
fn naive(rows: &[&WrittenRow], at: i64) -> Vec<bool> {
    let active: Vec<&&WrittenRow> = rows.iter().filter(|row| row.is_active(at)).collect();
    let all = |is_allow| {
        active
            .iter()
            .any(|row| row.range.is_none() && row.is_allow == is_allow)
    };
    let is_open = all(true) && !all(false);
    let named = |address: u8, is_allow| {
        active.iter().any(|row| {
            row.is_allow == is_allow
                && row
                    .range
                    .is_some_and(|(first, last)| first <= address && address <= last)
        })
    };
    (0..17)
        .map(|address| !named(address, false) && (is_open || named(address, true)))
        .collect()
}

fn permitted(policy: &Policy) -> Vec<bool> {
    (0..17)
        .map(|host| policy.permits(std::net::Ipv4Addr::new(10, 0, 0, host).into()))
        .collect()
}

fn decide(csv: &str, settings: &Settings, at: i64) -> Decision {
    let source = Source {
        key: KEY.to_owned(),
        ..Default::default()
    };
    let keep = Keep::default().with_history();
    let mut upload = Upload::new(
        settings,
        source,
        keep,
        Instant::from_seconds(at),
        &Shared::default(),
    );
    let _ = upload.push(csv.as_bytes());
    upload.finish()
}

fn check_instant(csv: &str, settings: &Settings, rows: &[&WrittenRow], at: i64) {
    let decision = decide(csv, settings, at);
    let answer = decision.answer();
    let Some(policy) = decision.policy() else {
        assert_eq!(answer.accepted, 0, "{csv}");
        return;
    };
    let where_ = || {
        format!(
            "at {} in {}\n{csv}",
            Instant::from_seconds(at),
            settings.time_zone
        )
    };
    assert_eq!(permitted(policy), naive(rows, at), "{}", where_());
    let pending = rows
        .iter()
        .filter(|row| row.starts.instant.is_some_and(|starts| at < starts));
    let expired = rows
        .iter()
        .filter(|row| row.expires.instant.is_some_and(|end| end <= at));
    let counts = (pending.count() as u64, expired.count() as u64);
    assert_eq!((answer.pending, answer.expired), counts, "{}", where_());
    let later = rows
        .iter()
        .flat_map(|row| row.bounds())
        .filter(|bound| *bound > at);
    let next = later.min();
    assert_eq!(
        answer.next_change.map(Instant::seconds),
        next,
        "{}",
        where_()
    );
    let after = decision
        .next_change()
        .map(|(change, _)| permitted(&change.policy));
    assert_eq!(after, next.map(|next| naive(rows, next)), "{}", where_());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn rows_with_periods_agree_with_a_naive_reader_at_every_bound(
        (zone, rows) in (0..ZONES.len()).prop_flat_map(|zone| (Just(zone), vec(row(zone), 1..8))),
    ) {
        let settings = Settings {
            time_zone: TimeZone::named(ZONES[zone].name).unwrap(),
            // A row with a reversed period is rejected. A rejected Deny would refuse the file.
            strict: Strict::None,
            ..Settings::default()
        };
        let mut csv = "IP,Rule,Starts,Expires\n".to_owned();
        for row in &rows {
            let address = match row.range {
                Some((first, last)) => format!("10.0.0.{first}-10.0.0.{last}"),
                None => "all".to_owned(),
            };
            let rule = if row.is_allow { "Allow" } else { "Deny" };
            let (starts, expires) = (&row.starts.text, &row.expires.text);
            writeln!(csv, "{address},{rule},{starts},{expires}").unwrap();
        }
        let mut accepted: Vec<&WrittenRow> = rows.iter().filter(|row| !row.is_reversed()).collect();
        let is_contradicted = accepted.iter().any(|row| {
            row.range.is_none() && !row.is_allow && row.bounds().next().is_none()
        });
        accepted.retain(|row| row.range.is_some() || !row.is_allow || !is_contradicted);
        let bounds = accepted.iter().flat_map(|row| row.bounds());
        for bound in bounds.chain([AS_OF.seconds()]) {
            for at in [bound - 1, bound, bound + 1] {
                check_instant(&csv, &settings, &accepted, at);
            }
        }
    }
}
