//! Lines that start with `#`: comments, and rows whose first cell starts with `#`.

use htaccess_generator::answer::{Answer, WarningCode};

use crate::support::{Setup, refusal_of};

/// Headers in which the first column is neither the address nor the rule, each with a first row.
const ID_FIRST: &str = "ID,IP,Rule,Comment\n1,all,Allow,\n";
const COMMENT_FIRST: &str = "Comment,IP,Rule\neverybody,all,Allow\n";

/// Returns the answer for a file with the row in line 3. The file is published even if the row is rejected.
fn answer(start: &str, row: &str) -> Answer {
    let csv = format!("{start}{row}\n");
    Setup::with("STRICT", "none").run(csv.as_bytes()).answer
}

/// Returns the message of the `guessed` warning. Empty if there is no such warning.
fn guessed(answer: &Answer) -> String {
    let mut warnings = answer.warnings.iter();
    let guessed = warnings.find(|warning| warning.code == WarningCode::Guessed);
    guessed.map_or(String::new(), |warning| warning.message.to_string())
}

/// Checks how many rows after the first one are accepted and rejected. If the line is a row, a
/// warning must mention it.
#[track_caller]
fn check(start: &str, row: &str, accepted: u64, rejected: u64) {
    let answer = answer(start, row);
    assert_eq!(
        (answer.accepted - 1, answer.rejected),
        (accepted, rejected),
        "{row}"
    );
    let is_told = guessed(&answer).starts_with("line 3 starts with #");
    assert_eq!(is_told, accepted + rejected > 0, "{row}");
}

#[test]
fn a_comment_line_with_an_address_and_a_rule_is_a_row() {
    for row in [
        "#4711,1.2.3.4,Deny,",
        "# 4711 , 1.2.3.4 , deny",
        "#,10.0.0.0/8,Allow,x",
        "#1,*,Allow",
        "\"#4711, a scanner\",1.2.3.4,Deny",
        "#4711,\"1.2.3.4\",\"Deny\",\"two, or three\"",
        "#4711,'1.2.3.4,=\"Deny\",",
        "  #4711,1.2.3.4,Deny,\"two\nlines\"",
    ] {
        check(ID_FIRST, row, 1, 0);
    }
    check(COMMENT_FIRST, "#4711 scanner,1.2.3.4,Deny", 1, 0);
    check("Rating;IP;Rule\n;all;Allow\n", "#1;1.2.3.4;Deny", 1, 0);
}

/// Such a line may be a Deny, so it must not be ignored. The `deny-rejected` check determines
/// whether it refuses the file.
#[test]
fn a_comment_line_that_may_be_a_damaged_row_is_rejected() {
    for row in [
        "#4711,1.2.3,Deny",
        "#4711,1.2.3.4/24,Deny",
        "#4711,1.2.3.4,Block",
        "#4711,1.2.3.4,Dney",
        "#4711,1.2.3.4,Dény",
        "#4711,1.2.3.4,",
        "#4711,#N/A,Deny",
        "#4711,1.2.3.4;5.6.7.8,\"Deny\"",
    ] {
        check(COMMENT_FIRST, row, 0, 1);
        let csv = format!("{COMMENT_FIRST}{row}\n");
        let refusal = refusal_of(&Setup::default().run(csv.as_bytes()));
        assert!(refusal.starts_with("deny-rejected: line 3 "), "{refusal}");
    }
}

#[test]
fn other_comment_lines_are_comments() {
    for row in [
        "# the office, and a scanner, since May",
        "# see 10.0.0.1, 10.0.0.2 and 10.0.0.3",
        "# office,1.2.3.4",
        "# ID,IP,Rule,Comment",
        "# who,where,Deny",
        "# name, address, Allow or Deny",
        "#1,,Deny",
        "# 5\" pipe, \"never closed, and more",
        "#",
    ] {
        check(ID_FIRST, row, 0, 0);
    }
}

/// People disable rows by writing `#` in front of them.
#[test]
fn a_row_with_a_hash_before_its_address_or_rule_is_a_comment() {
    for (start, row) in [
        ("IP,Rule,Comment\nall,Allow,\n", "#1.2.3.4,Deny,"),
        ("IP,Rule,Comment\nall,Allow,\n", "# 1.2.3.4 , Deny ,x"),
        ("IP,Comment,Rule\nall,,Allow\n", "#1.2.3.4,1.2.3.4,Deny"),
        ("Rule,IP,Comment\nAllow,all,\n", "#Deny,1.2.3.4,Deny"),
        ("Rule,IP,Comment\nAllow,all,\n", "\"#Deny\",\"1.2.3.4\",x"),
    ] {
        check(start, row, 0, 0);
    }
}

/// If quotes were followed here, the open quote would hide the rule, and the row would look like a comment.
#[test]
fn an_open_quote_does_not_make_a_comment_of_a_row() {
    for row in ["#4711,\"1.2.3.4,Deny", "#4711,1.2.3.4,\"Deny"] {
        let csv = format!("{COMMENT_FIRST}{row}\n");
        assert_eq!(
            refusal_of(&Setup::default().run(csv.as_bytes())),
            "not-csv: line 3 opens a quote that is not closed: close it, or double each quote that is part \
             of a cell"
        );
    }
}

#[test]
fn the_warning_names_the_lines() {
    let one = answer(ID_FIRST, "#2,1.2.3.4,Deny");
    assert_eq!(
        guessed(&one),
        "line 3 starts with # but contains an address and a rule, so it was read as a row, not as a comment: \
         to disable a row, delete it"
    );
    let two = answer(
        ID_FIRST,
        "#2,1.2.3.4,Deny\n#3 a comment\n\"#4\",1.2.3.5,Deny",
    );
    assert_eq!(
        guessed(&two),
        "lines 3 and 5 start with # but contain an address and a rule, so they were read as rows, not as \
         comments: to disable a row, delete it"
    );
}
