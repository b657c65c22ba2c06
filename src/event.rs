//! Any event → the objects to look at. An event is a hint that something happened to an object;
//! what is there now is what counts.

use aws_lambda_events::s3::S3Entity;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::Value;

use crate::error::{Error, ErrorKind};
use crate::quote::bare;
use crate::store::ObjectName;

/// What an event asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Objects to look at, one for each record.
    Jobs(Vec<Job>),
    /// S3's check that it may call the function, sent when a notification is set up.
    Test,
}

/// One object to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Job {
    /// It was written, or touched in some other way.
    Created(ObjectName),
    /// It was deleted.
    Deleted(ObjectName),
}

#[derive(Deserialize)]
struct Record {
    #[serde(rename = "eventName")]
    event_name: String,
    s3: S3Entity,
}

impl Event {
    /// Reads an event of any known shape.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnknownEvent`], naming what was seen.
    pub fn read(event: &Value) -> Result<Self, Error> {
        if event.get("Event").and_then(Value::as_str) == Some("s3:TestEvent") {
            return Ok(Self::Test);
        }
        let Some(records) = event.get("Records").and_then(Value::as_array) else {
            return Err(unknown(&names_of(event)));
        };
        records
            .iter()
            .map(read_record)
            .collect::<Result<_, _>>()
            .map(Self::Jobs)
    }
}

fn read_record(record: &Value) -> Result<Job, Error> {
    if record.get("s3").is_none() {
        return Err(unknown(&format!("a record with {}", names_of(record))));
    }
    let Record { event_name, s3 } = Record::deserialize(record)
        .map_err(|err| unknown("an S3 record that cannot be read").because(err))?;
    let (Some(bucket), Some(key)) = (s3.bucket.name, s3.object.key) else {
        return Err(unknown(
            "an S3 record without s3.bucket.name or s3.object.key",
        ));
    };
    let name = ObjectName {
        bucket,
        key: form_decoded(&key)?,
    };
    // `ObjectCreated:Put`; the configuration writes `s3:ObjectCreated:Put`, and so do some
    // emulators. Whatever else happened to an object (tags, a restore), a look does no harm.
    match event_name.trim_start_matches("s3:").split(':').next() {
        Some("ObjectRemoved" | "LifecycleExpiration") => Ok(Job::Deleted(name)),
        _ => Ok(Job::Created(name)),
    }
}

/// S3 notifications encode keys as HTML forms do: `+` is a space, `%2B` a plus, `%C3%A9` an é.
fn form_decoded(key: &str) -> Result<String, Error> {
    let spaced = key.replace('+', " ");
    match percent_decode_str(&spaced).decode_utf8() {
        Ok(decoded) => Ok(decoded.into_owned()),
        Err(err) => {
            Err(unknown(&format!("the key {}, which is not UTF-8", bare(key))).because(err))
        }
    }
}

fn unknown(seen: &str) -> Error {
    Error::new(ErrorKind::UnknownEvent, format!("unknown event: {seen}"))
}

/// The top-level names of an object, or what it is instead: enough to recognise it by, and no data.
fn names_of(value: &Value) -> String {
    match value {
        Value::Object(map) if map.is_empty() => "nothing in it".to_owned(),
        Value::Object(map) => {
            let names: Vec<String> = map.keys().take(10).map(|name| bare(name)).collect();
            format!("the fields {}", names.join(", "))
        }
        _ => "no fields".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record(event_name: &str, key: &str) -> Value {
        json!({"eventName": event_name, "s3": {"bucket": {"name": "uploads"}, "object": {"key": key}}})
    }

    fn name(key: &str) -> ObjectName {
        ObjectName {
            bucket: "uploads".to_owned(),
            key: key.to_owned(),
        }
    }

    #[test]
    fn reads_every_record_and_decodes_keys_once() {
        let event = json!({"Records": [
            record("ObjectCreated:Put", "clients/caf%C3%A9+1%2B1.csv"),
            record("s3:ObjectCreated:CompleteMultipartUpload", "100%2525.csv"),
            record("ObjectRemoved:DeleteMarkerCreated", "gone.csv"),
        ]});
        assert_eq!(
            Event::read(&event).unwrap(),
            Event::Jobs(vec![
                Job::Created(name("clients/café 1+1.csv")),
                Job::Created(name("100%25.csv")),
                Job::Deleted(name("gone.csv")),
            ])
        );
    }

    #[test]
    fn knows_the_test_event() {
        let event = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "uploads"});
        assert_eq!(Event::read(&event).unwrap(), Event::Test);
    }

    #[track_caller]
    fn check_unknown(event: &Value, message: &str) {
        let err = Event::read(event).unwrap_err();
        assert_eq!(err.kind(), ErrorKind::UnknownEvent);
        assert!(err.to_string().starts_with(message), "{err}");
    }

    #[test]
    fn names_what_it_saw_in_an_unknown_event() {
        check_unknown(
            &json!({}),
            "unknown event: nothing in it: expected an S3 notification",
        );
        check_unknown(&json!("text"), "unknown event: no fields:");
        check_unknown(
            &json!({"key1": 1, "key2": 2}),
            "unknown event: the fields key1, key2:",
        );
        check_unknown(
            &json!({"Records": [{"kinesis": {}}]}),
            "unknown event: a record with the fields kinesis:",
        );
        check_unknown(
            &json!({"Records": [record("ObjectCreated:Put", "%FF.csv")]}),
            "unknown event: the key %FF.csv, which is not UTF-8:",
        );
    }
}
