//! A CSV in `preview/` is reported as if it were published, with buckets in memory.

use serde_json::Value;

use crate::function::handler::event;
use crate::function::memory_store::MemoryStore;

const SITE: &str = "clients/acme.csv";
const PREVIEW: &str = "preview/clients/acme.csv";
const REPORT: &str = "preview/clients/acme.csv.html";
const OLD: &str = "IP,Rule\n192.0.2.1,Allow\n192.0.2.3,Allow\n";
const HOLD: [(&str, &str); 1] = [("HOLD_ABOVE", "30")];

fn upload(store: &MemoryStore, key: &str, csv: &str, settings: &[(&str, &str)]) -> Value {
    store.tick();
    store.upload("uploads", key, csv.as_bytes());
    event(store, key, settings)
}

fn report(store: &MemoryStore) -> String {
    store.text("reports", REPORT).unwrap()
}

#[test]
fn a_preview_is_compared_with_the_output_in_force_and_changes_nothing() {
    let store = MemoryStore::default();
    upload(&store, SITE, OLD, &[]);
    let before = (
        store.keys("sites", ""),
        store.text("sites", "clients/acme/.htaccess"),
    );
    let answer = upload(
        &store,
        PREVIEW,
        "IP,Rule\n192.0.2.1,Allow\n2.2.2,Allow\n",
        &[],
    );
    assert_eq!(answer["status"], "previewed");
    assert_eq!(
        (&answer["source"], &answer["output"]),
        (&PREVIEW.into(), &"clients/acme/.htaccess".into())
    );
    assert_eq!(answer["change"]["lost"]["addresses"], "1");
    assert_eq!(answer["rejected"], 1);
    assert!(answer["code"].is_null() && answer.get("approval").is_none());
    let page = report(&store);
    for part in [
        "would be published",
        "This is a preview",
        "<code>192.0.2.3</code>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("copy-object"), "{page}");
    let now = (
        store.keys("sites", ""),
        store.text("sites", "clients/acme/.htaccess"),
    );
    assert_eq!(now, before);
}

#[test]
fn a_preview_says_whether_it_would_be_held_or_refused() {
    let store = MemoryStore::default();
    upload(&store, SITE, OLD, &HOLD);
    let answer = upload(&store, PREVIEW, "IP,Rule\nall,Allow\n", &HOLD);
    assert_eq!(
        (&answer["status"], &answer["code"]),
        (&"previewed".into(), &"change-held".into())
    );
    assert!(
        answer.get("approval").is_none(),
        "a preview cannot be approved"
    );
    let page = report(&store);
    assert!(page.contains("would be held") && page.contains("under its real name"));
    assert!(!page.contains("send this page"), "{page}");
    let answer = upload(&store, PREVIEW, "no column of any use\n", &HOLD);
    assert_eq!(
        (&answer["status"], &answer["code"]),
        (&"previewed".into(), &"missing-column".into())
    );
    assert!(report(&store).contains("would be refused"));
    let answer = upload(&store, "preview/clients/acme.csv.gz", OLD, &HOLD);
    assert_eq!(
        (&answer["status"], &answer["code"]),
        (&"previewed".into(), &"output-taken".into())
    );
}

#[test]
fn a_preview_of_a_new_site_is_the_first_version() {
    let store = MemoryStore::default();
    let answer = upload(&store, PREVIEW, "IP,Rule\nall,Allow\n", &HOLD);
    assert_eq!(
        (&answer["status"], &answer["code"]),
        (&"previewed".into(), &Value::Null)
    );
    assert!(store.keys("sites", "").is_empty());
    assert!(report(&store).contains("This is the first version."));
}

#[test]
fn a_preview_is_reported_again_only_if_something_has_changed() {
    let store = MemoryStore::default();
    upload(&store, SITE, OLD, &[]);
    upload(&store, PREVIEW, "IP,Rule\n192.0.2.1,Allow\n", &[]);
    let puts = |store: &MemoryStore| {
        let calls = store.take_calls();
        calls.iter().filter(|call| call.starts_with("PUT")).count()
    };
    puts(&store);
    assert_eq!(event(&store, PREVIEW, &[])["status"], "previewed");
    assert_eq!(puts(&store), 0);
    upload(&store, SITE, "IP,Rule\n192.0.2.1,Allow\n", &[]);
    puts(&store);
    event(&store, PREVIEW, &[]);
    assert_eq!(puts(&store), 1);
    assert!(report(&store).contains("The same addresses get in as before."));
}

#[test]
fn a_preview_uses_lists_and_may_be_one() {
    let store = MemoryStore::default();
    upload(&store, "lists/office.csv", "IP\n192.0.2.1\n", &[]);
    let answer = upload(&store, PREVIEW, "IP,Rule\n@office,Allow\n", &[]);
    assert_eq!(
        (&answer["status"], &answer["rejected"]),
        (&"previewed".into(), &0.into())
    );
    let compiled = store.keys("reports", "compiled/");
    let answer = upload(&store, "preview/lists/other.csv", "IP\n192.0.2.7\n", &[]);
    assert_eq!(
        (&answer["status"], &answer["output"]),
        (&"previewed".into(), &"compiled/lists/other.list".into())
    );
    assert_eq!(store.keys("reports", "compiled/"), compiled);
}

#[test]
fn a_deleted_preview_leaves_its_report_and_the_output() {
    let store = MemoryStore::default();
    upload(&store, SITE, OLD, &[]);
    upload(&store, PREVIEW, OLD, &[]);
    store.delete_object("uploads", PREVIEW);
    for on_delete in ["keep", "remove", "deny"] {
        let answer = event(&store, PREVIEW, &[("ON_DELETE", on_delete)]);
        assert_eq!(
            (&answer["status"], &answer["output"]),
            (&"kept".into(), &Value::Null)
        );
    }
    assert!(store.text("reports", REPORT).is_some());
    assert_eq!(
        store.last_line("clients/acme/.htaccess"),
        "Require ip 192.0.2.1 192.0.2.3"
    );
}
