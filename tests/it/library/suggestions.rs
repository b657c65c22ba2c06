//! The suggestions of a rejection. Each suggestion is accepted, keeps the meaning of the cell, and
//! never opens a site because of a guess. Characters around a value change nothing.

use std::net::IpAddr;

use htaccess_generator::answer::{Rejection, RejectionCode};
use htaccess_generator::ip::{AddressError, AddressSpec, parse_address};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::support::{Setup, text_of};

/// Cells as people write them, valid and invalid.
const CELLS: [&str; 30] = [
    "192.0.2.1",
    "10.0.0.0/8",
    "10.0.0.5/24",
    "10.0.0.0/255.0.0.0",
    "203.0.113.5-203.0.113.9",
    "203.0.113.9 - 203.0.113.5",
    "2001:db8::1",
    "2001:db8::1/32",
    "::ffff:192.0.2.1",
    "2001:db8::1-2001:db8::ff",
    "fe80::1%eth0",
    "[2001:db8::1]:443",
    "https://192.0.2.1:8080/x",
    "192.168.010.001",
    "010.0.0.0/8",
    "192.0.2.x",
    "10.20.*.*",
    "10.20.",
    "10/8",
    "192.0.2.1-9",
    "10.0.0.0/24-10.0.1.0/24",
    "192.0.2.1 to 192.0.2.9",
    "192.0.2.1, 192.0.2.2",
    "192.0.2.1 (office)",
    "10.0.0.0 255.0.0.0",
    "192,168,1,10",
    "192168100200",
    "=192.0.2.1",
    "１９２.0.2.1–192.0.2.9",
    "192.0.2.0/000000024",
];

/// Fragments to insert into the cells.
const PIECES: [&str; 40] = [
    "0",
    "1",
    "9",
    "25",
    "256",
    ".",
    "..",
    ":",
    "::",
    "/",
    "-",
    "--",
    " ",
    "  ",
    "\n",
    "\t",
    ",",
    ";",
    "*",
    "x",
    "%",
    "[",
    "]",
    "(",
    ")",
    "\\",
    "'",
    "\"",
    "=",
    "!",
    "not ",
    "\u{a0}",
    "\u{200b}",
    "\u{202e}",
    "\u{61c}",
    "\u{e0001}",
    "–",
    "１",
    "é",
    "all",
];

/// A cell with up to three changes. Each change can cut out characters and insert a fragment.
fn cell() -> impl Strategy<Value = String> {
    let change = (
        any::<Index>(),
        0..3usize,
        prop::option::weighted(0.7, select(&PIECES[..])),
    );
    (select(&CELLS[..]), vec(change, 0..4)).prop_map(|(cell, changes)| {
        let mut characters: Vec<char> = cell.chars().collect();
        for (place, cut, piece) in changes {
            let start = place.index(characters.len() + 1);
            let end = (start + cut).min(characters.len());
            characters.splice(start..end, piece.unwrap_or_default().chars());
        }
        characters.iter().collect()
    })
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        cases,
        ..ProptestConfig::default()
    }
}

/// Returns the rejection of a row, or `None` if the row is accepted.
fn rejection_of(address: &str, rule: &str) -> Option<Rejection> {
    let quoted = |cell: &str| format!("\"{}\"", cell.replace('"', "\"\""));
    let row = format!(
        "IP,Rule\n{},{}\n192.0.2.250,Deny\n",
        quoted(address),
        quoted(rule)
    );
    let outcome = Setup::default().run(row.as_bytes());
    outcome.answer.rejections.into_iter().next()
}

fn contains(addresses: AddressSpec, ip: IpAddr) -> bool {
    match (addresses, ip.to_canonical()) {
        (AddressSpec::Ipv4(range), IpAddr::V4(ip)) => {
            range.first <= ip.to_bits() && ip.to_bits() <= range.last
        }
        (AddressSpec::Ipv6(range), IpAddr::V6(ip)) => {
            range.first <= ip.to_bits() && ip.to_bits() <= range.last
        }
        _ => false,
    }
}

proptest! {
    #![proptest_config(config(5000))]

    #[test]
    fn every_suggestion_is_accepted(cell in cell()) {
        let text = cell.trim();
        if let Err(err) = parse_address(text) {
            for fix in err.fixes() {
                let accepted = parse_address(&fix);
                prop_assert!(accepted.is_ok(), "{fix:?} for {text:?}");
                prop_assert!(fix.len() <= 100 && fix.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{fix:?}");
                prop_assert_ne!(accepted, Ok(AddressSpec::All), "everybody, for {:?}", text);
            }
        }
    }

    #[test]
    fn the_suggested_network_contains_the_address(cell in cell()) {
        let text = cell.trim();
        if let Err(err @ AddressError::HostBitsSet { network, .. }) = parse_address(text) {
            let fixes = err.fixes();
            prop_assert_eq!(fixes.len(), 2);
            prop_assert!(contains(parse_address(&fixes[0]).unwrap(), network.addr()));
            prop_assert!(contains(parse_address(&fixes[1]).unwrap(), network.addr()));
        }
    }
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn the_row_is_accepted_with_the_suggestion(cell in cell()) {
        if let Some(rejection) = rejection_of(&cell, "Allow") {
            for fix in &rejection.fixes {
                prop_assert_eq!(rejection_of(fix, "Allow"), None, "for {:?}", cell);
            }
        }
    }

    /// White space and quotes around a value are not part of it.
    #[test]
    fn characters_around_a_value_change_nothing(
        address in select(&["192.0.2.1", "10.0.0.0/8", "::1", "192.0.2.1-192.0.2.9", "all", "2.2.2", "10.0.0.5/24"][..]),
        rule in select(&["Allow", "deny", "Alow"][..]),
        form in 0..9usize,
    ) {
        let forms = [
            ("\u{a0}", "\u{a0}"), ("\u{200b}", "\u{feff}"), ("\u{200e}\u{2060} ", "\u{ad}"), ("=\"", "\""), ("= \" ", " \""),
            ("“", "”"), ("«\u{a0}", "\u{a0}»"), ("'", "'"), ("'", ""),
        ];
        let (before, behind) = forms[form];
        let of = |rejection: Option<Rejection>| rejection.map(|one| (one.code, one.message(), one.fixes));
        let wrapped = rejection_of(&format!("{before}{address}{behind}"), &format!("{before}{rule}{behind}"));
        prop_assert_eq!(of(wrapped), of(rejection_of(address, rule)));
    }
}

#[track_caller]
fn check_rule(word: &str, fixes: &[&str]) {
    let rejection = rejection_of("192.0.2.1", word);
    assert_eq!(
        rejection.map(|one| one.fixes).unwrap_or_default(),
        fixes,
        "for {word:?}"
    );
}

#[test]
fn no_suggestion_allows_everybody() {
    for cell in [
        "*\u{200b}",
        "\u{202a}all",
        "a\u{ad}ny",
        "＊",
        "“all”",
        "http://*/",
    ] {
        let err = parse_address(cell).unwrap_err();
        assert_eq!(err.fixes(), Vec::<String>::new(), "{err}");
        assert!(!err.to_string().contains("write"), "{err}");
    }
}

/// Tests every one-letter typo in `Deny`, and phrases that contain `allow` but may have the opposite meaning.
#[test]
fn no_typing_error_of_deny_suggests_allow() {
    let letters = "abcdefghijklmnopqrstuvwxyz .-!1é";
    for place in 0..=4 {
        for letter in letters.chars() {
            for cut in 0..2 {
                let mut word: Vec<char> = "deny".chars().collect();
                word.splice(place..(place + cut).min(4), [letter]);
                let word: String = word.into_iter().collect();
                let fixes = rejection_of("192.0.2.1", &word).map(|one| one.fixes);
                assert_ne!(fixes, Some(vec!["Allow".to_owned()]), "{word}");
            }
        }
    }
    for word in [
        "not allow",
        "no allow",
        "disallow",
        "Allow|Deny",
        "never allow",
        "allow?no",
        "unallowed",
    ] {
        assert_ne!(
            rejection_of("192.0.2.1", word).map(|one| one.fixes),
            Some(vec!["Allow".to_owned()]),
            "{word}"
        );
    }
    check_rule("Alow", &["Allow"]);
    check_rule("Blocked", &["Deny"]);
    check_rule("yes", &[]);
}

#[test]
fn every_listed_rejection_has_its_suggestions() {
    let rows = "10.0.0.5/24,Allow\n".repeat(150);
    let answer = Setup::default()
        .run(format!("IP,Rule\n{rows}").as_bytes())
        .answer;
    assert_eq!((answer.rejected, answer.rejections.len()), (150, 100));
    assert!(answer.rejections.iter().all(|one| one.fixes.len() == 2));
    assert!(
        answer
            .rejections
            .iter()
            .all(|one| one.code == RejectionCode::HostBitsSet)
    );
}

/// A formula that contains `all` counts as `all`.
#[test]
fn templates_receive_the_address_without_its_wrapping() {
    let setup = Setup::with_template(
        "{% for rule in rules %}{{ rule.address }} {{ rule.rule }}\n{% endfor %}",
    );
    let upload =
        "IP,Rule\n=\"192.0.2.1\",Allow\n'10.0.0.1–10.0.0.9',Allow\n=\"all\",Allow\nall,Deny\n";
    let outcome = setup.run(upload.as_bytes());
    assert_eq!(
        outcome.file.as_deref(),
        Some("192.0.2.1 allow\n10.0.0.1-10.0.0.9 allow\nall deny\n"),
        "{}",
        text_of(&outcome)
    );
    assert_eq!(
        outcome.answer.rejections[0].code,
        RejectionCode::ConflictingDefault
    );
}
