//! Replays the inputs that the fuzzers kept (`fuzz/corpus`) with the checks of their targets, so that
//! every `cargo test` checks for the bugs that the fuzzers found. `make fuzz` searches for new bugs.
//!
//! This file also checks ranges that are so large or so numerous that a naive
//! implementation would never finish.

use std::fmt::Write as _;
use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

#[path = "../../../fuzz/checks/mod.rs"]
pub(crate) mod checks;

/// Runs the check of a target on each input in its corpus, and reports every input that fails.
#[track_caller]
fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let inputs = fs::read_dir(folder.join(target)).unwrap();
    let paths: Vec<_> = inputs.map(|input| input.unwrap().path()).collect();
    assert!(!paths.is_empty(), "{target} has no corpus");
    let fails = |path: &&Path| {
        let input = fs::read(path).unwrap();
        catch_unwind(|| check(&input)).is_err()
    };
    let failing: Vec<&Path> = paths.iter().map(AsRef::as_ref).filter(fails).collect();
    assert!(failing.is_empty(), "{failing:?}");
}

#[test]
fn the_corpus_of_parse_passes() {
    replay("parse", checks::parse::check);
}

#[test]
fn the_corpus_of_address_passes() {
    replay("address", checks::address::check);
}

#[cfg(feature = "function")]
#[test]
fn the_corpus_of_event_passes() {
    replay("event", checks::event::check);
}

#[test]
fn the_corpus_of_generate_passes() {
    replay("generate", checks::generate::check);
}

/// Checks only the answers and the pages. `make fuzz-check` and `make bench-pathological` measure the time.
#[test]
fn the_corpus_of_time_passes() {
    replay("time", checks::time::check);
}

/// The maximum number of networks that one IPv6 range can need.
const MAX_NETWORKS: usize = 2 * 128 - 2;

/// Runs the rows with every template and both default policies, with all checks of the target.
fn check_rows(rows: impl Iterator<Item = String>) {
    let mut rows: Vec<String> = rows.collect();
    rows.insert(0, "IP,Rule\n".to_owned());
    let upload = rows.concat();
    for template in "0123".chars() {
        for default in "01".chars() {
            let input = format!("{template}{default}clients/acme.csv\n{upload}");
            checks::generate::check(input.as_bytes());
        }
    }
}

#[test]
fn one_huge_range_is_a_few_networks() {
    let huge = [
        "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe",
        "::fffe:ffff:ffff-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe",
        "0.0.0.0-255.255.255.255",
        "0.0.0.1-255.255.255.254",
    ];
    for address in huge {
        for rule in ["Allow", "Deny"] {
            check_rows([format!("{address},{rule}\n")].into_iter());
            check_rows([format!("{address},{rule}\n"), format!("all,{rule}\n")].into_iter());
        }
    }
}

/// All ranges overlap, so the ranges of each rule merge into one range.
#[test]
fn thousands_of_overlapping_huge_ranges_become_a_few_networks() {
    let nested = |index: u32, rule: &str| {
        let (high, low) = (0xffff - (index >> 16), 0xffff - (index & 0xffff));
        let last = format!("ffff:ffff:ffff:ffff:ffff:ffff:{high:x}:{low:x}");
        format!("::{index:x}-{last},{rule}\n")
    };
    check_rows((1..2000).map(|index| nested(index, "Allow")));
    check_rows((1..2000).map(|index| nested(index, if index % 2 == 0 { "Allow" } else { "Deny" })));
    let mut upload = "IP,Rule\n".to_owned();
    for index in 1..100_000 {
        let _ = upload.write_str(&nested(index, "Allow"));
    }
    let outcome = crate::support::Setup::default().run(upload.as_bytes());
    assert!(outcome.answer.networks.allow <= MAX_NETWORKS);
    assert!(outcome.answer.bytes < MAX_NETWORKS * 64);
}

/// Each row allows a part of a range that another row denies, or the reverse. The number of networks
/// for each row is limited.
#[test]
fn adjacent_huge_ranges_become_a_few_networks_each() {
    let beside = |index: u32, rule: &str| {
        let block = 0x2000 + index;
        format!("{block:x}::1-{block:x}:ffff:ffff:ffff:ffff:ffff:ffff:fffe,{rule}\n")
    };
    let across = "::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe";
    for (rule, other) in [("Allow", "Deny"), ("Deny", "Allow")] {
        let rows = (0..100).map(|index| beside(index, rule));
        check_rows(rows.chain([format!("{across},{other}\n")]));
    }
}
