//! Tests dates as people, spreadsheets and programs write them, and the dates that are suggested for them.

use super::*;
use crate::time::Instant;

/// Thursday, 26 November 2026, 10:20:30 in Paris.
const AS_OF: i64 = 1_795_684_830;

fn dates() -> DateReader {
    let zone = TimeZone::named("Europe/Paris").unwrap();
    DateReader::new(zone, Instant::from_seconds(AS_OF))
}

#[track_caller]
fn check_bound(bound: Bound, text: &str, fixes: &[&str]) {
    let mut dates = dates();
    assert!(dates.read(bound, text).is_err(), "{text:?} is accepted");
    let explanation = explain_date(text, bound, &dates);
    assert_eq!(explanation.fixes, fixes, "for {text:?}: {explanation}");
    for fix in &explanation.fixes {
        assert!(dates.read(bound, fix).is_ok(), "{fix} is not accepted");
        assert!(explanation.to_string().contains(fix), "{explanation}");
    }
}

#[track_caller]
fn check(text: &str, fixes: &[&str]) {
    check_bound(Bound::Expires, text, fixes);
}

#[test]
fn reads_numbers_in_every_order() {
    for text in [
        "31.12.2026",
        "31/12/2026",
        "12/31/2026",
        "31-12-2026",
        "2026/12/31",
        "2026.12.31",
        "2026 12 31",
        "20261231",
        "31122026",
        "31.12.26",
        "31/12/26",
        "12/31/26",
        "31.12.",
        "31.12",
        "12/31",
        "2026-365",
        "２０２６-12-31",
        "2026-12-31.",
        "until 2026-12-31",
        "(2026-12-31)",
        "31. 12. 2026",
    ] {
        check(text, &["2026-12-31"]);
    }
    check("2026-1-5", &["2026-01-05"]);
    check("5.1.2027", &["2027-01-05", "2027-05-01"]);
}

#[test]
fn offers_both_readings_of_a_date() {
    check("03/04/2026", &["2026-04-03", "2026-03-04"]);
    check("03-04-2026", &["2026-04-03", "2026-03-04"]);
    check("03/04/26", &["2026-04-03", "2026-03-04"]);
    check("03/04", &["2027-04-03", "2027-03-04"]);
    check("26-12-31", &["2026-12-31", "2031-12-26"]);
    check("Dec-31", &["2026-12-31", "2031-12-31"]);
    check("04/04/2026", &["2026-04-04"]);
    check("01022027", &["2027-02-01", "2027-01-02"]);
}

#[test]
fn reads_months_by_name() {
    for text in [
        "31 Dec 2026",
        "December 31, 2026",
        "Dec. 31st, 2026",
        "31-Dec-26",
        "31 Dec '26",
        "2026 Dec 31",
        "Thursday, 31 December 2026",
        "31st of December 2026",
        "31 décembre 2026",
        "jeudi 31 déc. 2026",
        "31. Dezember 2026",
        "Do, 31. Dez. 2026",
        "31 de diciembre de 2026",
        "31 dicembre 2026",
        "31 Dec",
        "31 décembre",
    ] {
        check(text, &["2026-12-31"]);
    }
    check("1er janvier 2027", &["2027-01-01"]);
    check("1 März 2027", &["2027-03-01"]);
    check("29 Feb", &["2028-02-29"]);
}

#[test]
fn reads_times_of_the_day() {
    check("31.12.2026 18:00", &["2026-12-31 18:00"]);
    check("31/12/2026 18:00:30", &["2026-12-31 18:00:30"]);
    check("12/31/2026 6:00 PM", &["2026-12-31 18:00"]);
    check("2026-12-31 6 PM", &["2026-12-31 18:00"]);
    check("2026-12-31 12:00 am", &["2026-12-31 00:00"]);
    check("2026-12-31 9:05", &["2026-12-31 09:05"]);
    check("2026-12-31 18h30", &["2026-12-31 18:30"]);
    check("2026-12-31 18h", &["2026-12-31 18:00"]);
    check("31.12.2026, 18.00 Uhr", &["2026-12-31 18:00"]);
    check("2026-12-31 18:00:00.000", &["2026-12-31 18:00"]);
    check("2026-12-31  18:00", &["2026-12-31 18:00"]);
    check("2026-12-31 24:00", &["2027-01-01 00:00"]);
    check(
        "03/04/2026 18:00",
        &["2026-04-03 18:00", "2026-03-04 18:00"],
    );
    check("18:00 31.12.2026", &["2026-12-31 18:00"]);
    check("20261231180000", &["2026-12-31 18:00"]);
    check("20261231T180000", &["2026-12-31 18:00"]);
    check("24:00", &[]);
    check("18:00", &[]);
    check("2026-12-31 25:00", &[]);
    check("2026-12-31 18:00:60", &[]);
}

#[test]
fn keeps_offsets_and_zones() {
    check("2026-12-31T18:00+0100", &["2026-12-31T18:00:00+01:00"]);
    check("2026-12-31 18:00:00+01", &["2026-12-31T18:00:00+01:00"]);
    check("2026-12-31 18:00:00 +0000 UTC", &["2026-12-31T18:00:00Z"]);
    check("2026-12-31 18:00 UTC", &["2026-12-31T18:00:00Z"]);
    check("2026-12-31 18:00 UTC-5", &["2026-12-31T18:00:00-05:00"]);
    check("2026-12-31 18:00 CET", &["2026-12-31T18:00:00+01:00"]);
    check("20261231T180000Z", &["2026-12-31T18:00:00Z"]);
    check("Thu, 31 Dec 2026 18:00:00 GMT", &["2026-12-31T18:00:00Z"]);
    check("Thu Dec 31 18:00:00 UTC 2026", &["2026-12-31T18:00:00Z"]);
    check("2026-12-31T24:00:00Z", &["2027-01-01T00:00:00Z"]);
    check("2026-12-31 18:00 Europe/Paris", &["2026-12-31 18:00"]);
    check(
        "2026-12-31T18:00[America/New_York]",
        &["2026-12-31T23:00:00Z"],
    );
    check("2026-12-31 18:00 Mars/Phobos", &[]);
}

#[test]
fn reads_the_numbers_of_spreadsheets_and_computers() {
    check("46387", &["2026-12-31"]);
    check("46387.75", &["2026-12-31 18:00"]);
    check("46387,75", &["2026-12-31 18:00"]);
    check("46387.7502546296", &["2026-12-31 18:00:22"]);
    check("46387.9999999", &["2027-01-01"]);
    check("1767225599", &["2025-12-31T23:59:59Z"]);
    check("1767225599000", &["2025-12-31T23:59:59Z"]);
    check("1767225599.5", &["2025-12-31T23:59:59Z"]);
    check("0", &[]);
    check("45", &[]);
    check("99999999999999999999999999", &[]);
}

#[test]
fn answers_a_duration_with_a_date() {
    check("7d", &["2026-12-03"]);
    check("+7d", &["2026-12-03"]);
    check("30 days", &["2026-12-26"]);
    check("in 2 weeks", &["2026-12-10"]);
    check("1 month", &["2026-12-26"]);
    check("P1M", &["2026-12-26"]);
    check("one year", &["2027-11-26"]);
    check("14 Tage", &["2026-12-10"]);
    check("3 semaines", &["2026-12-17"]);
    check("2 años", &["2028-11-26"]);
    check("12h", &["2026-11-26 22:21"]);
    check("PT90M", &["2026-11-26 11:51"]);
    check("P1DT12H", &["2026-11-27 22:21"]);
    check("1d 12h", &["2026-11-27 22:21"]);
    check("6m", &["2027-05-26", "2026-11-26 10:27"]);
}

#[test]
fn reads_days_that_are_not_fixed() {
    check("today", &["2026-11-26"]);
    check("Tomorrow", &["2026-11-27"]);
    check("demain", &["2026-11-27"]);
    check("yesterday", &["2026-11-25"]);
    check("Friday", &["2026-11-27"]);
    check("next Thursday", &["2026-12-03"]);
    check("end of year", &["2026-12-31"]);
    check("Jahresende", &["2026-12-31"]);
    check("EOM", &["2026-11-30"]);
    check("end of week", &["2026-11-29"]);
    check("next week", &["2026-12-06"]);
    check("next month", &["2026-12-31"]);
    check("end of quarter", &["2026-12-31"]);
    check_bound(Bound::Starts, "next month", &["2026-12-01"]);
    check_bound(Bound::Starts, "next week", &["2026-11-30"]);
    check_bound(Bound::Starts, "immediately", &["2026-11-26"]);
}

#[test]
fn a_period_means_its_first_or_its_last_day() {
    check("Q4", &["2026-12-31"]);
    check("Q1 2027", &["2027-03-31"]);
    check("2027-Q1", &["2027-03-31"]);
    check("2026-W53", &["2027-01-03"]);
    check("KW 49", &["2026-12-06"]);
    check("12/2026", &["2026-12-31"]);
    check("2026-12", &["2026-12-31"]);
    check("December 2026", &["2026-12-31"]);
    check("décembre", &["2026-12-31"]);
    check("January", &["2027-01-31"]);
    check("2026", &["2026-12-31"]);
    check_bound(Bound::Starts, "2027-Q1", &["2027-01-01"]);
    check_bound(Bound::Starts, "2026-W53", &["2026-12-28"]);
    check_bound(Bound::Starts, "December 2026", &["2026-12-01"]);
    check_bound(Bound::Starts, "2027", &["2027-01-01"]);
}

#[test]
fn a_date_that_does_not_exist_gets_the_nearest_one() {
    check("2026-13-01", &["2026-01-13"]);
    check("2026-13-31", &[]);
    check("2026-02-30", &["2026-02-28"]);
    check_bound(Bound::Starts, "2026-02-30", &["2026-03-01"]);
    check("2026-02-30 18:00", &[]);
    check("2026-12-00", &[]);
    check("31/02/2026", &[]);
    check("2026-W54", &[]);
}

#[test]
fn two_dates_in_one_cell_are_split() {
    for text in [
        "2026-01-01 - 2026-12-31",
        "2026-01-01/2026-12-31",
        "2026-01-01 to 2026-12-31",
        "01.01.2026 bis 31.12.2026",
    ] {
        let (first, second) = (["2026-01-01"], ["2026-12-31"]);
        check_bound(Bound::Starts, text, &first);
        check_bound(Bound::Expires, text, &second);
    }
}

#[test]
fn words_without_an_end_are_never() {
    for text in [
        "none",
        "n/a",
        "NULL",
        "unlimited",
        "forever",
        "jamais",
        "nie",
        "unbefristet",
        "nunca",
        "siempre",
        "permanent",
        "nevr",
        "0000-00-00",
        "∞",
    ] {
        check_bound(Bound::Expires, text, &["never"]);
        check_bound(Bound::Starts, text, &[]);
    }
}

#[test]
fn suggests_nothing_for_other_texts() {
    for text in [
        "x",
        "soon",
        "?",
        "TBD",
        "TRUE",
        "1.1.1.1",
        "10.0.0.0/8",
        "#VALUE!",
        "########",
        "=TODAY()+7",
        "20226-12-31",
        "12:34:56:78",
        "31/31/2026",
        "a/b/c",
        "-1",
        "7 bananas",
        "2026-12-31 2027-12-31",
        "\u{202e}",
        "1/2/3/4/5",
    ] {
        check(text, &[]);
    }
    check(&"9".repeat(10_000), &[]);
    check(&"2026-12-31 ".repeat(1000), &[]);
}

#[track_caller]
fn check_sentence(text: &str, expected: &str) {
    let explanation = explain_date(text, Bound::Expires, &dates());
    let expected = format!("{} in Expires{expected}", Segment::quoted(text).text());
    assert_eq!(explanation.to_string(), expected);
}

#[test]
fn says_what_is_wrong_and_what_to_write() {
    check_sentence(
        "31/12/2026",
        " is not in an accepted format: write 2026-12-31",
    );
    check_sentence(
        "03/04/2026",
        " can be read in more than one way: write 2026-04-03 or 2026-03-04",
    );
    check_sentence(
        "7d",
        " is a duration, which would start again at every upload: write 2026-12-03",
    );
    check_sentence(
        "46387",
        " is the number that a spreadsheet stores for a date: write 2026-12-31",
    );
    check_sentence("tomorrow", " is not a fixed date: write 2026-11-27");
    check_sentence("Q4", " is a period, not a date: write 2026-12-31");
    check_sentence("31 Dec", " has no year: write 2026-12-31");
    check_sentence(
        "2026-02-30",
        " does not exist, because the month has 28 days: write 2026-02-28",
    );
    check_sentence(
        "soon",
        " is not a date: write a date such as 2026-12-31, 2026-12-31 18:00 or 2026-12-31T18:00:00Z",
    );
    check_sentence(
        "24:00",
        " is a time without a date: write a date such as 2026-12-31, 2026-12-31 18:00 or \
         2026-12-31T18:00:00Z",
    );
    check_sentence("=TODAY()+7", " is a formula: replace it with a date");
    check_sentence(
        "########",
        " is what a spreadsheet shows instead of a date: write a date such as 2026-12-31, 2026-12-31 18:00 \
         or 2026-12-31T18:00:00Z",
    );
}
