//! Deleted CSVs and their outputs.

use htaccess_generator::function::ErrorKind;
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
    Some(text.trim_end().lines().last().unwrap().to_owned())
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

/// `ON_DELETE=deny` denies everybody even if the default policy is `allow`.
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

/// A refused upload has no output, so its delete must not open or close any site.
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

fn report(store: &MemoryStore) -> Option<String> {
    store.text("reports", "acme.csv.html")
}

#[test]
fn the_report_says_what_a_delete_did() {
    for (on_delete, status, effect) in [
        (
            "keep",
            "kept",
            "The CSV was deleted, but the output stays in place.",
        ),
        (
            "remove",
            "removed",
            "The CSV was deleted, and the output was removed.",
        ),
        (
            "deny",
            "written",
            "The CSV was deleted. The published file now lets nobody in.",
        ),
    ] {
        let store = published();
        store.delete_object("uploads", "acme.csv");
        check(&store, on_delete, status);
        let after = report(&store).unwrap();
        assert!(
            after.contains(effect) && !after.contains("Published"),
            "{after}"
        );
        let settings = [("ON_DELETE", on_delete)];
        store.take_calls();
        handle_with(&store, &settings, delete_event()).unwrap();
        let calls = store.take_calls();
        assert!(
            calls.iter().all(|call| !call.starts_with("PUT")),
            "{calls:?}"
        );
        assert_eq!(report(&store).unwrap(), after, "a duplicate event");
        store.upload("uploads", "acme.csv", ACME);
        handle_with(&store, &settings, put_event(&["acme.csv"])).unwrap();
        assert!(report(&store).unwrap().contains("Published"));
    }
}

#[test]
fn an_upload_that_meets_the_report_on_a_delete_wins() {
    for on_delete in ["keep", "remove", "deny"] {
        let store = published();
        store.delete_object("uploads", "acme.csv");
        store.upload_before_next_write("uploads", "acme.csv", b"IP,Rule\n9.9.9.9,Allow\n");
        store.upload_before_next_write("reports", "acme.csv.html", b"another writer's");
        check(&store, on_delete, "written");
        assert_eq!(output(&store).as_deref(), Some("Require ip 9.9.9.9"));
        assert!(report(&store).unwrap().contains("Published"), "{on_delete}");
    }
}

#[test]
fn deny_does_not_shut_a_site_that_was_never_published() {
    let store = MemoryStore::default();
    store.upload("uploads", "acme.csv", b"no,such,column\n");
    let settings = [("ON_DELETE", "deny")];
    handle_with(&store, &settings, put_event(&["acme.csv"])).unwrap();
    store.delete_object("uploads", "acme.csv");
    check(&store, "deny", "kept");
    assert_eq!(output(&store), None);
    assert!(
        report(&store)
            .unwrap()
            .contains("The CSV was deleted. It had no output.")
    );
}

#[test]
fn a_csv_that_is_deleted_while_it_is_published_first_is_denied_in_the_end() {
    let store = MemoryStore::default();
    store.upload("uploads", "acme.csv", ACME);
    store.delete_before_next_write("uploads", "acme.csv");
    check(&store, "deny", "written");
    assert_eq!(output(&store).as_deref(), Some("Require all denied"));
}

/// One template does not compile, and the other one fails when it prints.
#[test]
fn a_delete_is_handled_while_the_template_is_broken() {
    for template in ["{% if", "{{ rules[7].comment }}"] {
        for (on_delete, status, expected) in [
            ("keep", "kept", Some("Require ip 172.100.2.11 192.168.1.10")),
            ("remove", "removed", None),
            ("deny", "written", Some("Require all denied")),
        ] {
            let store = published();
            store.upload("templates", "own", template.as_bytes());
            store.delete_object("uploads", "acme.csv");
            let settings = [("ON_DELETE", on_delete), ("TEMPLATE", "s3://templates/own")];
            let answer = handle_with(&store, &settings, delete_event()).unwrap();
            assert_eq!(statuses(&answer), [status], "{template}");
            assert_eq!(output(&store).as_deref(), expected, "{template}");
        }
    }
}

/// The server of such an output may not read Apache rules, so the delete cannot be handled and the
/// event must not be lost.
#[test]
fn a_denial_that_no_template_can_print_fails() {
    let store = MemoryStore::default();
    let settings = [
        ("ON_DELETE", "deny"),
        ("TEMPLATE", "s3://templates/own"),
        ("OUTPUT_KEY", "{{ path }}.conf"),
    ];
    store.upload(
        "templates",
        "own",
        b"{% for line in allow.lines %}{{ line }}{% endfor %}",
    );
    store.upload("uploads", "acme.csv", ACME);
    handle_with(&store, &settings, put_event(&["acme.csv"])).unwrap();
    let before = store.text("sites", "acme.conf");
    store.upload("templates", "own", b"{% if");
    store.delete_object("uploads", "acme.csv");
    let (kind, message) = handle_with(&store, &settings, delete_event()).unwrap_err();
    assert_eq!(kind, ErrorKind::BadTemplate);
    assert_eq!(
        message,
        "deny everybody in s3://sites/acme.conf: the CSV was deleted, but its output is still published; repair \
         the template and send the event again (BadTemplate)"
    );
    assert_eq!(store.text("sites", "acme.conf"), before);
    store.upload("templates", "own", b"nobody");
    handle_with(&store, &settings, delete_event()).unwrap();
    assert_eq!(
        store.text("sites", "acme.conf").as_deref(),
        Some("nobody\n")
    );
}

/// The previous version becomes the newest again. Its output may already be published, but a slow
/// writer of the deleted version must not mistake it for the output that the writer saw.
#[test]
fn a_permanent_delete_writes_the_output_and_the_report_again_once() {
    let store = published();
    let etags = || {
        let output = store.object("sites", "acme/.htaccess").unwrap().head;
        let report = store.object("reports", "acme.csv.html").unwrap().head;
        (output.etag, report.etag)
    };
    let mut seen = vec![etags()];
    let mut event = delete_event();
    for version in ["v7", "v8"] {
        event["Records"][0]["s3"]["object"]["versionId"] = version.into();
        assert_eq!(statuses(&handle(&store, event.clone())), ["written"]);
        let after = etags();
        let is_new = |(output, report): &(String, String)| *output != after.0 && *report != after.1;
        assert!(seen.iter().all(is_new), "{version}");
        assert_eq!(statuses(&handle(&store, event.clone())), ["unchanged"]);
        assert_eq!(etags(), after, "a duplicate event");
        seen.push(after);
    }
    assert_eq!(
        output(&store).as_deref(),
        Some("Require ip 172.100.2.11 192.168.1.10")
    );
}
