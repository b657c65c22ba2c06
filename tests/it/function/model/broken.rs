//! Protocols and stores that are broken on purpose, and known limits. A check that cannot fail
//! proves nothing, so each of them must be found, with a shortest schedule that shows it.

use htaccess_generator::function::OnDelete;

use super::buckets::Bend;
use super::explore::{Violation, explore, text_of};
use super::scenario::{DELETE, Faults, Promise, Protocol, Scenario, X, Y};

/// Returns the violation, which must be found, with its schedule.
#[track_caller]
fn found(name: &str, scenario: Scenario) -> Violation {
    let scenario = Scenario {
        promise: Promise::End,
        ..scenario
    };
    let Err(violation) = explore(&scenario) else {
        panic!("{name}: nothing was found");
    };
    assert!(violation.what.starts_with("stale end state"), "{violation}");
    assert_eq!(violation.text, text_of(&scenario, &violation.schedule));
    println!("{name}: {violation}");
    violation
}

fn without_faults(scenario: Scenario) -> Scenario {
    Scenario {
        faults: Faults::NONE,
        ..scenario
    }
}

fn two_uploads() -> Scenario {
    without_faults(Scenario::new(&[X, Y], &[0, 1]))
}

fn there_and_back() -> Scenario {
    without_faults(Scenario::new(&[X, Y, X], &[1, 2]).after_the_first())
}

#[test]
fn a_plain_read_then_write_is_found_to_be_stale_by_a_shortest_schedule() {
    let violation = found(
        "read, then write",
        Scenario {
            protocol: Protocol::ReadThenWrite,
            ..two_uploads()
        },
    );
    let expected = "\
stale end state: the last step is Upload(0, Y) with ON_DELETE Keep, the output is X of step 0, TAG
  1. step 0: upload X as acme.csv
  2. A: GET s3://uploads/acme.csv -> X of step 0, TAG
  3. step 1: upload Y as acme.csv
  4. B: GET s3://uploads/acme.csv -> Y of step 1, TAG
  5. B: PUT s3://sites/acme/.htaccess -> now Y of step 1, TAG; it is done
  6. A: PUT s3://sites/acme/.htaccess -> now X of step 0, TAG; it is done";
    assert_eq!(without_tags(&violation.to_string()), expected);
}

/// Replaces the first digits of entity tags, because they depend on the hasher.
fn without_tags(text: &str) -> String {
    let lines = text.lines().map(|line| match line.rsplit_once(", ") {
        Some((start, tag)) => {
            let end = tag
                .split_once(';')
                .map_or(String::new(), |(_, end)| format!(";{end}"));
            format!("{start}, TAG{end}")
        }
        None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_store_without_conditions_is_found_to_be_stale() {
    found(
        "no conditions",
        Scenario {
            bend: Bend::IgnoresPreconditions,
            ..two_uploads()
        },
    );
}

#[test]
fn a_second_read_that_repeats_the_first_is_found_to_be_stale() {
    found(
        "no second read",
        Scenario {
            bend: Bend::RepeatsFirstRead,
            ..two_uploads()
        },
    );
}

#[test]
fn entity_tags_that_no_form_changes_are_found_to_be_stale() {
    found(
        "one entity tag for all forms",
        Scenario {
            bend: Bend::SameTagInEveryForm,
            ..there_and_back()
        },
    );
}

#[test]
fn outputs_without_their_predecessors_are_found_to_be_stale() {
    found(
        "no memory",
        Scenario {
            bend: Bend::ForgetsReplacedTags,
            ..without_faults(Scenario::new(&[X, Y, X], &[1, 1, 2]).after_the_first())
        },
    );
}

/// A limit: in a bucket without versions, the first X and the second X look the same.
#[test]
fn the_same_csv_twice_in_one_second_without_versions_is_found_to_be_stale() {
    found(
        "no versions",
        Scenario {
            versioned: false,
            ..there_and_back()
        },
    );
}

/// A limit: nothing checks again if a write takes effect after its invocation died, its event was
/// delivered again and the CSV was deleted.
#[test]
fn a_write_that_outlives_its_event_undoes_a_removal() {
    found(
        "in flight",
        Scenario {
            on_delete: OnDelete::Remove,
            faults: Faults {
                in_flight: true,
                ..Faults::CRASHES
            },
            ..Scenario::new(&[X, DELETE], &[0, 1])
        },
    );
}
