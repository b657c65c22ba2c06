//! Explores every schedule of small cases in which two uploads have the same output. One upload owns
//! the output, and the other is refused while the owner exists.
//!
//! In the names of the cases, a prime marks the other upload.

use htaccess_generator::function::OnDelete;

use super::contents::Csv;
use super::exhaustive::holds;
use super::scenario::{BAD, DELETE, Faults, PURGE, Scenario, Step, X, Y};

const OTHER: Step = Step::Upload(1, Csv::Z);
const OTHER_AGAIN: Step = Step::Upload(1, Csv::Y);
const DELETE_OTHER: Step = Step::Delete(1);

#[track_caller]
fn holds_for_each(name: &str, scenario: &Scenario) {
    for on_delete in [OnDelete::Keep, OnDelete::Remove, OnDelete::Deny] {
        let scenario = Scenario {
            on_delete,
            reports: true,
            ..scenario.clone()
        };
        holds(&format!("{name}, {on_delete:?}"), &scenario);
    }
}

fn without_redeliveries(steps: &[Step], events: &[usize]) -> Scenario {
    Scenario {
        redeliveries: 0,
        ..Scenario::new(steps, events)
    }
}

#[test]
fn one_of_two_uploads_owns_their_output() {
    holds_for_each("X Z'", &without_redeliveries(&[X, OTHER], &[0, 1]));
    let case = Scenario {
        redeliveries: 1,
        ..Scenario::new(&[X, OTHER], &[0, 1]).after_the_first()
    };
    holds_for_each("X|Z', crashes", &case);
    let steps = [OTHER, Step::Tick, X, Step::Tick, Y];
    holds_for_each(
        "Z'|tick X tick Y",
        &without_redeliveries(&steps, &[2, 4]).after_the_first(),
    );
    let twice = without_redeliveries(&[X, OTHER, Y], &[0, 1, 2]).after_the_first();
    holds_for_each("X|Z' Y, 3 events", &twice);
}

#[test]
fn the_other_upload_takes_over_when_the_owner_is_deleted() {
    let deleted = without_redeliveries(&[X, OTHER, DELETE], &[1, 2]).after_the_first();
    holds_for_each("X|Z' delete", &deleted);
    let event_after = without_redeliveries(&[X, DELETE, OTHER], &[1, 2]).after_the_first();
    holds_for_each("X|delete Z'", &event_after);
    let without_event = without_redeliveries(&[X, DELETE, OTHER], &[2, 2]).after_the_first();
    holds_for_each(
        "X|delete Z', without an event about the delete",
        &without_event,
    );
    let both = without_redeliveries(&[X, OTHER, DELETE, DELETE_OTHER], &[1, 2, 3]);
    holds_for_each("X|Z' delete delete'", &both.after_the_first());
    let refused = without_redeliveries(&[X, DELETE, OTHER, BAD], &[2, 3]).after_the_first();
    holds_for_each("X|delete Z' bad", &refused);
}

#[test]
fn an_owner_that_comes_back_meets_the_one_that_took_over() {
    let back = without_redeliveries(&[X, DELETE, OTHER, Y], &[1, 2, 3]).after_the_first();
    let same = without_redeliveries(&[X, OTHER, DELETE, X], &[1, 2, 3]).after_the_first();
    let steps = [X, OTHER, DELETE, Step::Purge(0)];
    let undelete = without_redeliveries(&steps, &[1, 2, 3]).after_the_first();
    for on_delete in [OnDelete::Keep, OnDelete::Deny] {
        let case = |scenario: &Scenario| Scenario {
            on_delete,
            reports: true,
            ..scenario.clone()
        };
        holds(&format!("X|delete Z' Y, {on_delete:?}"), &case(&back));
        holds(&format!("X|Z' delete X, {on_delete:?}"), &case(&same));
        let undelete = case(&undelete);
        holds(&format!("X|Z' delete undelete, {on_delete:?}"), &undelete);
    }
    // There are no events about the deletes, because `keep` does not need them.
    let steps = [X, OTHER, DELETE, Y, DELETE_OTHER];
    let case = Scenario {
        reports: true,
        ..without_redeliveries(&steps, &[1, 3, 3]).after_the_first()
    };
    holds("X|Z' delete Y delete', 3 events, Keep", &case);
}

/// With `remove`, an attempt can conflict with so many other writes that only cases with two
/// events are small enough.
#[test]
fn the_same_with_deletes_that_remove() {
    let case = |steps: &[Step], events: &[usize]| Scenario {
        on_delete: OnDelete::Remove,
        reports: true,
        ..without_redeliveries(steps, events).after_the_first()
    };
    let undelete = [X, OTHER, DELETE, Step::Purge(0)];
    holds(
        "X|delete Z' Y, Remove",
        &case(&[X, DELETE, OTHER, Y], &[2, 3]),
    );
    holds(
        "X|Z' delete X, Remove",
        &case(&[X, OTHER, DELETE, X], &[1, 3]),
    );
    holds("X|Z' delete undelete, Remove", &case(&undelete, &[1, 3]));
}

/// If a refused upload becomes the owner at the same time, the report on its refusal
/// must not be the last one.
#[test]
fn the_report_of_a_new_owner_agrees_with_its_output() {
    for on_delete in [OnDelete::Keep, OnDelete::Deny] {
        let case = Scenario {
            on_delete,
            reports: true,
            ..without_redeliveries(&[X, OTHER, DELETE, PURGE], &[1, 1, 3]).after_the_first()
        };
        holds(
            &format!("X|Z' delete undelete, two events about Z', {on_delete:?}"),
            &case,
        );
    }
    // The output is missing at the start, and again after the delete of the owner.
    for on_delete in [OnDelete::Keep, OnDelete::Remove] {
        let case = Scenario {
            on_delete,
            reports: true,
            environments: 2,
            ..without_redeliveries(&[OTHER, X, DELETE], &[0, 0, 1, 2])
        };
        holds(
            &format!("Z' X delete, two events about Z', {on_delete:?}"),
            &case,
        );
    }
}

#[test]
fn the_same_with_crashes_and_conflicts() {
    let case = Scenario {
        redeliveries: 1,
        faults: Faults {
            conflicts: 1,
            ..Faults::CRASHES
        },
        ..Scenario::new(&[X, DELETE, OTHER], &[1, 2]).after_the_first()
    };
    holds_for_each("X|delete Z', crashes and conflicts", &case);
    let again = without_redeliveries(&[OTHER, X, OTHER_AGAIN], &[1, 2, 2]).after_the_first();
    holds_for_each("Z'|X Y', 3 events", &again);
}
