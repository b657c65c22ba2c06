//! Two uploads with one output: one upload owns the output, and the other is refused while the owner exists.

use serde_json::Value;

use crate::function::handler::{ACME, event, handle_with, put_event, statuses};
use crate::function::memory_store::MemoryStore;

const OTHER: &[u8] = b"IP,Rule\n9.9.9.9,Allow\n";
const ON_DELETE: [&str; 3] = ["keep", "remove", "deny"];

/// Returns a store in which `acme.csv` owns the output, and `acme.csv.gz` was uploaded later.
fn shared() -> MemoryStore {
    let store = MemoryStore::default();
    store.upload("uploads", "acme.csv", ACME);
    event(&store, "acme.csv", &[]);
    store.tick();
    store.upload("uploads", "acme.csv.gz", OTHER);
    store
}

#[test]
fn the_second_upload_is_refused_while_the_first_exists() {
    for on_delete in ON_DELETE {
        let store = shared();
        let before = store.object("sites", "acme/.htaccess").unwrap().head;
        for _ in 0..2 {
            let answer = event(&store, "acme.csv.gz", &[("ON_DELETE", on_delete)]);
            assert_eq!(
                (&answer["status"], &answer["code"]),
                (&"refused".into(), &"output-taken".into())
            );
            assert_eq!(
                answer["message"],
                "the output \"acme/.htaccess\" belongs to the upload \"acme.csv\": delete that upload and \
                 upload this file again, or rename one of the files so that their outputs differ"
            );
        }
        assert_eq!(
            store.object("sites", "acme/.htaccess").unwrap().head,
            before
        );
        let report = store.text("reports", "acme.csv.gz.html").unwrap();
        assert!(report.contains("belongs to the upload"), "{report}");
        let owner = event(&store, "acme.csv", &[("ON_DELETE", on_delete)]);
        assert_eq!(owner["status"], "unchanged");
    }
}

#[test]
fn the_report_waits_for_the_output_only_where_another_upload_can_come_between() {
    for on_delete in ON_DELETE {
        let settings = [("ON_DELETE", on_delete)];
        let puts_at_once = |store: &MemoryStore, key, csv| {
            store.upload("uploads", key, csv);
            store.puts_at_once.set(0);
            assert_eq!(event(store, key, &settings)["status"], "written");
            store.tick();
            store.puts_at_once.get()
        };
        let store = MemoryStore::default();
        let first = puts_at_once(&store, "acme.csv", ACME);
        assert_eq!(
            first,
            if on_delete == "remove" { 1 } else { 2 },
            "{on_delete}"
        );
        assert_eq!(puts_at_once(&store, "acme.csv", OTHER), 2, "{on_delete}");
        store.delete_object("uploads", "acme.csv");
        let taken_over = puts_at_once(&store, "acme.csv.gz", ACME);
        assert_eq!(taken_over, 1, "{on_delete}");
    }
}

#[test]
fn the_delete_of_a_refused_upload_changes_no_output() {
    for on_delete in ON_DELETE {
        let store = shared();
        event(&store, "acme.csv.gz", &[]);
        let before = store.object("sites", "acme/.htaccess").unwrap().head;
        store.delete_object("uploads", "acme.csv.gz");
        let answer = event(&store, "acme.csv.gz", &[("ON_DELETE", on_delete)]);
        assert_eq!(
            (&answer["status"], &answer["output"]),
            (&"kept".into(), &Value::Null)
        );
        assert_eq!(
            store.object("sites", "acme/.htaccess").unwrap().head,
            before
        );
        let report = store.text("reports", "acme.csv.gz.html").unwrap();
        assert!(
            report.contains("The CSV was deleted. It had no output."),
            "{report}"
        );
    }
}

#[test]
fn the_other_upload_takes_over_after_the_owner_was_deleted() {
    for on_delete in ON_DELETE {
        for delete_is_told in [false, true] {
            let store = shared();
            let settings = [("ON_DELETE", on_delete)];
            event(&store, "acme.csv.gz", &settings);
            store.delete_object("uploads", "acme.csv");
            if delete_is_told {
                event(&store, "acme.csv", &settings);
            }
            assert_eq!(event(&store, "acme.csv.gz", &settings)["status"], "written");
            assert_eq!(store.last_line("acme/.htaccess"), "Require ip 9.9.9.9");
            let report = store.text("reports", "acme.csv.gz.html").unwrap();
            assert!(report.contains("Published"), "{report}");
            store.upload("uploads", "acme.csv", ACME);
            assert_eq!(event(&store, "acme.csv", &settings)["code"], "output-taken");
        }
    }
}

#[test]
fn an_output_of_another_program_is_taken_over() {
    let store = MemoryStore::default();
    store.upload("sites", "acme/.htaccess", b"Require all granted\n");
    store.upload("uploads", "acme.csv", ACME);
    assert_eq!(event(&store, "acme.csv", &[])["status"], "written");
}

/// Only a refusal checks whether the owner exists.
#[test]
fn only_a_collision_costs_more_calls() {
    let store = shared();
    store.take_calls();
    event(&store, "acme.csv.gz", &[]);
    assert_eq!(
        store.take_calls(),
        [
            "HEAD s3://sites/acme/.htaccess",
            "HEAD s3://reports/acme.csv.gz.html",
            "GET s3://uploads/acme.csv.gz",
            "GET s3://uploads/acme.csv.gz",
            "HEAD s3://uploads/acme.csv",
            "PUT s3://reports/acme.csv.gz.html",
            "HEAD s3://sites/acme/.htaccess",
        ]
    );
    for (settings, first, next) in [("keep", 5, 6), ("deny", 6, 6), ("remove", 6, 7)] {
        let store = MemoryStore::default();
        for calls in [first, next, next] {
            store.tick();
            store.upload("uploads", "acme.csv", ACME);
            event(&store, "acme.csv", &[("ON_DELETE", settings)]);
            assert_eq!(store.take_calls().len(), calls, "{settings}");
        }
    }
}

/// The metadata of an output has no space for such a long key.
#[test]
fn the_owner_is_found_whatever_the_length_of_its_key() {
    let folder = ["é".repeat(125).as_str(); 3].join("/");
    let owner = format!("{folder}/{}.csv", "é".repeat(100));
    let store = MemoryStore::default();
    store.upload("uploads", &owner, ACME);
    assert_eq!(event(&store, &owner, &[])["status"], "written");
    assert_eq!(event(&store, &owner, &[])["status"], "unchanged");
    let other = format!("{owner}.gz");
    store.upload("uploads", &other, OTHER);
    let answer = event(&store, &other, &[]);
    assert_eq!(answer["code"], "output-taken");
    store.delete_object("uploads", &owner);
    assert_eq!(event(&store, &other, &[])["status"], "written");
}

#[test]
fn a_constant_output_key_is_for_one_upload() {
    let settings = [("OUTPUT_KEY", "conf/blocklist.conf")];
    let store = MemoryStore::default();
    store.upload("uploads", "a.csv", ACME);
    store.upload("uploads", "b/c.csv", OTHER);
    let answer = handle_with(&store, &settings, put_event(&["a.csv"])).unwrap();
    assert_eq!(statuses(&answer), ["written"]);
    let refused = event(&store, "b/c.csv", &settings);
    assert_eq!(refused["code"], "output-taken");
    store.delete_object("uploads", "a.csv");
    assert_eq!(event(&store, "b/c.csv", &settings)["status"], "written");
    assert_eq!(store.last_line("conf/blocklist.conf"), "Require ip 9.9.9.9");
}

/// The key of the owner is too long to be recorded, and cannot be derived from the other key. The owner
/// therefore cannot be found, and nothing is published.
#[test]
fn an_owner_that_cannot_be_found_is_not_replaced() {
    let settings = [("OUTPUT_KEY", "conf/blocklist.conf")];
    let owner = format!("{}.csv", ["é".repeat(125).as_str(); 4].join("/"));
    let store = MemoryStore::default();
    store.upload("uploads", &owner, ACME);
    assert_eq!(event(&store, &owner, &settings)["status"], "written");
    store.upload("uploads", "b.csv", OTHER);
    store.delete_object("uploads", &owner);
    let answer = event(&store, "b.csv", &settings);
    assert_eq!(
        answer["message"],
        "the output \"conf/blocklist.conf\" belongs to another upload, whose key is too long to be recorded: \
         rename one of the files so that their outputs differ, or delete the output if that upload no longer \
         exists"
    );
    assert_ne!(store.last_line("conf/blocklist.conf"), "Require ip 9.9.9.9");
    store.delete_object("sites", "conf/blocklist.conf");
    assert_eq!(event(&store, "b.csv", &settings)["status"], "written");
}
