//! Explores every schedule of small cases. Each test prints the number of states and moves (`--nocapture`).
//!
//! In the name of a case, the steps before the bar are published first. If an event is delivered twice, it is
//! the event about the earlier upload, because this event can arrive whenever the other event can.

use htaccess_generator::function::OnDelete;

use super::contents::Custom;
use super::explore::explore;
use super::scenario::{BAD, DELETE, Faults, PURGE, Scenario, Step, X, Y, Z};

#[track_caller]
pub(crate) fn holds(name: &str, scenario: &Scenario) {
    match explore(scenario) {
        Ok(figures) => println!("{name}: {figures}"),
        Err(violation) => panic!("{name}: {violation}"),
    }
}

/// Returns a case whose first step is published before the schedule starts.
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

#[track_caller]
fn holds_with_permanent_deletes(on_delete: OnDelete) {
    let holds = |name: &str, redeliveries, reports, scenario| {
        let scenario = Scenario {
            on_delete,
            redeliveries,
            reports,
            ..scenario
        };
        holds(&format!("{name}, {on_delete:?}"), &scenario);
    };
    let tick = Step::Tick;
    let last = after(&[X, tick, Y, PURGE], &[2, 3]);
    holds("X|tick Y purge", 1, false, last.clone());
    holds("X|tick Y purge, reports", 0, true, last);
    holds("X|Y purge", 1, false, after(&[X, Y, PURGE], &[1, 2]));
    let twice = after(&[X, tick, Y, PURGE], &[2, 3, 3]);
    holds("X|tick Y purge, 3 events", 0, false, twice);
    let first = Scenario::new(&[X, tick, Y, PURGE], &[0, 2, 3]);
    holds("X tick Y purge", 0, false, first);
    let two = after(&[X, tick, Y, tick, Z, PURGE], &[2, 4, 5]);
    holds("X|tick Y tick Z purge", 0, false, two);
    let back = after(&[X, tick, Y, PURGE, tick, Z], &[2, 3, 5]);
    holds("X|tick Y purge tick Z", 0, false, back);
    let bad = after(&[X, tick, BAD, PURGE], &[2, 3]);
    holds("X|tick bad purge, reports", 0, true, bad);
    let undelete = after(&[X, tick, DELETE, PURGE], &[2, 3]);
    holds("X|tick delete undelete", 1, true, undelete);
    let all = after(&[X, PURGE], &[1, 1]);
    holds("X|purge, reports", 1, true, all);
}

#[test]
fn a_permanent_delete_goes_back_to_the_version_before_it() {
    holds_with_permanent_deletes(OnDelete::Keep);
}

#[test]
fn the_same_with_deletes_that_remove() {
    holds_with_permanent_deletes(OnDelete::Remove);
}

#[test]
fn the_same_with_deletes_that_deny() {
    holds_with_permanent_deletes(OnDelete::Deny);
}

#[test]
fn the_report_tells_of_a_delete_until_the_next_upload() {
    for on_delete in [OnDelete::Keep, OnDelete::Remove, OnDelete::Deny] {
        let holds = |name: &str, redeliveries, scenario| {
            let scenario = Scenario {
                on_delete,
                reports: true,
                redeliveries,
                ..scenario
            };
            holds(&format!("{name}, reports, {on_delete:?}"), &scenario);
        };
        holds("X|delete", 1, after(&[X, DELETE], &[1, 1]));
        holds("X delete", 1, Scenario::new(&[X, DELETE], &[0, 1]));
        holds("X|delete Y", 0, after(&[X, DELETE, Y], &[1, 2]));
        holds("X|bad delete", 0, after(&[X, BAD, DELETE], &[1, 2]));
    }
}

#[test]
fn deny_does_not_shut_a_site_that_was_never_published() {
    let case = |reports| Scenario {
        on_delete: OnDelete::Deny,
        reports,
        ..Scenario::new(&[BAD, DELETE], &[0, 1])
    };
    holds("bad delete, Deny", &case(false));
    holds("bad delete, reports, Deny", &case(true));
}

#[test]
fn the_newest_template_is_in_force_and_in_the_report() {
    let b = Step::Template(Custom::B);
    let broken = Step::Template(Custom::Broken);
    let holds = |name: &str, reports, redeliveries, scenario| {
        let scenario = Scenario {
            redeliveries,
            reports,
            ..scenario
        };
        holds(&format!("{name}, templates"), &scenario);
    };
    holds("X|B", false, 1, after(&[X, b], &[1, 1]));
    holds("X B", false, 1, Scenario::new(&[X, b], &[0, 1]));
    holds("X|Y B", false, 1, after(&[X, Y, b], &[1, 2]));
    holds("X|B Y", false, 1, after(&[X, b, Y], &[1, 2]));
    holds("X|Y B, reports", true, 0, after(&[X, Y, b], &[1, 2]));
    let back = [X, b, Step::Tick, Step::Template(Custom::A)];
    holds("X|B tick A", false, 0, after(&back, &[1, 1, 3]));
    holds(
        "X broken, reports",
        true,
        0,
        Scenario::new(&[X, broken], &[0, 1]),
    );
    let mended = Scenario::new(&[X, broken, b], &[0, 1, 2]);
    holds("X broken B", false, 0, mended);
    let mended = after(&[X, broken, b], &[1, 2]);
    holds("X|broken B, reports", true, 1, mended);
}

#[test]
fn a_delete_is_handled_while_the_template_is_broken() {
    let broken = Step::Template(Custom::Broken);
    for on_delete in [OnDelete::Keep, OnDelete::Remove, OnDelete::Deny] {
        let case = |redeliveries, reports, scenario| Scenario {
            on_delete,
            redeliveries,
            reports,
            ..scenario
        };
        let name = |steps: &str| format!("{steps}, {on_delete:?}");
        let delete = after(&[X, broken, DELETE], &[1, 2]);
        holds(&name("X|broken delete"), &case(1, false, delete.clone()));
        holds(&name("X|broken delete, reports"), &case(0, true, delete));
        let first = after(&[X, DELETE, broken], &[1, 2]);
        holds(&name("X|delete broken"), &case(1, false, first));
    }
}
