//! The warnings about whole uploads, and the lines that they mention.

use htaccess_generator::answer::Warning;
use htaccess_generator::generate::{Decision, Keep, Upload};
use htaccess_generator::list::Shared;
use htaccess_generator::settings::Settings;
use htaccess_generator::source::Source;

use crate::support::{AS_OF, Setup};

/// The number of rows that are kept for the warnings.
const MAX_ROWS: usize = 131_072;

/// Checks the warnings of a CSV. Rows are given as `+address` (Allow) and `-address` (Deny), and
/// warnings as `code: message`.
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
    let (_, warnings) = decide(csv);
    warnings
        .iter()
        .map(|warning| {
            let code = serde_json::to_value(warning.code).unwrap();
            let message = without_lines(&warning.message.to_string());
            format!("{}: {message}", code.as_str().unwrap())
        })
        .collect()
}

/// Removes the lines at the end of a sentence, because they depend on the order of the rows.
fn without_lines(message: &str) -> String {
    let (before, end) = match (message.find(" (line"), message.find("; line")) {
        (Some(start), _) => (message.get(..start), ""),
        (None, Some(start)) => (message.get(..start), ")"),
        (None, None) => (Some(message), ""),
    };
    format!("{}{end}", before.unwrap())
}

fn decide(csv: &[u8]) -> (Decision, Vec<Warning>) {
    let source = Source {
        key: "a.csv".to_owned(),
        ..Source::default()
    };
    let keep = Keep::default().with_history();
    let mut upload = Upload::new(
        &Settings::default(),
        source,
        keep,
        AS_OF,
        &Shared::default(),
    );
    let _ = upload.push(csv);
    let mut decision = upload.finish();
    assert!(decision.answer().warnings.is_empty());
    let warnings = decision.warnings();
    (decision, warnings)
}

/// Checks the line of each warning, and the end of its message.
#[track_caller]
fn check_lines(csv: &str, expected: &[(Option<u64>, &str)]) {
    let (_, warnings) = decide(csv.as_bytes());
    assert_eq!(warnings.len(), expected.len(), "{warnings:?}");
    for (warning, (line, end)) in warnings.iter().zip(expected) {
        let message = warning.message.to_string();
        assert!(message.ends_with(end), "{message}");
        assert_eq!(warning.line, *line, "{message}");
    }
}

#[test]
fn ordinary_files_have_none() {
    check("+192.168.1.10 +172.100.2.0/24 -172.100.2.77", &[]);
    check("+all -1.1.1.1 -10.0.0.0/8", &[]);
    check("+10.0.0.0/8 +192.168.0.0/16", &[]);
    check("+1.0.0.0/16 +2001:db8::/32", &[]);
    assert!(warnings_of(b"no,such,column\n").is_empty());
}

#[test]
fn tells_when_nobody_gets_in() {
    check(
        "-1.1.1.1",
        &[
            "blocks-everybody: nobody gets in: the file has no Allow row, and addresses without a rule are \
             denied: if the file is a blocklist, add the row all,Allow",
        ],
    );
    check(
        "+1.1.1.1 -1.1.1.0/24",
        &[
            "blocks-everybody: nobody gets in: the Deny rows contain every address in the Allow rows",
            "overridden-rows: 1 Allow row has no effect, because Deny rows contain the same addresses: \
             1.1.1.1",
        ],
    );
    check(
        "+all -0.0.0.0/0 -::/0",
        &["blocks-everybody: nobody gets in: the Deny rows contain every address"],
    );
    check("+all -0.0.0.0/0", &[]);
}

#[test]
fn tells_of_allowed_networks_that_are_too_wide() {
    check(
        "+10.0.0.0/7 +1.0.0.0-4.255.255.255",
        &[
            "wide-allow: 1.0.0.0/8, 2.0.0.0/7, 4.0.0.0/8 and 1 more are allowed and larger than a /16: check \
             the prefix length",
        ],
    );
    check(
        "+2000::/15",
        &["wide-allow: 2000::/15 is allowed and larger than a /16: check the prefix length"],
    );
    check("+2000::/16", &[]);
}

#[test]
fn tells_of_public_networks_from_a_prefix_length_of_15_on() {
    let is_told = |network: &str| {
        check(
            &format!("+{network}"),
            &[&format!(
                "wide-allow: {network} is allowed and larger than a /16: check the prefix length"
            )],
        );
    };
    for network in ["62.0.0.0/8", "62.16.0.0/12", "62.16.0.0/15", "172.0.0.0/8"] {
        is_told(network);
    }
    for network in [
        "62.16.0.0/16",
        "10.0.0.0/8",
        "10.64.0.0/10",
        "172.16.0.0/12",
        "127.0.0.0/8",
    ] {
        check(&format!("+{network}"), &[]);
    }
    check(
        "+62.0.0.1-62.255.255.255 -63.0.0.0/8 -64.0.0.0/9 +64.0.0.0/9",
        &[
            "wide-allow: 62.2.0.0/15, 62.4.0.0/14, 62.8.0.0/13 and 4 more are allowed and larger than a /16: \
             check the prefix length",
            "overridden-rows: 1 Allow row has no effect, because Deny rows contain the same addresses: \
             64.0.0.0/9",
        ],
    );
}

/// Narrow rows have correct prefix lengths, even if together they cover a wide network.
#[test]
fn narrow_rows_that_make_a_wide_network_are_not_told() {
    let rows: Vec<String> = (0..256)
        .map(|octet| format!("+62.{octet}.0.0/16"))
        .collect();
    check(&rows.join(" "), &[]);
    check(
        &format!("{} +62.128.0.0/9", rows.join(" ")),
        &["wide-allow: 62.0.0.0/8 is allowed and larger than a /16: check the prefix length"],
    );
}

#[test]
fn tells_when_everybody_gets_in() {
    let message = "allows-everybody: everybody gets in: the file has the row all,Allow and no Deny row: if \
        the file is an allowlist, delete the row all,Allow";
    check("+all", &[message]);
    check("+all +1.1.1.1", &[message]);
    check(
        "+0.0.0.0/0 +::/0",
        &[
            "allows-everybody: everybody gets in: the Allow rows contain every address: check their prefix lengths",
            "wide-allow: all of IPv4 and all of IPv6 are allowed and larger than a /16: check the prefix length",
        ],
    );
    check("+all -1.1.1.1", &[]);
    check_lines(
        "IP,Rule\n1.1.1.1,Allow\nall,Allow\nany,Allow\n",
        &[(Some(3), "delete the row all,Allow")],
    );
}

#[test]
fn tells_when_everybody_gets_in_by_default() {
    let outcome = Setup::with("DEFAULT_POLICY", "allow").run(b"IP,Rule\n1.1.1.1,Allow\n");
    let messages: Vec<_> = outcome
        .answer
        .warnings
        .iter()
        .map(|warning| warning.message.to_string())
        .collect();
    assert_eq!(
        messages,
        [
            "everybody gets in: addresses without a rule are allowed, and the file has no Deny row: if the \
             file is an allowlist, add the row all,Deny"
        ]
    );
}

#[test]
fn tells_of_the_address_that_no_client_has() {
    let message = |named: &str| {
        format!("matches-nobody: {named} that no client has: to match everybody, write all")
    };
    check("+0.0.0.0 +1.1.1.1", &[&message("0.0.0.0 is an address")]);
    check("+all -0.0.0.0/32", &[&message("0.0.0.0 is an address")]);
    check("+:: +1.1.1.1", &[&message(":: is an address")]);
    check("+:: -0.0.0.0", &[&message("0.0.0.0 and :: are addresses")]);
    check("+0.0.0.0/24 +::/64 +0.0.0.1", &[]);
    check_lines(
        "IP,Rule\n1.1.1.1,Allow\n0.0.0.0,Allow\n::,Deny\n",
        &[(Some(3), " (lines 3 and 4)")],
    );
}

#[test]
fn a_whole_family_is_named_as_one() {
    check(
        "+0.0.0.0/0",
        &["wide-allow: all of IPv4 is allowed and larger than a /16: check the prefix length"],
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
            "duplicate-rows: 131,071 rows repeat other rows, such as Allow 2.2.2.2 (among the first \
             131,072 rows)"
        ]
    );
}

#[test]
fn tells_of_private_networks_among_public_ones() {
    check(
        "+10.0.0.0/8 +fd00::/16 +1.1.1.1 +2.2.2.2 +3.3.3.3 +4.4.4.4 +5.5.5.5",
        &[
            "private-range: 10.0.0.0/8 and fd00::/16 are private and most others are public: clients on the \
             Internet never have these addresses",
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
            "duplicate-rows: 4 rows repeat other rows, such as Allow 1.1.1.1, Allow 2001:db8::/32 and \
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
            "overridden-rows: 2 Allow rows have no effect, because Deny rows contain the same addresses: \
             1.1.1.7 and 1.1.1.8/31",
        ],
    );
    check(
        "+all +1.1.1.1 +1.1.1.3-1.1.1.5 +2.2.2.2 -1.1.1.0/24",
        &[
            "overridden-rows: 2 Allow rows have no effect, because Deny rows contain the same addresses: \
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
            "overridden-rows: 9 Allow rows have no effect, because Deny rows contain the same addresses: \
             1.1.1.0, 1.1.1.1, 1.1.1.2 and 6 more",
        ],
    );
}

#[test]
fn names_the_lines_of_rows_that_repeat_others() {
    check_lines(
        "# rules\nIP,Rule\n\n1.1.1.1,Allow\n2.2.2,Allow\n1.1.1.1,Deny\n\"1.1.1.1\",Allow\n\
         10.0.0.0/24,Deny\n10.0.0.0-10.0.0.255,Deny\n1.1.1.1,allow\n2.2.2.2,Allow",
        &[
            (
                Some(4),
                " (line 4 is overridden by line 6, line 7 is overridden by line 6 and line 10 is overridden by line 6)",
            ),
            (
                Some(7),
                "Allow 1.1.1.1 and Deny 10.0.0.0/24 (line 7 repeats line 4, line 9 repeats \
                 line 8 and line 10 repeats line 4)",
            ),
        ],
    );
    let many = "1.1.1.1,Allow\n".repeat(14);
    check_lines(
        &format!("IP,Rule\n{many}"),
        &[(Some(3), "line 7 repeats line 2 and 8 more)")],
    );
}

#[test]
fn names_the_deny_row_that_is_enough_alone() {
    check_lines(
        "IP,Rule\n10.0.0.0/24,Allow\n10.0.0.0/25,Deny\n10.0.0.128/25,Deny\n2001:db8::1,Allow\n\
         2001:db8::/32,Deny\n9.9.9.9,Allow\n",
        &[(
            Some(2),
            " (line 2 is overridden by several lines and line 5 is overridden by line 6)",
        )],
    );
    check_lines(
        "IP,Rule\nall,Allow\n10.0.0.0/8,Deny\n10.0.0.1,Allow\n11.0.0.1,Allow\n",
        &[(Some(4), " (line 4 is overridden by line 3)")],
    );
}

#[test]
fn names_the_lines_of_wide_and_of_private_networks() {
    check_lines(
        "IP,Rule\n64.0.0.1,Allow\n64.0.0.0/6,Allow\n2000::/3,Allow\n65.0.0.0/16,Allow\n",
        &[(Some(3), ": check the prefix length (lines 3 and 4)")],
    );
    check_lines(
        "IP,Rule\n1.1.1.1,Allow\n10.0.0.0/24,Allow\n2.2.2.2,Allow\n10.9.0.1,Allow\n3.3.3.3,Allow\n",
        &[(Some(3), " never have these addresses (line 3)")],
    );
    // Together, the rows are wider than a /8, but none of them is wide.
    let rows: Vec<String> = (0..512)
        .map(|index| format!("{}.{}.0.0/16,Allow\n", 64 + index / 256, index % 256))
        .collect();
    check_lines(
        &format!("IP,Rule\n{}", rows.concat()),
        &[(None, ": check the prefix length")],
    );
}

#[test]
fn names_no_line_of_rows_that_are_not_recorded() {
    let rows = "1.1.1.1,Allow\n".repeat(MAX_ROWS);
    check_lines(
        &format!("IP,Rule\n{rows}10.0.0.0/7,Allow\n"),
        &[
            (None, ": check the prefix length"),
            (
                Some(3),
                "(among the first 131,072 rows; line 3 repeats line 2, line 4 repeats line 2, line 5 repeats line 2, line 6 repeats line 2, line 7 repeats line 2 and 131,066 more)",
            ),
        ],
    );
}

#[test]
fn a_deny_row_that_was_not_recorded_may_be_enough_alone() {
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
    check_lines(&csv, &[(Some(2), "131,072 rows; line 2)")]);
}
