//! Every schedule of small cases. Each test prints the number of states and moves (`--nocapture`).
//!
//! In the name of a case, the steps before the bar are published first. An event that is delivered
//! twice is about the earlier upload, because that event can come whenever the other can.

use htaccess_generator::function::OnDelete;

use super::explore::explore;
use super::scenario::{BAD, Csv, DELETE, Faults, Scenario, Step, X, Y, Z};

#[track_caller]
fn holds(name: &str, scenario: &Scenario) {
    match explore(scenario) {
        Ok(figures) => println!("{name}: {figures}"),
        Err(violation) => panic!("{name}: {violation}"),
    }
}

/// The steps after the first one, which is published before.
fn after(steps: &[Step], events: &[usize]) -> Scenario {
    Scenario::new(steps, events).after_the_first()
}

#[test]
fn two_uploads_three_events_and_crashes_leave_the_newest() {
    holds("X Y, 3 events", &Scenario::new(&[X, Y], &[0, 0, 1]));
}

#[test]
fn the_same_with_seconds_that_pass() {
    let steps = [X, Step::Tick, Y, Step::Tick];
    holds("X tick Y tick", &Scenario::new(&steps, &[0, 2]));
    let case = |steps: &[_], events: &[_]| Scenario {
        redeliveries: 0,
        ..Scenario::new(steps, events)
    };
    holds("X tick Y tick, 3 events", &case(&steps, &[0, 0, 2]));
    holds("X tick Y X", &case(&[X, Step::Tick, Y, X], &[0, 2, 3]));
}

#[test]
fn two_uploads_and_every_fault_leave_the_newest() {
    let case = |faults, scenario| Scenario {
        faults,
        redeliveries: 1,
        ..scenario
    };
    let uploads = Scenario::new(&[X, Y], &[0, 1]);
    holds("X Y, all faults", &case(Faults::ALL, uploads));
    let conflicts = Faults {
        conflicts: 1,
        ..Faults::CRASHES
    };
    let back = after(&[X, Y, X], &[1, 2]);
    holds("X|Y X, crashes and conflicts", &case(conflicts, back));
}

#[test]
fn a_write_that_takes_effect_late_does_no_harm() {
    for on_delete in [OnDelete::Keep, OnDelete::Deny] {
        let case = |scenario| Scenario {
            on_delete,
            faults: Faults {
                in_flight: true,
                ..Faults::CRASHES
            },
            redeliveries: 1,
            ..scenario
        };
        holds("X Y, in flight", &case(Scenario::new(&[X, Y], &[0, 1])));
        holds("X|Y X, in flight", &case(after(&[X, Y, X], &[1, 2])));
        holds("X|delete, in flight", &case(after(&[X, DELETE], &[1, 1])));
    }
}

#[test]
fn returning_to_earlier_rules_leaves_the_newest() {
    holds("X|Y X", &after(&[X, Y, X], &[1, 2]));
    let case = Scenario {
        redeliveries: 0,
        ..after(&[X, Y, X], &[1, 1, 2])
    };
    holds("X|Y X, 3 events", &case);
    let case = Scenario {
        redeliveries: 0,
        ..after(&[X, Y, X, Y], &[1, 2, 3])
    };
    holds("X|Y X Y", &case);
}

#[test]
fn a_refused_upload_keeps_the_previous_output() {
    holds("X|bad Y", &after(&[X, BAD, Y], &[1, 2]));
    holds("X|Y bad", &after(&[X, Y, BAD], &[1, 2]));
    holds("Z bad", &Scenario::new(&[Z, BAD], &[0, 1]));
}

#[track_caller]
fn holds_with_deletes(on_delete: OnDelete) {
    let holds = |name: &str, redeliveries, scenario| {
        let scenario = Scenario {
            on_delete,
            redeliveries,
            ..scenario
        };
        holds(&format!("{name}, {on_delete:?}"), &scenario);
    };
    holds("X|delete", 2, after(&[X, DELETE], &[1, 1]));
    holds("X delete", 2, Scenario::new(&[X, DELETE], &[0, 1]));
    holds("X|delete Y", 2, after(&[X, DELETE, Y], &[1, 2]));
    holds("X|delete X", 2, after(&[X, DELETE, X], &[1, 2]));
    holds(
        "X|delete X, 3 events",
        0,
        after(&[X, DELETE, X], &[1, 1, 2]),
    );
    holds("X|Y delete X", 0, after(&[X, Y, DELETE, X], &[1, 2, 3]));
    holds("X|delete bad", 1, after(&[X, DELETE, BAD], &[1, 2]));
}

#[test]
fn a_delete_keeps_the_output() {
    holds_with_deletes(OnDelete::Keep);
}

#[test]
fn a_delete_removes_the_output_but_never_that_of_a_later_upload() {
    holds_with_deletes(OnDelete::Remove);
}

#[test]
fn a_delete_denies_everybody_until_a_later_upload() {
    holds_with_deletes(OnDelete::Deny);
}

/// It is not defined which of the two CSVs the output comes from.
#[test]
fn an_output_of_two_csvs_never_comes_from_an_old_one() {
    let other = Step::Upload(1, Csv::Z);
    let steps = [other, Step::Tick, X, Step::Tick, Y];
    let case = Scenario {
        redeliveries: 0,
        ..Scenario::new(&steps, &[0, 2, 4])
    };
    holds("Z' X Y", &case);
}

#[test]
fn the_report_belongs_to_the_newest_upload_too() {
    let case = |scenario| Scenario {
        reports: true,
        redeliveries: 0,
        ..scenario
    };
    holds("X Y, reports", &case(Scenario::new(&[X, Y], &[0, 1])));
    holds("X bad, reports", &case(Scenario::new(&[X, BAD], &[0, 1])));
    holds("X|Y X, reports", &case(after(&[X, Y, X], &[1, 2])));
    let case = Scenario {
        redeliveries: 1,
        ..case(Scenario::new(&[X, BAD], &[0, 1]))
    };
    holds("X bad, reports, crashes", &case);
}
