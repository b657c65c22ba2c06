//! Rows that start and end: the schedules that are created, and their calls.

use std::cell::RefCell;
use std::rc::Rc;

use futures_util::future::LocalBoxFuture;
use htaccess_generator::function::schedule::{Schedule, Scheduler};
use htaccess_generator::function::{Error, Handler};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};

use crate::function::handler::{handle, put_event, settings};
use crate::function::memory_store::MemoryStore;

/// The clock of the store starts at 1970-01-01T00:00:00Z, so these rows start and end later.
const CSV: &[u8] = b"IP,Rule,Starts,Expires\n\
                     192.0.2.1,Allow,,\n\
                     192.0.2.3,Allow,,1970-01-01T00:10:00Z\n\
                     192.0.2.5,Allow,1970-01-01T00:20:00Z,\n";
const FUNCTION: &str = "arn:aws:lambda:eu-west-3:123456789012:function:htaccess";

/// A scheduler that keeps the schedules that are created.
#[derive(Clone, Default)]
struct Kept(Rc<RefCell<Vec<Schedule>>>);

impl Kept {
    fn take(&self) -> Vec<Schedule> {
        self.0.take()
    }
}

impl Scheduler for Kept {
    fn create<'a>(&'a self, schedule: &'a Schedule) -> LocalBoxFuture<'a, Result<(), Error>> {
        self.0.borrow_mut().push(schedule.clone());
        Box::pin(async { Ok(()) })
    }
}

/// Handles an event with a function that has this ARN. Returns the answer about the only file of the event.
fn handle_as(function_arn: &str, store: &MemoryStore, kept: &Kept, event: Value) -> Value {
    handle_with(&[], function_arn, store, kept, event)
}

fn handle_with(
    entries: &[(&str, &str)],
    function_arn: &str,
    store: &MemoryStore,
    kept: &Kept,
    event: Value,
) -> Value {
    let handler = Handler::new(store, settings(entries)).unwrap();
    let handler = handler.with_scheduler(kept.clone());
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().build().unwrap();
    let mut context = Context::default();
    function_arn.clone_into(&mut context.invoked_function_arn);
    let work = handler.handle(LambdaEvent::new(event, context));
    let response = runtime.block_on(work).unwrap();
    serde_json::to_value(response).unwrap()["results"][0].take()
}

fn uploaded() -> MemoryStore {
    let store = MemoryStore::default();
    store.upload("uploads", "acme.csv", CSV);
    store
}

fn rules(store: &MemoryStore) -> String {
    let output = store.text("sites", "acme/.htaccess").unwrap();
    output.trim_end().lines().last().unwrap().to_owned()
}

fn event_of(schedule: &Schedule) -> Value {
    serde_json::from_str(&schedule.event()).unwrap()
}

#[track_caller]
fn only(mut schedules: Vec<Schedule>) -> Schedule {
    assert_eq!(schedules.len(), 1, "{schedules:?}");
    schedules.remove(0)
}

#[test]
fn each_call_publishes_the_present_and_creates_the_next_schedule() {
    let (store, kept) = (uploaded(), Kept::default());
    let answer = handle_as(FUNCTION, &store, &kept, put_event(&["acme.csv"]));
    assert_eq!(answer["next_change"], "1970-01-01T00:10:00Z");
    assert_eq!(rules(&store), "Require ip 192.0.2.1 192.0.2.3");
    let end = only(kept.take());
    assert_eq!(end.at.to_string(), "1970-01-01T00:10:00Z");
    assert_eq!(end.function_arn, FUNCTION);

    store.wait(600);
    let answer = handle_as(FUNCTION, &store, &kept, event_of(&end));
    assert_eq!(
        [&answer["status"], &answer["expired"]],
        [&json!("written"), &json!(1)]
    );
    assert_eq!(rules(&store), "Require ip 192.0.2.1");
    let start = only(kept.take());
    assert_eq!(start.at.to_string(), "1970-01-01T00:20:00Z");

    store.wait(3600);
    let answer = handle_as(FUNCTION, &store, &kept, event_of(&start));
    assert_eq!(answer["next_change"], Value::Null);
    assert_eq!(rules(&store), "Require ip 192.0.2.1 192.0.2.5");
    assert_eq!(kept.take(), []);
    let answer = handle_as(FUNCTION, &store, &kept, event_of(&start));
    assert_eq!(answer["status"], "unchanged");
}

#[test]
fn a_call_before_the_change_writes_nothing_and_creates_the_schedule_again() {
    let (store, kept) = (uploaded(), Kept::default());
    handle_as(FUNCTION, &store, &kept, put_event(&["acme.csv"]));
    let first = only(kept.take());
    store.take_calls();
    let answer = handle_as(FUNCTION, &store, &kept, event_of(&first));
    assert_eq!(answer["status"], "unchanged");
    assert_eq!(answer["next_change"], "1970-01-01T00:10:00Z");
    assert!(
        store
            .take_calls()
            .iter()
            .all(|call| !call.starts_with("PUT"))
    );
    assert_eq!(only(kept.take()), first);
}

#[test]
fn a_call_after_the_csv_was_replaced_publishes_nothing_old() {
    let (store, kept) = (uploaded(), Kept::default());
    handle_as(FUNCTION, &store, &kept, put_event(&["acme.csv"]));
    let first = only(kept.take());
    store.upload("uploads", "acme.csv", b"IP,Rule\n192.0.2.9,Allow\n");
    handle_as(FUNCTION, &store, &kept, put_event(&["acme.csv"]));
    store.wait(600);
    let answer = handle_as(FUNCTION, &store, &kept, event_of(&first));
    assert_eq!(answer["status"], "unchanged");
    assert_eq!(rules(&store), "Require ip 192.0.2.9");
    store.delete_object("uploads", "acme.csv");
    let answer = handle_as(FUNCTION, &store, &kept, event_of(&first));
    assert_eq!(answer["status"], "kept");
    assert_eq!(kept.take(), []);
}

#[test]
fn a_refused_csv_creates_no_schedule() {
    let (store, kept) = (uploaded(), Kept::default());
    let csv = [CSV, b"all,Allow,,\n2.2.2,Deny,,\n"].concat();
    store.upload("uploads", "acme.csv", &csv);
    let answer = handle_as(FUNCTION, &store, &kept, put_event(&["acme.csv"]));
    assert_eq!(answer["code"], "deny-rejected");
    assert_eq!(kept.take(), []);
}

#[test]
fn a_schedule_calls_the_function_without_its_alias() {
    let (store, kept) = (uploaded(), Kept::default());
    let alias = format!("{FUNCTION}:live");
    handle_as(&alias, &store, &kept, put_event(&["acme.csv"]));
    assert_eq!(only(kept.take()).function_arn, FUNCTION);
}

#[test]
fn without_a_scheduler_the_answer_and_the_report_warn_of_the_change() {
    let store = uploaded();
    for status in ["written", "unchanged"] {
        let answer = handle(&store, put_event(&["acme.csv"]));
        let answer = &answer["results"][0];
        assert_eq!(answer["status"], status);
        let warnings = answer["warnings"].as_array().unwrap();
        let mut unscheduled = warnings
            .iter()
            .filter(|warning| warning["code"] == "unscheduled-change");
        let warning = unscheduled.next().unwrap();
        let message = warning["message"].as_str().unwrap();
        let start = "a row starts or ends at 1970-01-01T00:10:00Z, but ";
        assert!(message.starts_with(start), "{message}");
        assert!(message.contains("set SCHEDULE_GROUP"), "{message}");
    }
    let report = store.text("reports", "acme.csv.html").unwrap();
    assert!(
        report.contains("the next change is not scheduled"),
        "{report}"
    );
}

/// A held change is checked again when the next row starts or ends. After the last one,
/// there are no more calls.
#[test]
fn a_change_that_is_held_creates_the_next_schedule_and_no_other() {
    let (store, kept) = (MemoryStore::default(), Kept::default());
    let csv = b"IP,Rule,Expires\n\
                0.0.0.0/1,Allow,1970-01-01T00:10:00Z\n\
                192.0.2.3,Allow,1970-01-01T00:20:00Z\n\
                192.0.2.5,Allow,\n";
    store.upload("uploads", "acme.csv", csv);
    let handle = |event| handle_with(&[("HOLD_ABOVE", "30")], FUNCTION, &store, &kept, event);
    assert_eq!(handle(put_event(&["acme.csv"]))["status"], "written");
    let first = only(kept.take());
    store.wait(600);
    let held = handle(event_of(&first));
    assert_eq!(held["status"], "held", "{held}");
    let second = only(kept.take());
    assert_eq!(second.at.to_string(), "1970-01-01T00:20:00Z");
    store.wait(600);
    let later = handle(event_of(&second));
    assert_eq!(later["status"], "held", "{later}");
    assert_ne!(held["approval"], later["approval"]);
    assert!(kept.take().is_empty());
}
