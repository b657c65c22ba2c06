//! Rows that start and end: what is read, who gets in at each instant, and what the answer says. The
//! clocks of five zones are compared with a table of their changes that is independent of the library.

use htaccess_generator::answer::{Answer, RejectionCode, Status, WarningCode};
use htaccess_generator::csv::{Field, SnippetFinder};
use htaccess_generator::generate::{Decision, Keep, Upload};
use htaccess_generator::settings::{Settings, Strict};
use htaccess_generator::time::{Instant, TimeZone};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::{AS_OF, KEY, Setup, refusal_of};

fn at(text: &str) -> Setup {
    Setup::with("AT", text)
}

fn answer_at(csv: &str, instant: &str) -> Answer {
    at(instant).run(csv.as_bytes()).answer
}

/// Compares the file at an instant, without its comments.
#[track_caller]
fn check_file(csv: &str, instant: &str, expected: &str) {
    let outcome = at(instant).run(csv.as_bytes());
    let file = outcome
        .file
        .unwrap_or_else(|| panic!("{:?}", outcome.answer));
    let lines: Vec<&str> = file.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(lines.join("\n"), expected, "at {instant}");
}

const CONTRACTOR: &str = "IP,Rule,Starts,Expires\n\
    192.0.2.1,Allow,,\n192.0.2.7,Allow,2026-12-01,2026-12-31 18:00\n192.0.2.9,Allow,-,never\n";

#[test]
fn a_row_lets_in_from_its_start_until_just_before_its_end() {
    let others = "Require ip 192.0.2.1 192.0.2.9";
    let all = "Require ip 192.0.2.1 192.0.2.7 192.0.2.9";
    check_file(CONTRACTOR, "2026-11-30T23:59:59Z", others);
    check_file(CONTRACTOR, "2026-12-01T00:00:00Z", all);
    check_file(CONTRACTOR, "2026-12-31T17:59:59Z", all);
    check_file(CONTRACTOR, "2026-12-31T18:00:00Z", others);
}

#[test]
fn the_answer_counts_rows_by_state_and_names_the_next_change() {
    let check = |instant, pending, expired, next_change: Option<&str>| {
        let answer = answer_at(CONTRACTOR, instant);
        assert_eq!((answer.rows, answer.accepted, answer.rejected), (3, 3, 0));
        assert_eq!((answer.pending, answer.expired), (pending, expired));
        let json = serde_json::to_value(&answer).unwrap();
        assert_eq!(json["next_change"].as_str(), next_change);
        assert!(json["next_change"].is_null() == next_change.is_none());
    };
    check("2026-11-30", 1, 0, Some("2026-12-01T00:00:00Z"));
    check("2026-12-01", 0, 0, Some("2026-12-31T18:00:00Z"));
    check("2026-12-31T18:00:00Z", 0, 1, None);
}

#[test]
fn every_name_of_a_date_column_is_found() {
    for starts in [
        "Starts",
        "Valid From",
        "From",
        "start",
        "valid_from",
        "Valid.From",
    ] {
        for expires in [
            "Expires",
            "Expiry",
            "EXPIRATION",
            "Valid Until",
            "valid-to",
            "Until",
            "End",
        ] {
            let csv =
                format!("{expires};Rule;{starts};IP\n2026-12-31;Allow;2026-12-01;192.0.2.7\n");
            let answer = answer_at(&csv, "2026-11-26");
            assert_eq!(answer.pending, 1, "{csv}");
            assert!(answer.ignored_columns.is_empty() && answer.warnings.len() <= 1);
            let answer = answer_at(&csv, "2027-01-01");
            assert_eq!(answer.expired, 1, "{csv}");
        }
    }
}

#[test]
fn a_second_column_of_ends_is_named_and_not_read() {
    let csv = "IP,Rule,Until,Expires\n192.0.2.7,Allow,2026-11-01,2026-12-31\n";
    let answer = answer_at(csv, "2026-11-26");
    assert_eq!(
        (answer.expired, answer.ignored_columns),
        (0, vec!["Until".to_owned()])
    );
    let codes: Vec<WarningCode> = answer.warnings.iter().map(|warning| warning.code).collect();
    assert!(codes.contains(&WarningCode::IgnoredColumn), "{codes:?}");
}

#[test]
fn time_alone_refuses_nothing() {
    for csv in [
        "IP,Rule,Expires\n192.0.2.7,Allow,2020-01-01\n",
        "IP,Rule,Starts\n192.0.2.7,Allow,2030-01-01\n",
        "IP,Rule,Expires\n192.0.2.7,Deny,2020-01-01\nall,Allow,2020-01-01\n",
    ] {
        for strict in ["true", "false"] {
            let outcome = Setup::with("STRICT", strict).run(csv.as_bytes());
            assert_eq!(refusal_of(&outcome), "", "{csv}");
            assert_eq!(outcome.answer.rejected, 0);
            let file = outcome.file.unwrap();
            assert!(file.ends_with("Require all denied\n"), "{file}");
        }
    }
    let open = Setup::with("DEFAULT_POLICY", "allow");
    let file = open
        .run(b"IP,Rule,Expires\n192.0.2.7,Deny,2020-01-01\n")
        .file;
    assert!(file.unwrap().ends_with("Require all granted\n"));
}

#[test]
fn a_row_with_an_unreadable_date_is_rejected() {
    let csv = "IP,Rule,Starts,Expires\n192.0.2.1,Allow,,\n192.0.2.7,Allow,,31/12/2026\n\
        192.0.2.8,Allow,tomorrow,\n192.0.2.9,Allow,2026-12-31,2026-12-01\n\
        192.0.2.10,Allow,2026-12-31,2026-12-31\n192.0.2.11,Allow,2026-12-31 18:00,2026-12-31 18:00\n";
    let answer = answer_at(csv, "2026-11-26");
    assert_eq!(
        (answer.accepted, answer.rejected, answer.pending),
        (2, 4, 1)
    );
    let found: Vec<(u64, RejectionCode, &str, String)> = answer
        .rejections
        .iter()
        .map(|one| (one.line, one.code, one.value.as_str(), one.message()))
        .collect();
    let expected = [
        (
            3,
            RejectionCode::InvalidDate,
            "31/12/2026",
            "line 3: \"31/12/2026\" in Expires is not in an accepted form: write 2026-12-31".to_owned(),
        ),
        (
            4,
            RejectionCode::InvalidDate,
            "tomorrow",
            "line 4: \"tomorrow\" in Starts is not a fixed date: write 2026-11-27".to_owned(),
        ),
        (
            5,
            RejectionCode::ReversedPeriod,
            "2026-12-01",
            "line 5: \"2026-12-01\" in Expires is not after \"2026-12-31\" in Starts: correct one of \
             them"
                .to_owned(),
        ),
        (
            7,
            RejectionCode::ReversedPeriod,
            "2026-12-31 18:00",
            "line 7: \"2026-12-31 18:00\" in Expires is not after \"2026-12-31 18:00\" in Starts: \
             correct one of them"
                .to_owned(),
        ),
    ];
    assert_eq!(found, expected);
    assert_eq!(answer.rejections[0].fixes, ["2026-12-31"]);
    // A terminal underlines the date cell.
    let fields: Vec<Field> = answer.rejections.iter().map(Field::of).collect();
    let ends = Field::Expires;
    assert_eq!(fields, [ends, Field::Starts, ends, ends]);
    let mut parts = Vec::new();
    let wanted = [(3, Field::Expires), (4, Field::Starts)];
    let mut finder = SnippetFinder::new(&wanted, u64::MAX, |_, snippet| {
        parts.push(snippet.text[snippet.part].to_owned());
    });
    let _ = finder.push(csv.as_bytes());
    finder.finish();
    assert_eq!(parts, ["31/12/2026", "tomorrow"]);
}

#[test]
fn a_deny_row_with_an_unreadable_date_refuses_the_file_at_any_time() {
    let refused = |csv: &str, instant: &str| {
        let outcome = at(instant).run(csv.as_bytes());
        outcome.answer.code.map(|code| code.to_string())
    };
    let deny_rejected = Some("deny-rejected".to_owned());
    let bad = "192.0.2.7,Deny,,31/12/2026\n";
    let header = "IP,Rule,Starts,Expires\n";
    assert_eq!(
        refused(&format!("{header}all,Allow,,\n{bad}"), "2026-11-26"),
        deny_rejected
    );
    // The address gets in later, and the file must not be refused only then.
    let later = format!("{header}192.0.2.1,Allow,,\n192.0.2.7,Allow,2027-01-01,\n{bad}");
    let ends =
        format!("{header}192.0.2.1,Allow,,\n192.0.2.7,Allow,,\n192.0.2.7,Deny,,2027-01-01\n{bad}");
    for csv in [later, ends] {
        for instant in [
            "2026-11-26",
            "2026-12-31T23:59:59Z",
            "2027-01-01",
            "2028-01-01",
        ] {
            assert_eq!(refused(&csv, instant), deny_rejected, "at {instant}: {csv}");
        }
    }
    // The address never gets in.
    for rest in [
        "192.0.2.1,Allow,,\n",
        "192.0.2.7,Allow,,2026-11-01\n",
        "192.0.2.1,Allow,2026-12-01,\n192.0.2.7,Allow,,\n192.0.2.7,Deny,2026-11-01,\n",
    ] {
        assert_eq!(
            refused(&format!("{header}{rest}{bad}"), "2026-11-26"),
            None,
            "{rest}"
        );
    }
}

#[test]
fn dates_are_read_in_the_quotes_and_formulas_of_spreadsheets() {
    for cell in [
        "2026-12-31",
        " 2026-12-31 ",
        "\"2026-12-31\"",
        "\"=\"\"2026-12-31\"\"\"",
        "'2026-12-31",
        "2026–12–31",
        "\u{feff}2026-12-31",
    ] {
        let csv = format!("IP,Rule,Expires,X\n192.0.2.7,Allow,{cell},\n192.0.2.8,Allow\n");
        let answer = answer_at(&csv, "2026-11-26");
        let next = answer.next_change.map(|next| next.to_string());
        assert_eq!(next.as_deref(), Some("2027-01-01T00:00:00Z"), "{cell:?}");
        assert_eq!(answer.accepted, 2);
    }
}

#[test]
fn all_rows_have_periods_too() {
    let weekend = "IP,Rule,Starts,Expires\nall,Allow,,\nall,Deny,2026-12-05,2026-12-06\n";
    for (instant, line) in [
        ("2026-12-04T23:59:59Z", "Require all granted"),
        ("2026-12-05", "Require all denied"),
        ("2026-12-06T23:59:59Z", "Require all denied"),
        ("2026-12-07", "Require all granted"),
    ] {
        check_file(weekend, instant, line);
        let answer = answer_at(weekend, instant);
        assert_eq!((answer.accepted, answer.rejected), (2, 0), "at {instant}");
    }
    // An all,Deny without dates always contradicts, whatever the time.
    let contradicted =
        "IP,Rule,Starts\nall,Allow,2026-12-05\nall,Deny,\n192.0.2.7,Allow,2026-12-24\n";
    for instant in ["2026-12-01", "2026-12-10"] {
        let answer = answer_at(contradicted, instant);
        assert_eq!(
            (answer.accepted, answer.rejected, answer.pending),
            (2, 1, 1)
        );
        let next = answer.next_change.unwrap().to_string();
        assert_eq!(next, "2026-12-24T00:00:00Z");
        assert_eq!(answer.rejections[0].code, RejectionCode::ConflictingDefault);
    }
}

#[test]
fn a_template_sees_the_active_rows_with_their_dates() {
    let template = "{% for rule in rules %}{{ rule.address }} {{ rule.starts }}|{{ rule.expires }}\n{% endfor %}";
    let setup = Setup::new(
        |name| (name == "TIME_ZONE").then(|| "Europe/Paris".to_owned()),
        Some(template),
    );
    let csv = "IP,Rule,Starts,Expires\n192.0.2.1,Allow,,\n192.0.2.2,Allow,2026-11-01,2026-12-31\n\
        192.0.2.3,Allow,2026-12-01,\n192.0.2.4,Allow,,2026-11-01\nall,Allow,2030-01-01,\n";
    let outcome = setup.run(csv.as_bytes());
    assert_eq!(
        outcome.file.as_deref(),
        Some("192.0.2.1 |\n192.0.2.2 2026-10-31T23:00:00Z|2026-12-31T23:00:00Z\n")
    );
}

#[track_caller]
fn check_warnings(csv: &str, zone: &str, expected: &[(WarningCode, Option<u64>, &str)]) {
    let setup = Setup::with("TIME_ZONE", zone);
    let answer = setup.run(csv.as_bytes()).answer;
    let found: Vec<(WarningCode, Option<u64>, String)> = answer
        .warnings
        .iter()
        .map(|warning| (warning.code, warning.line, warning.message.to_string()))
        .collect();
    let expected: Vec<(WarningCode, Option<u64>, String)> = expected
        .iter()
        .map(|(code, line, message)| (*code, *line, (*message).to_owned()))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn rows_that_have_ended_or_end_soon_are_warned_about() {
    // The instant is 26 November 2026, 12:00 UTC.
    check_warnings(
        "IP,Rule,Expires\n192.0.2.1,Allow,\n192.0.2.2,Allow,2026-12-10 13:00\n\
         192.0.2.3,Allow,2026-12-10 13:01\n192.0.2.4,Deny,2026-11-30\n192.0.2.5,Allow,2026-11-25\n",
        "Europe/Paris",
        &[
            (
                WarningCode::EndsSoon,
                Some(3),
                "2 rows end within 14 days (line 5 at the end of 30 November 2026 and line 3 at \
                 10 December 2026, 13:00; Europe/Paris)",
            ),
            (
                WarningCode::ExpiredRows,
                Some(6),
                "1 row has ended and can be deleted (line 6)",
            ),
        ],
    );
    let many: String = (0..20)
        .map(|row| format!("192.0.2.{row},Deny,2026-11-{:02}\n", row % 2 * 10 + 10))
        .collect();
    check_warnings(
        &format!("IP,Rule,Expires\nall,Allow,\n{many}"),
        "UTC",
        &[(
            WarningCode::ExpiredRows,
            Some(3),
            "20 rows have ended and can be deleted (lines 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 and 10 more)",
        )],
    );
}

#[test]
fn it_is_warned_about_that_soon_nobody_gets_in() {
    check_warnings(
        "IP,Rule,Expires\n192.0.2.1,Allow,2027-12-31 18:00\n",
        "Europe/Paris",
        &[(
            WarningCode::NobodyLeft,
            None,
            "from 31 December 2027, 18:00 Europe/Paris on nobody gets in: add a row, or move the end of \
             one",
        )],
    );
    check_warnings(
        "IP,Rule,Starts\n192.0.2.1,Allow,\nall,Deny,2027-12-31\n192.0.2.1,Deny,2027-12-31\n",
        "UTC",
        &[(
            WarningCode::NobodyLeft,
            None,
            "from 31 December 2027, 00:00 UTC on nobody gets in: add a row, or move the end of one",
        )],
    );
    check_warnings(
        "IP,Rule,Starts\n192.0.2.1,Allow,2027-12-31\n",
        "UTC",
        &[(
            WarningCode::BlocksEverybody,
            None,
            "nobody gets in: no Allow row is active at this time",
        )],
    );
}

#[test]
fn an_expired_row_repeats_nothing() {
    check_warnings(
        "IP,Rule,Starts,Expires\n192.0.2.1,Allow,,2020-12-31\n192.0.2.1,Allow,2021-01-01,\n",
        "UTC",
        &[(
            WarningCode::ExpiredRows,
            Some(2),
            "1 row has ended and can be deleted (line 2)",
        )],
    );
}

#[test]
fn the_page_says_what_changes_next() {
    use htaccess_generator::report::{Facts, report_page};
    let setup = Setup::with("TIME_ZONE", "Europe/Paris");
    let csv = "IP,Rule,Expires\n192.0.2.1,Allow,\n192.0.2.7,Allow,2026-12-31 23:59\n192.0.2.5,Allow,2020-01-01\n";
    let (outcome, decision) = setup.review_pieces([csv]);
    let facts = Facts {
        policy: decision.policy(),
        next_change: decision
            .next_change()
            .map(|next| (next, decision.time_zone())),
        ..Facts::default()
    };
    let page = report_page(&outcome.answer, facts);
    let sentence = "<p class=\"next-change\">On 31 December 2026, 23:59 Europe/Paris (31 December 2026, \
        22:59 UTC), 1 IPv4 address loses access (<code>192.0.2.7</code>).</p>";
    assert!(page.contains(sentence), "{page}");
    assert!(page.contains("<small>1 expired</small>"), "{page}");
}

#[test]
fn a_refused_file_has_no_next_change() {
    let csv = "IP,Rule,Expires\n192.0.2.7,Allow,2026-12-31\nx,Allow,\n";
    let answer = Setup::with("STRICT", "true").run(csv.as_bytes()).answer;
    assert_eq!((answer.status, answer.next_change), (Status::Refused, None));
}

/// A zone with the instants at which its clocks change in 2026 and 2027, and the offset from UTC in
/// minutes afterwards. The first offset holds before all changes.
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

    /// The local time of an instant, in seconds as if it were UTC.
    fn local(&self, instant: i64) -> i64 {
        instant + self.offset(instant)
    }

    /// The first instant with a local time or, if there is none, the one that the offset before gives.
    fn instant(&self, local: i64) -> i64 {
        let mut offsets: Vec<i64> = self.changes.iter().map(|(_, offset)| 60 * offset).collect();
        offsets.push(60 * self.first_offset);
        let instants = offsets.iter().map(|offset| local - offset);
        let first = instants.filter(|at| self.local(*at) == local).min();
        first.unwrap_or(local - self.offset(local - 86_400))
    }

    /// The first instant at which the local time is at least midnight.
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

/// A bound as it is written, and its instant.
#[derive(Clone, Debug)]
struct WrittenBound {
    text: String,
    instant: Option<i64>,
}

#[derive(Clone, Debug)]
struct WrittenRow {
    is_allow: bool,
    /// The addresses 10.0.0.0 to 10.0.0.15, or all of them and all others (`None`).
    range: Option<(u8, u8)>,
    starts: WrittenBound,
    expires: WrittenBound,
}

fn written(seconds: i64) -> String {
    let text = Instant::from_seconds(seconds).to_string();
    text.trim_end_matches('Z').to_owned()
}

/// A bound near a change of the clock, or any in two years, in one of four forms.
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

/// Who gets in at an instant: one for each of the 16 addresses, and one for all others.
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

fn permitted(policy: &htaccess_generator::policy::Policy) -> Vec<bool> {
    (0..17)
        .map(|host| policy.permits(std::net::Ipv4Addr::new(10, 0, 0, host).into()))
        .collect()
}

fn decide(csv: &str, settings: &Settings, at: i64) -> Decision {
    let source = htaccess_generator::source::Source {
        key: KEY.to_owned(),
        ..Default::default()
    };
    let keep = Keep::default().with_history();
    let mut upload = Upload::new(settings, source, keep, Instant::from_seconds(at));
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
        .map(|change| permitted(&change.policy));
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
            // A reversed period rejects a Deny row, which would refuse the file.
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
            csv += &format!("{address},{rule},{},{}\n", row.starts.text, row.expires.text);
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
