//! Rows that start and end, on the command line: `--at`, `--time-zone` and `upcoming`.

use std::fmt::Write as _;

use serde_json::Value;

use crate::cli::Folder;

const CONTRACTOR: &str = "IP Address,Rule,Comment,Starts,Expires\n\
    192.0.2.1,Allow,office,,\n\
    192.0.2.7,Allow,contractor,2026-12-01,2026-12-31 23:59\n\
    192.0.2.9,Allow,,,2026-12-31\n";

fn folder() -> Folder {
    Folder::new().with("acme.csv", CONTRACTOR)
}

/// Checks the `Require` line of the output with these options.
#[track_caller]
fn check_render(options: &[&str], expected: &str) {
    let folder = folder();
    let ran = folder.run(&[&["render", "acme.csv"], options].concat());
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert_eq!(ran.stdout.lines().last(), Some(expected), "{options:?}");
}

#[test]
fn render_takes_the_instant_and_the_zone() {
    let without = "Require ip 192.0.2.1 192.0.2.9";
    let with = "Require ip 192.0.2.1 192.0.2.7 192.0.2.9";
    check_render(&["--at", "2026-11-30"], without);
    check_render(&["--at", "2026-12-01"], with);
    check_render(&["--at", "2026-11-30T23:00:00Z"], without);
    check_render(
        &[
            "--at",
            "2026-11-30T23:00:00Z",
            "--time-zone",
            "Europe/Paris",
        ],
        with,
    );
    check_render(
        &["--at", "2026-12-31 23:58:59", "--time-zone", "Europe/Paris"],
        with,
    );
    check_render(&["--at", "2026-12-31 23:59"], without);
    check_render(&["--at", "2027-01-01"], "Require ip 192.0.2.1");
}

#[test]
fn without_at_the_present_counts() {
    let csv = "IP,Rule,Starts,Expires\n192.0.2.1,Allow,2000-01-01,\n192.0.2.2,Allow,,2000-01-01\n\
        192.0.2.3,Allow,9000-01-01,\n";
    let ran = Folder::new()
        .with("acme.csv", csv)
        .run(&["render", "acme.csv"]);
    assert_eq!(ran.stdout.lines().last(), Some("Require ip 192.0.2.1"));
}

#[track_caller]
fn check_wrong(options: &[&str], expected: &str) {
    let ran = folder().run(options);
    assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
    assert!(ran.stderr.contains(expected), "{}", ran.stderr);
}

#[test]
fn a_bad_instant_zone_or_span_names_what_is_expected() {
    let expected =
        "expected a date or a time such as 2026-12-31, 2026-12-31 18:00 or 2026-12-31T18:00:00Z";
    for bad in ["tomorrow", "", "never", "2026-02-30"] {
        let message = format!("--at is \"{bad}\": {expected}");
        check_wrong(&["check", "acme.csv", "--at", bad], &message);
    }
    check_wrong(
        &["render", "acme.csv", "--time-zone", "Paris"],
        "--time-zone is \"Paris\": no time zone has this name; did you mean Europe/Paris?",
    );
    check_wrong(
        &["explain", "acme.csv", "192.0.2.1", "--time-zone", "+01:00"],
        "--time-zone is \"+01:00\": expected an IANA time zone such as Europe/Paris",
    );
    check_wrong(
        &["upcoming", "acme.csv", "--within", "soon"],
        "expected a number of days, hours or weeks, such as 14d, 12h or 2w",
    );
}

#[test]
fn check_shows_a_bad_date_and_its_correction() {
    let csv = "IP,Rule,Expires\n192.0.2.7,Allow,31/12/2026\n192.0.2.8,Allow,\n";
    let folder = Folder::new().with("acme.csv", csv);
    let ran = folder.run(&["check", "acme.csv", "--at", "2026-11-26"]);
    assert_eq!(ran.status, 0);
    assert!(ran.stderr.contains("invalid-date"), "{}", ran.stderr);
    assert!(ran.stderr.contains("write 2026-12-31"), "{}", ran.stderr);
    let underlined = ran.stderr.lines().find(|line| line.contains("^^^"));
    let marks = underlined.unwrap().matches('^').count();
    assert_eq!(marks, "31/12/2026".len(), "{}", ran.stderr);
}

#[test]
fn check_warns_about_rows_that_end() {
    let ran = folder().run(&["check", "acme.csv", "--at", "2026-12-20", "--json"]);
    let answers: Value = serde_json::from_str(&ran.stdout).unwrap();
    let answer = &answers[0];
    assert_eq!(answer["pending"], 0);
    assert_eq!(answer["next_change"], "2026-12-31T23:59:00Z");
    assert_eq!(answer["warnings"][0]["code"], "ends-soon");
    assert_eq!(answer["warnings"][0]["line"], 3);
}

#[test]
fn explain_says_until_when_and_since_when() {
    let check = |at: &str, expected: &str| {
        let ran = folder().run(&["explain", "acme.csv", "192.0.2.7", "--at", at]);
        assert_eq!(ran.stdout, expected);
    };
    check(
        "2026-11-26",
        "192.0.2.7 is kept out: no row allows it, and the default is deny\n  line 3: \
         192.0.2.7,Allow contractor (pending: from 1 December 2026, 00:00 UTC until 31 December 2026, \
         23:59 UTC)\n",
    );
    check(
        "2026-12-24",
        "192.0.2.7 gets in: line 3 allows it\n  line 3: 192.0.2.7,Allow contractor (until 31 December \
         2026, 23:59 UTC)\n",
    );
    check(
        "2027-01-01",
        "192.0.2.7 is kept out: no row allows it, and the default is deny\n  line 3: \
         192.0.2.7,Allow contractor (expired: until 31 December 2026, 23:59 UTC)\n",
    );
    let ran = folder().run(&[
        "explain",
        "acme.csv",
        "192.0.2.7",
        "--at",
        "2026-12-24",
        "--json",
    ]);
    let explained: Value = serde_json::from_str(&ran.stdout).unwrap();
    let row = &explained[0]["rows"][0];
    assert_eq!(row["state"], "active");
    assert_eq!(row["starts"], "2026-12-01T00:00:00Z");
    assert_eq!(row["expires"], "2026-12-31T23:59:00Z");
}

#[test]
fn diff_compares_two_files_at_one_instant() {
    let folder = folder().with("old.csv", "IP,Rule\n192.0.2.1,Allow\n192.0.2.9,Allow\n");
    let changed = |at| {
        let ran = folder.run(&["diff", "old.csv", "acme.csv", "--at", at, "--exit-code"]);
        (ran.status, ran.stdout)
    };
    assert_eq!(changed("2026-11-26").0, 0);
    let (status, text) = changed("2026-12-24");
    assert_eq!(status, 3);
    assert!(text.contains("+ 192.0.2.7"), "{text}");
    let (_, text) = changed("2027-01-01");
    assert!(text.contains("- 192.0.2.9"), "{text}");
}

#[test]
fn upcoming_lists_what_changes_in_all_files_by_time() {
    let folder = Folder::new()
        .with("sites/acme.csv", CONTRACTOR)
        .with(
            "sites/beta.csv",
            "IP,Rule,Expires\n2001:db8::/32,Allow,2026-12-05\n2001:db8::/33,Allow,2026-12-04\n",
        )
        .with("sites/gamma.csv", "IP,Rule\n192.0.2.1,Allow\n");
    let at = ["--at", "2026-11-26", "--time-zone", "Europe/Paris"];
    let ran = folder.run(&[&["upcoming", "sites"], &at[..]].concat());
    assert_eq!(
        ran.stdout,
        "1 December 2026, 00:00 Europe/Paris: sites/acme.csv:3: 192.0.2.7,Allow contractor starts: \
         192.0.2.7 gains access\n\
         the end of 4 December 2026 Europe/Paris: sites/beta.csv:3: 2001:db8::/33,Allow ends: nobody \
         gains or loses access\n\
         the end of 5 December 2026 Europe/Paris: sites/beta.csv:2: 2001:db8::/32,Allow ends: \
         2001:db8::/32 loses access\n\
         31 December 2026, 23:59 Europe/Paris: sites/acme.csv:3: 192.0.2.7,Allow contractor ends: \
         192.0.2.7 loses access\n\
         the end of 31 December 2026 Europe/Paris: sites/acme.csv:4: 192.0.2.9,Allow ends: 192.0.2.9 \
         loses access\n"
    );
    let summary = "3 files read, 0 refused; 0 rows rejected\n";
    assert_eq!((ran.status, ran.stderr.as_str()), (0, summary));
    let soon = folder.run(&[&["upcoming", "sites", "--within", "5d"], &at[..]].concat());
    assert_eq!(soon.stdout.lines().count(), 1, "{}", soon.stdout);
    let json = folder.run(&[&["upcoming", "sites", "--within", "2w", "--json"], &at[..]].concat());
    let changes: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(changes.as_array().unwrap().len(), 3);
    assert_eq!(
        changes[2],
        serde_json::json!({
            "at": "2026-12-05T23:00:00Z", "file": "sites/beta.csv", "line": 2, "rule": "allow",
            "address": "2001:db8::/32", "comment": "", "event": "expires", "gained": [],
            "lost": ["2001:db8::/32"]
        })
    );
}

#[test]
fn upcoming_says_that_nothing_changes() {
    let ran = folder().run(&["upcoming", "acme.csv", "--at", "2027-01-01"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (0, ""));
    assert!(
        ran.stderr.starts_with("no row starts or ends\n"),
        "{}",
        ran.stderr
    );
    let soon = ["--at", "2026-12-02", "--within", "12h", "--json"];
    let ran = folder().run(&[&["upcoming", "acme.csv"], &soon[..]].concat());
    assert_eq!((ran.status, ran.stdout.as_str()), (0, "[]\n"));
    let expected = "no row starts or ends until 2 December 2026, 12:00 UTC\n";
    assert!(ran.stderr.starts_with(expected), "{}", ran.stderr);
}

#[test]
fn upcoming_counts_the_changes_that_it_does_not_list() {
    let mut csv = "IP,Rule,Expires\n".to_owned();
    for row in 0..1010 {
        let (day, minute) = (row / 1000 + 1, row % 1000);
        let (hour, minute) = (minute / 60, minute % 60);
        writeln!(
            csv,
            "192.0.2.1,Allow,2026-12-{day:02} {hour:02}:{minute:02}"
        )
        .unwrap();
    }
    let folder = Folder::new().with("acme.csv", csv);
    let ran = folder.run(&["upcoming", "acme.csv", "--at", "2026-11-26"]);
    assert_eq!(ran.stdout.lines().count(), 1000);
    let expected = "10 later changes are not listed: use --within";
    assert!(ran.stderr.contains(expected), "{}", ran.stderr);
}

#[test]
fn upcoming_reads_standard_input() {
    let ran = Folder::new().run_with_input(
        &["upcoming", "-", "--at", "2026-12-24", "--json"],
        CONTRACTOR,
    );
    let changes = ran.json();
    assert_eq!(
        (&changes[0]["file"], &changes[0]["line"]),
        (&"-".into(), &3.into())
    );
}

#[test]
fn upcoming_says_which_file_would_not_be_published() {
    let folder = folder().with("bad.csv", "Colour\nred\n");
    let ran = folder.run(&["upcoming", "acme.csv", "bad.csv", "--at", "2026-12-24"]);
    assert_eq!(ran.status, 1);
    assert_eq!(ran.stdout.lines().count(), 2);
    assert!(ran.stderr.contains("missing-column"), "{}", ran.stderr);
    let ran = folder.run(&["upcoming", "gone.csv", "acme.csv", "--at", "2026-12-24"]);
    assert_eq!((ran.status, ran.stdout.lines().count()), (2, 2));
    assert!(ran.stderr.contains("gone.csv"), "{}", ran.stderr);
}
