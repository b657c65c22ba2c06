//! The metrics of an invocation, with buckets in memory.

use htaccess_generator::function::{Dimensions, ErrorKind, Handler, InvocationProperties};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};

use crate::function::handler::{ACME, put_event, settings};
use crate::function::memory_store::MemoryStore;

/// Returns the metrics of one event, as in the line that the function would print.
fn metrics_of(store: &MemoryStore, event: Value) -> Value {
    let handler = Handler::new(store, settings(&[("ON_DELETE", "remove")])).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let event = LambdaEvent::new(event, Context::default());
    let (_, tally) = runtime.block_on(handler.handle_with_metrics(event));
    let invocation = InvocationProperties {
        request_id: "id",
        xray_trace_id: Some("Root=1"),
        cold_start: false,
        ended_at_ms: 1_800_000_000_000,
    };
    let lines = tally.lines(&Dimensions::read(|_| None), &invocation);
    serde_json::from_str(&lines.concat()).unwrap()
}

/// Returns the counts that are not 0.
fn counts(metrics: &Value) -> Value {
    let mut counts = metrics.as_object().unwrap().clone();
    counts.retain(|_, value| value.as_u64().is_some_and(|count| count > 0));
    Value::Object(counts)
}

#[test]
fn every_file_of_an_event_counts() {
    let store = MemoryStore::default();
    store.upload("uploads", "acme.csv", ACME);
    store.upload("uploads", "bad.csv", b"no,columns\n");
    let event = put_event(&["acme.csv", "bad.csv", "gone.csv"]);
    let metrics = metrics_of(&store, event.clone());
    assert_eq!(
        counts(&metrics),
        json!({
            "FilesPublished": 1, "FilesRefused": 1, "RowsAccepted": 3, "RowsRejected": 1, "Networks": 2,
        })
    );
    assert_eq!(metrics["InputBytes"].as_array().unwrap().len(), 2);
    assert_eq!(metrics["ProcessingMs"].as_array().unwrap().len(), 3);
    assert_eq!(metrics["xray_trace_id"], "Root=1");

    let again = metrics_of(&store, event);
    let expected = json!({"FilesUnchanged": 1, "FilesRefused": 1});
    assert_eq!(counts(&again), expected, "a refusal is told again");

    store.delete_object("uploads", "acme.csv");
    let gone = metrics_of(&store, put_event(&["acme.csv"]));
    assert_eq!(counts(&gone), json!({"FilesRemoved": 1}));
}

#[test]
fn conflicts_and_failures_are_counted_together_with_published_files() {
    let store = MemoryStore::default();
    store.upload("uploads", "acme.csv", ACME);
    store.upload_before_next_write("sites", "acme/.htaccess", b"of another writer");
    let metrics = metrics_of(&store, put_event(&["acme.csv"]));
    assert_eq!(metrics["ConflictRetries"], 1);
    assert_eq!(metrics["FilesPublished"], 1);

    store.upload("uploads", "new.csv", ACME);
    store.fail("PUT s3://sites/new", ErrorKind::Throttled);
    let metrics = metrics_of(&store, put_event(&["acme.csv", "new.csv"]));
    assert_eq!(
        counts(&metrics),
        json!({"FilesUnchanged": 1, "FilesFailed": 1})
    );
}

#[test]
fn conflicts_of_a_file_that_fails_are_counted() {
    let store = MemoryStore::default();
    store.upload("uploads", "acme.csv", ACME);
    store.upload_before_next_write("sites", "acme/.htaccess", b"of another writer");
    store.fail_after_conflict("GET", ErrorKind::Throttled);
    let metrics = metrics_of(&store, put_event(&["acme.csv"]));
    assert_eq!(
        counts(&metrics),
        json!({"FilesFailed": 1, "ConflictRetries": 1})
    );
}

#[test]
fn an_event_about_an_older_version_is_stale() {
    let store = MemoryStore::default();
    store.upload("uploads", "acme.csv", ACME);
    let mut event = put_event(&["acme.csv"]);
    event["Records"][0]["s3"]["object"]["versionId"] = "older".into();
    assert_eq!(metrics_of(&store, event)["StaleEvents"], 1);
}
