//! The target `event`: parses any JSON as an event, and checks that keys in each event format are decoded
//! exactly once.

use htaccess_generator::function::Event;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{MAX_MESSAGE_BYTES, check_message};

/// Checks the input as an event and, if it is UTF-8, as a key.
pub(crate) fn check(input: &[u8]) {
    if let Ok(event) = serde_json::from_slice::<Value>(input) {
        check_any(&event);
    }
    if let Ok(key) = std::str::from_utf8(input)
        && !key.is_empty()
    {
        check_key(key);
    }
}

/// Checks that parsing does not panic, gives the same result each time, and returns only printable errors.
fn check_any(event: &Value) {
    let first = Event::read(event);
    let again = Event::read(event);
    assert_eq!(format!("{first:?}"), format!("{again:?}"));
    if let Err(err) = first {
        check_message(&err.to_string(), MAX_MESSAGE_BYTES);
    }
}

/// Checks that a key that was encoded for an event format is decoded to the original key.
fn check_key(key: &str) {
    let percent_encoded = utf8_percent_encode(key, NON_ALPHANUMERIC).to_string();
    let form_encoded = percent_encoded.replace("%20", "+");
    for encoded in [&percent_encoded, &form_encoded] {
        check_wrapped(&notification(encoded), key);
    }
    for version in ["1.0", "2.0"] {
        check_is_read(&batch(version, &percent_encoded), key);
    }
    check_wrapped(&event_bridge(key), key);
    for item in [
        run_item("uploads", key),
        run_item("outputs", key),
        json!({"Items": [run_item("uploads", key)]}),
    ] {
        check_is_read(&item, key);
    }
}

/// Checks the key of an event that is delivered directly, through SNS, through SQS, and through both.
fn check_wrapped(event: &Value, key: &str) {
    let text = event.to_string();
    let notification = json!({"Type": "Notification", "MessageId": "n", "Message": text});
    check_is_read(event, key);
    check_is_read(
        &json!({"Records": [{"EventSource": "aws:sns", "Sns": notification}]}),
        key,
    );
    for body in [text, notification.to_string()] {
        let message = json!({"messageId": "m", "eventSource": "aws:sqs", "body": body});
        check_is_read(&json!({"Records": [message]}), key);
    }
}

/// Checks that the parsed event contains this key.
fn check_is_read(event: &Value, key: &str) {
    let read = format!("{:?}", Event::read(event).unwrap());
    let (_, rest) = read
        .split_once(" key: ")
        .unwrap_or_else(|| panic!("{read}"));
    assert!(rest.starts_with(&format!("{key:?}")), "{key:?} in {read}");
}

fn notification(key: &str) -> Value {
    json!({"Records": [{
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "uploads"}, "object": {"key": key, "size": 4}},
    }]})
}

fn event_bridge(key: &str) -> Value {
    json!({
        "detail-type": "Object Created",
        "source": "aws.s3",
        "detail": {"bucket": {"name": "uploads"}, "object": {"key": key, "size": 4}},
    })
}

fn run_item(kind: &str, key: &str) -> Value {
    json!({"reconcile": kind, "run": "r", "bucket": "uploads", "key": key, "size": 4})
}

fn batch(version: &str, key: &str) -> Value {
    json!({
        "invocationSchemaVersion": version,
        "invocationId": "i",
        "tasks": [{
            "taskId": "t",
            "s3Key": key,
            "s3Bucket": "uploads",
            "s3BucketArn": "arn:aws:s3:::uploads",
        }],
    })
}
