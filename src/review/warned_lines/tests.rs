use super::*;
use crate::generate::Generation;
use crate::render::Template;
use crate::settings::Settings;
use crate::source::Source;

/// The warnings of a CSV, of which `again` can be read a second time; `None` is all of it.
fn warnings_of(csv: &str, again: Option<&str>) -> Vec<Warning> {
    let template = Template::built_in("apache24").unwrap();
    let settings = Settings::default();
    let source = Source {
        key: "a.csv".to_owned(),
        ..Source::default()
    };
    let mut generation = Generation::watching(&settings, &template, &source);
    let _ = generation.push(csv.as_bytes());
    let (outcome, review) = generation.finish_with_warnings();
    let mut warnings = outcome.answer.warnings;
    name_lines(&review, &mut warnings, |take| {
        for piece in again.unwrap_or(csv).as_bytes().chunks(7) {
            if take(piece).is_break() {
                break;
            }
        }
        again.is_none()
    });
    warnings
}

/// Expected is the line of each warning, and the end of its sentence.
#[track_caller]
fn check(csv: &str, again: Option<&str>, expected: &[(Option<u64>, &str)]) {
    let warnings = warnings_of(csv, again);
    assert_eq!(warnings.len(), expected.len(), "{warnings:?}");
    for (warning, (line, end)) in warnings.iter().zip(expected) {
        assert!(warning.message.ends_with(end), "{}", warning.message);
        assert_eq!(warning.line, *line, "{}", warning.message);
    }
}

#[test]
fn names_the_lines_of_rows_that_repeat_others() {
    check(
        "# rules\nIP,Rule\n\n1.1.1.1,Allow\n2.2.2,Allow\n1.1.1.1,Deny\n\"1.1.1.1\",Allow\n\
         10.0.0.0/24,Deny\n10.0.0.0-10.0.0.255,Deny\n1.1.1.1,allow\n2.2.2.2,Allow",
        None,
        &[
            (
                Some(4),
                " (line 4 by line 6, line 7 by line 6 and line 10 by line 6)",
            ),
            (
                Some(7),
                "Allow 1.1.1.1 and Deny 10.0.0.0/24 (line 7 repeats line 4, line 9 repeats \
                 line 8 and line 10 repeats line 4)",
            ),
        ],
    );
    let many = "1.1.1.1,Allow\n".repeat(14);
    check(
        &format!("IP,Rule\n{many}"),
        None,
        &[(Some(3), "line 7 repeats line 2 and 8 more)")],
    );
}

#[test]
fn names_the_deny_rows_too_where_one_is_enough() {
    check(
        "IP,Rule\n10.0.0.0/24,Allow\n10.0.0.0/25,Deny\n10.0.0.128/25,Deny\n2001:db8::1,Allow\n\
         2001:db8::/32,Deny\n9.9.9.9,Allow\n",
        None,
        &[(Some(2), " (line 2 by several lines and line 5 by line 6)")],
    );
    check(
        "IP,Rule\nall,Allow\n10.0.0.0/8,Deny\n10.0.0.1,Allow\n11.0.0.1,Allow\n",
        None,
        &[(Some(4), " (line 4 by line 3)")],
    );
}

#[test]
fn names_the_lines_of_wide_and_of_private_networks() {
    check(
        "IP,Rule\n64.0.0.1,Allow\n64.0.0.0/6,Allow\n2000::/3,Allow\n65.0.0.0/8,Allow\n",
        None,
        &[(Some(3), ": check the prefix length (lines 3 and 4)")],
    );
    check(
        "IP,Rule\n1.1.1.1,Allow\n10.0.0.0/24,Allow\n2.2.2.2,Allow\n10.9.0.1,Allow\n3.3.3.3,Allow\n",
        None,
        &[(Some(3), " over the Internet (line 3)")],
    );
    // Four rows together are too wide, none of them is.
    check(
        "IP,Rule\n64.0.0.0/8,Allow\n65.0.0.0/8,Allow\n66.0.0.0/8,Allow\n67.0.0.0/8,Allow\n",
        None,
        &[(None, ": check the prefix length")],
    );
}

#[test]
fn what_is_about_no_row_stays_as_it_is_and_nothing_is_read_for_it() {
    let template = Template::built_in("apache24").unwrap();
    let (settings, source) = (Settings::default(), Source::default());
    let source = Source {
        key: "a.csv".to_owned(),
        ..source
    };
    for csv in ["IP,Rule\n1.1.1.1,Deny\n", "IP,Rule\n1.1.1.1,Allow\n", "x"] {
        let mut generation = Generation::watching(&settings, &template, &source);
        let _ = generation.push(csv.as_bytes());
        let (outcome, review) = generation.finish_with_warnings();
        let mut warnings = outcome.answer.warnings.clone();
        name_lines(&review, &mut warnings, |_| panic!("{csv} is read again"));
        assert_eq!(warnings, outcome.answer.warnings);
    }
}

#[test]
fn tells_no_number_of_what_cannot_be_read_again() {
    let csv = "IP,Rule\n1.1.1.1,Allow\n1.1.1.1,Allow\n1.1.1.12,Allow\n1.1.1.12,Allow\n";
    let (start, _) = csv.rsplit_once("2,Allow\n").unwrap();
    check(
        csv,
        Some(start),
        &[(Some(3), " (line 3 repeats line 2, and perhaps others)")],
    );
    check(csv, Some(""), &[(None, ", such as Allow 1.1.1.1")]);
    check(csv, Some("\u{0}"), &[(None, ", such as Allow 1.1.1.1")]);
}

#[test]
fn a_deny_row_that_was_not_seen_is_not_several() {
    let hosts: Vec<String> = (0..MAX_ROWS)
        .map(|index| {
            format!(
                "11.{}.{}.{},Allow\n",
                index >> 16,
                index >> 8 & 255,
                index & 255
            )
        })
        .collect();
    let csv = format!("IP,Rule\n10.0.0.1,Allow\n{}10.0.0.1,Deny\n", hosts.concat());
    check(&csv, None, &[(Some(2), "131,072 rows; line 2)")]);
    let filler = "# nothing\n".repeat(1_000);
    let csv = format!("IP,Rule\n10.0.0.1,Allow\n9.9.9.9,Allow\n{filler}10.0.0.1,Deny\n");
    let (start, _) = csv.rsplit_once("1,Deny").unwrap();
    check(
        &csv,
        Some(start),
        &[(Some(2), "10.0.0.1 (line 2, and perhaps others)")],
    );
}

#[test]
fn looks_no_further_than_rows_are_remembered() {
    let rows = "1.1.1.1,Allow\n".repeat(MAX_ROWS);
    check(
        &format!("IP,Rule\n{rows}10.0.0.0/7,Allow\n"),
        None,
        &[
            (None, ": check the prefix length"),
            (
                Some(3),
                "(among the first 131,072 rows; line 3 repeats line 2, line 4 repeats line 2, line 5 repeats line 2, line 6 repeats line 2, line 7 repeats line 2 and 131,066 more)",
            ),
        ],
    );
}
