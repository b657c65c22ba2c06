//! Reads an event of any known format, and returns the objects to check.
//!
//! An event only says that something happened to an object. The function then reads the object's current
//! state, so events about uploads and deletes have the same effect. The fields of an event show its format:
//!
//! | format | encoding of the keys |
//! |---|---|
//! | S3 notification: `Records[].s3` | form-encoded: `+` is a space, `%2B` is a plus |
//! | EventBridge: `detail-type`, `source`, `detail` | none |
//! | S3 Batch Operations: `invocationSchemaVersion` 1.0 or 2.0, `tasks` | URL-encoded |
//! | SNS: `Records[].Sns.Message` | as in the contained event |
//! | SQS: `Records[].body`, with or without SNS around the event | as in the contained event |
//! | a schedule of this function: `schedule` | none |
//! | `s3:TestEvent` | |
//! | a run over all sites: `Items` or `reconcile` (`run_event.rs`) | none |
//!
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-invoke-lambda.html>,
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>,
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html>.

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::Value;

use crate::function::error::{Error, ErrorKind};
use crate::function::run_event::{RunTask, read_run_task};
use crate::function::store::ObjectName;
use crate::report::UploadFacts;
use crate::text::escape;

/// A parsed event. The variant determines the format of the response.
#[derive(Debug)]
pub enum Event {
    /// Objects to check, in the order of the records.
    Objects(Vec<ObjectRef>),
    /// Messages from an SQS queue. Each message succeeds or fails independently.
    Queue(Vec<Message>),
    /// Tasks of S3 Batch Operations. Each task succeeds or fails independently.
    Batch(Batch),
    /// A task of a run over all sites.
    Run(RunTask),
    /// The test event that S3 sends when a notification is configured.
    Test,
}

/// An object to check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectRef {
    /// The bucket and the key.
    pub name: ObjectName,
    /// The reason to check the object.
    pub trigger: Trigger,
    /// The version that the event is about, if the event contains it. Only the metrics use it, because the
    /// newest version is published in any case.
    pub version_id: Option<String>,
    /// The origin of this version, as far as the event contains it.
    pub origin: UploadFacts,
}

/// The reason to check an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Trigger {
    /// Any change to the object, such as an upload or a delete.
    #[default]
    Change,
    /// The permanent delete of the version with this id, after which an older version may be the newest
    /// version again. The id is empty if the event does not contain it.
    VersionDeleted(String),
}

/// A message from an SQS queue.
#[derive(Debug)]
pub struct Message {
    /// The `messageId`.
    pub id: String,
    /// The objects of the event in the message body, or the error if the body cannot be read.
    pub objects: Result<Vec<ObjectRef>, Error>,
}

/// An invocation by S3 Batch Operations.
#[derive(Debug)]
pub struct Batch {
    /// The schema version, `1.0` or `2.0`, which the response repeats.
    pub schema_version: String,
    /// The invocation's id, which the response repeats.
    pub invocation_id: String,
    /// The tasks, one for each object.
    pub tasks: Vec<Task>,
}

/// A task of S3 Batch Operations, which is about one object.
#[derive(Debug)]
pub struct Task {
    /// The task's id, which the response repeats.
    pub id: String,
    /// The object, or the error if the task cannot be read.
    pub object: Result<ObjectRef, Error>,
}

impl Event {
    /// Reads an event of any known format.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnknownEvent`], with a description of what was found. If the event in a queue message
    /// cannot be read, or a task of a batch, only this message or task fails.
    pub fn read(event: &Value) -> Result<Self, Error> {
        if event.get("invocationSchemaVersion").is_some() {
            return read_batch(event).map(Self::Batch);
        }
        if let Some(task) = read_run_task(event) {
            return task.map(Self::Run);
        }
        let records = event.get("Records").and_then(Value::as_array);
        if let Some(records) = records
            && records.iter().any(is_queued)
        {
            return records
                .iter()
                .map(read_message)
                .collect::<Result<_, _>>()
                .map(Self::Queue);
        }
        if is_test(event) {
            return Ok(Self::Test);
        }
        read_objects(event).map(Self::Objects)
    }
}

/// Reads the objects of an event that is not from a queue or a batch. A test event has no objects.
fn read_objects(event: &Value) -> Result<Vec<ObjectRef>, Error> {
    if is_test(event) {
        return Ok(Vec::new());
    }
    if let Some(schedule) = event.get("schedule") {
        return read_schedule(schedule).map(|object| vec![object]);
    }
    if event.get("detail-type").is_some() {
        return read_event_bridge(event).map(|object| vec![object]);
    }
    // SNS sends this format to a queue unless raw message delivery is enabled.
    if event.get("Type").and_then(Value::as_str) == Some("Notification") {
        return read_inner(event.get("Message"), "an SNS notification");
    }
    let Some(records) = event.get("Records").and_then(Value::as_array) else {
        return Err(unknown_event(&field_names(event)));
    };
    let objects: Vec<Vec<ObjectRef>> = records.iter().map(read_record).collect::<Result<_, _>>()?;
    Ok(objects.into_iter().flatten().collect())
}

fn read_record(record: &Value) -> Result<Vec<ObjectRef>, Error> {
    if let Some(notification) = record.get("Sns") {
        return read_inner(notification.get("Message"), "an SNS record");
    }
    let name = record.get("eventName").and_then(Value::as_str);
    match record.get("s3") {
        Some(entity) => {
            let mut object = read_notification(entity, name)?;
            let text = |pointer| record.pointer(pointer).and_then(Value::as_str);
            object.origin.by = text("/userIdentity/principalId").map(str::to_owned);
            object.origin.from = text("/requestParameters/sourceIPAddress").map(str::to_owned);
            Ok(vec![object])
        }
        None => Err(unknown_event(&format!(
            "a record with {}",
            field_names(record)
        ))),
    }
}

/// Reads the event in the message of an SNS notification. An event that contains another envelope is refused.
fn read_inner(text: Option<&Value>, outer: &str) -> Result<Vec<ObjectRef>, Error> {
    let Some(text) = text.and_then(Value::as_str) else {
        return Err(unknown_event(&format!("{outer} without a message")));
    };
    let inner: Value = serde_json::from_str(text).map_err(|err| {
        unknown_event(&format!("{outer} whose message is not JSON")).with_source(err)
    })?;
    let is_wrapped = inner.get("Type").is_some()
        || inner
            .get("Records")
            .and_then(Value::as_array)
            .is_some_and(|records| {
                records
                    .iter()
                    .any(|record| is_queued(record) || record.get("Sns").is_some())
            });
    if is_wrapped {
        return Err(unknown_event(&format!(
            "{outer} that contains another envelope"
        )));
    }
    read_objects(&inner)
}

fn is_queued(record: &Value) -> bool {
    record.get("eventSource").and_then(Value::as_str) == Some("aws:sqs")
}

/// Reads a queue message. A missing id is an error for the whole event, because the response could not report
/// the failure of a message without an id.
fn read_message(record: &Value) -> Result<Message, Error> {
    let Some(id) = record.get("messageId").and_then(Value::as_str) else {
        return Err(unknown_event("an SQS record without a messageId"));
    };
    Ok(Message {
        id: id.to_owned(),
        objects: read_body(record),
    })
}

fn read_body(record: &Value) -> Result<Vec<ObjectRef>, Error> {
    let Some(body) = record.get("body").and_then(Value::as_str) else {
        return Err(unknown_event("an SQS message without a body"));
    };
    let inner: Value = serde_json::from_str(body)
        .map_err(|err| unknown_event("an SQS message that is not JSON").with_source(err))?;
    read_objects(&inner)
}

fn is_test(event: &Value) -> bool {
    event.get("Event").and_then(Value::as_str) == Some("s3:TestEvent")
}

/// The `s3` member of a record.
#[derive(Deserialize)]
struct Notification {
    bucket: NotificationBucket,
    object: NotificationObject,
}

#[derive(Deserialize)]
struct NotificationBucket {
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NotificationObject {
    key: Option<String>,
    version_id: Option<String>,
}

/// Reads the `s3` member of a record. The event name `ObjectRemoved:Delete` means a permanent delete, in
/// contrast to `ObjectRemoved:DeleteMarkerCreated`
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html>).
fn read_notification(s3: &Value, event_name: Option<&str>) -> Result<ObjectRef, Error> {
    let Notification { bucket, object } = Notification::deserialize(s3)
        .map_err(|err| unknown_event("an S3 record that cannot be read").with_source(err))?;
    let (Some(bucket), Some(key)) = (bucket.name, object.key) else {
        return Err(unknown_event(
            "an S3 record without s3.bucket.name or s3.object.key",
        ));
    };
    let key = form_decoded(&key)?;
    Ok(ObjectRef {
        name: ObjectName { bucket, key },
        trigger: if event_name == Some("ObjectRemoved:Delete") {
            Trigger::VersionDeleted(object.version_id.clone().unwrap_or_default())
        } else {
            Trigger::Change
        },
        origin: UploadFacts {
            version_id: object.version_id.clone().unwrap_or_default(),
            ..UploadFacts::default()
        },
        version_id: object.version_id,
    })
}

/// The `schedule` member of an event that `schedule/one_time.rs` created. The member `at` is not read,
/// because the function uses its own clock. It is only informative.
#[derive(Deserialize)]
struct ScheduledObject {
    bucket: String,
    key: String,
}

fn read_schedule(schedule: &Value) -> Result<ObjectRef, Error> {
    let ScheduledObject { bucket, key } = ScheduledObject::deserialize(schedule)
        .map_err(|err| unknown_event("a schedule without a bucket or a key").with_source(err))?;
    Ok(ObjectRef {
        name: ObjectName { bucket, key },
        trigger: Trigger::Change,
        version_id: None,
        origin: UploadFacts::default(),
    })
}

#[derive(Deserialize)]
struct Detail {
    bucket: DetailBucket,
    object: DetailObject,
    #[serde(rename = "deletion-type")]
    deletion_type: Option<String>,
    requester: Option<String>,
    #[serde(rename = "source-ip-address")]
    source_ip_address: Option<String>,
}

#[derive(Deserialize)]
struct DetailBucket {
    name: String,
}

#[derive(Deserialize)]
struct DetailObject {
    key: String,
    #[serde(rename = "version-id")]
    version_id: Option<String>,
}

fn read_event_bridge(event: &Value) -> Result<ObjectRef, Error> {
    let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("source") != "aws.s3" {
        let (source, detail_type) = (escape(text("source")), escape(text("detail-type")));
        return Err(unknown_event(&format!("{detail_type} from {source}")));
    }
    let detail = event.get("detail").unwrap_or(&Value::Null);
    let Detail {
        bucket,
        object,
        deletion_type,
        requester,
        source_ip_address,
    } = Detail::deserialize(detail).map_err(|err| {
        unknown_event("an S3 event from EventBridge that cannot be read").with_source(err)
    })?;
    Ok(ObjectRef {
        name: ObjectName {
            bucket: bucket.name,
            key: object.key,
        },
        trigger: if deletion_type.as_deref() == Some("Permanently Deleted") {
            Trigger::VersionDeleted(object.version_id.clone().unwrap_or_default())
        } else {
            Trigger::Change
        },
        origin: UploadFacts {
            by: requester,
            from: source_ip_address,
            version_id: object.version_id.clone().unwrap_or_default(),
            at: None,
        },
        version_id: object.version_id,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchEvent {
    invocation_schema_version: String,
    invocation_id: String,
    tasks: Vec<BatchTask>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchTask {
    task_id: String,
    s3_key: Option<String>,
    /// The bucket in schema version 2.0.
    s3_bucket: Option<String>,
    /// The ARN of the bucket in schema version 1.0.
    s3_bucket_arn: Option<String>,
}

fn read_batch(event: &Value) -> Result<Batch, Error> {
    let event = BatchEvent::deserialize(event).map_err(|err| {
        unknown_event("an S3 Batch Operations event that cannot be read").with_source(err)
    })?;
    if !matches!(event.invocation_schema_version.as_str(), "1.0" | "2.0") {
        let version = escape(&event.invocation_schema_version);
        return Err(unknown_event(&format!(
            "S3 Batch Operations with the schema version {version}"
        )));
    }
    Ok(Batch {
        schema_version: event.invocation_schema_version,
        invocation_id: event.invocation_id,
        tasks: event
            .tasks
            .into_iter()
            .map(|task| Task {
                id: task.task_id.clone(),
                object: read_task(task),
            })
            .collect(),
    })
}

/// Reads a task. The keys in a manifest are URL-encoded
/// (<https://docs.aws.amazon.com/AmazonS3/latest/dev/batch-ops-basics.html>, "Specifying a manifest"), so `+`
/// is a plus.
fn read_task(task: BatchTask) -> Result<ObjectRef, Error> {
    let bucket_of_arn = |arn: String| arn.rsplit(':').next().map(str::to_owned);
    let bucket = task
        .s3_bucket
        .or_else(|| task.s3_bucket_arn.and_then(bucket_of_arn));
    let (Some(bucket), Some(key)) = (bucket, task.s3_key) else {
        return Err(unknown_event(
            "an S3 Batch Operations task without a bucket or a key",
        ));
    };
    Ok(ObjectRef {
        name: ObjectName {
            bucket,
            key: percent_decoded(&key)?,
        },
        trigger: Trigger::Change,
        version_id: None,
        origin: UploadFacts::default(),
    })
}

/// Decodes a form-encoded key: `+` is a space, `%2B` is a plus, and `%C3%A9` is é.
fn form_decoded(key: &str) -> Result<String, Error> {
    percent_decoded(&key.replace('+', " "))
}

fn percent_decoded(key: &str) -> Result<String, Error> {
    match percent_decode_str(key).decode_utf8() {
        Ok(decoded) => Ok(decoded.into_owned()),
        Err(err) => Err(
            unknown_event(&format!("the key {}, which is not UTF-8", escape(key))).with_source(err),
        ),
    }
}

fn unknown_event(found: &str) -> Error {
    Error::new(ErrorKind::UnknownEvent, format!("unknown event: {found}"))
}

/// Returns the names of the top-level fields, which are enough to recognize the event and contain none of its
/// data.
fn field_names(value: &Value) -> String {
    match value {
        Value::Object(map) if !map.is_empty() => {
            let names: Vec<String> = map.keys().take(10).map(|name| escape(name)).collect();
            format!("the fields {}", names.join(", "))
        }
        _ => "no fields".to_owned(),
    }
}

#[cfg(test)]
mod tests;
