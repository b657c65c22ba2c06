//! Lists and the common CSV: the reasons to refuse them, and their effect on a site.

use htaccess_generator::answer::{Answer, RefusalCode, RejectionCode, Status, WarningCode};

use crate::support::Setup;

/// Publishes a list, and returns its answer.
fn answer_for(csv: &str) -> Answer {
    Setup::default().add_list("office", csv)
}

/// Returns the rejection codes for a site whose CSV has an accepted row, followed by this row.
fn rejected(setup: &Setup, row: &str) -> Vec<RejectionCode> {
    let csv = format!("IP,Rule\n198.51.100.1,Allow\n{row}\n");
    let answer = setup.run(csv.as_bytes()).answer;
    answer.rejections.iter().map(|one| one.code).collect()
}

fn file_of(setup: &Setup, csv: &str) -> String {
    setup.run(csv.as_bytes()).file.unwrap()
}

#[test]
fn a_list_needs_no_rules_and_may_have_equal_ones() {
    for csv in [
        "IP\n192.0.2.1\n",
        "IP,Comment\n192.0.2.1,Paris\n",
        "IP,Rule\n192.0.2.1,Allow\n192.0.2.2,allow\n",
        "IP,Rule\n192.0.2.1,Deny\n192.0.2.2,\n",
    ] {
        assert_eq!(answer_for(csv).status, Status::Written, "{csv}");
    }
}

#[test]
fn a_list_with_mistakes_is_refused() {
    let refused = [
        (
            "IP,Rule\n192.0.2.1,Allow\n192.0.2.2,Deny\n",
            RefusalCode::MixedRules,
        ),
        ("IP\n@vpn\n192.0.2.1\n", RefusalCode::DenyRejected),
        ("IP\nall\n192.0.2.1\n", RefusalCode::DenyRejected),
        ("IP\n2.2.2\n192.0.2.1\n", RefusalCode::DenyRejected),
        ("IP\n", RefusalCode::NoRules),
        ("Name\n192.0.2.1\n", RefusalCode::MissingColumn),
    ];
    for (csv, code) in refused {
        let answer = answer_for(csv);
        assert_eq!(
            (answer.status, answer.code),
            (Status::Refused, Some(code)),
            "{csv}"
        );
    }
}

#[test]
fn a_list_of_allowed_addresses_is_published_without_its_rejected_rows() {
    let answer = answer_for("IP,Rule\n2.2.2,Allow\n192.0.2.1,Allow\n");
    assert_eq!((answer.status, answer.rejected), (Status::Written, 1));
}

#[test]
fn rows_that_name_no_usable_list_are_rejected() {
    let mut setup = Setup::with("STRICT", "none");
    setup.add_list("bad-bots", "IP,Rule\n203.0.113.7,Deny\n");
    setup.add_list("office", "IP\n192.0.2.1\n");
    assert_eq!(rejected(&setup, "@office,Allow"), []);
    assert_eq!(rejected(&setup, "@bad-bots,Deny"), []);
    for (row, code) in [
        ("@ofice,Allow", RejectionCode::UnknownList),
        ("@bad-bots,Allow", RejectionCode::ContradictsList),
        ("@office,Always", RejectionCode::UnknownRule),
        ("192.0.2.1,Always", RejectionCode::UnknownRule),
        ("@office,", RejectionCode::MissingField),
    ] {
        assert_eq!(rejected(&setup, row), [code], "{row}");
    }
}

#[test]
fn a_site_that_names_a_refused_list_is_refused() {
    let mut setup = Setup::with("STRICT", "none");
    setup.add_list("office", "IP,Rule\n192.0.2.1,Allow\n192.0.2.2,Deny\n");
    let answer = setup
        .run(b"IP,Rule\n198.51.100.1,Allow\n@office,Allow\n")
        .answer;
    assert_eq!(answer.code, Some(RefusalCode::UnusableList));
    let other = setup.run(b"IP,Rule\n198.51.100.1,Allow\n").answer;
    assert_eq!(other.status, Status::Written);
}

/// A row that denies an unknown list may be meant to deny anybody. A row that allows one is harmless.
#[test]
fn a_rejected_row_that_may_deny_a_list_refuses_the_file() {
    let mut setup = Setup::default();
    setup.add_list("office", "IP\n192.0.2.1\n");
    let denied = setup
        .run(b"IP,Rule\n192.0.2.0/24,Allow\n@ofice,Deny\n")
        .answer;
    assert_eq!(denied.code, Some(RefusalCode::DenyRejected));
    let allowed = setup
        .run(b"IP,Rule\n192.0.2.0/24,Allow\n@ofice,Allow\n")
        .answer;
    assert_eq!((allowed.status, allowed.rejected), (Status::Written, 1));
}

#[test]
fn a_member_is_active_while_its_row_is_too() {
    let mut setup = Setup::with("TEMPLATE", "plain");
    setup.add_list(
        "office",
        "IP,Starts,Expires\n192.0.2.1,,2026-11-25\n192.0.2.2,2026-11-27,\n192.0.2.3,,\n",
    );
    let site = |period: &str| {
        let file = file_of(
            &setup,
            &format!("IP,Rule,Starts,Expires\n198.51.100.1,Allow,,\n@office,Allow,{period}\n"),
        );
        let networks: Vec<&str> = file.lines().filter(|line| !line.starts_with('#')).collect();
        networks.join(" ")
    };
    assert_eq!(site(","), "192.0.2.3 198.51.100.1");
    assert_eq!(site("2026-12-01,"), "198.51.100.1");
    assert_eq!(site(",2026-11-01"), "198.51.100.1");
}

#[test]
fn always_wins_over_every_deny_and_says_so() {
    let mut setup = Setup::with("TEMPLATE", "plain");
    setup.set_common("IP,Rule\n192.0.2.10,Always\n");
    let csv = "IP,Rule\n192.0.2.0/28,Deny\n198.51.100.1,Allow\n";
    let (outcome, mut decision) = setup.review_pieces([csv]);
    let file = outcome.file.unwrap();
    assert!(file.ends_with("\n192.0.2.10\n198.51.100.1\n"), "{file}");
    let warnings = decision.warnings();
    let is_said = warnings
        .iter()
        .any(|one| one.code == WarningCode::AlwaysWins);
    assert!(is_said, "{warnings:?}");
}

#[test]
fn a_site_without_lists_has_the_same_bytes_whatever_lists_exist() {
    let csv = "IP,Rule,Comment\n192.0.2.1,Allow,office\n192.0.2.2,Deny,\n";
    let mut setup = Setup::default();
    let before = file_of(&setup, csv);
    setup.add_list("office", "IP\n192.0.2.2\n");
    assert_eq!(file_of(&setup, csv), before);
}
