//! For rows with a start or an end, the library renders exactly the networks that Python computes,
//! around each start and end. `periods_oracle.py` makes the CSVs to compare.

use std::collections::BTreeMap;

use htaccess_generator::generate::{Outcome, generate};
use htaccess_generator::list::Shared;
use htaccess_generator::render::Template;
use htaccess_generator::settings::{Settings, Strict};
use htaccess_generator::source::Source;
use htaccess_generator::time::{Instant, TimeZone};
use serde_json::{Value, json};

use crate::{MAX_DIFFERENCES_SHOWN, output_of};

const ORACLE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/python/periods_oracle.py"
);
const MIN_INSTANTS: usize = 10_000;
const ZONES: usize = 5;

/// Returns the result of this library in the oracle's form: time, networks, next change, pending
/// rows and expired rows.
fn ours(at: i64, outcome: &Outcome) -> Value {
    let file = outcome.file.as_deref().unwrap_or_default();
    let networks: Vec<&str> = file.lines().filter(|line| !line.starts_with('#')).collect();
    let answer = &outcome.answer;
    let next_change = answer.next_change.map(Instant::seconds);
    json!([at, networks, next_change, answer.pending, answer.expired])
}

#[test]
fn rows_with_periods_let_in_the_networks_that_python_finds() {
    let answers = output_of(ORACLE, &[]);
    let template = Template::built_in("plain").expect("it is built in");
    let source = Source {
        key: "acme.csv".to_owned(),
        ..Source::default()
    };
    let mut instants_of: BTreeMap<String, usize> = BTreeMap::new();
    let (mut instants, mut differences) = (0, Vec::new());
    for line in answers.lines() {
        let case: Value = serde_json::from_str(line).expect("the oracle writes JSON");
        let (Some(zone), Some(csv)) = (case["zone"].as_str(), case["csv"].as_str()) else {
            panic!("the oracle wrote {line}")
        };
        let settings = Settings {
            time_zone: TimeZone::named(zone).expect("the library knows the zones of the oracle"),
            // By default, a rejected Deny row, such as one that ends before it starts, refuses the file.
            strict: Strict::None,
            ..Settings::default()
        };
        for expected in case["instants"].as_array().expect("a list of instants") {
            let at = expected[0].as_i64().expect("an instant in seconds");
            let now = Instant::from_seconds(at);
            let outcome = generate(
                csv.as_bytes(),
                &settings,
                &template,
                &source,
                now,
                &Shared::default(),
            );
            let found = ours(at, &outcome);
            if found != *expected {
                differences.push(format!(
                    "at {now} in {zone}: expected {expected}, found {found}\n{csv}"
                ));
            }
            instants += 1;
            *instants_of.entry(zone.to_owned()).or_default() += 1;
        }
    }
    println!(
        "{instants} instants, {} different: {instants_of:?}",
        differences.len()
    );
    differences.truncate(MAX_DIFFERENCES_SHOWN);
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
    assert_eq!(instants_of.len(), ZONES);
    assert!(instants >= MIN_INSTANTS, "only {instants} instants");
}
