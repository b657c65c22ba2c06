//! Columns are found by name: every name, in any order, under any delimiter.

use crate::support::{Setup, refusal_of};

const ADDRESS_NAMES: [&str; 8] = [
    "IP Address",
    "IP",
    "Address",
    "Network",
    "CIDR",
    "ip_address",
    "IP-ADDRESS",
    " i p A d d r e s s ",
];
const RULE_NAMES: [&str; 5] = ["Rule", "Action", "Policy", "RULE", " _policy- "];
const COMMENT_NAMES: [&str; 5] = ["Comment", "Description", "Note", "COMMENT", "no_te"];
const DELIMITERS: [&str; 4] = [",", ";", "\t", "|"];
/// The positions of the address, the rule, the comment and an unknown column.
const ORDERS: [[usize; 4]; 6] = [
    [0, 1, 2, 3],
    [1, 0, 2, 3],
    [3, 2, 1, 0],
    [2, 3, 0, 1],
    [3, 0, 2, 1],
    [1, 2, 3, 0],
];

/// A template that prints the cells of the three columns.
const ROWS: &str = "{% for rule in rules %}{{ rule.address }} {{ rule.rule }} {{ rule.comment }}
{% endfor %}";

/// A table of three rows under the given names.
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
        "IP.Address,Rule",
    ] {
        let outcome = Setup::default().run(format!("{names}\n192.0.2.1,Allow\n").as_bytes());
        assert!(
            refusal_of(&outcome).starts_with("missing-column: the header has no column "),
            "{names}"
        );
    }
}
