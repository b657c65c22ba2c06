//! Rows that start and end: which dates are read, who gets in, and the text in the answer,
//! the warnings and the page.

/// Who gets in at each time, compared with a naive implementation in five time zones.
mod at_every_bound;

use htaccess_generator::answer::{Answer, RejectionCode, Status, WarningCode};
use htaccess_generator::csv::{CsvKind, Field, SnippetFinder};

use crate::support::{Setup, refusal_of};

fn at(text: &str) -> Setup {
    Setup::with("AT", text)
}

fn answer_at(csv: &str, instant: &str) -> Answer {
    at(instant).run(csv.as_bytes()).answer
}

/// Compares the output at a time with the expected lines, without comments.
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

/// The sample is published with the current time, so its output must not change for decades.
#[test]
fn the_sample_event_has_the_same_output_for_decades() {
    let csv = include_str!("../../../events/samples/clients/contractor.csv");
    let now = at("2026-11-26").run(csv.as_bytes());
    let later = at("2099-12-31T17:59:59Z").run(csv.as_bytes());
    assert_eq!(now.file, later.file);
    assert_eq!((now.answer.expired, later.answer.expired), (1, 1));
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
            "line 3: \"31/12/2026\" in Expires is not in an accepted format: write 2026-12-31".to_owned(),
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
             the dates"
                .to_owned(),
        ),
        (
            7,
            RejectionCode::ReversedPeriod,
            "2026-12-31 18:00",
            "line 7: \"2026-12-31 18:00\" in Expires is not after \"2026-12-31 18:00\" in Starts: \
             correct one of the dates"
                .to_owned(),
        ),
    ];
    assert_eq!(found, expected);
    assert_eq!(answer.rejections[0].fixes, ["2026-12-31"]);
    // In a terminal, the date cell is underlined.
    let fields: Vec<Field> = answer.rejections.iter().map(Field::of).collect();
    let ends = Field::Expires;
    assert_eq!(fields, [ends, Field::Starts, ends, ends]);
    let mut parts = Vec::new();
    let wanted = [(3, Field::Expires), (4, Field::Starts)];
    let mut finder = SnippetFinder::new(CsvKind::Site, &wanted, u64::MAX, |_, snippet| {
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
    // The address gets in later. The file must be refused now, and not only from then on.
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
    // The address never gets in, so the file is published.
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
    // An `all,Deny` without dates contradicts `all,Allow` at any time.
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
    // The current time of the test is 26 November 2026, 12:00 UTC.
    check_warnings(
        "IP,Rule,Expires\n192.0.2.1,Allow,\n192.0.2.2,Allow,2026-12-10 13:00\n\
         192.0.2.3,Allow,2026-12-10 13:01\n192.0.2.4,Deny,2026-11-30\n192.0.2.5,Allow,2026-11-25\n",
        "Europe/Paris",
        &[
            (
                WarningCode::EndsSoon,
                Some(3),
                "2 rows end within 14 days (line 5 at the end of 30 November 2026 and line 3 on \
                 10 December 2026, 13:00; Europe/Paris)",
            ),
            (
                WarningCode::ExpiredRows,
                Some(6),
                "1 row has ended and can be deleted (line 6)",
            ),
        ],
    );
    let rows = (0..20).map(|row| format!("192.0.2.{row},Deny,2026-11-{:02}\n", row % 2 * 10 + 10));
    let many = rows.collect::<Vec<_>>().concat();
    check_warnings(
        &format!("IP,Rule,Expires\nall,Allow,\n{many}"),
        "UTC",
        &[
            (
                WarningCode::AllowsEverybody,
                Some(2),
                "everybody gets in: no Deny row is active at this time",
            ),
            (
                WarningCode::ExpiredRows,
                Some(3),
                "20 rows have ended and can be deleted (lines 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 and 10 more)",
            ),
        ],
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
            "nobody gets in from 31 December 2027, 18:00 Europe/Paris: add a row, or change a date",
        )],
    );
    check_warnings(
        "IP,Rule,Starts\n192.0.2.1,Allow,\nall,Deny,2027-12-31\n192.0.2.1,Deny,2027-12-31\n",
        "UTC",
        &[(
            WarningCode::NobodyLeft,
            None,
            "nobody gets in from 31 December 2027, 00:00 UTC: add a row, or change a date",
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
        next_change: decision.next_change(),
        ..Facts::default()
    };
    let page = report_page(&outcome.answer, facts);
    let sentence = "<p class=\"next-change\">On 31 December 2026, 23:59 Europe/Paris (31 December 2026, \
        22:59 UTC), 1 IPv4 address loses access (<code>192.0.2.7</code>).</p>";
    assert!(page.contains(sentence), "{page}");
    assert!(page.contains("<small>1 ended</small>"), "{page}");
}

#[test]
fn a_refused_file_has_no_next_change() {
    let csv = "IP,Rule,Expires\n192.0.2.7,Allow,2026-12-31\nx,Allow,\n";
    let answer = Setup::with("STRICT", "true").run(csv.as_bytes()).answer;
    assert_eq!((answer.status, answer.next_change), (Status::Refused, None));
}
