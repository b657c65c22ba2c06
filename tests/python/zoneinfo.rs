//! The library reads date cells as the same instants as Python's `zoneinfo` module.
//! `zoneinfo_oracle.py` makes the cells to compare.

use std::collections::{BTreeMap, BTreeSet};

use htaccess_generator::time::{Bound, DateReader, Instant, TimeZone};

use crate::{MAX_DIFFERENCES_SHOWN, output_of};

const ORACLE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/python/zoneinfo_oracle.py"
);
const MIN_CELLS: usize = 50_000;
const ZONES: usize = 20;
/// The kinds of cells, with the minimum number of cells of each kind.
const KINDS: [(&str, usize); 6] = [
    ("plain", 10_000),
    ("skipped", 1000),
    ("repeated", 1000),
    ("skipped-midnight", 1000),
    ("repeated-midnight", 500),
    ("skipped-day", 5),
];

/// Returns a reader of dates in a zone. Only explanations of mistakes use the instant, so its value
/// does not matter.
fn reader(zone: &str) -> DateReader {
    let zone = TimeZone::named(zone).expect("the library knows the zones of the oracle");
    DateReader::new(zone, Instant::from_seconds(0))
}

#[test]
fn dates_are_the_instants_of_pythons_zoneinfo() {
    let answers = output_of(ORACLE, &[]);
    let mut readers: BTreeMap<&str, DateReader> = BTreeMap::new();
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    let mut distinct = BTreeSet::new();
    let (mut cells, mut differences) = (0, Vec::new());
    for line in answers.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [zone, column, cell, expected, kind] = fields[..] else {
            panic!("the oracle wrote {line:?}")
        };
        let bound = match column {
            "starts" => Bound::Starts,
            _ => Bound::Expires,
        };
        let dates = readers.entry(zone).or_insert_with(|| reader(zone));
        let found = match dates.read(bound, cell) {
            Ok(Some(instant)) => instant.seconds().to_string(),
            other => format!("{other:?}"),
        };
        if found != expected {
            differences.push(format!("{line}: found {found}"));
        }
        cells += 1;
        *kinds.entry(kind).or_default() += 1;
        distinct.insert((zone, expected));
    }
    println!(
        "{cells} cells in {} zones, {} distinct instants, {} different: {kinds:?}",
        readers.len(),
        distinct.len(),
        differences.len(),
    );
    differences.truncate(MAX_DIFFERENCES_SHOWN);
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
    assert_eq!(readers.len(), ZONES);
    assert!(cells >= MIN_CELLS, "only {cells} cells");
    for (kind, at_least) in KINDS {
        let count = kinds.get(kind).copied().unwrap_or_default();
        assert!(count >= at_least, "only {count} cells are {kind}");
    }
}
