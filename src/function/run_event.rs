//! Reads the tasks of a run over all sites. The state machine in `infra/reconcile.yaml` sends them.
//!
//! | task | JSON |
//! |---|---|
//! | a CSV in the upload bucket | `{"reconcile": "uploads", "run": "RUN", "bucket": "B", "key": "K", "size": 4}` |
//! | an output | `{"reconcile": "outputs", "run": "RUN", "bucket": "B", "key": "K"}` |
//! | a batch of CSVs or of outputs | `{"Items": [ITEM, …]}` |
//! | the overview at the end of the run | `{"reconcile": "overview", "run": "RUN", "prefix": ""}` |
//!
//! Keys are not encoded, as in S3's listings. `size` is optional. The `ItemBatcher` of a Distributed Map
//! creates the batches: <https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itembatcher.html>.
//! A state machine without an `ItemBatcher` sends single items, so a single item is read as a batch with one
//! item, and every item contains the name of the run. Unknown fields are refused, because the state machine
//! is part of this project.

use serde::Deserialize;
use serde_json::Value;

use crate::function::error::{Error, ErrorKind};
use crate::function::store::ObjectName;
use crate::text::quote;

/// The maximum length of a run's name, in characters. Step Functions has the same limit for the name of an
/// execution.
const MAX_RUN_CHARACTERS: usize = 80;

/// A task of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunTask {
    /// A batch of objects to check.
    Batch(RunBatch),
    /// The overview, which is written at the end of the run.
    Overview {
        /// The name of the run.
        run: String,
        /// The prefix of the keys that the run covers. Empty if it covers all keys.
        prefix: String,
    },
}

/// A batch of objects in one bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunBatch {
    /// The name of the run.
    pub run: String,
    /// The kind of the objects.
    pub kind: ItemKind,
    /// The objects, in the order of the items.
    pub objects: Vec<ListedObject>,
}

/// An object from S3's listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedObject {
    /// The bucket and the key.
    pub name: ObjectName,
    /// The stored size, in bytes. 0 if the item does not contain the size.
    pub bytes: u64,
}

/// The kind of the objects in a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ItemKind {
    /// CSVs. Each CSV is handled in the same way as for an event about it.
    Uploads,
    /// Outputs. For each output, the function checks whether its CSV still exists.
    Outputs,
}

impl ItemKind {
    /// Returns the kind's name in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Uploads => "uploads",
            Self::Outputs => "outputs",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    #[serde(rename = "Items")]
    items: Vec<Item>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    reconcile: ItemKind,
    run: String,
    bucket: String,
    key: String,
    #[serde(default)]
    size: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Overview {
    #[serde(rename = "reconcile")]
    _reconcile: OverviewName,
    run: String,
    prefix: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum OverviewName {
    Overview,
}

/// Reads a task. Returns `None` if the event is not a task of a run.
///
/// # Errors
///
/// [`ErrorKind::UnknownEvent`] if a field is missing, unknown or wrong, or if the items of a batch are not
/// all of the same kind and run.
pub(crate) fn read_run_task(event: &Value) -> Option<Result<RunTask, Error>> {
    if event.get("Items").is_some() {
        return Some(read::<Batch>(event).and_then(|batch| task_of(batch.items)));
    }
    match event.get("reconcile")?.as_str() {
        Some("overview") => Some(read_overview(event)),
        _ => Some(read::<Item>(event).and_then(|item| task_of(vec![item]))),
    }
}

fn read<'a, T: Deserialize<'a>>(event: &'a Value) -> Result<T, Error> {
    T::deserialize(event).map_err(|err| {
        unknown("a task of a run over all sites that cannot be read").with_source(err)
    })
}

fn read_overview(event: &Value) -> Result<RunTask, Error> {
    let Overview { run, prefix, .. } = read(event)?;
    check_run(&run)?;
    Ok(RunTask::Overview { run, prefix })
}

fn task_of(items: Vec<Item>) -> Result<RunTask, Error> {
    let Some(first) = items.first() else {
        return Err(unknown("a batch of a run over all sites without items"));
    };
    let (run, kind) = (first.run.clone(), first.reconcile);
    check_run(&run)?;
    if items
        .iter()
        .any(|item| item.run != run || item.reconcile != kind)
    {
        return Err(unknown("a batch with items of several kinds or runs"));
    }
    let objects = items.into_iter().map(|item| ListedObject {
        name: ObjectName {
            bucket: item.bucket,
            key: item.key,
        },
        bytes: item.size,
    });
    Ok(RunTask::Batch(RunBatch {
        run,
        kind,
        objects: objects.collect(),
    }))
}

/// Checks that the name of a run can be part of a key. The allowed characters are those of the name of an
/// execution: <https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html>.
fn check_run(run: &str) -> Result<(), Error> {
    let is_allowed = |character: char| {
        !character.is_control()
            && !character.is_whitespace()
            && !"<>{}[]?*\"#%\\^|~`$&,;:/".contains(character)
    };
    let length = run.chars().count();
    let is_name = (1..=MAX_RUN_CHARACTERS).contains(&length)
        && run.chars().all(is_allowed)
        && !matches!(run, "." | "..");
    if is_name {
        return Ok(());
    }
    Err(unknown(&format!(
        "a run with the name {}, which is not a valid execution name",
        quote(run)
    )))
}

fn unknown(found: &str) -> Error {
    Error::new(ErrorKind::UnknownEvent, format!("unknown event: {found}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn item(kind: &str, key: &str) -> Value {
        json!({"reconcile": kind, "run": "r-1", "bucket": "b", "key": key})
    }

    fn listed(key: &str) -> ListedObject {
        ListedObject {
            name: ObjectName {
                bucket: "b".to_owned(),
                key: key.to_owned(),
            },
            bytes: 0,
        }
    }

    #[track_caller]
    fn check(event: &Value, kind: ItemKind, keys: &[&str]) {
        let expected = RunTask::Batch(RunBatch {
            run: "r-1".to_owned(),
            kind,
            objects: keys.iter().map(|key| listed(key)).collect(),
        });
        assert_eq!(read_run_task(event).unwrap().unwrap(), expected);
    }

    #[test]
    fn reads_a_batch_and_an_item_alone() {
        let keys = ["a+b%20.csv", "é.csv"];
        let items: Vec<Value> = keys.iter().map(|key| item("uploads", key)).collect();
        check(&json!({"Items": items}), ItemKind::Uploads, &keys);
        check(
            &item("outputs", "a/.htaccess"),
            ItemKind::Outputs,
            &["a/.htaccess"],
        );
        let overview = json!({"reconcile": "overview", "run": "r-1", "prefix": "clients/"});
        assert_eq!(
            read_run_task(&overview).unwrap().unwrap(),
            RunTask::Overview {
                run: "r-1".to_owned(),
                prefix: "clients/".to_owned()
            }
        );
        assert!(read_run_task(&json!({"Records": []})).is_none());
    }

    #[test]
    fn refuses_everything_else() {
        let with = |field: &str, value: Value| {
            let mut item = item("uploads", "a.csv");
            item[field] = value;
            item
        };
        let overview = json!({"reconcile": "overview", "run": "r"});
        for event in [
            json!({"Items": []}),
            json!({"Items": {}}),
            json!({"Items": [item("uploads", "a"), item("outputs", "a")]}),
            json!({"Items": [item("uploads", "a"), with("run", "r-2".into())]}),
            json!({"Items": [item("uploads", "a")], "BatchInput": {}}),
            json!({"Items": [overview]}),
            json!({"reconcile": "uploads"}),
            with("reconcile", "downloads".into()),
            with("reconcile", 1.into()),
            with("key", Value::Null),
            with("version", "x".into()),
            overview,
            with("run", "".into()),
            with("run", "..".into()),
            with("run", "a/b".into()),
            with("run", "a\n".into()),
            with("run", "r".repeat(81).into()),
        ] {
            let err = read_run_task(&event).unwrap().unwrap_err();
            assert_eq!(err.kind(), ErrorKind::UnknownEvent, "{event}");
        }
    }
}
