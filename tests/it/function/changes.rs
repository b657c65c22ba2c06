//! The change in who gets in after an upload, and the origin of the upload, with buckets in memory.

use serde_json::{Value, json};

use crate::function::handler::{event, handle_with, put_event};
use crate::function::memory_store::MemoryStore;

const SITE: &str = "clients/acme.csv";
const REPORT: &str = "clients/acme.csv.html";
const OLD: &str = "IP,Rule\n192.0.2.1,Allow\n192.0.2.3,Allow\n";
const NEW: &str = "IP,Rule\n192.0.2.1,Allow\n198.51.100.0/24,Allow\n";

fn upload(store: &MemoryStore, csv: &str) -> Value {
    store.tick();
    store.upload("uploads", SITE, csv.as_bytes());
    event(store, SITE, &[])
}

fn report(store: &MemoryStore) -> String {
    store.text("reports", REPORT).unwrap()
}

#[test]
fn the_answer_and_the_report_say_what_changed() {
    let store = MemoryStore::default();
    let first = upload(&store, OLD);
    assert!(first.get("change").is_none(), "{first}");
    assert!(report(&store).contains("This is the first version."));
    let version = store.object("uploads", SITE).unwrap().head.version_id;
    let answer = upload(&store, NEW);
    let expected = json!({
        "gained": {"networks": 1, "addresses": "256"},
        "lost": {"networks": 1, "addresses": "1"},
    });
    assert_eq!(answer["change"], expected);
    let page = report(&store);
    for part in [
        "1 network (256 addresses) gains access: <code>198.51.100.0/24</code>",
        "1 network (1 address) loses access: <code>192.0.2.3</code>",
        "aws s3api copy-object --bucket uploads --key clients/acme.csv",
        &format!("versionId={version}"),
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let same = upload(&store, &NEW.replace("Rule\n", "Rule\n# a comment\n"));
    assert_eq!(same["change"]["gained"]["networks"], 0);
    assert!(report(&store).contains("The same addresses get in as before."));
}

#[test]
fn only_a_changed_upload_costs_one_more_call() {
    let store = MemoryStore::default();
    let calls = |store: &MemoryStore| {
        let calls = store.take_calls();
        let versions = calls.iter().filter(|call| call.starts_with("GET v"));
        (calls.len(), versions.count())
    };
    upload(&store, OLD);
    assert_eq!(calls(&store), (5, 0));
    event(&store, SITE, &[]);
    assert_eq!(calls(&store), (3, 0));
    upload(&store, NEW);
    assert_eq!(calls(&store), (6, 1));
    event(&store, SITE, &[]);
    assert_eq!(calls(&store), (3, 0));
}

/// The PUT of the output comes directly after the reads of the first round.
#[test]
fn the_output_does_not_wait_for_the_previous_version() {
    let store = MemoryStore::default();
    upload(&store, OLD);
    store.take_calls();
    upload(&store, NEW);
    let calls = store.take_calls();
    assert!(calls[3].starts_with("PUT s3://sites/"), "{calls:?}");
    assert!(calls[4].starts_with("GET v"), "{calls:?}");
    assert!(calls[5].starts_with("PUT s3://reports/"), "{calls:?}");
}

#[test]
fn a_previous_version_that_cannot_be_read_is_no_error() {
    let store = MemoryStore::default();
    upload(&store, OLD);
    store.forget_versions("uploads", SITE);
    let answer = upload(&store, NEW);
    assert_eq!(answer["status"], "written");
    assert!(answer.get("change").is_none(), "{answer}");
    let gone = "The change is unknown: the previous version of the CSV no longer exists.";
    assert!(report(&store).contains(gone));
    store.fail(
        "GET v",
        htaccess_generator::function::ErrorKind::Unavailable,
    );
    assert_eq!(upload(&store, OLD)["status"], "written");
    assert!(report(&store).contains("the previous version of the CSV could not be read"));
    store.mend();
}

#[test]
fn a_bucket_without_versions_has_nothing_to_compare_with() {
    let store = MemoryStore::default();
    store.without_versions();
    let emulator = [("AWS_ENDPOINT_URL_S3", "http://localhost:1")];
    for csv in [OLD, NEW] {
        store.tick();
        store.upload("uploads", SITE, csv.as_bytes());
        assert_eq!(event(&store, SITE, &emulator)["status"], "written");
    }
    assert!(report(&store).contains("the previous version of the CSV has no version id"));
}

#[test]
fn a_changed_list_changes_its_sites() {
    let store = MemoryStore::default();
    let list = |members: &str| {
        store.tick();
        store.upload("uploads", "lists/office.csv", members.as_bytes());
        event(&store, "lists/office.csv", &[])
    };
    list("IP\n192.0.2.1\n");
    upload(
        &store,
        "IP,Rule\n@office,Allow\n@later,Allow\n198.51.100.1,Allow\n",
    );
    list("IP\n192.0.2.2\n192.0.2.3\n");
    let answer = event(&store, SITE, &[]);
    let expected = json!({
        "gained": {"networks": 1, "addresses": "2"},
        "lost": {"networks": 1, "addresses": "1"},
    });
    assert_eq!(answer["change"], expected);
    let page = report(&store);
    assert!(!page.contains("copy-object"), "the CSV is the same: {page}");
    // The published version of the CSV is read again with the same lists.
    let answer = upload(&store, "IP,Rule\n@office,Allow\n");
    assert_eq!(answer["change"]["lost"]["addresses"], "1");
    store.forget_versions("reports", "compiled/lists/office.list");
    list("IP\n192.0.2.9\n");
    let answer = event(&store, SITE, &[]);
    assert_eq!(
        (&answer["status"], answer.get("change")),
        (&"written".into(), None)
    );
    assert!(report(&store).contains("the previous versions of its lists"));
}

#[test]
fn rows_that_end_are_a_change() {
    let store = MemoryStore::default();
    upload(
        &store,
        "IP,Rule,Expires\n192.0.2.1,Allow,\n192.0.2.9,Allow,1970-01-01T01:00:00Z\n",
    );
    store.wait(2 * 3600);
    let answer = event(&store, SITE, &[]);
    assert_eq!(answer["change"]["lost"]["addresses"], "1");
    assert_eq!(answer["change"]["gained"]["addresses"], "0");
}

/// An event contains the version that it is about. The origin is not shown for another version.
#[test]
fn the_report_names_who_uploaded_the_version() {
    let store = MemoryStore::default();
    store.upload("uploads", SITE, OLD.as_bytes());
    let version = store.object("uploads", SITE).unwrap().head.version_id;
    let mut notification = put_event(&[SITE]);
    let record = &mut notification["Records"][0];
    record["userIdentity"] = json!({"principalId": "AWS:AIDA<EXAMPLE>:maria"});
    record["requestParameters"] = json!({"sourceIPAddress": "203.0.113.7"});
    record["s3"]["object"]["versionId"] = json!(version);
    handle_with(&store, &[], notification.clone()).unwrap();
    let page = report(&store);
    assert!(page.contains("AWS:AIDA&lt;EXAMPLE&gt;:maria"), "{page}");
    assert!(
        page.contains("203.0.113.7") && page.contains(&version),
        "{page}"
    );
    store.tick();
    store.upload("uploads", SITE, NEW.as_bytes());
    handle_with(&store, &[], notification).unwrap();
    assert!(!report(&store).contains("maria"));
    store.tick();
    store.upload("uploads", SITE, OLD.as_bytes());
    let version = store.object("uploads", SITE).unwrap().head.version_id;
    let event = json!({
        "detail-type": "Object Created", "source": "aws.s3",
        "detail": {
            "bucket": {"name": "uploads"}, "object": {"key": SITE, "version-id": version},
            "requester": "123456789012", "source-ip-address": "198.51.100.7",
        },
    });
    handle_with(&store, &[], event).unwrap();
    let page = report(&store);
    assert!(
        page.contains("123456789012") && page.contains("198.51.100.7"),
        "{page}"
    );
}

#[test]
fn an_output_of_a_deleted_csv_let_nobody_in() {
    let store = MemoryStore::default();
    let settings = [("ON_DELETE", "deny")];
    upload(&store, OLD);
    store.delete_object("uploads", SITE);
    event(&store, SITE, &settings);
    store.upload("uploads", SITE, NEW.as_bytes());
    let answer = event(&store, SITE, &settings);
    assert_eq!(answer["change"]["gained"]["addresses"], "257");
    assert_eq!(answer["change"]["lost"]["addresses"], "0");
}
