//! Reads the tasks of a run over all sites, which `infra/reconcile.yaml` sends.
//!
//! | task | JSON |
//! |---|---|
//! | a CSV of the bucket of the uploads | `{"reconcile": "uploads", "run": "RUN", "bucket": "B", "key": "K", "size": 4}` |
//! | an output | `{"reconcile": "outputs", "run": "RUN", "bucket": "B", "key": "K"}` |
//! | a batch of one of them | `{"Items": [ITEM, …]}` |
//! | the overview at the end | `{"reconcile": "overview", "run": "RUN", "prefix": ""}` |
//!
//! Keys are raw, as S3 lists them. `size` is optional. `ItemBatcher` of a Distributed Map makes a batch:
//! <https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itembatcher.html>. A state machine without it
//! sends the items one by one, so a single item is a batch of one. Every item repeats the name of the run, because
//! of this. The state machine belongs to this program, so other fields are refused.

use serde::Deserialize;
use serde_json::Value;

use crate::function::error::{Error, ErrorKind};
use crate::function::store::ObjectName;
use crate::text::quote;

/// The maximum length of the name of a run, in characters: that of an execution of Step Functions.
const MAX_RUN_CHARACTERS: usize = 80;

/// A task of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunTask {
    /// Objects to check.
    Batch(RunBatch),
    /// The end of the run.
    Overview {
        /// The name of the run.
        run: String,
        /// The prefix of the keys that the run went over. Empty for all.
        prefix: String,
    },
}

/// A batch of objects of one bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunBatch {
    /// The name of the run.
    pub run: String,
    /// The kind of the objects.
    pub kind: ItemKind,
    /// The objects, in their order.
    pub objects: Vec<ListedObject>,
}

/// An object as S3 lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedObject {
    /// The object.
    pub name: ObjectName,
    /// Its size in bytes, as stored. 0 if the item does not state it.
    pub bytes: u64,
}

/// The kind of the objects of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ItemKind {
    /// CSVs: each is published or refused.
    Uploads,
    /// Outputs: each is compared with its CSV.
    Outputs,
}

impl ItemKind {
    /// Returns the name in JSON.
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

/// Reads a task. Returns `None` if the event is of another kind.
///
/// # Errors
///
/// [`ErrorKind::UnknownEvent`] if a field is missing, unknown or wrong, or if the items of a batch differ in their
/// kind or run.
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

/// Checks that the name of a run can be a part of a key. It has the characters that the name of an execution may
/// have: <https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html>.
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
