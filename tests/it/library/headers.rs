//! Columns are found by name, with every accepted name, in any order and with any delimiter. Unused columns
//! are reported. Columns that look like a condition or contradict the rule are not ignored silently.

use htaccess_generator::answer::{MAX_COLUMNS_LISTED, RejectionCode, WarningCode};

use crate::support::{Setup, refusal_of};

const ADDRESS_NAMES: [&str; 9] = [
    "IP Address",
    "IP",
    "Address",
    "Network",
    "CIDR",
    "ip_address",
    "IP-ADDRESS",
    " i p A d d r e s s ",
    "IP.Address",
];
const RULE_NAMES: [&str; 5] = ["Rule", "Action", "Policy", "RULE", " _policy- "];
const COMMENT_NAMES: [&str; 5] = ["Comment", "Description", "Note", "COMMENT", "no_te"];
const DELIMITERS: [&str; 4] = [",", ";", "\t", "|"];
/// The orders of the columns: 0 is the address, 1 the rule, 2 the comment and 3 an unknown column.
const ORDERS: [[usize; 4]; 6] = [
    [0, 1, 2, 3],
    [1, 0, 2, 3],
    [3, 2, 1, 0],
    [2, 3, 0, 1],
    [3, 0, 2, 1],
    [1, 2, 3, 0],
];

/// A header and a row, which end every file below.
const TABLE: &str = "IP,Rule\n192.0.2.1,Allow\n";

/// A template that prints the three cells of each row.
const ROWS: &str = "{% for rule in rules %}{{ rule.address }} {{ rule.rule }} {{ rule.comment }}
{% endfor %}";

/// Returns a table of three rows below these column names.
fn sheet(names: [&str; 4], order: [usize; 4], delimiter: &str) -> String {
    let rows = [
        names,
        ["192.0.2.1", "Allow", "first", "17"],
        ["2001:db8::/32", "deny", "second", "-"],
        ["all", "ALLOW", "third", "all"],
    ];
    let lines = rows.map(|row| order.map(|column| row[column]).join(delimiter));
    lines.join("\n")
}

#[track_caller]
fn check(setup: &Setup, names: [&str; 4], order: [usize; 4], delimiter: &str) {
    let text = sheet(names, order, delimiter);
    let outcome = setup.run(text.as_bytes());
    assert_eq!(
        outcome.file.as_deref(),
        Some("192.0.2.1 allow first\n2001:db8::/32 deny second\nall allow third\n"),
        "{text}\n{}",
        refusal_of(&outcome)
    );
}

#[test]
fn every_name_and_order_of_columns_is_found_under_every_delimiter() {
    let setup = Setup::with_template(ROWS);
    for delimiter in DELIMITERS {
        for order in ORDERS {
            for address in ADDRESS_NAMES {
                let names = [address, "Rule", "Comment", "Ticket"];
                check(&setup, names, order, delimiter);
            }
            for rule in RULE_NAMES {
                let names = ["IP Address", rule, "Comment", "Ticket"];
                check(&setup, names, order, delimiter);
            }
            for comment in COMMENT_NAMES {
                let names = ["IP Address", "Rule", comment, "Ticket"];
                check(&setup, names, order, delimiter);
            }
        }
    }
}

#[test]
fn the_canonical_name_wins_over_its_aliases_wherever_it_stands() {
    let setup = Setup::with_template(ROWS);
    for order in ORDERS {
        check(
            &setup,
            ["IP Address", "Rule", "Comment", "Network"],
            order,
            ",",
        );
        check(
            &setup,
            ["IP Address", "Rule", "Comment", "Action"],
            order,
            ",",
        );
        check(
            &setup,
            ["IP Address", "Rule", "Comment", "Note"],
            order,
            ",",
        );
    }
}

#[test]
fn names_that_are_only_similar_are_not_found() {
    for names in [
        "IP Addresses,Rule",
        "IPv4,Rule",
        "IP Address,Rules",
        "IP:Address,Rule",
    ] {
        let outcome = Setup::default().run(format!("{names}\n192.0.2.1,Allow\n").as_bytes());
        assert!(
            refusal_of(&outcome).starts_with("missing-column: the header has no column "),
            "{names}"
        );
    }
}

/// Returns the ignored columns of a header, and the messages of the warnings about them.
fn ignored(header: &str) -> (Vec<String>, Vec<String>) {
    let csv = format!("{header}\n192.0.2.1,Allow\n");
    let answer = Setup::default().run(csv.as_bytes()).answer;
    let warnings = answer.warnings.into_iter();
    let about_columns = warnings.filter(|warning| warning.code == WarningCode::IgnoredColumn);
    (
        answer.ignored_columns,
        about_columns
            .map(|warning| warning.message.to_string())
            .collect(),
    )
}

#[test]
fn columns_that_are_not_used_are_named_once() {
    let (names, warnings) = ignored("IP,Rule,Owner,Ticket, Owner ,,Note,\"VLAN\",Description");
    assert_eq!(names, ["Owner", "Ticket", "Note", "VLAN"]);
    assert!(warnings.is_empty(), "{warnings:?}");
    assert!(ignored("IP,Rule,Comment,,").0.is_empty());
}

#[test]
fn a_column_that_looks_like_a_condition_is_a_warning() {
    for (header, expected) in [
        (
            "IP,Rule,Enabled",
            "the column \"Enabled\" has no effect: each row applies, regardless of its cell in this column; delete the \
             rows that should not apply, and remove or rename the column",
        ),
        (
            "Gültig bis;IP;Rule;Owner;Port",
            "the columns \"Gültig bis\", \"Port\" have no effect: each row applies, regardless of its \
             cells in these columns; delete the rows that should not apply, and remove or rename the columns",
        ),
    ] {
        assert_eq!(ignored(header).1, [expected], "{header}");
    }
}

#[test]
fn a_header_of_hundreds_of_columns_is_not_listed_whole() {
    let many =
        (0..MAX_COLUMNS_LISTED + 3).map(|index| format!("column {index}{}", "x".repeat(200)));
    let many: Vec<String> = many.collect();
    let (names, warnings) = ignored(&format!("IP,Rule,{}", many.join(",")));
    assert_eq!(names.len(), MAX_COLUMNS_LISTED);
    assert!(names.iter().all(|name| name.len() == 64), "{names:?}");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with("103 columns are not used"));
}

/// Reads a file with two rule columns whose first row has `rule` and `other`. Returns the rejection codes.
fn with_two_rules(header: &str, rule: &str, other: &str) -> Vec<RejectionCode> {
    let csv = format!("{header}\n192.0.2.1,{rule},{other}\n192.0.2.2,Allow,allow\n");
    let answer = Setup::default().run(csv.as_bytes()).answer;
    answer.rejections.iter().map(|row| row.code).collect()
}

#[test]
fn a_row_whose_two_rules_contradict_each_other_is_rejected() {
    for header in ["IP,Rule,Action", "IP,Rule,Rule", "IP,Action,Policy"] {
        for [rule, other] in [
            ["Allow", "Deny"],
            ["deny", "ALLOW"],
            ["Allow", "\"Deny\""],
            ["=\"Allow\"", "'Deny'"],
            ["Allow", "BLOCK"],
        ] {
            let rejected = with_two_rules(header, rule, other);
            assert_eq!(
                rejected,
                [RejectionCode::UnknownRule],
                "{header}: {rule},{other}"
            );
        }
        for [rule, other] in [["Allow", "allow"], ["Deny", ""], ["Allow", "corp-vpn"]] {
            let rejected = with_two_rules(header, rule, other);
            assert!(rejected.is_empty(), "{header}: {rule},{other}");
        }
    }
    assert!(with_two_rules("IP,Rule,Owner", "Allow", "Deny").is_empty());
}

/// Returns the line and the message of the `guessed` warning, or no line and the refusal.
fn titles(csv: &str) -> (Option<u64>, String) {
    let outcome = Setup::default().run(csv.as_bytes());
    let refusal = refusal_of(&outcome);
    let mut warnings = outcome.answer.warnings.iter();
    match warnings.find(|warning| warning.code == WarningCode::Guessed) {
        Some(warning) if refusal.is_empty() => (warning.line, warning.message.to_string()),
        _ => (None, refusal),
    }
}

#[test]
fn a_title_above_the_header_is_skipped() {
    for title in [
        "Access list of acme",
        "Access list of acme,",
        "Exported on 2026-01-31;by Ada;version 1.2",
        "\"Networks, that may\nlook at the site\"",
        "IP list",
        "10.0.0.0/8 and others",
    ] {
        for blank in ["", "\n", "# a comment\n", ",,,\n"] {
            let csv = format!("{title}\n{blank}{TABLE}");
            let header = 1 + csv.lines().position(|line| line == "IP,Rule").unwrap();
            let message = format!(
                "line 1 is above the header in line {header} and was skipped: remove it, or start it with #"
            );
            assert_eq!(titles(&csv), (Some(1), message), "{csv}");
        }
    }
}

#[test]
fn a_few_titles_are_skipped_and_more_are_not() {
    let lines = |count: usize| format!("\n{}{TABLE}", "Access list,\n".repeat(count));
    for count in 2..=5 {
        let message = format!(
            "{count} lines above the header in line {} were skipped: remove them, or start them with #",
            count + 2
        );
        assert_eq!(titles(&lines(count)), (Some(2), message));
    }
    for count in [6, 20] {
        let (_, refusal) = titles(&lines(count));
        let end = format!(
            "; line {} is a header: remove the lines above it, or start them with #",
            count + 2
        );
        assert!(refusal.starts_with("missing-column: "), "{refusal}");
        assert!(refusal.ends_with(&end), "{refusal}");
    }
}

/// A line above the header that may be a row is not skipped, because it may be a Deny.
#[test]
fn a_row_above_the_header_refuses_the_file() {
    for row in [
        "1.1.1.1,Deny",
        "2.2.2,Deny",
        "office;2001:db8::1",
        "1.1.1.1-1.1.1.9|x",
        "all,allow",
        "x,Block",
        "\"two\n1.1.1.1\"",
        "=\"1.1.1.1\",x",
    ] {
        for title in ["", "Access list\n"] {
            let (line, refusal) = titles(&format!("{title}{row}\n{TABLE}"));
            assert!(
                refusal.starts_with("missing-column: "),
                "{row}: {line:?} {refusal}"
            );
        }
    }
    let (_, refusal) = titles("Access list\n1.1.1.1,Deny\n");
    assert!(refusal.starts_with("missing-column: "), "{refusal}");
}

#[test]
fn the_names_and_the_guesses_are_those_of_the_header() {
    let answer = Setup::default()
        .run(b"Access list,Owner\nIP,Rule,Port\n192.0.2.1,Allow,80\n")
        .answer;
    assert_eq!(answer.ignored_columns, ["Port"]);
    let found: Vec<_> = answer
        .warnings
        .iter()
        .map(|warning| (warning.code, warning.line))
        .collect();
    assert_eq!(
        found,
        [
            (WarningCode::IgnoredColumn, Some(2)),
            (WarningCode::Guessed, Some(1)),
        ]
    );
}
