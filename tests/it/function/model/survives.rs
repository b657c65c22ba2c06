//! The previous output survives every refused file and every failed invocation. The tests cover each refusal
//! code. In each kind of invocation, they make each call fail with each kind of error, before or after the
//! effect of the call. If the write of the output has taken effect, the new output is allowed too.

use htaccess_generator::answer::RefusalCode;
use htaccess_generator::function::ErrorKind;
use htaccess_generator::function::OnDelete;
use serde_json::{Value, json};

use super::buckets::Call;
use super::invocation::Ended;
use super::protocols::Protocol;
use super::scenario::{BAD, DELETE, Faults, PURGE, Scenario, Step, V, W, X, Y};
use super::world::{How, Model, Move, World};
use crate::function::handler::{ACME, handle, handle_with, put_event};
use crate::function::memory_store::MemoryStore;

const KINDS: [ErrorKind; 19] = [
    ErrorKind::UnknownEvent,
    ErrorKind::NoSuchScheduleGroup,
    ErrorKind::ScheduleRefused,
    ErrorKind::ScheduleQuota,
    ErrorKind::SameBucket,
    ErrorKind::OtherBucket,
    ErrorKind::UnversionedBucket,
    ErrorKind::BadTemplate,
    ErrorKind::BadList,
    ErrorKind::AccessDenied,
    ErrorKind::NoSuchBucket,
    ErrorKind::Throttled,
    ErrorKind::Unavailable,
    ErrorKind::Connection,
    ErrorKind::Damaged,
    ErrorKind::Contention,
    ErrorKind::OutOfTime,
    ErrorKind::BadRequest,
    ErrorKind::Panic,
];

/// Returns whether a kind of error is in [`KINDS`]. A new kind does not compile here until somebody adds it.
fn is_listed(kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::UnknownEvent
        | ErrorKind::NoSuchScheduleGroup
        | ErrorKind::ScheduleRefused
        | ErrorKind::ScheduleQuota
        | ErrorKind::SameBucket
        | ErrorKind::OtherBucket
        | ErrorKind::UnversionedBucket
        | ErrorKind::BadTemplate
        | ErrorKind::BadList
        | ErrorKind::AccessDenied
        | ErrorKind::NoSuchBucket
        | ErrorKind::Throttled
        | ErrorKind::Unavailable
        | ErrorKind::Connection
        | ErrorKind::Damaged
        | ErrorKind::Contention
        | ErrorKind::OutOfTime
        | ErrorKind::BadRequest
        | ErrorKind::Panic => KINDS.contains(&kind),
    }
}

/// Returns every kind of invocation, each with its name. All steps except the last one are published first.
fn invocations() -> Vec<(&'static str, Scenario)> {
    let last = |steps: &[_], on_delete| Scenario {
        on_delete,
        done_before: steps.len() - 1,
        faults: Faults::NONE,
        redeliveries: 1,
        reports: true,
        protocol: Protocol::Handler,
        ..Scenario::new(steps, &[steps.len() - 1])
    };
    vec![
        ("the first upload", last(&[X], OnDelete::Keep)),
        ("another upload", last(&[X, Y], OnDelete::Keep)),
        ("another upload, remove", last(&[X, Y], OnDelete::Remove)),
        ("back to earlier rules", last(&[X, Y, X], OnDelete::Keep)),
        ("and again", last(&[X, Y, X, Y, X], OnDelete::Keep)),
        ("a refused file", last(&[X, BAD], OnDelete::Keep)),
        ("a deleted file, keep", last(&[X, DELETE], OnDelete::Keep)),
        (
            "a deleted file, remove",
            last(&[X, DELETE], OnDelete::Remove),
        ),
        ("a deleted file, deny", last(&[X, DELETE], OnDelete::Deny)),
        ("after a deleted one", last(&[X, DELETE, X], OnDelete::Deny)),
        ("the first upload, deny", last(&[X], OnDelete::Deny)),
        ("an older version", last(&[X, Y, PURGE], OnDelete::Deny)),
        (
            "an older version, remove",
            last(&[X, Y, PURGE], OnDelete::Remove),
        ),
        ("a row that ends later", last(&[V], OnDelete::Keep)),
        ("another row", last(&[V, W], OnDelete::Keep)),
        (
            "the end of a row",
            Scenario {
                events: vec![],
                ..last(&[V, Step::Wait], OnDelete::Keep)
            },
        ),
    ]
}

/// Makes the last step, and the call of the alarm that the step makes due.
fn step(model: &mut Model, world: &mut World) {
    model.go(world, Move::Step).unwrap();
    let due = model.due_alarms(world).next();
    if let Some(alarm) = due {
        model.go(world, Move::Ring(alarm)).unwrap();
    }
}

/// Returns the next call with its number, or `None` if the invocation has ended.
fn next_call(model: &Model, world: &World) -> Option<(usize, Call)> {
    let at = world.deliveries[0].at?;
    let (number, call) = model.learned.waiting(at).first()?;
    Some((*number, (**call).clone()))
}

/// Serves calls until the invocation ends, but at most `calls_max` calls. Returns the number of calls.
fn serve(model: &mut Model, world: &mut World, calls_max: usize) -> usize {
    for served in 0..calls_max {
        let Some((number, _)) = next_call(model, world) else {
            return served;
        };
        model.go(world, Move::Call(0, number, How::Served)).unwrap();
    }
    calls_max
}

/// Returns the ways in which a call can fail.
fn failures(call: &Call) -> Vec<How> {
    let before = KINDS.map(How::FailsBefore);
    let after = KINDS.map(How::FailsAfter);
    match call {
        Call::Put(..) | Call::Delete(..) | Call::Schedule(_) => [before, after].concat(),
        Call::Get(..) => [&before[..], &[How::Damaged]].concat(),
        Call::Head(_) => before.to_vec(),
    }
}

/// Makes one call fail. After the failure, the output must be the previous output or already the new
/// one. The next delivery of the event must succeed.
fn check(name: &str, model: &mut Model, calls_before: usize, how: How) {
    let mut world = model.first();
    step(model, &mut world);
    let previous = world.buckets.output;
    serve(model, &mut world, calls_before);
    let (number, call) = next_call(model, &world).unwrap();
    let name = format!("{name}, {call} {how:?}");
    model.last_end = None;
    model.go(&mut world, Move::Call(0, number, how)).unwrap();
    while model.last_end.is_none() {
        serve(model, &mut world, 1);
    }
    let is_right = model.check_output(&world).is_ok();
    assert!(
        world.buckets.output == previous || is_right,
        "{name}: the output is {}",
        model.describe(model.output(&world))
    );
    match (how, model.last_end.clone()) {
        // Bytes that arrive damaged are read again at once.
        (
            How::Damaged
            | How::FailsBefore(ErrorKind::Damaged)
            | How::FailsAfter(ErrorKind::Damaged),
            Some(Ended::Ok(_)),
        ) => {}
        (How::FailsBefore(kind) | How::FailsAfter(kind), end) => {
            assert_eq!(end, Some(Ended::Err(kind)), "{name}");
        }
        (_, end) => assert_eq!(end, Some(Ended::Err(ErrorKind::Damaged)), "{name}"),
    }
    serve(model, &mut world, usize::MAX);
    assert!(model.is_end(&world), "{name}");
    model
        .check_end(&world)
        .unwrap_or_else(|what| panic!("{name}: {what}"));
}

#[test]
fn the_previous_output_survives_every_failed_invocation() {
    assert!(KINDS.into_iter().all(is_listed));
    let mut checked = 0;
    for (name, scenario) in invocations() {
        let mut model = Model::new(scenario);
        let mut world = model.first();
        step(&mut model, &mut world);
        let mut calls = Vec::new();
        while let Some((_, call)) = next_call(&model, &world) {
            calls.push(call);
            serve(&mut model, &mut world, 1);
        }
        for (calls_before, call) in calls.iter().enumerate() {
            for how in failures(call) {
                check(name, &mut model, calls_before, how);
                checked += 1;
            }
        }
    }
    println!("{checked} failed calls");
}

/// Returns an upload that is refused with this code: its key, its content and the settings.
fn refused(
    code: RefusalCode,
) -> (
    &'static str,
    &'static [u8],
    Vec<(&'static str, &'static str)>,
) {
    match code {
        RefusalCode::NotCsv => ("acme.csv", b"IP,Rule\n1.1.1.1,All\0w\n", vec![]),
        RefusalCode::MissingColumn => ("acme.csv", b"Fruit,Colour\npear,green\n", vec![]),
        RefusalCode::NoRules => ("acme.csv", b"IP,Rule\n", vec![]),
        RefusalCode::TooLarge => ("acme.csv", ACME, vec![("MAX_CSV_BYTES", "20")]),
        RefusalCode::DenyRejected => ("acme.csv", b"IP,Rule\nall,Allow\n2.2.2,Deny\n", vec![]),
        RefusalCode::RowsRejected => ("acme.csv", ACME, vec![("STRICT", "all")]),
        RefusalCode::UnsafeKey => ("../acme.csv", ACME, vec![]),
        RefusalCode::BadTemplate => ("acme.csv", ACME, vec![("TEMPLATE", "s3://templates/own")]),
        RefusalCode::OutputTaken => ("acme.csv.gz", ACME, vec![]),
        RefusalCode::MixedRules | RefusalCode::UnusableList => {
            unreachable!("the function gives no lists to the sites")
        }
        RefusalCode::ChangeHeld => unreachable!("a held file is not refused"),
    }
}

/// Returns the events about an upload, without and with its size.
fn events(key: &str) -> [Value; 2] {
    let mut with_size = put_event(&[key]);
    with_size["Records"][0]["s3"]["object"]["size"] = json!(1_000_000);
    [put_event(&[key]), with_size]
}

#[test]
fn the_previous_output_survives_every_refused_file() {
    let codes = [
        RefusalCode::NotCsv,
        RefusalCode::MissingColumn,
        RefusalCode::NoRules,
        RefusalCode::TooLarge,
        RefusalCode::DenyRejected,
        RefusalCode::RowsRejected,
        RefusalCode::UnsafeKey,
        RefusalCode::BadTemplate,
        RefusalCode::OutputTaken,
    ];
    for code in codes {
        let (key, upload, settings) = refused(code);
        for on_delete in ["keep", "remove", "deny"] {
            for event in events(key) {
                let store = MemoryStore::default();
                store.upload("uploads", "acme.csv", b"IP,Rule\n192.0.2.1,Allow\n");
                handle(&store, put_event(&["acme.csv"]));
                let previous = store.text("sites", "acme/.htaccess").unwrap();
                store.upload("uploads", key, upload);
                store.take_calls();
                let settings = [&settings[..], &[("ON_DELETE", on_delete)]].concat();
                let answer = handle_with(&store, &settings, event).unwrap();
                assert_eq!(answer["results"][0]["code"], code.to_string());
                assert_eq!(store.text("sites", "acme/.htaccess"), Some(previous));
                let calls = store.take_calls();
                let mut writes = calls.iter().filter(|call| call.contains(" s3://sites/"));
                assert!(writes.all(|call| call.starts_with("HEAD")), "{calls:?}");
            }
        }
    }
}
