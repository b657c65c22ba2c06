//! The diagnostics of the command line: the row, the underlined cell, and the help.

use crate::cli::Folder;
use crate::support::{gzip, utf16_le};

/// Runs `check` on a file, and compares the messages.
#[track_caller]
fn check(name: &str, csv: impl AsRef<[u8]>, expected: &str) {
    let folder = Folder::new().with(name, csv);
    folder.run(&["check", name]).expect(0, expected);
}

#[test]
fn every_reason_is_underlined_and_has_help() {
    let csv = "IP Address,Rule\n1.1.1.1,Allow\n10.0.0.5/24,Allow\n10.0.0.9-10.0.0.1,Allow\n1.1.1.2, Alow\n,Allow\n1.1.1.3\n";
    check(
        "acme.csv",
        csv,
        "\
rejected[host-bits-set]: 10.0.0.5/24 has host bits set
 --> acme.csv:3:1
  |
3 | 10.0.0.5/24,Allow
  | ^^^^^^^^^^^
  = help: write 10.0.0.0/24 for the network or 10.0.0.5 for the host

rejected[reversed-range]: \"10.0.0.9-10.0.0.1\" ends before it starts
 --> acme.csv:4:1
  |
4 | 10.0.0.9-10.0.0.1,Allow
  | ^^^^^^^^^^^^^^^^^
  = help: write 10.0.0.1-10.0.0.9

rejected[unknown-rule]: \"Alow\" is not a rule
 --> acme.csv:5:10
  |
5 | 1.1.1.2, Alow
  |          ^^^^
  = help: write Allow

rejected[missing-field]: the row has no address
 --> acme.csv:6:1
  |
6 | ,Allow
  | ^
  = help: write an address, or all

rejected[missing-field]: the row has no rule
 --> acme.csv:7:8
  |
7 | 1.1.1.3
  |        ^
  = help: write Allow or Deny

0 files fine, 1 with problems, 0 refused; 5 rows rejected
",
    );
}

#[test]
fn columns_that_are_not_used_are_named() {
    check(
        "acme.csv",
        "IP,Rule,Owner,Enabled\n1.1.1.1,Allow,Jean,no\n",
        "\
note: these columns are not used: \"Owner\", \"Enabled\"
 --> acme.csv

warning[ignored-column]: the column \"Enabled\" has no effect: each row applies, regardless of its cell in this column; \
delete the rows that should not apply, and remove or rename the column
 --> acme.csv:1:1
  |
1 | IP,Rule,Owner,Enabled
  | ^^^^^^^^^^^^^^^^^^^^^

0 files fine, 1 with problems, 0 refused; 0 rows rejected, 1 warning
",
    );
}

const ROW: &str =
    "rejected[invalid-address]: \"2.2.2\" is not an IP address: expected 4 octets, found 3
 --> FILE:3:8
  |
3 | Allow; 2.2.2 ;caf\u{e9}
  |        ^^^^^

0 files fine, 1 with problems, 0 refused; 1 row rejected
";

/// Tests every encoding, and the two inputs that cannot be read a second time.
#[test]
fn rows_are_shown_as_they_were_read() {
    let text = "Rule;IP;Note\nAllow;1.1.1.1;\nAllow; 2.2.2 ;caf\u{e9}\n";
    check("a.csv", text, &ROW.replace("FILE", "a.csv"));
    check("a.csv", utf16_le(text), &ROW.replace("FILE", "a.csv"));
    check(
        "a.csv.gz",
        gzip(text.as_bytes()),
        &ROW.replace("FILE", "a.csv.gz"),
    );
    let windows: Vec<u8> = text
        .chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect();
    let (row, summary) = ROW.split_once("\n0 files").unwrap();
    let guessed = "warning[guessed]: the text is not UTF-8 and was read as Windows-1252: if accents \
                   look wrong, save the sheet as CSV UTF-8\n --> a.csv\n";
    let told = format!(
        "{row}\n{guessed}\n0 files{}",
        summary.replace('\n', ", 1 warning\n")
    );
    check("a.csv", windows, &told.replace("FILE", "a.csv"));
    Folder::new()
        .run_with_input(&["check", "-"], text)
        .expect(0, &ROW.replace("FILE", "<stdin>"));
}

/// Only the first MiB of standard input is kept for showing rows. Messages about later rows
/// contain only the line number.
#[test]
fn rows_far_down_in_standard_input_are_reported_by_line() {
    let rows = "1.1.1.1,Allow,\n".repeat(100_000);
    let ran =
        Folder::new().run_with_input(&["check", "-"], &format!("IP,Rule\n{rows}2.2.2,Allow\n"));
    ran.expect(
        0,
        "warning[duplicate-rows]: 99,999 rows repeat other rows, such as Allow 1.1.1.1 (line 3 repeats \
         line 2, line 4 repeats line 2, line 5 repeats line 2, line 6 repeats line 2, line 7 repeats \
         line 2 and 99,994 more)\n --> <stdin>:3:1\n  |\n3 | 1.1.1.1,Allow,\n  | ^^^^^^^^^^^^^^\n\n\
         rejected[invalid-address]: \"2.2.2\" is not an IP address: expected 4 octets, found 3\n      \
         --> <stdin>:100002\n\n\
         0 files fine, 1 with problems, 0 refused; 1 row rejected, 1 warning\n",
    );
}

#[test]
fn a_hostile_row_cannot_control_the_terminal() {
    let long = "x".repeat(500);
    let csv = format!(
        "IP,Rule,Note\n1.1.1.1,Allow\n\u{1b}]0;x\u{7}\u{202e}2.2.2\t,\u{1b}[31mDeny,{long}\n"
    );
    let folder = Folder::new().with("a.csv", csv);
    let ran = folder.run(&["check", "a.csv"]);
    assert!(
        !ran.stderr
            .chars()
            .any(|c| c.is_control() && c != '\n' || c == '\u{202e}'),
        "{}",
        ran.stderr
    );
    let row = "3 | \\u{1b}]0;x\\u{7}\\u{202e}2.2.2    ,\\u{1b}[31mDeny,xxxx";
    assert!(ran.stderr.contains(row), "{}", ran.stderr);
    assert!(ran.stderr.contains("xxx…\n"), "{}", ran.stderr);
    assert!(ran.stderr.lines().all(|line| line.chars().count() < 300));
}

#[test]
fn strict_makes_errors_of_rejected_rows() {
    let folder = Folder::new().with("a.csv", "IP,Rule\n1.1.1.1,Allow\n2.2.2,Allow\n");
    let ran = folder.run(&["check", "--strict", "a.csv"]);
    assert_eq!(ran.status, 1);
    assert!(
        ran.stderr
            .starts_with("rejected[invalid-address]: \"2.2.2\" is"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr
            .contains("\nerror[rows-rejected]: 1 of 2 rows was rejected"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr
            .ends_with("\n\n0 files fine, 1 refused; 1 row rejected\n"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_refusal_shows_the_line_that_it_names() {
    let folder = Folder::new().with("a.csv", "IP,Rule\n1.1.1.1,Allow\n\"2.2.2.2,Deny\n");
    folder.run(&["check", "a.csv"]).expect(
        1,
        "\
error[not-csv]: line 3 opens a quote that is not closed: close it, or double each quote that is part of a cell
 --> a.csv:3:1
  |
3 | \"2.2.2.2,Deny
  | ^^^^^^^^^^^^^

0 files fine, 1 refused; 0 rows rejected
",
    );
}

#[test]
fn a_missing_column_shows_the_header() {
    let folder = Folder::new()
        .with("a.csv", "# rules\nIP,Note\n1.1.1.1,x\n")
        .with("empty.csv", "");
    folder.run(&["check", "a.csv", "empty.csv"]).expect(
        1,
        "\
error[missing-column]: the header has no column \"Rule\" (or Action, Policy): found \"IP\", \"Note\"; add the column Rule, with Allow or Deny in each row
 --> a.csv:2:1
  |
2 | IP,Note
  | ^^^^^^^

error[missing-column]: the file is empty: expected a header with the columns \"IP Address\" and \"Rule\"
 --> empty.csv

0 files fine, 2 refused; 0 rows rejected
",
    );
}

#[test]
fn the_first_hundred_rows_are_listed_and_the_others_counted() {
    let rows = "2.2.2,Allow\n".repeat(2_345);
    let folder = Folder::new().with("a.csv", format!("IP,Rule\n{rows}1.1.1.1,Allow\n"));
    let ran = folder.run(&["check", "a.csv"]);
    assert_eq!(ran.stderr.matches("rejected[").count(), 100);
    let end = "\n… and 2,245 more rows rejected\n\n0 files fine, 1 with problems, 0 refused; 2,345 rows rejected\n";
    assert!(ran.stderr.ends_with(end), "{}", ran.stderr);
}

#[test]
fn colours_are_used_on_terminals_and_on_request() {
    let folder = Folder::new().with("a.csv", "IP,Rule\n1.1.1.1,Allow\nx,Allow\n");
    let is_coloured = |arguments: &[&str], variables: &[(&str, &str)]| {
        let ran = folder.run_in(arguments, variables);
        assert_eq!(ran.status, 0);
        ran.stderr.contains("\u{1b}[")
    };
    assert!(!is_coloured(&["check", "a.csv"], &[]));
    assert!(is_coloured(&["check", "a.csv", "--color", "always"], &[]));
    assert!(is_coloured(
        &["--color=always", "check", "a.csv"],
        &[("NO_COLOR", "1")]
    ));
    assert!(is_coloured(&["check", "a.csv"], &[("CLICOLOR_FORCE", "1")]));
    assert!(!is_coloured(
        &["check", "a.csv", "--color", "never"],
        &[("CLICOLOR_FORCE", "1")]
    ));
    assert!(!is_coloured(
        &["check", "a.csv"],
        &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]
    ));
}
