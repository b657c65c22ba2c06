//! Every event format, and the response that its source expects.

use htaccess_generator::function::ErrorKind;
use serde_json::{Value, json};

use crate::function::handler::{ACME, handle, handle_with, put_event};
use crate::function::memory_store::MemoryStore;

fn uploaded(keys: &[&str]) -> MemoryStore {
    let store = MemoryStore::default();
    for key in keys {
        store.upload("uploads", key, ACME);
    }
    store
}

fn queue(bodies: &[Value]) -> Value {
    let record = |(index, body): (usize, &Value)| json!({"messageId": format!("m{index}"), "eventSource": "aws:sqs", "body": body.to_string()});
    json!({"Records": bodies.iter().enumerate().map(record).collect::<Vec<_>>()})
}

fn event_bridge(key: &str) -> Value {
    json!({
        "source": "aws.s3", "detail-type": "Object Created",
        "detail": {"bucket": {"name": "uploads"}, "object": {"key": key}},
    })
}

#[test]
fn a_queue_learns_which_messages_to_deliver_again() {
    let store = uploaded(&["a.csv", "b.csv", "refused/c.csv"]);
    store.upload("uploads", "refused/c.csv", b"no,such,column\n");
    store.fail("PUT s3://sites/b/", ErrorKind::Throttled);
    let test = json!({"Event": "s3:TestEvent"});
    let bodies = [
        put_event(&["a.csv"]),
        put_event(&["b.csv"]),
        put_event(&["refused/c.csv"]),
        test,
        json!({"x": 1}),
    ];
    let answer = handle(&store, queue(&bodies));
    let failures =
        json!({"batchItemFailures": [{"itemIdentifier": "m1"}, {"itemIdentifier": "m4"}]});
    assert_eq!(answer, failures);
    assert!(store.text("sites", "a/.htaccess").is_some());
    store.mend();
    assert_eq!(
        handle(&store, queue(&bodies[..2])),
        json!({"batchItemFailures": []})
    );
}

/// A key is decoded as its source encodes it, and in no other way.
#[test]
fn a_key_names_one_object_only() {
    let store = uploaded(&["a b.csv"]);
    let task = |key: &str| {
        json!({
            "invocationSchemaVersion": "2.0", "invocationId": "i",
            "tasks": [{"taskId": "1", "s3Key": key, "s3Bucket": "uploads"}],
        })
    };
    for key in ["a+b.csv", "a%20b.csv"] {
        let answer = handle(&store, event_bridge(key));
        let result = &answer["results"][0];
        assert_eq!(
            (&result["status"], &result["source"]),
            (&"kept".into(), &key.into())
        );
    }
    let answer = handle(&store, task("a+b.csv"));
    assert_eq!(
        (
            &answer["results"][0]["resultCode"],
            &answer["results"][0]["resultString"]
        ),
        (
            &"PermanentFailure".into(),
            &"there is no object \"a+b.csv\": if + represents a space, write %20 in the manifest instead"
                .into()
        )
    );
    assert!(store.text("sites", "a b/.htaccess").is_none());
    let answer = handle(&store, task("a%20b.csv"));
    assert_eq!(
        answer["results"][0]["resultString"],
        "written, 1 rows rejected"
    );
    store.upload("uploads", "a+b.csv", ACME);
    let answer = handle(&store, task("a+b.csv"));
    assert_eq!(
        answer["results"][0]["resultString"],
        "written, 1 rows rejected"
    );
    assert!(store.text("sites", "a+b/.htaccess").is_some());
}

#[test]
fn batch_operations_are_answered_task_by_task() {
    let store = uploaded(&["a.csv", "b.csv", "c.csv"]);
    store.upload("uploads", "b.csv", b"no,such,column\n");
    store.fail("GET s3://uploads/c.csv", ErrorKind::Unavailable);
    let task = |id: &str, key: &str| json!({"taskId": id, "s3Key": key, "s3VersionId": "1", "s3BucketArn": "arn:aws:s3:::uploads"});
    let event = json!({
        "invocationSchemaVersion": "1.0", "invocationId": "i", "job": {"id": "j"},
        "tasks": [task("1", "a.csv"), task("2", "b.csv"), task("3", "c.csv"), json!({"taskId": "4"})],
    });
    let answer = handle(&store, event);
    assert_eq!(
        (&answer["invocationSchemaVersion"], &answer["invocationId"]),
        (&"1.0".into(), &"i".into())
    );
    assert_eq!(answer["treatMissingKeysAs"], "TemporaryFailure");
    let results: Vec<(&str, &str)> = answer["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| {
            (
                result["taskId"].as_str().unwrap(),
                result["resultCode"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        results,
        [
            ("1", "Succeeded"),
            ("2", "PermanentFailure"),
            ("3", "TemporaryFailure"),
            ("4", "PermanentFailure")
        ]
    );
    assert_eq!(
        answer["results"][0]["resultString"],
        "written, 1 rows rejected"
    );
    let refused = answer["results"][1]["resultString"].as_str().unwrap();
    assert!(refused.starts_with("missing-column: "), "{refused}");
}

#[test]
fn eight_records_of_an_event_are_processed_at_once() {
    let names: Vec<String> = (0..20).map(|index| format!("{index}.csv")).collect();
    let keys: Vec<&str> = names.iter().map(String::as_str).collect();
    let task =
        |key: &&str| json!({"taskId": "1", "s3Key": key, "s3BucketArn": "arn:aws:s3:::uploads"});
    let tasks: Vec<Value> = keys.iter().map(task).collect();
    let messages: Vec<Value> = keys.iter().map(|key| put_event(&[key])).collect();
    for event in [
        put_event(&keys),
        queue(&messages),
        json!({"invocationSchemaVersion": "1.0", "invocationId": "i", "tasks": tasks}),
    ] {
        let store = uploaded(&keys);
        handle(&store, event);
        assert!(store.text("sites", "19/.htaccess").is_some());
        assert_eq!(store.gets_at_once.get(), 8);
    }
}

#[test]
fn batch_operations_retry_temporary_failures() {
    for (kind, expected) in [
        (ErrorKind::Throttled, "TemporaryFailure"),
        (ErrorKind::Unavailable, "TemporaryFailure"),
        (ErrorKind::Connection, "TemporaryFailure"),
        (ErrorKind::Damaged, "TemporaryFailure"),
        (ErrorKind::Contention, "TemporaryFailure"),
        (ErrorKind::OutOfTime, "TemporaryFailure"),
        (ErrorKind::AccessDenied, "PermanentFailure"),
        (ErrorKind::NoSuchBucket, "PermanentFailure"),
        (ErrorKind::BadRequest, "PermanentFailure"),
    ] {
        let store = uploaded(&["a.csv"]);
        store.fail("PUT s3://sites", kind);
        let task = json!({"taskId": "1", "s3Key": "a.csv", "s3Bucket": "uploads"});
        let event = json!({"invocationSchemaVersion": "2.0", "invocationId": "i", "tasks": [task]});
        let answer = handle(&store, event);
        assert_eq!(answer["results"][0]["resultCode"], expected, "{kind:?}");
        let said = answer["results"][0]["resultString"].as_str().unwrap();
        assert!(said.ends_with(&format!("({})", kind.code())), "{said}");
    }
}

#[test]
fn an_unknown_event_is_an_error_that_names_its_fields() {
    let store = MemoryStore::default();
    let (kind, message) = handle_with(&store, &[], json!({"key1": "value1"})).unwrap_err();
    assert_eq!(kind, ErrorKind::UnknownEvent);
    assert!(
        message.starts_with("unknown event: the fields key1: expected an S3 event"),
        "{message}"
    );
}

/// In every event format, the report gives the reason and nothing is published.
#[test]
fn another_file_is_refused_and_a_folder_marker_ignored_in_every_format() {
    const KEYS: [&str; 4] = ["acme.txt", "gone.txt", "clients/", "acme.csv"];
    let arn = "arn:aws:s3:::uploads";
    let task = |key: &&str| json!({"taskId": key, "s3Key": key, "s3BucketArn": arn});
    let tasks: Vec<Value> = KEYS.iter().map(task).collect();
    let batch = json!({"invocationSchemaVersion": "1.0", "invocationId": "i", "tasks": tasks});
    let messages: Vec<Value> = KEYS.iter().map(|key| event_bridge(key)).collect();
    let sns = json!({"Records": [{"Sns": {"Message": put_event(&KEYS).to_string()}}]});
    for (name, events) in [
        ("S3", vec![put_event(&KEYS)]),
        ("SNS", vec![sns]),
        ("EventBridge", messages.clone()),
        ("SQS", vec![queue(&messages)]),
        ("Batch Operations", vec![batch]),
    ] {
        let store = MemoryStore::default();
        store.upload("uploads", "acme.txt", ACME);
        store.upload("uploads", "clients/", b"");
        store.upload("uploads", "acme.csv", b"IP,Rule\n9.9.9.9,Allow\n");
        let answers: Vec<Value> = events
            .into_iter()
            .map(|event| handle(&store, event))
            .collect();
        let results: Vec<&Value> = answers
            .iter()
            .filter_map(|answer| answer["results"].as_array())
            .flatten()
            .collect();
        let said: Vec<&str> = match name {
            "SQS" => {
                assert_eq!(answers[0], json!({"batchItemFailures": []}));
                Vec::new()
            }
            "Batch Operations" => results
                .iter()
                .map(|result| result["resultCode"].as_str().unwrap())
                .collect(),
            _ => results
                .iter()
                .map(|result| result["status"].as_str().unwrap())
                .collect(),
        };
        let expected: &[&str] = match name {
            "SQS" => &[],
            "Batch Operations" => &["PermanentFailure", "Succeeded", "Succeeded", "Succeeded"],
            _ => &["refused", "kept", "ignored", "written"],
        };
        assert_eq!(said, expected, "{name}");
        let report = store.text("reports", "acme.txt.html").unwrap();
        assert!(report.contains("rename it"), "{name}: {report}");
        let output = store.text("sites", "acme/.htaccess").unwrap();
        assert!(output.ends_with("Require ip 9.9.9.9\n"), "{name}: {output}");
    }
}

#[test]
fn every_sample_event_is_read() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/events");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            let event = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            let store = MemoryStore::default();
            let buckets = [
                (
                    "UPLOAD_BUCKET",
                    "htaccess-generator-uploads-000000000000-us-east-1-an",
                ),
                (
                    "OUTPUT_BUCKET",
                    "htaccess-generator-site-000000000000-us-east-1-an",
                ),
            ];
            let answer = handle_with(&store, &buckets, event);
            assert!(answer.is_ok(), "{}: {answer:?}", path.display());
            seen += 1;
        }
    }
    assert!(seen >= 3);
}
