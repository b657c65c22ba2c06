//! Explores every schedule of small cases with a list and a site that uses it. Each write of the
//! compiled list causes an event about the site, as the rule in the stack does.
//!
//! The steps before the bar are published first.

use super::exhaustive::holds;
use super::scenario::{Faults, L, LIST_A, LIST_B, Scenario, Step, X};

/// Returns a case whose first `done_before` steps are published before the schedule
/// starts. One crash may happen.
fn case(steps: &[Step], done_before: usize) -> Scenario {
    let events: Vec<usize> = (done_before..steps.len())
        .filter(|step| steps[*step] != Step::Tick)
        .collect();
    Scenario {
        reports: true,
        done_before,
        redeliveries: 1,
        failures_max: 1,
        ..Scenario::new(steps, &events)
    }
}

fn without_faults(scenario: Scenario) -> Scenario {
    Scenario {
        faults: Faults::NONE,
        redeliveries: 0,
        ..scenario
    }
}

#[test]
fn a_new_list_reaches_its_site() {
    holds("A L|B", &case(&[LIST_A, L, LIST_B], 2));
}

#[test]
fn a_new_list_and_a_new_upload_reach_the_site_in_any_order() {
    let steps = [LIST_A, X, LIST_B, L];
    holds("A X|B L", &without_faults(case(&steps, 2)));
    let ticks = [LIST_A, X, Step::Tick, LIST_B, Step::Tick, L];
    holds("A X|tick B tick L", &without_faults(case(&ticks, 2)));
}

#[test]
fn the_first_list_reaches_a_site_that_names_it_already() {
    holds("L|A", &case(&[L, LIST_A], 1));
}

#[test]
fn a_list_that_returns_to_earlier_members_does_too() {
    let steps = [LIST_A, L, LIST_B, LIST_A];
    holds("A L|B A", &without_faults(case(&steps, 2)));
}
