//! Runs over all sites: what they repair, what they leave alone, and what the overview says.

use htaccess_generator::function::store::Checksum;
use htaccess_generator::function::{ErrorKind, Handler, InvocationMetrics};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};

use crate::function::handler::{ACME, handle_with, put_event, settings};
use crate::function::memory_store::MemoryStore;

const ON_DELETE: [&str; 3] = ["keep", "remove", "deny"];
/// Fewer than the state machine takes, so that a run has several batches.
const BATCH: usize = 25;

/// One run as the state machine does it.
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

    /// The answers to the batches of one bucket.
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

    /// Runs everything. No batch may fail. Returns the answer about the whole run.
    fn all(&self) -> Value {
        for (kind, bucket) in [("uploads", "uploads"), ("outputs", "sites")] {
            for answer in self.batches(kind, bucket) {
                answer.unwrap();
            }
        }
        self.overview()
    }
}

/// A different CSV for each number.
fn csv(index: usize) -> String {
    format!("IP,Rule\n10.0.{index}.1,Allow\n2.2.{index},Allow\n")
}

/// Publishes this number of sites by events.
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

/// The calls that change an output or a report. The objects of the run itself are its answer.
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
    // A PUT and a GET for each of 8 parts, the list of them, and two for each object of the overview.
    assert_eq!(calls.len() - of_sites.len(), 8 * 2 + 1 + 4, "{calls:?}");
}

/// 20 outputs are deleted, 20 are altered by hand, and 20 CSVs are deleted without an event.
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
        for index in 40..60 {
            let expected = match on_delete {
                "keep" => good[index].clone(),
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

/// `OUTPUT_KEY` was changed: the old output is settled after the new one was published.
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
        // This CSV is refused now, so nothing is published under its new key.
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
        // Later the CSV is gone too.
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

/// Metadata has a digest of such a key only.
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

/// The numbers of sites that nothing was done with come from the metadata of their reports.
#[test]
fn the_overview_has_every_site_and_its_numbers() {
    let store = MemoryStore::default();
    let rows: String = (0..2_000)
        .map(|index| format!("10.{}.{}.1,Allow,\n", index / 250, index % 250))
        .collect();
    let csvs = [
        ("large.csv", format!("IP,Rule,Expires\n{rows}")),
        (
            "soon.csv",
            "IP,Rule,Expires\n192.0.2.1,Allow,1970-01-09\n".to_owned(),
        ),
        (
            "=1+1.csv",
            "IP,Rule\n192.0.2.1,Allow\n2.2.2,Allow\n".to_owned(),
        ),
        ("first/refused.csv", "no,such,column\n".to_owned()),
    ];
    for (key, csv) in &csvs {
        store.upload("uploads", key, csv.as_bytes());
    }
    store.upload("uploads", "old/refused.csv", ACME);
    Run::new(&store, "first").all();
    store.upload("uploads", "old/refused.csv", b"no,such,column\n");
    Run::new(&store, "second").all();
    let table = store.text("reports", "sites.csv").unwrap();
    let rows: Vec<&str> = table.lines().collect();
    assert_eq!(rows.len(), 6, "{table}");
    assert_eq!(
        rows[1],
        "\"'=1+1.csv\",\"'=1+1/.htaccess\",\"in-force\",\"unchanged\",,2,1,1,107,10,,\"%3D1%2B1.csv.html\""
    );
    assert!(rows[2].starts_with("\"first/refused.csv\",\"first/refused/.htaccess\",\"never-published\",\"refused\",\"missing-column\","));
    assert!(
        rows[3].starts_with(
            "\"large.csv\",\"large/.htaccess\",\"in-force\",\"unchanged\",,2000,0,2000,"
        )
    );
    assert!(rows[4].starts_with("\"old/refused.csv\",\"old/refused/.htaccess\",\"refused\","));
    assert!(rows[5].contains("1970-01-10T00:00:00Z"), "{table}");
    let page = store.text("reports", "index.html").unwrap();
    for words in [
        "2 sites need attention",
        "href=\"first/refused.csv.html\"",
        "Changes within 14 days",
        "10 January 1970, 00:00 UTC",
        "Slowest for Apache",
        "<dt>Never published</dt><dd>1</dd>",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert_eq!(
        store.object("reports", "sites.csv").unwrap().content_type,
        "text/csv; charset=utf-8"
    );
}

#[test]
fn a_run_over_a_prefix_repairs_its_part_and_leaves_the_overview() {
    let store = MemoryStore::default();
    fleet(&store, 2);
    store.upload("uploads", "other/a.csv", ACME);
    Run::new(&store, "all").all();
    let overview = store.object("reports", "index.html").unwrap().head;
    store.delete_object("sites", &output(0));
    store.delete_object("sites", "other/a/.htaccess");
    let run = Run {
        prefix: "clients/",
        ..Run::new(&store, "part")
    };
    assert_eq!(run.all()["counts"], json!({"written": 1, "unchanged": 1}));
    assert!(last_line(&store, &output(0)).is_some());
    assert_eq!(last_line(&store, "other/a/.htaccess"), None);
    assert_eq!(
        store.object("reports", "index.html").unwrap().head,
        overview
    );
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

/// The report of such an upload would replace the overview.
#[test]
fn an_upload_whose_report_would_be_the_overview_is_refused() {
    let store = MemoryStore::default();
    store.upload("uploads", "index", ACME);
    let answer = handle_with(&store, &[], put_event(&["index"])).unwrap();
    assert_eq!(answer["results"][0]["code"], "unsafe-key");
    assert_eq!(store.text("reports", "index.html"), None);
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

/// Lists and the common CSV are published like sites, but their outputs are not in the bucket of the sites.
#[test]
fn lists_are_checked_too() {
    let store = MemoryStore::default();
    store.upload("uploads", "lists/office.csv", b"IP\n192.0.2.1\n");
    store.upload("uploads", "lists/bad.csv", b"IP\n192.0.2.2\n");
    store.upload("uploads", "_common.csv", b"IP,Rule\n192.0.2.3,Allow\n");
    store.upload("uploads", "site.csv", b"IP,Rule\n@office,Allow\n");
    let run = |name| {
        Run::new(&store, name)
            .with("COMMON_CSV", "_common.csv")
            .all()
    };
    // The first run publishes the lists after the site, or before it. The second one reads them.
    run("first");
    run("second");
    let site = store.text("sites", "site/.htaccess").unwrap();
    assert!(site.ends_with("Require ip 192.0.2.1 192.0.2.3\n"), "{site}");
    assert_eq!(store.keys("sites", ""), ["site/.htaccess"]);
    store.take_calls();
    assert_eq!(run("third")["states"], json!({"in-force": 4}));
    assert_eq!(changes(&store.take_calls()), Vec::<&String>::new());
    store.upload("uploads", "lists/bad.csv", b"no,such,column\n");
    store.upload("uploads", "lists/new.csv", b"no,such,column\n");
    let states = run("fourth")["states"].clone();
    assert_eq!(
        states,
        json!({"in-force": 3, "refused": 1, "never-published": 1})
    );
    store.take_calls();
    run("fifth");
    assert_eq!(changes(&store.take_calls()), Vec::<&String>::new());
}

/// A site whose CSV became a list has an old output in the bucket of the sites.
#[test]
fn the_output_of_a_csv_that_became_a_list_is_an_orphan() {
    let store = MemoryStore::default();
    store.upload("uploads", "lists/office.csv", b"IP,Rule\n192.0.2.1,Allow\n");
    let settings = [("REPORT_BUCKET", "")];
    handle_with(&store, &settings, put_event(&["lists/office.csv"])).unwrap();
    assert_eq!(store.keys("sites", ""), ["lists/office/.htaccess"]);
    let run = Run::new(&store, "run").with("ON_DELETE", "remove").all();
    assert_eq!(run["states"], json!({"in-force": 1, "orphan": 1}));
    assert_eq!(store.keys("sites", ""), Vec::<String>::new());
}

/// The schedule of a change was lost: the run publishes what holds now, and creates the next schedule.
#[test]
fn a_row_that_has_ended_is_taken_out() {
    let store = MemoryStore::default();
    let csv = b"IP,Rule,Expires\n192.0.2.1,Allow,\n192.0.2.2,Allow,1970-01-01T00:00:02Z\n";
    store.upload("uploads", "site.csv", csv);
    Run::new(&store, "first").all();
    for _ in 0..3 {
        store.tick();
    }
    assert_eq!(
        Run::new(&store, "second").all()["counts"],
        json!({"written": 1})
    );
    let site = store.text("sites", "site/.htaccess").unwrap();
    assert!(site.ends_with("Require ip 192.0.2.1\n"), "{site}");
    store.take_calls();
    Run::new(&store, "third").all();
    assert_eq!(changes(&store.take_calls()), Vec::<&String>::new());
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

/// A refused file is refused again by each run. Only its upload is counted.
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
