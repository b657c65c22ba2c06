//! Protocols and stores that are broken on purpose, and known limits. A check that cannot fail proves
//! nothing, so the model must find each of these problems, with a shortest schedule that shows it.

use htaccess_generator::function::OnDelete;

use super::buckets::Bend;
use super::contents::{Csv, Custom};
use super::explore::{Violation, explore, text_of};
use super::holds;
use super::protocols::Protocol;
use super::scenario::{
    DELETE, Faults, L, LIST_A, LIST_B, OPEN, PURGE, Promise, SOON, Scenario, Step, V, W, WIDE, X, Y,
};

/// Explores a scenario that must break a promise, and returns the violation with its schedule.
#[track_caller]
fn found(name: &str, scenario: Scenario) -> Violation {
    let scenario = Scenario {
        promise: Promise::End,
        ..scenario
    };
    let Err(violation) = explore(&scenario) else {
        panic!("{name}: nothing was found");
    };
    assert!(violation.what.starts_with("stale "), "{violation}");
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

fn with_a_list() -> Scenario {
    Scenario {
        reports: true,
        done_before: 2,
        ..without_faults(Scenario::new(&[LIST_A, L, LIST_B], &[2]))
    }
}

#[test]
fn a_list_without_events_about_its_sites_is_found_to_be_stale() {
    let case = Scenario {
        bend: Bend::NoFanOut,
        ..with_a_list()
    };
    found("no events about the sites of a list", case);
}

#[test]
fn a_list_that_is_read_before_the_output_is_found_to_be_stale() {
    let steps = [LIST_A, X, LIST_B, L];
    let case = Scenario {
        protocol: Protocol::ListFirst,
        reports: true,
        done_before: 2,
        ..without_faults(Scenario::new(&steps, &[2, 3]))
    };
    found("list, then output", case);
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

/// Replaces the digits of entity tags with `TAG`, because they depend on the hasher.
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

/// A known limit: in a bucket without versions, the first X and the second X cannot be distinguished.
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

/// A known limit: nothing checks the output again if a write takes effect after its invocation has
/// crashed, its event has been handled again and the CSV has been deleted.
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

/// A known limit of the same kind: when the delete is handled, there is no output yet
/// that `deny` could replace.
#[test]
fn a_first_write_that_outlives_its_event_undoes_a_denial() {
    found(
        "in flight, deny",
        Scenario {
            on_delete: OnDelete::Deny,
            faults: Faults {
                in_flight: true,
                ..Faults::CRASHES
            },
            ..Scenario::new(&[X, DELETE], &[0, 1])
        },
    );
}

#[test]
fn a_first_write_without_a_second_look_undoes_a_denial() {
    found(
        "no second look",
        without_faults(Scenario {
            on_delete: OnDelete::Deny,
            bend: Bend::HeadRepeatsGet,
            ..Scenario::new(&[X, DELETE], &[0, 1])
        }),
    );
}

fn permanent_delete(bend: Bend) -> Scenario {
    let steps = [X, Step::Tick, Y, PURGE];
    without_faults(Scenario {
        on_delete: OnDelete::Deny,
        bend,
        ..Scenario::new(&steps, &[2, 3]).after_the_first()
    })
}

#[test]
fn a_permanent_delete_that_is_not_recorded_is_found_to_be_stale() {
    found("no record", permanent_delete(Bend::ForgetsReverted));
}

#[test]
fn a_permanent_delete_that_keeps_the_entity_tag_is_found_to_be_stale() {
    found("the same tag", permanent_delete(Bend::SameTagInEveryForm));
}

#[test]
fn a_report_on_a_refusal_without_a_second_read_is_found_to_be_stale() {
    let broken = Step::Template(Custom::Broken);
    let violation = found(
        "refused without order",
        Scenario {
            bend: Bend::RepeatsFirstRead,
            reports: true,
            ..without_faults(Scenario::new(&[broken, X, Y], &[1, 2]))
        },
    );
    assert!(violation.what.starts_with("stale report"), "{violation}");
}

#[test]
fn a_report_on_a_delete_without_a_second_read_is_found_to_be_stale() {
    let violation = found(
        "deleted without order",
        Scenario {
            bend: Bend::RepeatsFirstRead,
            reports: true,
            ..without_faults(Scenario::new(&[X, DELETE, Y], &[1, 2]).after_the_first())
        },
    );
    assert!(violation.what.starts_with("stale report"), "{violation}");
}

fn template_again(between: &[Step], bend: Bend) -> Scenario {
    let steps = [&[X, Step::Template(Custom::B)], between].concat();
    let events = match between {
        [] => vec![0, 1],
        _ => vec![1, steps.len() - 1],
    };
    let scenario = Scenario::new(&steps, &events);
    without_faults(Scenario {
        bend,
        done_before: usize::from(!between.is_empty()),
        ..scenario
    })
}

#[test]
fn a_template_that_is_read_only_once_is_found_to_be_stale() {
    found(
        "no second template",
        template_again(&[], Bend::RepeatsFirstRead),
    );
}

/// A known limit: the first and the second upload of template A cannot be distinguished.
#[test]
fn the_same_template_twice_in_one_second_is_found_to_be_stale() {
    let back = [Step::Template(Custom::A)];
    found("A B A in one second", template_again(&back, Bend::Sound));
}

#[test]
fn an_output_without_an_owner_is_found_to_be_taken() {
    let violation = found(
        "no owner",
        without_faults(Scenario {
            bend: Bend::ForgetsOwner,
            reports: true,
            ..Scenario::new(&[X, Step::Upload(1, Csv::Z)], &[1]).after_the_first()
        }),
    );
    let expected =
        "stale end state: step 0 is neither in force nor refused, the output is Z of step 1";
    assert!(violation.what.starts_with(expected), "{violation}");
}

#[test]
fn a_schedule_that_is_created_after_the_write_is_found_to_be_missing_after_a_crash() {
    let violation = found(
        "alarm last",
        Scenario {
            protocol: Protocol::AlarmLast,
            ..Scenario::new(&[V], &[0])
        },
    );
    let expected = "stale later: the output holds for 120 s, and no alarm is set";
    assert_eq!(violation.what, expected);
}

#[test]
fn a_schedule_that_is_moved_is_found_to_leave_an_output_without_one() {
    let violation = found(
        "one alarm for each CSV",
        without_faults(Scenario {
            bend: Bend::OneAlarmForEachKey,
            ..Scenario::new(&[V, SOON], &[0, 1])
        }),
    );
    assert!(violation.what.starts_with("stale later: "), "{violation}");
}

/// Returns a case in which the clock is read before the first HEAD of the output. With
/// `Bend::ForgetsInstant`, the output does not record its time either.
fn clock_first(bend: Bend) -> Scenario {
    without_faults(Scenario {
        protocol: Protocol::ClockFirst,
        bend,
        environments: 2,
        ..Scenario::new(&[V, Step::Wait, W], &[0, 2])
    })
}

#[test]
fn a_clock_that_is_read_before_the_output_is_found_to_be_stale() {
    found("clock first", clock_first(Bend::ForgetsInstant));
}

/// Explores a case with a change that needs an approval. The case must break a promise about approvals.
#[track_caller]
fn unheld(name: &str, scenario: Scenario) {
    let violation = found(name, scenario);
    let is_held = [
        "stale approval: ",
        "stale report: it is wrong about an approval",
    ];
    assert!(
        is_held
            .iter()
            .any(|start| violation.what.starts_with(start)),
        "{violation}"
    );
}

#[test]
fn a_code_without_the_output_in_force_is_found_to_release_another_change() {
    let steps = [X, OPEN, Step::Note, Step::Approve, DELETE, PURGE];
    unheld(
        "no identity",
        Scenario {
            on_delete: OnDelete::Deny,
            protocol: Protocol::NoIdentity,
            ..holds::one_by_one(holds::case(&steps))
        },
    );
}

#[test]
fn an_approval_that_is_not_compared_is_found_to_release_another_change() {
    let steps = [X, OPEN, Step::Note, WIDE, Step::Approve];
    unheld(
        "any approval",
        Scenario {
            protocol: Protocol::AnyApproval,
            ..holds::one_by_one(holds::case(&steps))
        },
    );
}

#[test]
fn an_approved_change_without_a_condition_is_found_to_be_another_one() {
    let steps = [X, OPEN, Step::Note, Step::Approve, DELETE];
    unheld(
        "approved, no conditions",
        Scenario {
            on_delete: OnDelete::Deny,
            bend: Bend::IgnoresPreconditions,
            ..holds::without_faults(holds::case(&steps))
        },
    );
}

#[test]
fn a_report_on_a_held_change_without_a_last_look_is_found_to_be_stale() {
    let steps = [
        X,
        OPEN,
        Step::Note,
        Step::Approve,
        Step::Note,
        Step::Approve,
    ];
    unheld(
        "no last look",
        Scenario {
            protocol: Protocol::NoLastLook,
            events: vec![1, 1, 3, 5],
            ..holds::without_faults(holds::case(&steps))
        },
    );
}
