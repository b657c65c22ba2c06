//! Tests the message and the suggestions for each kind of cell that is not an address.

use super::*;
use crate::text::quote;

#[track_caller]
fn check(text: &str, reason: &str) {
    let sentence = explain(text).to_string();
    assert!(
        sentence.starts_with(&quote(text)),
        "{sentence:?} does not start with the value"
    );
    assert!(
        sentence.ends_with(reason),
        "{sentence:?} does not end with {reason:?}"
    );
    assert!(parse_address(text).is_err(), "{text:?} is accepted");
}

/// Checks the end of the message, and the suggestions.
#[track_caller]
fn check_fixes(text: &str, reason: &str, fixes: &[&str]) {
    check(text, reason);
    assert_eq!(explain(text).fixes, fixes, "for {text:?}");
}

#[test]
fn explains_ipv4() {
    check("2.2.2", "is not an IP address: expected 4 octets, found 3");
    check("1.2.3.4.5", "expected 4 octets, found 5");
    check("16909060", "expected 4 octets, found 1");
    check(
        "192.168.01.1",
        "octet \"01\" has a leading zero, which some programs read as octal",
    );
    check("1.2.3.256", "octet \"256\" is greater than 255");
    check("1.2..4", "an octet is empty");
    check("1.2.3.0a", "octet \"0a\" is not a decimal number");
    check("1.2.3.*", "wildcards are not accepted: write 1.2.3.0/24");
    check("10.*", "wildcards are not accepted: write 10.0.0.0/8");
    check(
        "1.*.3.4",
        "wildcards are not accepted: write a network such as 10.0.0.0/8",
    );
    check("1.2.3.4:80", "write 1.2.3.4 without the port");
}

#[test]
fn explains_ipv6() {
    check(
        "fe80::1%eth0",
        "is valid on one machine only, so a server cannot match it: remove it",
    );
    check("[2001:db8::1]", "write 2001:db8::1 without the brackets");
    check("1::2::3", "\"::\" can appear only once in an IPv6 address");
    check("1:2:3", "expected 8 groups in an IPv6 address, found 3");
    check("2001:db8::12345", "group \"12345\" has more than 4 digits");
    check("2001:db8::g", "group \"g\" is not a hexadecimal number");
    check("::ffff:1.2.3", "\"1.2.3\" is not an IPv4 address");
    check(
        "1:2:3:4:5:6:7::8",
        "and one \"::\" can replace groups of zeros",
    );
}

#[test]
fn explains_networks() {
    check(
        "1.2.3.4/33",
        "is not a network: the IPv4 prefix length must be from 0 to 32",
    );
    check("1.2.3.4/", "the IPv4 prefix length must be from 0 to 32");
    check(
        "2001:db8::/129",
        "the IPv6 prefix length must be from 0 to 128",
    );
    check(
        "2001:db8::/ffff::",
        "the IPv6 prefix length must be from 0 to 128",
    );
    check("10.0.0.0/255.0.255.0", "nor a hostmask such as 0.0.0.255");
    check("10/8", "is not a network: expected 4 octets, found 1");
    check("1.2.3.0/24/1", "expected only one \"/\"");
    check(
        "http://example.com/x",
        &format!("is a URL: expected {ACCEPTED}"),
    );
    check("fe80::%eth0/64", "so a server cannot match it: remove it");
}

#[test]
fn explains_ranges() {
    check("1.2.3.4-", "the last address is missing");
    check(
        "1.2.3-1.2.3.9",
        "the first address is invalid: expected 4 octets, found 3",
    );
    check("10.0.0.0/24-10.0.1.0/24", "");
    check(
        "1.2.3.4-9",
        "write the complete last address: 1.2.3.4-1.2.3.9",
    );
    check(
        "1.2.3.4-300",
        "the last address is invalid: expected 4 octets, found 1",
    );
    check(
        "1.2.3.4–1.2.3.9",
        "it contains the character \"–\" (U+2013): write 1.2.3.4-1.2.3.9",
    );
}

#[test]
fn explains_text_without_an_address() {
    check(
        "web-1.example.com",
        "because a server would look them up on every request",
    );
    check(
        "office",
        &format!("is not an IP address: expected {ACCEPTED}"),
    );
}
#[test]
fn suggests_the_addresses_that_were_meant() {
    check_fixes(
        "192.0.2.x",
        "wildcards are not accepted: write 192.0.2.0/24",
        &["192.0.2.0/24"],
    );
    check_fixes(
        "10.*.*.*",
        "wildcards are not accepted: write 10.0.0.0/8",
        &["10.0.0.0/8"],
    );
    check_fixes(
        "10.20.",
        "an octet is empty: write 10.20.0.0/16",
        &["10.20.0.0/16"],
    );
    check_fixes("10/8", "expected 4 octets, found 1", &["10.0.0.0/8"]);
    check_fixes(
        "192.168/16",
        "expected 4 octets, found 2",
        &["192.168.0.0/16"],
    );
    check_fixes("10.1/8", "expected 4 octets, found 2", &[]);
    check_fixes("1.2.3.4/", "must be from 0 to 32", &["1.2.3.4"]);
    check_fixes("2.2.2", "expected 4 octets, found 3", &[]);
    check_fixes("1.2.3.256", "is greater than 255", &[]);
    check_fixes("1.2.3.4/33", "must be from 0 to 32", &[]);
    check_fixes("fe80::1%eth0", "remove it", &["fe80::1"]);
    check_fixes(
        "2001:db8:::1",
        "can appear only once in an IPv6 address",
        &["2001:db8::1"],
    );
    check_fixes("(192.0.2.1),", "write only 192.0.2.1", &["192.0.2.1"]);
    check_fixes("192.0.2.1\\", "write only 192.0.2.1", &["192.0.2.1"]);
}

#[test]
fn suggests_both_readings_of_leading_zeros() {
    let octal = "has a leading zero, which some programs read as octal";
    check_fixes("192.168.01.1", octal, &["192.168.1.1"]);
    check_fixes("192.168.010.1", octal, &["192.168.10.1", "192.168.8.1"]);
    check_fixes("192.168.009.1", octal, &["192.168.9.1"]);
    check_fixes("010.0.0.0/8", octal, &["10.0.0.0/8", "8.0.0.0/8"]);
}

#[test]
fn suggests_the_address_of_a_url_or_a_port() {
    check_fixes(
        "http://192.0.2.1/",
        "is a URL: write 192.0.2.1",
        &["192.0.2.1"],
    );
    check_fixes(
        "https://me@[2001:db8::1]:8443/x?y",
        "is a URL: write 2001:db8::1",
        &["2001:db8::1"],
    );
    check_fixes("1.2.3.4:80", "write 1.2.3.4 without the port", &["1.2.3.4"]);
    check_fixes("[::1]:80", "write ::1 without the port", &["::1"]);
    check_fixes("http://example.com/1.2.3.4", ACCEPTED, &[]);
}

#[test]
fn suggests_the_range_that_was_meant() {
    let joined = "the addresses must be separated by \"-\": write 1.2.3.4-1.2.3.9";
    for text in [
        "1.2.3.4 to 1.2.3.9",
        "1.2.3.4..1.2.3.9",
        "1.2.3.4 -> 1.2.3.9",
        "1.2.3.4 à 1.2.3.9",
        "1.2.3.4--1.2.3.9",
        "1.2.3.4:1.2.3.9",
    ] {
        check_fixes(text, joined, &["1.2.3.4-1.2.3.9"]);
    }
    check_fixes(
        "10.0.0.0/24-10.0.1.0/24",
        "the ends must be addresses: write 10.0.0.0-10.0.1.255",
        &["10.0.0.0-10.0.1.255"],
    );
    check_fixes(
        "1.2.3.4-9",
        "write the complete last address: 1.2.3.4-1.2.3.9",
        &["1.2.3.4-1.2.3.9"],
    );
    check_fixes(
        "1.2.3.4-5.9",
        "write the complete last address: 1.2.3.4-1.2.5.9",
        &["1.2.3.4-1.2.5.9"],
    );
    check_fixes("1.2.3.9-4", "expected 4 octets, found 1", &[]);
    check_fixes("1.2.3.4-", "the last address is missing", &["1.2.3.4"]);
    check_fixes(
        "1.2.3.4-1.2.3.5-1.2.3.6",
        "is not a range: expected two addresses separated by one \"-\"",
        &[],
    );
}

#[test]
fn distinguishes_several_addresses_from_one_with_other_text() {
    for text in [
        "1.2.3.4 5.6.7.8",
        "1.2.3.4;5.6.7.8",
        "1.2.3.4/32,5.6.7.0/24",
        "1.2.3.4\n::1",
    ] {
        check_fixes(
            text,
            "contains 2 addresses: write each address in a separate row",
            &[],
        );
    }
    check_fixes(
        "1.1.1.1, 2.2.2.2 and 3.3.3.3",
        "contains 3 addresses: write each address in a separate row",
        &[],
    );
    let more = "write only the address, and move the rest to the comment";
    check_fixes("1.2.3.4 (office)", more, &["1.2.3.4"]);
    check_fixes("Require ip 1.2.3.4", more, &["1.2.3.4"]);
    check_fixes("not 1.2.3.4", more, &[]);
    check_fixes(
        "10.0.0.0 255.0.0.0",
        "has no \"/\" before its mask: write 10.0.0.0/255.0.0.0",
        &["10.0.0.0/255.0.0.0"],
    );
    check_fixes(
        "192.0.2. 10",
        "contains a space: write 192.0.2.10",
        &["192.0.2.10"],
    );
    check_fixes(
        "192.0.2.0 / 24",
        "contains a space: write 192.0.2.0/24",
        &["192.0.2.0/24"],
    );
    check_fixes(
        "192.0.2.\n10",
        "contains a line break: write 192.0.2.10",
        &["192.0.2.10"],
    );
    check_fixes(
        "192.0.2.0\\24",
        "contains a backslash: write 192.0.2.0/24",
        &["192.0.2.0/24"],
    );
    check_fixes("192.0.2.1 0", more, &[]);
    check_fixes(
        "10.0.0.1/10.0.0.9",
        "nor a hostmask such as 0.0.0.255",
        &["10.0.0.1-10.0.0.9"],
    );
    check_fixes(
        "10.0.0.0/255.0.255.0",
        "nor a hostmask such as 0.0.0.255",
        &[],
    );
    check_fixes(
        "192,0,2,1",
        "the octets must be separated by \".\": write 192.0.2.1",
        &["192.0.2.1"],
    );
}

#[test]
fn names_the_invisible_character() {
    check_fixes(
        "192.0.2.\u{a0}10",
        "contains the character U+00A0 NO-BREAK SPACE: write 192.0.2.10",
        &["192.0.2.10"],
    );
    check_fixes(
        "\u{202e}4.3.2.1",
        "contains the character U+202E RIGHT-TO-LEFT OVERRIDE: write 4.3.2.1",
        &["4.3.2.1"],
    );
    check_fixes(
        "of\u{200b}fice",
        "contains the character U+200B ZERO WIDTH SPACE: remove it",
        &[],
    );
    check_fixes(
        "１.2.3.4",
        "it contains the full-width character \"１\" (U+FF11): write 1.2.3.4",
        &["1.2.3.4"],
    );
    check("Büro", ACCEPTED);
}

#[test]
fn explains_spreadsheet_damage() {
    let again = "format the column as text and write the address again";
    check_fixes("1.92E+11", again, &[]);
    check_fixes("08-Oct", again, &[]);
    check_fixes("01/02/2003", again, &[]);
    check_fixes("########", again, &[]);
    check_fixes(
        "192168100200",
        "turns 192.168.100.200 into this number",
        &["192.168.100.200"],
    );
    check_fixes(
        "1100200101",
        "turns 1.100.200.101 into this number",
        &["1.100.200.101", "65.147.184.165"],
    );
    check_fixes("16909060", "expected 4 octets, found 1", &["1.2.3.4"]);
    check_fixes("=A1", "is a formula: replace it with an address", &[]);
    check_fixes("=192.0.2.1", "replace it with an address", &["192.0.2.1"]);
    check(
        "#REF!",
        "is a spreadsheet error value: write an address, or all",
    );
    check(
        "\\N",
        "is a placeholder for a missing address: write an address, or all",
    );
    check(
        "IP Address",
        "is a column name, so the line is a second header: remove the line",
    );
    for rule in ["Allow", "DENY"] {
        check(
            rule,
            "is a rule, not an address: if the columns are swapped, swap their names in the header",
        );
    }
}
