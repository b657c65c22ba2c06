//! Deleted CSVs and their outputs.

use serde_json::json;

use crate::function::handler::{ACME, handle, handle_with, put_event, statuses};
use crate::function::memory_store::MemoryStore;

fn published() -> MemoryStore {
    let store = MemoryStore::default();
    store.upload("uploads", "acme.csv", ACME);
    handle(&store, put_event(&["acme.csv"]));
    store
}

fn delete_event() -> serde_json::Value {
    let mut event = put_event(&["acme.csv"]);
    event["Records"][0]["eventName"] = "ObjectRemoved:Delete".into();
    event
}

#[track_caller]
fn check(store: &MemoryStore, on_delete: &str, status: &str) {
    let answer = handle_with(store, &[("ON_DELETE", on_delete)], delete_event()).unwrap();
    assert_eq!(statuses(&answer), [status], "{on_delete}");
}

fn output(store: &MemoryStore) -> Option<String> {
    let text = store.text("sites", "acme/.htaccess")?;
    Some(text.lines().last().unwrap().to_owned())
}

#[test]
fn a_delete_event_for_a_csv_that_exists_publishes_it() {
    for on_delete in ["keep", "remove", "deny"] {
        let store = MemoryStore::default();
        store.upload("uploads", "acme.csv", ACME);
        check(&store, on_delete, "written");
    }
}

#[test]
fn keep_leaves_the_output_as_it_is() {
    let store = published();
    store.delete_object("uploads", "acme.csv");
    check(&store, "keep", "kept");
    assert!(output(&store).is_some());
}

#[test]
fn remove_removes_the_output_once() {
    let store = published();
    store.delete_object("uploads", "acme.csv");
    check(&store, "remove", "removed");
    assert_eq!(output(&store), None);
    check(&store, "remove", "kept");
}

#[test]
fn deny_denies_everybody_until_the_next_upload() {
    let store = published();
    store.delete_object("uploads", "acme.csv");
    check(&store, "deny", "written");
    assert_eq!(output(&store).as_deref(), Some("Require all denied"));
    check(&store, "deny", "unchanged");
    store.upload("uploads", "acme.csv", ACME);
    check(&store, "deny", "written");
    assert_eq!(
        output(&store).as_deref(),
        Some("Require ip 172.100.2.11 192.168.1.10")
    );
}

/// Also if the settings allow clients that no row lists.
#[test]
fn deny_denies_whatever_the_default_policy_is() {
    let store = published();
    store.delete_object("uploads", "acme.csv");
    let settings = [("ON_DELETE", "deny"), ("DEFAULT_POLICY", "allow")];
    let answer = handle_with(&store, &settings, delete_event()).unwrap();
    assert_eq!(answer["results"][0]["default_policy"], "deny");
    assert_eq!(output(&store).as_deref(), Some("Require all denied"));
}

#[test]
fn the_output_of_another_upload_is_not_removed() {
    let store = published();
    store.delete_object("uploads", "acme.csv");
    for on_delete in ["remove", "deny"] {
        for key in ["acme.csv.gz", "acme.xlsx"] {
            let mut event = delete_event();
            event["Records"][0]["s3"]["object"] = json!({ "key": key });
            let answer = handle_with(&store, &[("ON_DELETE", on_delete)], event).unwrap();
            assert_eq!(statuses(&answer), ["kept"], "{on_delete}, {key}");
        }
    }
    assert!(output(&store).is_some());
}

#[test]
fn a_removal_that_meets_an_upload_starts_again() {
    let store = published();
    store.delete_object("uploads", "acme.csv");
    store.upload_before_next_write("uploads", "acme.csv", b"IP,Rule\n9.9.9.9,Allow\n");
    store.upload_before_next_write("sites", "acme/.htaccess", b"another writer's");
    check(&store, "remove", "written");
    assert_eq!(output(&store).as_deref(), Some("Require ip 9.9.9.9"));
}

#[test]
fn a_csv_that_is_deleted_while_it_is_published_is_removed_in_the_end() {
    let store = MemoryStore::default();
    store.upload("uploads", "acme.csv", ACME);
    store.delete_before_next_write("uploads", "acme.csv");
    check(&store, "remove", "removed");
    assert_eq!(output(&store), None);
}

/// A refused upload has no output that its delete could be about, so no site is closed or opened.
#[test]
fn the_delete_of_another_file_changes_nothing() {
    const OTHERS: [&str; 5] = ["acme.xlsx", "acme.txt", "acme", "acme.csv.html", "acme/"];
    for has_a_csv in [false, true] {
        let store = MemoryStore::default();
        for key in OTHERS {
            store.upload("uploads", key, ACME);
            handle(&store, put_event(&[key]));
        }
        if has_a_csv {
            store.upload("uploads", "acme.csv", ACME);
            handle(&store, put_event(&["acme.csv"]));
        }
        let before = output(&store);
        assert_eq!(before.is_some(), has_a_csv);
        for key in OTHERS {
            store.delete_object("uploads", key);
            for on_delete in ["keep", "remove", "deny"] {
                for template in ["apache24", "s3://templates/gone"] {
                    store.take_calls();
                    let mut event = put_event(&[key]);
                    event["Records"][0]["eventName"] = "ObjectRemoved:Delete".into();
                    let settings = [("ON_DELETE", on_delete), ("TEMPLATE", template)];
                    let answer = handle_with(&store, &settings, event).unwrap();
                    let expected = if key.ends_with('/') {
                        "ignored"
                    } else {
                        "kept"
                    };
                    assert_eq!(statuses(&answer), [expected], "{on_delete}, {key}");
                    let calls = store.take_calls();
                    let is_read =
                        |call: &String| call.starts_with("HEAD") || call.starts_with("GET");
                    assert!(calls.iter().all(is_read), "{calls:?}");
                    assert_eq!(output(&store), before, "{on_delete}, {key}");
                }
            }
        }
    }
}
