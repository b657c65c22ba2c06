//! Outputs after a change of the settings or of the program: see "Upgrades" in docs/operations.md.

use serde_json::Value;

use crate::function::handler::{ACME, handle_with, put_event};
use crate::function::memory_store::MemoryStore;

/// Returns a store with a CSV that has a rejected row and was published with the default settings.
fn published() -> MemoryStore {
    let store = MemoryStore::default();
    store.upload("uploads", "acme.csv", ACME);
    assert_eq!(status_with(&store, &[]), "written");
    assert_eq!(status_with(&store, &[]), "unchanged");
    store
}

/// Returns the status of an event about the same CSV with other settings.
fn status_with(store: &MemoryStore, settings: &[(&str, &str)]) -> Value {
    let answer = handle_with(store, settings, put_event(&["acme.csv"])).unwrap();
    answer["results"][0]["status"].clone()
}

/// Returns the settings digest of the current output.
fn digest(store: &MemoryStore) -> String {
    let output = store.object("sites", "acme/.htaccess").unwrap();
    output.head.metadata["settings"].clone()
}

#[test]
fn a_setting_that_decides_the_bytes_renews_outputs_at_their_next_event() {
    for change in [
        ("TEMPLATE", "apache22"),
        ("DEFAULT_POLICY", "allow"),
        ("MAX_OUTPUT_BYTES", "1000000"),
    ] {
        let store = published();
        let before = digest(&store);
        assert_eq!(status_with(&store, &[change]), "written", "{change:?}");
        assert_ne!(digest(&store), before, "{change:?}");
        assert_eq!(status_with(&store, &[change]), "unchanged", "{change:?}");
        assert_eq!(status_with(&store, &[]), "written", "and back");
        assert_eq!(digest(&store), before);
    }
}

#[test]
fn a_limit_on_the_csv_counts_from_the_next_upload() {
    let change = [("MAX_CSV_BYTES", "1")];
    let store = published();
    let before = digest(&store);
    assert_eq!(status_with(&store, &change), "unchanged");
    store.tick();
    store.upload("uploads", "acme.csv", ACME);
    assert_eq!(status_with(&store, &change), "refused");
    assert_eq!(digest(&store), before, "a refused CSV leaves the output");
}

#[test]
fn another_strictness_is_applied_at_the_next_event() {
    let store = published();
    let before = digest(&store);
    assert_eq!(status_with(&store, &[("STRICT", "all")]), "refused");
    assert_eq!(digest(&store), before, "a refused CSV leaves the output");
    assert_eq!(status_with(&store, &[]), "unchanged");
    assert_eq!(status_with(&store, &[("STRICT", "none")]), "written");
    assert_ne!(digest(&store), before);
    assert_eq!(status_with(&store, &[("STRICT", "none")]), "unchanged");
}

#[test]
fn another_output_key_writes_a_new_output_and_leaves_the_old_one() {
    let store = published();
    let change = [("OUTPUT_KEY", "{{ dir }}{{ stem }}.conf")];
    assert_eq!(status_with(&store, &change), "written");
    assert!(store.object("sites", "acme.conf").is_some());
    assert!(store.object("sites", "acme/.htaccess").is_some());
}

/// The result can change while the CSV stays the same.
#[test]
fn a_report_shows_the_latest_result_of_its_csv() {
    let store = MemoryStore::default();
    let report = || store.text("reports", "acme.csv.html").unwrap();
    store.upload("uploads", "acme.csv", ACME);
    for (change, code) in [
        (("STRICT", "all"), "rows-rejected"),
        (("MAX_CSV_BYTES", "1"), "larger than 1 bytes"),
        (("MAX_CSV_BYTES", "2"), "larger than 2 bytes"),
    ] {
        assert_eq!(status_with(&store, &[change]), "refused");
        assert!(report().contains(code), "{code}: {}", report());
    }
    assert_eq!(status_with(&store, &[]), "written");
    assert!(!report().contains("Refused"), "{}", report());
    let change = [("OUTPUT_KEY", "{{ path }}.conf")];
    assert_eq!(status_with(&store, &change), "written");
    assert!(report().contains("\"acme.conf\""), "{}", report());
    store.take_calls();
    assert_eq!(status_with(&store, &change), "unchanged");
    let calls = store.take_calls();
    assert!(
        !calls.iter().any(|call| call.starts_with("PUT")),
        "{calls:?}"
    );
}

#[test]
fn an_output_of_another_program_version_is_written_again() {
    let store = published();
    for (name, value) in [
        ("generator", "htaccess-generator/0.0.9"),
        ("settings", "00112233445566778899aabbccddeeff"),
    ] {
        store.set_metadata("sites", "acme/.htaccess", name, value);
        assert_eq!(status_with(&store, &[]), "written", "{name}");
        assert_eq!(status_with(&store, &[]), "unchanged", "{name}");
    }
}
