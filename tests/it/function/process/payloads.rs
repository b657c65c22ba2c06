//! Every payload gets an answer or a stable `errorType`.

use serde_json::{Value, json};

use super::{Function, Told};
use crate::function::handler::put_event;

/// The `errorType` values that these tests expect. A test of the documents checks that
/// docs/operations.md lists them.
const STABLE: [&str; 2] = ["UnknownEvent", "NoSuchBucket"];

fn invoke(payload: &[u8]) -> (Told, Vec<String>) {
    let variables = [("OUTPUT_BUCKET", "sites"), ("AWS_LAMBDA_LOG_LEVEL", "INFO")];
    Function::start_with_payload(&variables, payload).first_told(false)
}

#[track_caller]
fn check_error(payload: &[u8]) {
    let shown = String::from_utf8_lossy(&payload[..payload.len().min(80)]).into_owned();
    let (told, log) = invoke(payload);
    assert_eq!(told.path, "invocation/id/error", "{shown}");
    assert_eq!(told.body["errorType"], "UnknownEvent", "{shown}");
    let message = told.body["errorMessage"].as_str().unwrap();
    assert!(message.starts_with("unknown event: "), "{shown}: {message}");
    assert!(message.len() < 1000, "{shown}: {message}");
    let line: Value = serde_json::from_str(&log[0]).unwrap();
    assert_eq!(line["level"], "ERROR", "{shown}");
    assert_eq!(line["fields"]["error_type"], STABLE[0], "{shown}");
    let log = log.concat();
    for word in ["deserialization", "lambda_runtime::", "serde_json::"] {
        assert!(!log.contains(word), "{shown}: {log}");
    }
}

#[test]
fn a_payload_that_is_no_json_is_an_unknown_event() {
    let deep = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
    let deep_object = [
        b"{\"Records\":".repeat(200),
        b"1".to_vec(),
        b"}".repeat(200),
    ]
    .concat();
    let long_number = b"9".repeat(100_000);
    let payloads: [&[u8]; 14] = [
        b"",
        b" ",
        b"hello",
        b"{\"Records\":",
        b"{\"Records\": [}",
        b"{'Records': []}",
        b"{\"Records\": NaN}",
        b"{\"Records\": 1e999}",
        b"\xff\xfe{}",
        b"{\"Records\": \"\xff\"}",
        b"{\"Records\": \"\\ud800\"}",
        &deep,
        &deep_object,
        &long_number,
    ];
    for payload in payloads {
        check_error(payload);
    }
}

#[test]
fn json_of_a_wrong_shape_is_an_unknown_event() {
    let s3 = |s3: Value| json!({"Records": [{"s3": s3}]});
    let payloads = [
        json!(null),
        json!(true),
        json!(1.5),
        json!("{}"),
        json!([]),
        json!([put_event(&["a.csv"])]),
        json!({}),
        json!({"Records": {}}),
        json!({"Records": "x"}),
        json!({"Records": [1]}),
        json!({"Records": [null, "x", []]}),
        json!({"x".repeat(100_000): 1}),
        json!({"\u{1b}[31m\u{202e}": 1}),
        s3(json!("x")),
        s3(json!({"bucket": "x", "object": "y"})),
        s3(json!({"bucket": {"name": 1}, "object": {"key": "a.csv"}})),
        s3(json!({"bucket": {"name": "b"}, "object": {"key": ["a.csv"]}})),
        s3(json!({"bucket": {"name": "b"}, "object": {"key": "a.csv", "versionId": -1}})),
        s3(json!({"bucket": {"name": "b"}, "object": {"key": "a.csv", "versionId": {}}})),
        json!({"Records": [{"Sns": "x"}]}),
        json!({"Records": [{"Sns": {"Message": "["}}]}),
        json!({"Records": [{"Sns": {"Message": "[".repeat(200)}}]}),
        json!({"Records": [{"eventSource": "aws:sqs", "messageId": 1}]}),
        json!({"detail-type": 1, "source": 1}),
        json!({"detail-type": "Object Created", "source": "aws.s3", "detail": "x"}),
        json!({"invocationSchemaVersion": 2}),
        json!({"invocationSchemaVersion": "9.0", "invocationId": "i", "tasks": []}),
        json!({"invocationSchemaVersion": "2.0", "invocationId": "i", "tasks": "x"}),
    ];
    for payload in payloads {
        check_error(payload.to_string().as_bytes());
    }
}

/// A queue or a batch gets an answer, because each of its items has its own result.
#[test]
fn an_item_that_is_no_json_fails_alone() {
    let deep = "[".repeat(200);
    let message =
        |id: &str, body: &str| json!({"eventSource": "aws:sqs", "messageId": id, "body": body});
    let test = r#"{"Event": "s3:TestEvent"}"#;
    let queue = json!({"Records": [message("1", &deep), message("2", test), message("3", "")]});
    let (told, _) = invoke(queue.to_string().as_bytes());
    assert_eq!(told.path, "invocation/id/response");
    let failures = json!({"batchItemFailures": [{"itemIdentifier": "1"}, {"itemIdentifier": "3"}]});
    assert_eq!(told.body, failures);
    let task = json!({"taskId": "t", "s3Key": "%ff", "s3Bucket": "uploads"});
    let batch = json!({"invocationSchemaVersion": "2.0", "invocationId": "i", "tasks": [task]});
    let (told, _) = invoke(batch.to_string().as_bytes());
    assert_eq!(told.body["results"][0]["resultCode"], "PermanentFailure");
}
