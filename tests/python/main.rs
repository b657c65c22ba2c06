//! The library accepts exactly the addresses that Python's `ipaddress` module accepts, except for
//! ranges, `all` and scope ids. Run with `cargo test --test python`. `zoneinfo.rs` compares dates,
//! `periods.rs` compares rows with periods, and `lists.rs` compares sites that use lists.
//!
//! The tests need `python3` with CPython's own test suite and a time zone database (Debian:
//! `libpython3-testsuite` and `tzdata`). The environment variable `PYTHON` selects another
//! interpreter. `ipaddress_oracle.py` makes the strings to compare.

#![expect(
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and this one says how much it compared"
)]

mod lists;
mod migration_script;
mod periods;
mod zoneinfo;

use std::collections::BTreeMap;
use std::process::Command;

use htaccess_generator::ip::{AddressSpec, parse_address};

const ORACLE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/python/ipaddress_oracle.py"
);
const MIN_STRINGS: usize = 200_000;
const MAX_DIFFERENCES_SHOWN: usize = 50;

/// Returns the standard output of a Python script.
fn output_of(script: &str, arguments: &[&str]) -> String {
    let python = std::env::var("PYTHON").unwrap_or("python3".to_owned());
    let output = match Command::new(&python).arg(script).args(arguments).output() {
        Ok(output) => output,
        Err(err) => panic!("{python} cannot be run: {err}; install Python 3"),
    };
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("the oracle writes ASCII")
}

fn from_hex(hex: &str) -> String {
    let digits: Vec<u8> = hex
        .chars()
        .filter_map(|digit| digit.to_digit(16))
        .filter_map(|digit| u8::try_from(digit).ok())
        .collect();
    let bytes = digits.chunks(2).map(|pair| (pair[0] << 4) | pair[1]);
    String::from_utf8(bytes.collect()).expect("the oracle encodes UTF-8")
}

/// Returns the result of this library in the oracle's form: family, first and last address.
fn ours(cell: &str) -> String {
    match parse_address(cell.trim()) {
        Ok(AddressSpec::Ipv4(range)) => format!("4\t{:x}\t{:x}", range.first, range.last),
        Ok(AddressSpec::Ipv6(range)) => format!("6\t{:x}\t{:x}", range.first, range.last),
        Ok(AddressSpec::All) => "all".to_owned(),
        Err(_) => String::new(),
    }
}

#[test]
fn addresses_are_accepted_exactly_as_python_accepts_them() {
    let answers = output_of(ORACLE, &[]);
    let mut verdicts: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut strings, mut differences) = (0, Vec::new());
    for line in answers.lines() {
        let (hex, answer) = line.split_once('\t').expect("a line has a tab");
        let (verdict, named) = answer.split_once('\t').expect("a line has two tabs");
        let expected = match verdict {
            "accepted" | "range" => named,
            "all" => "all",
            _ => "",
        };
        let cell = from_hex(hex);
        let found = ours(&cell);
        if found != expected {
            differences.push(format!("{cell:?}: {verdict} {expected:?}, found {found:?}"));
        }
        strings += 1;
        *verdicts.entry(verdict).or_default() += 1;
    }
    let count = |verdict| verdicts.get(verdict).copied().unwrap_or_default();
    println!(
        "{strings} strings, {} accepted, {} different; beside Python {} ranges, {} scope ids, {} all",
        count("accepted"),
        differences.len(),
        count("range"),
        count("scope"),
        count("all"),
    );
    differences.truncate(MAX_DIFFERENCES_SHOWN);
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
    assert!(strings >= MIN_STRINGS, "only {strings} strings");
    assert!(verdicts.len() == 5, "a verdict is missing: {verdicts:?}");
}
