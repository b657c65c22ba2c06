//! Apache reads lines of up to 8,190 bytes, and every line costs time. Lines are therefore filled as
//! far as possible, but no line is longer than 8,000 bytes.

use std::fmt::Write as _;

use crate::support::{Setup, refusal_of};

const MAX_LINE_BYTES: usize = 8000;
/// The maximum length of a network in a line: an IPv6 network and the space in front of it.
const MAX_NETWORK_BYTES: usize = 44;
const ADDRESSES: u32 = 30_000;

/// Returns `ADDRESSES` single addresses of each family, which do not merge.
fn sparse_rows(rule: &str) -> String {
    let mut text = String::new();
    for index in 0..ADDRESSES {
        let [_, b, c, d] = (index * 2).to_be_bytes();
        writeln!(text, "100.{b}.{c}.{d},{rule}").unwrap();
        let word = index * 2;
        writeln!(text, "2001:db8:{word:x}:7777:7777:7777:7777:7777,{rule}").unwrap();
    }
    text
}

/// Returns the networks after `directive`, line by line.
fn packed<'a>(file: &'a str, directive: &str) -> Vec<Vec<&'a str>> {
    file.lines()
        .filter_map(|line| line.trim_start().strip_prefix(directive))
        .map(|networks| networks.split(' ').collect())
        .collect()
}

#[track_caller]
fn check(template: &str, default_policy: &str, rule: &str, directive: &str) {
    let setting = |name: &str| match name {
        "TEMPLATE" => Some(template.to_owned()),
        "DEFAULT_POLICY" => Some(default_policy.to_owned()),
        _ => None,
    };
    let upload = format!("IP,Rule\n{}", sparse_rows(rule));
    let file = Setup::new(setting, None)
        .run(upload.as_bytes())
        .file
        .unwrap();
    let longest = file.lines().map(str::len).max();
    assert!(
        longest <= Some(MAX_LINE_BYTES),
        "a line has {longest:?} bytes"
    );

    let lines = packed(&file, directive);
    let networks: Vec<&str> = lines.iter().flatten().copied().collect();
    assert_eq!(networks.len(), ADDRESSES as usize * 2, "{template}");
    for family in [':', '.'] {
        let of_family: Vec<&Vec<&str>> = lines
            .iter()
            .filter(|line| line.iter().all(|network| network.contains(family)))
            .collect();
        let (_last, full) = of_family.split_last().unwrap();
        for line in full {
            let bytes = directive.len() + line.join(" ").len();
            assert!(
                bytes > 7900 - MAX_NETWORK_BYTES,
                "a line of {bytes} bytes is not full"
            );
        }
    }
}

#[test]
fn long_lists_fill_their_lines_up_to_8000_bytes() {
    check("apache24", "deny", "Allow", "Require ip ");
    check("apache24", "allow", "Deny", "Require ip ");
    check("apache22", "deny", "Allow", "Allow from ");
    check("apache22", "allow", "Deny", "Deny from ");
}

#[test]
fn the_longest_key_gets_its_own_line() {
    // A character of four bytes takes twelve bytes when it is percent-encoded.
    let segment = "𝄞".repeat(60);
    let key = format!("{segment}/{segment}/{segment}/{segment}.csv");
    let file = Setup::with("SOURCE", &key).run(b"IP,Rule\n192.0.2.1,Allow\n");
    let file = file.file.unwrap();
    assert_eq!(file.lines().count(), 2);
    assert!(file.lines().all(|line| line.len() <= MAX_LINE_BYTES));
}

#[test]
fn a_template_that_prints_a_line_too_long_for_apache_is_refused() {
    let template = "{% for rule in rules %}# {{ rule.comment }}\n{% endfor %}";
    let upload = format!("IP,Rule,Comment\n192.0.2.1,Allow,{}\n", "x".repeat(7999));
    assert_eq!(
        refusal_of(&Setup::with_template(template).run(upload.as_bytes())),
        "bad-template: line 1 of the output is longer than 8000 bytes, and Apache would refuse the file: \
         in the template, print allow.lines and deny.lines, and no long comments; if the output is not \
         for Apache, choose an output key that does not end in .htaccess"
    );
    let shorter = upload.replacen('x', "", 1);
    let outcome = Setup::with_template(template).run(shorter.as_bytes());
    assert_eq!(outcome.file.map(|file| file.len()), Some(8001));
    let elsewhere = |name: &str| (name == "OUTPUT_KEY").then(|| "{{ path }}.conf".to_owned());
    let outcome = Setup::new(elsewhere, Some(template)).run(upload.as_bytes());
    assert_eq!(refusal_of(&outcome), "");
}
