//! Lists and the common CSV in the buckets: compiled once, and read by the sites that use them.

use serde_json::{Value, json};

use crate::function::handler::{event, handle_with, put_event};
use crate::function::memory_store::MemoryStore;

const OFFICE: &str = "lists/office.csv";
const COMPILED: &str = "compiled/lists/office.list";
const SITE: &[u8] = b"IP,Rule\n@office,Allow\n198.51.100.1,Allow\n";
const COMMON: (&str, &str) = ("COMMON_CSV", "_common.csv");

/// Uploads a CSV, and returns the result of its event.
fn publish(store: &MemoryStore, key: &str, csv: &[u8], settings: &[(&str, &str)]) -> Value {
    store.tick();
    store.upload("uploads", key, csv);
    event(store, key, settings)
}

/// Returns a store with a list and a site that uses it.
fn with_office() -> MemoryStore {
    let store = MemoryStore::default();
    assert_eq!(
        publish(&store, OFFICE, b"IP\n192.0.2.1\n", &[])["status"],
        "written"
    );
    assert_eq!(publish(&store, "acme.csv", SITE, &[])["status"], "written");
    store
}

#[test]
fn a_list_is_compiled_and_reported() {
    let store = MemoryStore::default();
    let answer = publish(&store, OFFICE, b"IP\n192.0.2.1\n192.0.2.3\n", &[]);
    assert_eq!(
        (&answer["status"], &answer["output"], &answer["accepted"]),
        (&"written".into(), &COMPILED.into(), &2.into())
    );
    assert!(store.object("reports", COMPILED).is_some());
    assert!(store.object("sites", "lists/office/.htaccess").is_none());
    let report = store.text("reports", "lists/office.csv.html").unwrap();
    assert!(report.contains("contains"), "{report}");
    assert_eq!(event(&store, OFFICE, &[])["status"], "unchanged");
}

#[test]
fn a_site_lets_in_the_members_of_its_list() {
    let store = with_office();
    assert_eq!(
        store.last_line("acme/.htaccess"),
        "Require ip 192.0.2.1 198.51.100.1"
    );
    assert_eq!(
        publish(&store, OFFICE, b"IP\n192.0.2.7\n", &[])["status"],
        "written"
    );
    assert_eq!(event(&store, "acme.csv", &[])["status"], "written");
    assert_eq!(
        store.last_line("acme/.htaccess"),
        "Require ip 192.0.2.7 198.51.100.1"
    );
    assert_eq!(event(&store, "acme.csv", &[])["status"], "unchanged");
}

/// An event about a site writes nothing if neither its CSV nor its lists have changed. Compiled lists are
/// read only for a site that uses lists.
#[test]
fn only_a_site_that_names_lists_costs_more_calls() {
    let store = with_office();
    store.take_calls();
    event(&store, "acme.csv", &[]);
    let reads = [
        "HEAD s3://sites/acme/.htaccess",
        "HEAD s3://reports/acme.csv.html",
        "GET s3://uploads/acme.csv",
        "GET s3://reports/compiled/lists/office.list",
        "GET s3://uploads/acme.csv",
    ];
    assert_eq!(store.take_calls(), reads);
    store.tick();
    store.upload("uploads", "other.csv", b"IP,Rule\n198.51.100.1,Allow\n");
    event(&store, "other.csv", &[]);
    let calls = store.take_calls();
    assert!(
        calls.iter().all(|call| !call.contains("compiled")),
        "{calls:?}"
    );
    assert_eq!(calls.len(), 5);
}

#[test]
fn a_list_that_is_refused_or_deleted_stays_in_force() {
    let store = with_office();
    let before = store.object("reports", COMPILED).unwrap().head;
    let refused = publish(
        &store,
        OFFICE,
        b"IP,Rule\n1.1.1.1,Allow\n1.1.1.2,Deny\n",
        &[],
    );
    assert_eq!(refused["code"], "mixed-rules");
    for on_delete in ["keep", "remove", "deny"] {
        store.delete_object("uploads", OFFICE);
        let settings = [("ON_DELETE", on_delete)];
        assert_eq!(event(&store, OFFICE, &settings)["status"], "kept");
        assert_eq!(store.object("reports", COMPILED).unwrap().head, before);
        assert_eq!(event(&store, "acme.csv", &settings)["status"], "unchanged");
    }
}

#[test]
fn a_list_that_does_not_exist_rejects_its_rows_until_it_does() {
    let store = MemoryStore::default();
    let answer = publish(&store, "acme.csv", SITE, &[]);
    assert_eq!(answer["rejections"][0]["code"], "unknown-list");
    assert_eq!(store.last_line("acme/.htaccess"), "Require ip 198.51.100.1");
    assert_eq!(event(&store, "acme.csv", &[])["status"], "unchanged");
    publish(&store, OFFICE, b"IP\n192.0.2.1\n", &[]);
    assert_eq!(event(&store, "acme.csv", &[])["status"], "written");
    assert_eq!(
        store.last_line("acme/.htaccess"),
        "Require ip 192.0.2.1 198.51.100.1"
    );
}

#[test]
fn an_unknown_name_gets_the_nearest_published_one() {
    let store = with_office();
    publish(
        &store,
        "lists/bad-bots.csv",
        b"IP,Rule\n192.0.2.9,Deny\n",
        &[],
    );
    publish(&store, "lists/other.csv", b"IP\n192.0.2.8\n", &[]);
    store.take_calls();
    // The rows of `bad-bots` are Deny rows, so the list is not suggested for a row that allows.
    let site = b"IP,Rule\n@Ofice,Allow\n@bad-bot,Allow\n198.51.100.1,Allow\n";
    let answer = publish(&store, "acme.csv", site, &[]);
    let suggestions: Vec<&Value> = answer["rejections"].as_array().unwrap().iter().collect();
    assert_eq!(suggestions[0]["fixes"], json!(["@office"]), "{answer}");
    assert_eq!(suggestions[1]["fixes"], Value::Null, "{answer}");
    let lists = |calls: &[String]| calls.iter().filter(|call| call.starts_with("LIST")).count();
    assert_eq!(lists(&store.take_calls()), 1);
    // The site does not use the list that was suggested, so a new version of this list
    // does not change the site.
    publish(&store, OFFICE, b"IP\n192.0.2.7\n", &[]);
    assert_eq!(event(&store, "acme.csv", &[])["status"], "unchanged");
    let site = b"IP,Rule\n@bad-bot,Deny\n@office,Allow\n198.51.100.1,Allow\n";
    let answer = publish(&store, "acme.csv", site, &[]);
    assert_eq!(answer["code"], "deny-rejected", "{answer}");
    assert_eq!(answer["rejections"][0]["fixes"], json!(["@bad-bots"]));
}

#[test]
fn names_that_exist_cost_no_listing_and_a_damaged_list_is_not_suggested() {
    let store = with_office();
    event(&store, "acme.csv", &[]);
    publish(&store, "acme.csv", SITE, &[]);
    assert!(
        !store
            .take_calls()
            .iter()
            .any(|call| call.starts_with("LIST"))
    );
    store.upload("reports", COMPILED, b"htaccess-list 99\n");
    let site = b"IP,Rule\n@ofice,Allow\n198.51.100.1,Allow\n";
    let answer = publish(&store, "acme.csv", site, &[]);
    assert_eq!(answer["status"], "written");
    assert_eq!(answer["rejections"][0]["fixes"], Value::Null);
}

/// The output records that the list did not exist, so the rows must not be read with the new list.
#[test]
fn a_list_that_is_published_meanwhile_is_used_at_the_next_event() {
    let compiled = with_office().object("reports", COMPILED).unwrap().bytes;
    let store = MemoryStore::default();
    store.upload_before_next_write("reports", COMPILED, &compiled);
    let answer = publish(&store, "acme.csv", SITE, &[]);
    assert_eq!(answer["rejections"][0]["code"], "unknown-list", "{answer}");
    assert_eq!(store.last_line("acme/.htaccess"), "Require ip 198.51.100.1");
    assert_eq!(event(&store, "acme.csv", &[])["status"], "written");
    assert_eq!(
        store.last_line("acme/.htaccess"),
        "Require ip 192.0.2.1 198.51.100.1"
    );
}

#[test]
fn the_common_csv_applies_to_every_site() {
    let store = with_office();
    let settings = [COMMON];
    let common = b"IP,Rule\n203.0.113.9,Always\n@office,Deny\n";
    let answer = publish(&store, "_common.csv", common, &settings);
    assert_eq!(
        (&answer["status"], &answer["output"]),
        (&"written".into(), &"compiled/common.rules".into())
    );
    let site = b"IP,Rule\n203.0.113.0/24,Deny\n198.51.100.1,Allow\n192.0.2.1,Allow\n";
    let answer = publish(&store, "acme.csv", site, &settings);
    assert_eq!(
        (&answer["status"], &answer["rejected"]),
        (&"written".into(), &0.into()),
        "{answer}"
    );
    assert_eq!(
        store.last_line("acme/.htaccess"),
        "Require ip 198.51.100.1 203.0.113.9"
    );
    assert_eq!(event(&store, "acme.csv", &settings)["status"], "unchanged");
    // A list that the common CSV uses also counts.
    publish(&store, OFFICE, b"IP\n198.51.100.1\n", &settings);
    assert_eq!(event(&store, "acme.csv", &settings)["status"], "written");
    assert_eq!(
        store.last_line("acme/.htaccess"),
        "Require ip 192.0.2.1 203.0.113.9"
    );
    // Without the setting, the file is the CSV of a site and does not apply to other sites.
    assert_eq!(event(&store, "acme.csv", &[])["status"], "written");
    assert_eq!(
        store.last_line("acme/.htaccess"),
        "Require ip 192.0.2.1 198.51.100.1"
    );
}

#[test]
fn a_compiled_list_that_cannot_be_read_fails_the_invocation() {
    let store = with_office();
    store.upload("reports", COMPILED, b"htaccess-list 99\n");
    let failed = handle_with(&store, &[], put_event(&["acme.csv"])).unwrap_err();
    assert_eq!(failed.0.code(), "BadList");
    assert_eq!(
        store.last_line("acme/.htaccess"),
        "Require ip 192.0.2.1 198.51.100.1"
    );
    // The next event about the list repairs the list.
    assert_eq!(event(&store, OFFICE, &[])["status"], "written");
    assert_eq!(event(&store, "acme.csv", &[])["status"], "written");
}

#[test]
fn a_list_needs_no_template() {
    let store = MemoryStore::default();
    store.upload("templates", "own", b"{% if");
    let settings = [("TEMPLATE", "s3://templates/own")];
    let answer = publish(&store, OFFICE, b"IP\n192.0.2.1\n", &settings);
    assert_eq!(answer["status"], "written");
    assert_eq!(event(&store, OFFICE, &settings)["status"], "unchanged");
}

#[test]
fn a_list_of_before_is_replaced_even_if_it_comes_back_within_minutes() {
    let store = with_office();
    for csv in [
        &b"IP\n192.0.2.7\n"[..],
        b"IP\n192.0.2.1\n",
        b"IP\n192.0.2.7\n",
        b"IP\n192.0.2.1\n",
    ] {
        publish(&store, OFFICE, csv, &[]);
        assert_eq!(event(&store, "acme.csv", &[])["status"], "written");
        let expected = String::from_utf8(csv[3..csv.len() - 1].to_vec()).unwrap();
        let output = store.text("sites", "acme/.htaccess").unwrap();
        assert!(output.contains(&expected), "{output}");
    }
}
