//! Explores every schedule of small cases in which rows start and end: with uploads, waits, late and
//! repeated alarms, and crashes, even between an alarm and the write after it.
//!
//! In the names of the cases, a dot is a wait, in which a row of V and of W starts or ends. The steps
//! before the bar are published first.

use htaccess_generator::function::OnDelete;

use super::buckets::Bend;
use super::exhaustive::holds;
use super::protocols::Protocol;
use super::scenario::{BAD, DELETE, Faults, SOON, Scenario, Step, V, W, X};

const WAIT: Step = Step::Wait;

/// Returns a case with one event about each upload and each delete. One invocation may crash, and
/// one alarm may call twice.
fn case(steps: &[Step]) -> Scenario {
    let events = (0..steps.len()).filter(|step| steps[*step] != WAIT);
    Scenario {
        redeliveries: 1,
        failures_max: 1,
        echoes: 1,
        environments: 2,
        ..Scenario::new(steps, &events.collect::<Vec<_>>())
    }
}

/// Returns the case whose first step is published before the schedule starts.
fn after(steps: &[Step]) -> Scenario {
    let case = case(steps).after_the_first();
    Scenario {
        events: case.events[1..].to_vec(),
        ..case
    }
}

/// Returns the case without faults, but with any number of concurrent invocations.
fn without_faults(scenario: Scenario) -> Scenario {
    Scenario {
        faults: Faults::NONE,
        redeliveries: 0,
        echoes: 0,
        environments: usize::MAX,
        ..scenario
    }
}

#[test]
fn two_uploads_and_two_ends_leave_the_newest_of_the_present() {
    holds("V|W . .", &after(&[V, W, WAIT, WAIT]));
}

#[test]
fn the_same_with_an_upload_between_the_ends() {
    let case = Scenario {
        echoes: 0,
        ..after(&[V, WAIT, W, WAIT])
    };
    holds("V|. W .", &case);
}

#[test]
fn the_same_with_an_upload_after_the_ends() {
    holds("V|. . W", &after(&[V, WAIT, WAIT, W]));
}

#[test]
fn the_same_with_an_event_that_is_delivered_twice() {
    let case = Scenario {
        events: vec![1, 1],
        environments: 2,
        ..without_faults(after(&[V, W, WAIT]))
    };
    holds("V|W ., 3 events", &case);
}

#[test]
fn two_events_at_once_leave_the_newest_of_the_present() {
    holds("V W", &case(&[V, W]));
    holds("V . W", &case(&[V, WAIT, W]));
    holds("V W .", &case(&[V, W, WAIT]));
    holds(". V W .", &case(&[WAIT, V, W, WAIT]));
    holds(". V . W", &case(&[WAIT, V, WAIT, W]));
    let holds = |name, steps: &[Step]| {
        let case = Scenario {
            environments: 2,
            ..without_faults(case(steps))
        };
        holds(name, &case);
    };
    holds("V . . W, no faults", &[V, WAIT, WAIT, W]);
    holds("V . W ., no faults", &[V, WAIT, W, WAIT]);
}

#[test]
fn one_upload_is_published_again_whatever_fails() {
    let every_fault = |scenario| Scenario {
        echoes: 0,
        faults: Faults {
            in_flight: true,
            ..Faults::ALL
        },
        ..scenario
    };
    holds("V .", &case(&[V, WAIT]));
    holds("V ., every fault", &every_fault(case(&[V, WAIT])));
    holds("V|. ., every fault", &every_fault(after(&[V, WAIT, WAIT])));
}

#[test]
fn an_end_that_is_too_soon_for_an_alarm_is_published_later() {
    holds("Soon", &case(&[SOON]));
    holds("Soon .", &case(&[SOON, WAIT]));
    holds("X|Soon . X", &after(&[X, SOON, WAIT, X]));
}

#[test]
fn an_end_meets_other_uploads() {
    holds("X|V . X", &after(&[X, V, WAIT, X]));
    holds("V|X . W", &after(&[V, X, WAIT, W]));
    holds("V|bad . W", &after(&[V, BAD, WAIT, W]));
    for on_delete in [OnDelete::Keep, OnDelete::Remove, OnDelete::Deny] {
        let case = Scenario {
            on_delete,
            ..after(&[V, DELETE, WAIT, W])
        };
        holds(&format!("V|delete . W, {on_delete:?}"), &case);
    }
}

#[test]
fn the_report_is_that_of_the_present_too() {
    let case = |steps: &[Step]| Scenario {
        reports: true,
        ..after(steps)
    };
    holds("V|., reports", &case(&[V, WAIT]));
    holds("V|. ., reports", &without_faults(case(&[V, WAIT, WAIT])));
    holds("V|W ., reports", &without_faults(case(&[V, W, WAIT])));
}

/// The real protocol has both of these safeguards.
#[test]
fn a_clock_that_is_read_after_the_output_or_a_recorded_instant_is_enough() {
    let case = |protocol, bend| Scenario {
        protocol,
        bend,
        environments: 2,
        ..without_faults(case(&[V, WAIT, W]))
    };
    let recorded = case(Protocol::ClockFirst, Bend::Sound);
    holds("V . W, clock first", &recorded);
    let read_after = case(Protocol::Publisher, Bend::ForgetsInstant);
    holds("V . W, no instant", &read_after);
}
