//! Tests which objects are read from events of each format, and which errors unknown events cause.

use super::*;
use serde_json::json;

use crate::function::schedule::Schedule;
use crate::time::Instant;

fn notification(key: &str) -> Value {
    json!({"Records": [{
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "uploads"}, "object": {"key": key, "size": 7}},
    }]})
}

fn event_bridge(detail_type: &str, key: &str) -> Value {
    json!({
        "version": "0", "source": "aws.s3", "detail-type": detail_type,
        "detail": {"bucket": {"name": "uploads"}, "object": {"key": key, "size": 7}},
    })
}

fn batch(version: &str, task: &Value) -> Value {
    json!({"invocationSchemaVersion": version, "invocationId": "i", "job": {"id": "j"}, "tasks": [task]})
}

fn queue(bodies: &[Value]) -> Value {
    let record = |(index, body): (usize, &Value)| json!({"messageId": format!("m{index}"), "eventSource": "aws:sqs", "body": body.to_string()});
    json!({"Records": bodies.iter().enumerate().map(record).collect::<Vec<_>>()})
}

fn sns_in_queue(inner: &Value) -> Value {
    json!({"Type": "Notification", "MessageId": "n", "Message": inner.to_string()})
}

/// Returns the keys of the objects. If a version was deleted permanently, `|` and its id follow the key.
fn keys(objects: &[ObjectRef]) -> Vec<String> {
    let show = |object: &ObjectRef| {
        assert_eq!(object.name.bucket, "uploads");
        match &object.trigger {
            Trigger::VersionDeleted(version) => format!("{}|{version}", object.name.key),
            Trigger::Change => object.name.key.clone(),
        }
    };
    objects.iter().map(show).collect()
}

#[track_caller]
fn check(event: &Value, expected: &[&str]) {
    match Event::read(event) {
        Ok(Event::Objects(objects)) => assert_eq!(keys(&objects), expected),
        other => panic!("expected objects, found {other:?}"),
    }
}

#[test]
fn reads_every_record_of_a_notification_and_decodes_its_key_once() {
    check(
        &notification("clients/caf%C3%A9+1%2B1.csv"),
        &["clients/café 1+1.csv"],
    );
    check(&notification("100%2525.csv"), &["100%25.csv"]);
    let mut event = notification("a.csv");
    let mut deleted = event["Records"][0].clone();
    deleted["eventName"] = "ObjectRemoved:DeleteMarkerCreated".into();
    deleted["s3"]["object"] = json!({"key": "gone.csv"});
    event["Records"].as_array_mut().unwrap().push(deleted);
    check(&event, &["a.csv", "gone.csv"]);
}

#[test]
fn reads_the_version_of_a_notification_where_it_has_one() {
    let read = |object: Value| {
        let event = json!({"Records": [{"s3": {"bucket": {"name": "uploads"}, "object": object}}]});
        match Event::read(&event) {
            Ok(Event::Objects(jobs)) => jobs[0].version_id.clone(),
            other => panic!("expected jobs, found {other:?}"),
        }
    };
    assert_eq!(
        read(json!({"key": "a.csv", "size": 7, "versionId": "v", "eTag": "e"})),
        Some("v".to_owned())
    );
    assert_eq!(read(json!({"key": "a.csv", "size": null})), None);
}

#[test]
fn distinguishes_permanent_deletes_from_delete_markers() {
    let mut event = notification("a.csv");
    for (name, expected) in [
        ("ObjectRemoved:Delete", "a.csv|v"),
        ("ObjectRemoved:DeleteMarkerCreated", "a.csv"),
        ("ObjectCreated:Copy", "a.csv"),
    ] {
        event["Records"][0]["eventName"] = name.into();
        event["Records"][0]["s3"]["object"]["versionId"] = "v".into();
        check(&event, &[expected]);
    }
    event["Records"][0]["eventName"] = "ObjectRemoved:Delete".into();
    event["Records"][0]["s3"]["object"] = json!({"key": "a.csv"});
    check(&event, &["a.csv|"]);
    let mut event = event_bridge("Object Deleted", "a.csv");
    event["detail"]["object"]["version-id"] = "v".into();
    for (deletion, expected) in [
        ("Permanently Deleted", "a.csv|v"),
        ("Delete Marker Created", "a.csv"),
    ] {
        event["detail"]["deletion-type"] = deletion.into();
        check(&event, &[expected]);
    }
}

#[test]
fn reads_the_keys_of_event_bridge_raw() {
    check(&event_bridge("Object Created", "a b.csv"), &["a b.csv"]);
    check(&event_bridge("Object Deleted", "a+b.csv"), &["a+b.csv"]);
    check(&event_bridge("Object Created", "a%20b.csv"), &["a%20b.csv"]);
}

#[test]
fn reads_the_event_of_a_schedule_directly_and_in_a_queue() {
    let object = ObjectName {
        bucket: "uploads".to_owned(),
        key: "a+%2B<é>.csv".to_owned(),
    };
    let at = Instant::from_seconds(1_798_758_000);
    let schedule = Schedule::new(&object, at, at.plus_days(-1), "");
    let event: Value = serde_json::from_str(&schedule.event()).unwrap();
    let Ok(Event::Objects(objects)) = Event::read(&event) else {
        panic!("no objects")
    };
    assert_eq!(
        (&objects[0].name, &objects[0].trigger),
        (&object, &Trigger::Change)
    );
    let Ok(Event::Queue(messages)) = Event::read(&queue(&[event])) else {
        panic!("no queue")
    };
    assert_eq!(messages[0].objects.as_ref().unwrap(), &objects);
}

#[test]
fn reads_sns_around_both() {
    for inner in [
        notification("a.csv"),
        event_bridge("Object Created", "a.csv"),
    ] {
        let record = json!({"EventSource": "aws:sns", "Sns": {"Message": inner.to_string()}});
        check(&json!({"Records": [record]}), &["a.csv"]);
    }
}

#[test]
fn reads_the_messages_of_a_queue_each_by_itself() {
    let event = queue(&[
        notification("a.csv"),
        event_bridge("Object Created", "b.csv"),
        sns_in_queue(&notification("c.csv")),
        json!({"Event": "s3:TestEvent"}),
        json!({"hello": 1}),
        sns_in_queue(&sns_in_queue(&notification("deep.csv"))),
    ]);
    let Ok(Event::Queue(messages)) = Event::read(&event) else {
        panic!("no queue")
    };
    let read: Vec<String> = messages
        .iter()
        .map(|message| match &message.objects {
            Ok(objects) => format!("{}: {}", message.id, keys(objects).join(",")),
            Err(err) => format!("{}: {}", message.id, err.kind().code()),
        })
        .collect();
    assert_eq!(
        read,
        [
            "m0: a.csv",
            "m1: b.csv",
            "m2: c.csv",
            "m3: ",
            "m4: UnknownEvent",
            "m5: UnknownEvent"
        ]
    );
}

#[test]
fn reads_both_schemas_of_batch_operations() {
    let tasks = [
        (
            "1.0",
            json!({"taskId": "t", "s3Key": "a+%2B.csv", "s3VersionId": null, "s3BucketArn": "arn:aws:s3:::uploads"}),
        ),
        (
            "2.0",
            json!({"taskId": "t", "s3Key": "a+%2B.csv", "s3VersionId": null, "s3Bucket": "uploads"}),
        ),
    ];
    for (version, task) in tasks {
        let Ok(Event::Batch(batch)) = Event::read(&batch(version, &task)) else {
            panic!("no batch")
        };
        assert_eq!(
            (batch.schema_version.as_str(), batch.invocation_id.as_str()),
            (version, "i")
        );
        assert_eq!(batch.tasks[0].id, "t");
        assert_eq!(
            keys(&[batch.tasks[0].object.as_ref().unwrap().clone()]),
            ["a++.csv"]
        );
    }
}

#[test]
fn knows_the_test_event() {
    let event = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "uploads"});
    assert!(matches!(Event::read(&event), Ok(Event::Test)));
}

#[track_caller]
fn check_unknown(event: &Value, message: &str) {
    let err = Event::read(event).unwrap_err();
    assert_eq!(err.kind(), ErrorKind::UnknownEvent);
    let expected = format!("unknown event: {message}: expected ");
    assert!(err.to_string().starts_with(&expected), "{err}");
}

#[test]
fn names_what_it_saw_in_an_unknown_event() {
    check_unknown(&json!({}), "no fields");
    check_unknown(&json!("text"), "no fields");
    check_unknown(&json!({"key1": 1, "key2": 2}), "the fields key1, key2");
    check_unknown(
        &json!({"Records": [{"kinesis": {}}]}),
        "a record with the fields kinesis",
    );
    check_unknown(
        &json!({"Records": [{"s3": {"bucket": {"name": "uploads"}}}]}),
        "an S3 record that cannot be read",
    );
    check_unknown(
        &json!({"Records": [{"s3": {"bucket": {}, "object": {"key": "a.csv"}}}]}),
        "an S3 record without s3.bucket.name or s3.object.key",
    );
    check_unknown(
        &notification("%FF.csv"),
        "the key %FF.csv, which is not UTF-8",
    );
    check_unknown(
        &json!({"Records": [{"eventSource": "aws:sqs", "body": "{}"}]}),
        "an SQS record without a messageId",
    );
    check_unknown(
        &json!({"detail-type": "EC2 Change", "source": "aws.ec2"}),
        "EC2 Change from aws.ec2",
    );
    check_unknown(
        &json!({"detail-type": "Object Created", "source": "aws.s3"}),
        "an S3 event from EventBridge that cannot be read",
    );
    for schedule in [
        json!(7),
        json!({"bucket": "uploads"}),
        json!({"key": "a.csv"}),
    ] {
        check_unknown(
            &json!({"schedule": schedule}),
            "a schedule without a bucket or a key",
        );
    }
    check_unknown(
        &batch("3.0", &json!({"taskId": "t"})),
        "S3 Batch Operations with the schema version 3.0",
    );
}
