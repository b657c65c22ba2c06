//! Objects that cannot be trusted: uploads from other buckets or without versions, outputs that another
//! program edited, and templates that changed.

use htaccess_generator::function::ErrorKind;
use htaccess_generator::function::store::{Checksum, ContentDigest, PutKind};

use super::handler::{ACME, handle, handle_with, put_event, statuses};
use super::memory_store::MemoryStore;

#[test]
fn an_event_of_another_bucket_is_refused() {
    let store = MemoryStore::default();
    for bucket in ["uploads", "elsewhere"] {
        store.upload(bucket, "acme.csv", ACME);
    }
    let mut event = put_event(&["acme.csv"]);
    event["Records"][0]["s3"]["bucket"]["name"] = "elsewhere".into();
    let settings = [("UPLOAD_BUCKET", "uploads")];
    for key in ["acme.csv", "acme.txt", "acme/"] {
        event["Records"][0]["s3"]["object"]["key"] = key.into();
        let (kind, message) = handle_with(&store, &settings, event.clone()).unwrap_err();
        assert_eq!(kind, ErrorKind::OtherBucket);
        assert_eq!(
            message,
            format!(
                "publish s3://elsewhere/{key}: only objects in UPLOAD_BUCKET are published; send only events \
                 of that bucket (OtherBucket)"
            )
        );
    }
    assert!(store.take_calls().is_empty());
    let answer = handle_with(&store, &settings, put_event(&["acme.csv"])).unwrap();
    assert_eq!(statuses(&answer), ["written"]);
    event["Records"][0]["s3"]["object"]["key"] = "acme.csv".into();
    handle(&store, event);
}

#[test]
fn an_upload_without_a_version_fails_and_writes_nothing() {
    let store = MemoryStore::default();
    store.without_versions();
    for key in ["acme.csv", "acme.txt"] {
        store.upload("uploads", key, ACME);
        let (kind, message) = handle_with(&store, &[], put_event(&[key])).unwrap_err();
        assert_eq!(kind, ErrorKind::UnversionedBucket);
        assert_eq!(kind.code(), "unversioned-bucket");
        assert_eq!(
            message,
            format!(
                "GET s3://uploads/{key}: versioning is not enabled for the bucket, so the order of uploads is uncertain; \
                 enable versioning and upload the file again (unversioned-bucket)"
            )
        );
    }
    let calls = store.take_calls();
    assert!(
        calls.iter().all(|call| !call.starts_with("PUT")),
        "{calls:?}"
    );
    // An emulator may have no versions. An object from the time before versioning has the version `null`.
    let emulator = [("AWS_ENDPOINT_URL_S3", "http://localhost:1")];
    let answer = handle_with(&store, &emulator, put_event(&["acme.csv"])).unwrap();
    assert_eq!(statuses(&answer), ["written"]);
    store.set_version("uploads", "acme.csv", "null");
    assert_eq!(
        statuses(&handle(&store, put_event(&["acme.csv"]))),
        ["written"]
    );
    assert_eq!(
        statuses(&handle(&store, put_event(&["acme.csv"]))),
        ["unchanged"]
    );
}

#[test]
fn an_output_that_was_edited_by_hand_is_written_again() {
    let edited = ContentDigest::of(b"edited").stored_as(PutKind::Single);
    for checksum in [Checksum::Sha256(edited), Checksum::Other] {
        for (bucket, key) in [("sites", "acme/.htaccess"), ("reports", "acme.csv.html")] {
            let store = MemoryStore::default();
            store.upload("uploads", "acme.csv", ACME);
            handle(&store, put_event(&["acme.csv"]));
            let before = store.text(bucket, key);
            store.edit(bucket, key, b"edited", checksum.clone());
            handle(&store, put_event(&["acme.csv"]));
            let after = store.text(bucket, key);
            assert_ne!(after.as_deref(), Some("edited"), "{key}");
            assert!(bucket == "reports" || after == before);
            let answer = handle(&store, put_event(&["acme.csv"]));
            assert_eq!(statuses(&answer), ["unchanged"], "{key}");
        }
    }
}

#[test]
fn a_custom_template_that_changed_is_read_again_before_it_replaces_an_output() {
    let store = MemoryStore::default();
    let settings = [("TEMPLATE", "s3://templates/own.tera")];
    let gets = |store: &MemoryStore| {
        let calls = store.take_calls();
        let is_get = |call: &&String| call.starts_with("GET s3://templates");
        calls.iter().filter(is_get).count()
    };
    for (template, expected) in [(b"one", [1, 1, 1]), (b"two", [2, 1, 1])] {
        store.upload("templates", "own.tera", template);
        for gets_expected in expected {
            store.tick();
            store.upload("uploads", "acme.csv", ACME);
            handle_with(&store, &settings, put_event(&["acme.csv"])).unwrap();
            assert_eq!(gets(&store), gets_expected);
        }
    }
    // If the same text is uploaded again, the output is written again, because a writer with the
    // template in between may be slow.
    store.tick();
    store.upload("templates", "own.tera", b"two");
    let answer = handle_with(&store, &settings, put_event(&["acme.csv"])).unwrap();
    assert_eq!(statuses(&answer), ["written"]);
    let answer = handle_with(&store, &settings, put_event(&["acme.csv"])).unwrap();
    assert_eq!(statuses(&answer), ["unchanged"]);
}
