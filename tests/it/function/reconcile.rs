//! Runs over all sites: what they repair, what they leave alone, and the content of the overview.

use htaccess_generator::function::store::Checksum;
use htaccess_generator::function::{ErrorKind, Handler, InvocationMetrics};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};

use crate::function::handler::{ACME, handle_with, put_event, settings};
use crate::function::memory_store::MemoryStore;

mod lists_and_time;
mod overview;

const ON_DELETE: [&str; 3] = ["keep", "remove", "deny"];
/// The number of keys in a batch, which is smaller than in the state machine so that a
/// run has several batches.
const BATCH: usize = 25;

/// A run, with the same calls as in the state machine.
struct Run<'a> {
    store: &'a MemoryStore,
    settings: Vec<(&'a str, &'a str)>,
    name: &'a str,
    prefix: &'a str,
}

impl<'a> Run<'a> {
    fn new(store: &'a MemoryStore, name: &'a str) -> Self {
        Self {
            store,
            settings: vec![("UPLOAD_BUCKET", "uploads")],
            name,
            prefix: "",
        }
    }

    fn with(mut self, name: &'a str, value: &'a str) -> Self {
        self.settings.push((name, value));
        self
    }

    /// Returns the answers to the batches of one bucket.
    fn batches(&self, kind: &str, bucket: &str) -> Vec<Result<Value, (ErrorKind, String)>> {
        let item = |key: &String| json!({"reconcile": kind, "run": self.name, "bucket": bucket, "key": key});
        let keys = self.store.keys(bucket, self.prefix);
        let batches = keys.chunks(BATCH).map(|keys| {
            let items: Vec<Value> = keys.iter().map(item).collect();
            handle_with(self.store, &self.settings, json!({"Items": items}))
        });
        batches.collect()
    }

    fn overview(&self) -> Value {
        let event = json!({"reconcile": "overview", "run": self.name, "prefix": self.prefix});
        handle_with(self.store, &self.settings, event).unwrap()
    }

    /// Makes a whole run, in which no batch may fail. Returns the answer about the run.
    fn all(&self) -> Value {
        for (kind, bucket) in [("uploads", "uploads"), ("outputs", "sites")] {
            for answer in self.batches(kind, bucket) {
                answer.unwrap();
            }
        }
        self.overview()
    }
}

/// Returns a different CSV for each number.
fn csv(index: usize) -> String {
    format!("IP,Rule\n10.0.{index}.1,Allow\n2.2.{index},Allow\n")
}

/// Publishes a number of sites through events.
fn fleet(store: &MemoryStore, sites: usize) {
    for index in 0..sites {
        let key = format!("clients/{index:03}.csv");
        store.upload("uploads", &key, csv(index).as_bytes());
        handle_with(store, &[], put_event(&[&key])).unwrap();
    }
    store.take_calls();
}

fn output(index: usize) -> String {
    format!("clients/{index:03}/.htaccess")
}

fn last_line(store: &MemoryStore, key: &str) -> Option<String> {
    let text = store.text("sites", key)?;
    text.trim_end().lines().last().map(str::to_owned)
}

/// Returns the calls that change an output or a report. The objects of the run itself do not count.
fn changes(calls: &[String]) -> Vec<&String> {
    let is_own = |call: &str| {
        call.contains("s3://reports/overview/parts/")
            || call.ends_with("s3://reports/index.html")
            || call.ends_with("s3://reports/sites.csv")
    };
    let is_write = |call: &str| call.starts_with("PUT") || call.starts_with("DELETE");
    let changes = calls.iter().filter(|call| is_write(call) && !is_own(call));
    changes.collect()
}

#[test]
fn a_run_right_after_another_one_writes_nothing() {
    for on_delete in ON_DELETE {
        let store = MemoryStore::default();
        fleet(&store, 30);
        store.upload("uploads", "refused.csv", b"no,such,column\n");
        store.upload("uploads", "never told.csv", ACME);
        store.upload("uploads", "taken.csv.gz", ACME);
        store.upload("uploads", "taken.csv", ACME);
        store.upload("uploads", "notes.txt", b"hello");
        store.upload("uploads", "folder/", b"");
        store.upload("sites", "foreign/.htaccess", b"Require all granted\n");
        store.delete_object("uploads", "clients/007.csv");
        Run::new(&store, "first").with("ON_DELETE", on_delete).all();
        assert!(!changes(&store.take_calls()).is_empty());
        assert!(store.text("sites", "never told/.htaccess").is_some());
        for name in ["second", "third"] {
            let run = Run::new(&store, name).with("ON_DELETE", on_delete).all();
            assert_eq!(run["counts"].get("written"), None, "{run}");
            let calls = store.take_calls();
            assert_eq!(changes(&calls), Vec::<&String>::new(), "{on_delete}");
        }
    }
}

#[test]
fn a_site_with_nothing_to_do_costs_five_calls() {
    let store = MemoryStore::default();
    fleet(&store, BATCH * 4);
    Run::new(&store, "run").all();
    let calls = store.take_calls();
    let of_sites: Vec<&String> = calls
        .iter()
        .filter(|call| call.contains("clients/"))
        .collect();
    assert_eq!(of_sites.len(), BATCH * 4 * 5, "{of_sites:?}");
    // A PUT and a GET for each of 8 parts, two LIST calls for the parts, and two calls for each
    // object of the overview.
    assert_eq!(calls.len() - of_sites.len(), 8 * 2 + 2 + 4, "{calls:?}");
}

/// 20 outputs are deleted, 20 outputs are edited, and 20 CSVs are deleted without an event.
#[test]
fn one_run_repairs_deleted_and_altered_outputs_and_settles_orphans() {
    for on_delete in ON_DELETE {
        let store = MemoryStore::default();
        fleet(&store, 80);
        let good: Vec<Option<String>> = (0..80)
            .map(|index| last_line(&store, &output(index)))
            .collect();
        for index in 0..20 {
            store.delete_object("sites", &output(index));
            let other = Checksum::Sha256("other".to_owned());
            store.edit(
                "sites",
                &output(20 + index),
                b"Require all granted\n",
                other,
            );
            store.delete_object("uploads", &format!("clients/{:03}.csv", 40 + index));
        }
        let run = Run::new(&store, "run").with("ON_DELETE", on_delete).all();
        for index in (0..40).chain(60..80) {
            assert_eq!(last_line(&store, &output(index)), good[index], "{index}");
        }
        for (index, before) in good.iter().enumerate().take(60).skip(40) {
            let expected = match on_delete {
                "keep" => before.clone(),
                "remove" => None,
                _ => Some("Require all denied".to_owned()),
            };
            assert_eq!(last_line(&store, &output(index)), expected, "{on_delete}");
            let report = format!("clients/{index:03}.csv.html");
            let report = store.text("reports", &report).unwrap();
            assert!(report.contains("The CSV was deleted"), "{report}");
        }
        let (written, settled) = match on_delete {
            "deny" => (60, None),
            "remove" => (40, Some(("removed", 20))),
            _ => (40, Some(("kept", 20))),
        };
        assert_eq!(run["counts"]["written"], written, "{run}");
        assert_eq!(run["counts"]["unchanged"], 20, "{run}");
        if let Some((status, count)) = settled {
            assert_eq!(run["counts"][status], count, "{run}");
        }
        assert_eq!(run["states"], json!({"in-force": 60, "orphan": 20}));
        let overview = store.text("reports", "index.html").unwrap();
        assert!(overview.contains("20 sites need attention"), "{overview}");
    }
}

#[test]
fn an_output_that_another_program_wrote_is_reported_and_never_touched() {
    for on_delete in ON_DELETE {
        let store = MemoryStore::default();
        store.upload("sites", "foreign/.htaccess", b"Require all granted\n");
        let run = Run::new(&store, "run").with("ON_DELETE", on_delete).all();
        assert_eq!(run["states"], json!({"orphan": 1}));
        assert_eq!(changes(&store.take_calls()), Vec::<&String>::new());
        assert!(
            store
                .text("reports", "index.html")
                .unwrap()
                .contains("foreign/.htaccess")
        );
    }
}

/// The old output is settled after `OUTPUT_KEY` has changed and the new output is published.
#[test]
fn an_output_under_an_old_key_is_settled_after_the_new_one_exists() {
    for (on_delete, expected) in [
        ("keep", Some("Require ip 10.0.0.1")),
        ("remove", None),
        ("deny", Some("Require all denied")),
    ] {
        let store = MemoryStore::default();
        fleet(&store, 2);
        let new_key = "new/{{ path }}/.htaccess";
        // This CSV is now refused, so no output is published under its new key.
        store.upload("uploads", "clients/001.csv", b"no,such,column\n");
        let run = |name| {
            let run = Run::new(&store, name).with("ON_DELETE", on_delete);
            run.with("OUTPUT_KEY", new_key).all()
        };
        let answer = run("first");
        let new = last_line(&store, &format!("new/{}", output(0)));
        assert_eq!(new.as_deref(), Some("Require ip 10.0.0.1"));
        assert_eq!(
            last_line(&store, &output(0)).as_deref(),
            expected,
            "{on_delete}"
        );
        let kept = last_line(&store, &output(1));
        assert_eq!(kept.as_deref(), Some("Require ip 10.0.1.1"), "{on_delete}");
        assert_eq!(answer["states"]["orphan"], 2, "{answer}");
        assert_eq!(answer["states"]["never-published"], 1, "{answer}");
        store.take_calls();
        run("second");
        assert_eq!(changes(&store.take_calls()), Vec::<&String>::new());
        // Later, the CSV is deleted too.
        store.delete_object("uploads", "clients/001.csv");
        run("third");
        let settled = last_line(&store, &output(1));
        let expected = expected.map(|line| line.replace("10.0.0.1", "10.0.1.1"));
        assert_eq!(settled, expected, "{on_delete}");
        store.take_calls();
        run("fourth");
        assert_eq!(changes(&store.take_calls()), Vec::<&String>::new());
    }
}

/// The metadata contains only a digest of such a key.
#[test]
fn a_csv_with_a_very_long_key_is_no_orphan() {
    let store = MemoryStore::default();
    let long = format!(
        "{}/{}/{}.CSV",
        "é".repeat(100),
        "é".repeat(100),
        "é".repeat(100)
    );
    store.upload("uploads", &long, ACME);
    handle_with(&store, &[], put_event(&[&long])).unwrap();
    let run = Run::new(&store, "run").with("ON_DELETE", "remove").all();
    assert_eq!(run["states"], json!({"in-force": 1}));
    store.delete_object("uploads", &long);
    let run = Run::new(&store, "run-2").with("ON_DELETE", "remove").all();
    assert_eq!(run["counts"], json!({"removed": 1}));
}

#[test]
fn a_csv_that_comes_back_meanwhile_keeps_its_output() {
    let store = MemoryStore::default();
    fleet(&store, 1);
    store.delete_object("uploads", "clients/000.csv");
    store.upload_before_next_write("uploads", "clients/000.csv", csv(0).as_bytes());
    Run::new(&store, "run").with("ON_DELETE", "remove").all();
    assert_eq!(
        last_line(&store, &output(0)).as_deref(),
        Some("Require ip 10.0.0.1")
    );
}

/// The output must not be listed as an orphan, even if the run itself has published it again.
#[test]
fn a_csv_that_comes_back_before_its_output_is_settled_is_no_orphan() {
    for on_delete in ON_DELETE {
        let store = MemoryStore::default();
        fleet(&store, 2);
        store.delete_object("uploads", "clients/000.csv");
        let run = Run::new(&store, "run").with("ON_DELETE", on_delete);
        run.batches("uploads", "uploads");
        // The HEAD of the CSV finds nothing, but the publication finds the CSV.
        store.upload_after_next_missing("uploads", "clients/000.csv", csv(0).as_bytes());
        run.batches("outputs", "sites");
        let answer = run.overview();
        assert_eq!(
            answer["states"],
            json!({"in-force": 1, "not-checked": 1}),
            "{on_delete}"
        );
    }
}

#[test]
fn a_failure_is_tried_again_and_shown_in_the_overview() {
    let store = MemoryStore::default();
    fleet(&store, 3);
    store.delete_object("sites", &output(1));
    for (kind, code) in [
        (ErrorKind::Throttled, "Throttled"),
        (ErrorKind::AccessDenied, "AccessDenied"),
        (ErrorKind::Panic, "Panic"),
    ] {
        store.fail("PUT s3://sites/clients/001", kind);
        let run = Run::new(&store, "run");
        let answers = run.batches("uploads", "uploads");
        assert_eq!(answers[0].as_ref().unwrap_err().0, kind);
        let answer = run.overview();
        assert_eq!(answer["failed"], 1, "{answer}");
        assert_eq!(answer["states"], json!({"in-force": 2, "failed": 1}));
        assert!(store.text("reports", "index.html").unwrap().contains(code));
        store.mend();
    }
    let run = Run::new(&store, "run");
    assert_eq!(
        run.all()["states"],
        json!({"in-force": 3}),
        "the part was replaced"
    );
    assert!(last_line(&store, &output(1)).is_some());
}

#[test]
fn the_error_that_a_retry_can_fix_is_the_error_of_the_batch() {
    let store = MemoryStore::default();
    fleet(&store, 2);
    let item = |key: &str, bucket: &str| json!({"reconcile": "uploads", "run": "r", "bucket": bucket, "key": key});
    store.fail("GET s3://uploads/clients/001.csv", ErrorKind::Throttled);
    let event =
        json!({"Items": [item("clients/000.csv", "other"), item("clients/001.csv", "uploads")]});
    let settings = [("UPLOAD_BUCKET", "uploads")];
    let (kind, _) = handle_with(&store, &settings, event).unwrap_err();
    assert_eq!(kind, ErrorKind::Throttled);
}

#[test]
fn an_object_of_another_bucket_fails() {
    let store = MemoryStore::default();
    let item = |kind: &str, bucket: &str| json!({"reconcile": kind, "run": "r", "bucket": bucket, "key": "a.csv"});
    let settings = [("UPLOAD_BUCKET", "uploads"), ("REPORT_BUCKET", "")];
    for (item, settings) in [
        (item("uploads", "other"), &settings[..]),
        (item("outputs", "other"), &settings[..]),
        (item("outputs", "uploads"), &settings[..]),
        (item("outputs", "sites"), &[]),
    ] {
        let (kind, _) = handle_with(&store, settings, item).unwrap_err();
        assert_eq!(kind, ErrorKind::OtherBucket);
    }
}

#[test]
fn other_files_and_folder_markers_cost_no_call() {
    let store = MemoryStore::default();
    store.upload("uploads", "notes.txt", b"hello");
    store.upload("uploads", "folder/", b"");
    let answers = Run::new(&store, "run").batches("uploads", "uploads");
    assert_eq!(answers[0].as_ref().unwrap()["counts"], json!({}));
    assert_eq!(store.take_calls(), Vec::<String>::new());
}

#[test]
fn a_large_upload_is_read_alone() {
    let store = MemoryStore::default();
    fleet(&store, 4);
    let items: Vec<Value> = (0..4)
        .map(|index| {
            let key = format!("clients/{index:03}.csv");
            json!({"reconcile": "uploads", "run": "r", "bucket": "uploads", "key": key, "size": 5_000_000})
        })
        .collect();
    store.gets_at_once.set(0);
    handle_with(&store, &[], json!({"Items": items})).unwrap();
    assert_eq!(store.gets_at_once.get(), 1);
}

/// The state machine retries exactly the errors that a retry can fix.
#[test]
fn the_state_machine_retries_what_a_retry_can_fix() {
    const KINDS: [ErrorKind; 15] = [
        ErrorKind::UnknownEvent,
        ErrorKind::SameBucket,
        ErrorKind::OtherBucket,
        ErrorKind::UnversionedBucket,
        ErrorKind::BadTemplate,
        ErrorKind::AccessDenied,
        ErrorKind::NoSuchBucket,
        ErrorKind::Throttled,
        ErrorKind::Unavailable,
        ErrorKind::Connection,
        ErrorKind::Damaged,
        ErrorKind::Contention,
        ErrorKind::OutOfTime,
        ErrorKind::BadRequest,
        ErrorKind::Panic,
    ];
    let template = include_str!("../../../infra/reconcile.yaml");
    let lists: Vec<&str> = template.split("ErrorEquals:\n").skip(1).collect();
    assert_eq!(
        lists.len(),
        3,
        "the batches of two buckets, and the overview"
    );
    for list in lists {
        let names = list
            .lines()
            .map_while(|line| line.trim().strip_prefix("- "));
        let own: Vec<&str> = names.filter(|name| !name.contains('.')).collect();
        let retried = KINDS.iter().filter(|kind| kind.is_retryable());
        assert!(
            retried.map(|kind| kind.code()).eq(own.iter().copied()),
            "{own:?}"
        );
    }
}

/// Each run refuses a refused file again, but only the upload of the file is counted.
#[test]
fn a_run_counts_only_what_it_changes() {
    let store = MemoryStore::default();
    store.upload(
        "uploads",
        "refused.csv",
        b"IP,Rule\n2.2.2,Deny\n192.0.2.1,Allow\n",
    );
    store.upload("uploads", "fine.csv", ACME);
    handle_with(&store, &[], put_event(&["refused.csv", "fine.csv"])).unwrap();
    let metrics = |store: &MemoryStore| {
        let item = |key: &str| json!({"reconcile": "uploads", "run": "r", "bucket": "uploads", "key": key});
        let event = json!({"Items": [item("refused.csv"), item("fine.csv")]});
        let handler = Handler::new(store, settings(&[])).unwrap();
        let event = LambdaEvent::new(event, Context::default());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let (answer, metrics) = runtime.block_on(handler.handle_with_metrics(event));
        answer.unwrap();
        metrics
    };
    assert_eq!(metrics(&store), InvocationMetrics::default());
    store.delete_object("sites", "fine/.htaccess");
    assert_ne!(metrics(&store), InvocationMetrics::default());
}
