//! Explores every schedule of small cases with changes that need an approval. The approval can be late,
//! repeated, earlier than the event about its upload, or for another change.
//!
//! In the names of the cases, somebody reads the report (`read`) and approves the change in the report
//! (`ok`), each at any time. The steps before the bar are published first.

use htaccess_generator::function::OnDelete;

use super::exhaustive::holds;
use super::scenario::{DELETE, Faults, OPEN, Scenario, Step, UNTIL, WIDE, X, Y};

const READ: Step = Step::Note;
const OK: Step = Step::Approve;

/// Returns a case whose first step is published before the schedule starts. Each later step that can
/// have an event has one. One crash may happen.
pub(super) fn case(steps: &[Step]) -> Scenario {
    let has_event = |step: &usize| !matches!(steps[*step], Step::Tick | Step::Wait | Step::Note);
    let events: Vec<usize> = (1..steps.len()).filter(has_event).collect();
    Scenario {
        reports: true,
        holds: true,
        redeliveries: 1,
        failures_max: 1,
        environments: 2,
        ..Scenario::new(steps, &events).after_the_first()
    }
}

pub(super) fn without_faults(scenario: Scenario) -> Scenario {
    Scenario {
        faults: Faults::NONE,
        redeliveries: 0,
        ..scenario
    }
}

/// Returns the case with only one invocation at a time, in any order, because there would be too
/// many orders of the calls.
pub(super) fn one_by_one(scenario: Scenario) -> Scenario {
    Scenario {
        environments: 1,
        ..without_faults(scenario)
    }
}

#[test]
fn a_big_change_is_held_and_a_small_one_is_not() {
    holds("X|Open", &case(&[X, OPEN]));
    holds("X|Y", &case(&[X, Y]));
    holds("Open|Wide", &case(&[OPEN, WIDE]));
    holds("Open|X", &case(&[OPEN, X]));
    holds("X|Open Y", &case(&[X, OPEN, Y]));
}

#[test]
fn an_approval_releases_the_change_that_was_read() {
    holds("X|Open read ok", &case(&[X, OPEN, READ, OK]));
    let every_fault = Scenario {
        faults: Faults {
            in_flight: true,
            ..Faults::ALL
        },
        ..case(&[X, OPEN, READ, OK])
    };
    holds("X|Open read ok, every fault", &every_fault);
}

#[test]
fn an_approval_that_comes_twice_releases_it_once() {
    let twice = Scenario {
        events: vec![1, 3, 3],
        ..without_faults(case(&[X, OPEN, READ, OK]))
    };
    holds("X|Open read ok, 3 events", &twice);
    let again = case(&[X, OPEN, READ, OK, X, READ, OK]);
    holds("X|Open read ok X read ok", &one_by_one(again));
    let replaced = Scenario {
        events: vec![1, 1, 3, 5],
        ..without_faults(case(&[X, OPEN, READ, OK, READ, OK]))
    };
    holds("X|Open read ok read ok, 4 events", &replaced);
}

#[test]
fn an_approval_of_another_change_releases_nothing() {
    let late = case(&[X, OPEN, READ, Y, OK]);
    holds("X|Open read Y ok", &without_faults(late));
    let other = case(&[X, OPEN, READ, WIDE, OK]);
    holds("X|Open read Wide ok", &without_faults(other));
    let again = case(&[X, OPEN, READ, OPEN, OK]);
    holds("X|Open read Open ok", &without_faults(again));
}

#[test]
fn a_row_that_ends_is_held_and_released_like_an_upload() {
    holds("Until|. read ok", &case(&[UNTIL, Step::Wait, READ, OK]));
    let upload = case(&[UNTIL, Step::Wait, READ, Y, OK]);
    holds("Until|. read Y ok", &without_faults(upload));
}

#[test]
fn an_approval_does_not_outlive_the_output_that_it_was_about() {
    let case = Scenario {
        on_delete: OnDelete::Deny,
        ..case(&[X, OPEN, READ, OK, DELETE, Step::Purge(0)])
    };
    holds("X|Open read ok delete undelete", &one_by_one(case));
}
