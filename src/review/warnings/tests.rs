use crate::generate::Generation;
use crate::render::Template;
use crate::settings::Settings;
use crate::source::Source;

/// Rows are given as `+address` and `-address`; expected is `code: message` of each.
#[track_caller]
fn check(rows: &str, expected: &[&str]) {
    let mut lines: Vec<String> = rows
        .split_whitespace()
        .map(|row| match row.split_at(1) {
            ("+", address) => format!("{address},Allow\n"),
            (_, address) => format!("{address},Deny\n"),
        })
        .collect();
    for order in ["as given", "reversed"] {
        let csv = format!("IP,Rule\n{}", lines.concat());
        let found = warnings_of(csv.as_bytes());
        assert_eq!(found, expected, "{order}");
        lines.reverse();
    }
}

fn warnings_of(csv: &[u8]) -> Vec<String> {
    let template = Template::built_in("apache24").unwrap();
    let (settings, source) = (Settings::default(), Source::default());
    let source = Source {
        key: "a.csv".to_owned(),
        ..source
    };
    let mut generation = Generation::watching(&settings, &template, &source);
    let _ = generation.push(csv);
    let (outcome, mut review) = generation.finish_with_review();
    assert!(outcome.answer.warnings.is_empty());
    let warnings = review.warnings();
    warnings
        .iter()
        .map(|warning| {
            let code = serde_json::to_value(warning.code).unwrap();
            format!("{}: {}", code.as_str().unwrap(), warning.message)
        })
        .collect()
}

#[test]
fn ordinary_files_have_none() {
    check("+192.168.1.10 +172.100.2.0/24 -172.100.2.77", &[]);
    check("+all -1.1.1.1 -10.0.0.0/8", &[]);
    check("+10.0.0.0/8 +192.168.0.0/16", &[]);
    check("+1.0.0.0/8 +2001:db8::/32", &[]);
    assert!(warnings_of(b"no,such,column\n").is_empty());
}

#[test]
fn tells_when_nobody_gets_in() {
    check(
        "-1.1.1.1",
        &[
            "blocks-everybody: nobody gets in: the file has no Allow row, and who is not named is \
             denied: if it is meant as a blocklist, add the row all,Allow",
        ],
    );
    check(
        "+1.1.1.1 -1.1.1.0/24",
        &[
            "blocks-everybody: nobody gets in: Deny rows cover every address that Allow rows name",
            "overridden-rows: 1 Allow row lets nobody in, for Deny rows name the same addresses: \
             1.1.1.1",
        ],
    );
    check(
        "+all -0.0.0.0/0 -::/0",
        &["blocks-everybody: nobody gets in: Deny rows cover every address"],
    );
    check("+all -0.0.0.0/0", &[]);
}

#[test]
fn tells_of_allowed_networks_that_are_too_wide() {
    check(
        "+10.0.0.0/7 +1.0.0.0-4.255.255.255",
        &[
            "wide-allow: 2.0.0.0/7 and 10.0.0.0/7 are allowed, wider than a /8 of IPv4 or a /16 of \
             IPv6: check the prefix length",
        ],
    );
    check(
        "+2000::/15",
        &[
            "wide-allow: 2000::/15 is allowed, wider than a /8 of IPv4 or a /16 of IPv6: check \
             the prefix length",
        ],
    );
    check("+2000::/16", &[]);
}

#[test]
fn a_whole_family_is_named_as_one() {
    check(
        "+0.0.0.0/0",
        &[
            "wide-allow: all of IPv4 is allowed, wider than a /8 of IPv4 or a /16 of IPv6: check \
             the prefix length",
        ],
    );
}

#[test]
fn counts_among_the_rows_that_are_remembered() {
    let csv = format!(
        "IP,Rule\n{}1.1.1.1,Deny\n",
        "2.2.2.2,Allow\n".repeat(140_000)
    );
    assert_eq!(
        warnings_of(csv.as_bytes()),
        [
            "duplicate-rows: 131,071 rows repeat others, such as Allow 2.2.2.2 (among the first \
             131,072 rows)"
        ]
    );
}

#[test]
fn tells_of_private_networks_among_public_ones() {
    check(
        "+10.0.0.0/8 +fd00::/16 +1.1.1.1 +2.2.2.2 +3.3.3.3 +4.4.4.4 +5.5.5.5",
        &[
            "private-range: 10.0.0.0/8 and fd00::/16 are private and most others are public: nobody \
             comes from them over the Internet",
        ],
    );
    check("+10.0.0.1 +1.1.1.1 +2.2.2.2 +3.3.3.3", &[]);
    check("+10.0.0.0/8 +1.1.1.1", &[]);
}

#[test]
fn counts_rows_that_repeat_and_rows_that_a_deny_overrides() {
    check(
        "+1.1.1.1 +1.1.1.1/32 +1.1.1.1 +1.1.1.2 -9.9.9.9 -9.9.9.9 +2001:db8::/32 +2001:db8::/32",
        &[
            "duplicate-rows: 4 rows repeat others, such as Allow 1.1.1.1, Allow 2001:db8::/32 and \
             Deny 9.9.9.9",
        ],
    );
    check(
        "+1.1.1.1 +1.1.1.1",
        &["duplicate-rows: 1 row repeats another: Allow 1.1.1.1"],
    );
    check(
        "+1.1.1.0/24 +1.1.1.7 +1.1.1.8-1.1.1.9 +2.2.2.2 -1.1.1.4/30 -1.1.1.8/31",
        &[
            "overridden-rows: 2 Allow rows let nobody in, for Deny rows name the same addresses: \
             1.1.1.7 and 1.1.1.8/31",
        ],
    );
    check(
        "+all +1.1.1.1 +1.1.1.3-1.1.1.5 +2.2.2.2 -1.1.1.0/24",
        &[
            "overridden-rows: 2 Allow rows let nobody in, for Deny rows name the same addresses: \
             1.1.1.1 and 1.1.1.3-1.1.1.5",
        ],
    );
}

#[test]
fn names_three_and_counts_the_others() {
    let rows: Vec<String> = (0..9).map(|host| format!("+1.1.1.{host}")).collect();
    check(
        &format!("+2.2.2.2 -1.1.1.0/24 {}", rows.join(" ")),
        &[
            "overridden-rows: 9 Allow rows let nobody in, for Deny rows name the same addresses: \
             1.1.1.0, 1.1.1.1, 1.1.1.2 and 6 more",
        ],
    );
}
