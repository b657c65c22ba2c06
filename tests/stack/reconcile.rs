//! Runs of the deployed state machine over all sites.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::cloud::{Cloud, wait_until};
use crate::many::{LIST, Many};
use crate::recorder::Call;

/// A fleet of sites, 200 of which use the list.
pub(crate) const FLEET: Many = Many {
    prefix: "thousand",
    count: 1_000,
    list_every: Some(5),
};
const OFFICE: &str = "IP\n198.51.100.0/28\n";
const NEW_OFFICE: &str = "IP\n198.51.100.0/28\n203.0.113.7\n";
const BAD_OFFICE: &str = "IP,Rule\n198.51.100.1,Allow\n203.0.113.7,Deny\n";
/// The number of sites that are uploaded again while a run brings a new list to the sites.
const AGAIN: usize = 50;
/// The number of outputs that are deleted, of outputs that are altered, and of CSVs that are deleted.
const WRECKED: usize = 20;
/// The prefix of a part of the fleet, for runs in which a smaller number of sites proves the same.
const PART: &str = r#"{"prefix": "thousand/OLD/"}"#;
/// The number of deleted CSVs in this part.
const WRECKED_IN_PART: usize = WRECKED / 4;
/// The time limit for a run over a thousand sites, long enough for a busy machine.
const PATIENCE: Duration = Duration::from_mins(15);

/// Publishes the list before the sites, so that the sites find it.
pub(crate) fn publishes_a_fleet(cloud: &Cloud) {
    FLEET.upload_list(cloud, OFFICE);
    cloud.wait_for_objects("ReportBucket", "compiled/lists/office.list", 1);
    FLEET.are_published(cloud);
    wait_for_runs(cloud, 1);
}

/// A new version of a list starts a run, which publishes the sites that use the list and writes no
/// others. Sites that are uploaded during the run have the correct output at the end. A refused
/// list and a deleted list change nothing.
pub(crate) fn brings_a_list_to_its_sites(cloud: &Cloud) {
    let before = cloud.recorder.calls().len();
    let runs = runs(cloud).len();
    let started = Instant::now();
    FLEET.upload_list(cloud, NEW_OFFICE);
    wait_until("the run that the list starts", || {
        match runs_of(cloud, "RUNNING").len() {
            1 => Ok(()),
            count => Err(count),
        }
    });
    // These sites are spread over the whole fleet, so the run has already processed some of them,
    // and some use the list.
    let step = FLEET.count / AGAIN;
    let again = (0..AGAIN).map(|number| number * step + number % step);
    FLEET.upload_again(cloud, again.clone());
    assert_eq!(
        runs_of(cloud, "RUNNING").len(),
        1,
        "the run ended before the uploads"
    );
    wait_for_runs(cloud, runs + 1);
    let wanted = FLEET.wanted(cloud);
    wait_until("the new list in all outputs", || {
        let stale = FLEET.differences(cloud, &wanted);
        stale.is_empty().then_some(()).ok_or(stale)
    });
    println!(
        "a list was in 200 of 1,000 sites after {:.1} s",
        started.elapsed().as_secs_f64()
    );
    let named = (0..FLEET.count).filter(|index| FLEET.names_list(*index));
    let expected: BTreeSet<String> = named
        .chain(again)
        .map(|index| FLEET.output(index))
        .collect();
    assert_eq!(written_outputs(cloud, before), expected);

    let before = cloud.recorder.calls().len();
    cloud.upload(LIST, BAD_OFFICE);
    cloud.answer(LIST, |answer| answer["code"] == "mixed-rules");
    cloud.delete_upload(LIST);
    run(cloud, PART);
    assert_eq!(written_outputs(cloud, before), BTreeSet::new());
    assert_eq!(
        FLEET.differences(cloud, &wanted),
        Vec::<std::path::PathBuf>::new()
    );
    assert_eq!(
        self::runs(cloud).len(),
        runs + 2,
        "the refused list started a run"
    );
}

/// One run restores deleted and altered outputs, and reports orphans. The next run writes nothing.
pub(crate) fn repairs_everything_once(cloud: &Cloud) {
    let wanted = FLEET.wanted(cloud);
    wreck(cloud);
    assert_eq!(FLEET.differences(cloud, &wanted).len(), 2 * WRECKED);
    let output = run(cloud, "{}");
    assert_eq!(output["counts"]["written"], 2 * WRECKED, "{output}");
    assert_eq!(output["counts"]["kept"], WRECKED, "{output}");
    assert_eq!(output["states"]["orphan"], WRECKED, "{output}");
    assert_eq!(output["failed"], 0, "{output}");
    assert_eq!(
        FLEET.differences(cloud, &wanted),
        Vec::<std::path::PathBuf>::new()
    );
    the_overview_lists_them(cloud);
    writes_nothing(cloud, "{}");
}

/// After a change of `OnDelete`, a run removes the orphans that [`repairs_everything_once`] left.
pub(crate) fn removes_orphans(cloud: &Cloud) {
    let output = run(cloud, PART);
    assert_eq!(output["counts"]["removed"], WRECKED_IN_PART, "{output}");
    let left = FLEET.count / 4 - WRECKED_IN_PART;
    cloud.wait_for_objects("SiteBucket", "thousand/OLD/", left);
    writes_nothing(cloud, PART);
}

/// A run denies everybody at a site whose CSV was deleted while the bucket sent no events.
pub(crate) fn shuts_orphans(cloud: &Cloud) {
    let bucket = ["--bucket", cloud.output("UploadBucket")];
    let ask = ["s3api", "get-bucket-notification-configuration"];
    let before = cloud.json(&[&ask[..], &bucket[..]].concat());
    let set = |configuration: &str| {
        let put = ["s3api", "put-bucket-notification-configuration"];
        let option = ["--notification-configuration", configuration];
        cloud.aws(&[&put[..], &bucket[..], &option[..]].concat());
    };
    set("{}");
    cloud.delete_upload(&FLEET.key(3));
    set(&before.to_string());
    let output = run(cloud, PART);
    assert_eq!(output["counts"]["written"], 1, "{output}");
    let site = cloud.read("SiteBucket", &FLEET.output(3)).unwrap();
    assert!(site.ends_with("\nRequire all denied\n"), "{site}");
    writes_nothing(cloud, PART);
}

pub(crate) fn refuses_a_wrong_prefix(cloud: &Cloud) {
    let execution = execute(cloud, r#"{"prefix": 1}"#);
    assert_eq!(execution["status"], "FAILED", "{execution}");
    assert_eq!(execution["error"], "WrongInput", "{execution}");
}

/// If the batches of uploads cannot call the function, the run still checks the outputs, writes the
/// overview, and fails.
pub(crate) fn fails_if_a_batch_was_not_handled(cloud: &Cloud) {
    let machine = ["--state-machine-arn", cloud.output("StateMachine")];
    let describe = ["stepfunctions", "describe-state-machine"];
    let deployed = cloud.json(&[&describe[..], &machine[..]].concat());
    let mut definition: Value = from_text(&deployed["definition"]);
    let batch = "/States/CheckUploads/ItemProcessor/States/CheckBatch/Parameters/FunctionName";
    *definition.pointer_mut(batch).unwrap() = "no-such-function".into();
    let create = ["stepfunctions", "create-state-machine", "--name", "broken"];
    let role = ["--role-arn", deployed["roleArn"].as_str().unwrap()];
    let text = definition.to_string();
    let options = ["--definition", &text];
    let created = cloud.json(&[&create[..], &role[..], &options[..]].concat());
    let broken = created["stateMachineArn"].as_str().unwrap();
    let execution = execute_machine(cloud, broken, r#"{"prefix": "clients/"}"#);
    assert_eq!(execution["status"], "FAILED", "{execution}");
    assert_eq!(execution["error"], "BatchesFailed", "{execution}");
    let name = execution["name"].as_str().unwrap();
    let parts = format!("overview/parts/{name}/outputs-");
    let list = [
        "s3api",
        "list-objects-v2",
        "--bucket",
        cloud.output("ReportBucket"),
    ];
    let query = ["--prefix", &parts, "--query", "length(Contents || `[]`)"];
    let found = cloud.json(&[&list[..], &query[..]].concat());
    assert_ne!(found, 0, "the outputs were not checked: {execution}");
    let delete = [
        "stepfunctions",
        "delete-state-machine",
        "--state-machine-arn",
    ];
    cloud.aws(&[&delete[..], &[broken]].concat());
}

/// Deletes outputs, alters outputs, and deletes CSVs. With `OnDelete=keep`, the bucket sends no
/// events for deletes.
fn wreck(cloud: &Cloud) {
    delete(
        cloud,
        "SiteBucket",
        (0..WRECKED).map(|index| FLEET.output(index)),
    );
    let folder = cloud.folder.join("altered");
    for index in WRECKED..2 * WRECKED {
        let file = folder.join(FLEET.output(index));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "Require all granted\n").unwrap();
    }
    let sites = format!("s3://{}/", cloud.output("SiteBucket"));
    let copy = ["s3", "cp", "--recursive", "--only-show-errors"];
    cloud.aws(&[&copy[..], &[folder.to_str().unwrap(), &sites]].concat());
    let orphans = 2 * WRECKED..3 * WRECKED;
    delete(cloud, "UploadBucket", orphans.map(|index| FLEET.key(index)));
}

fn delete(cloud: &Cloud, bucket: &str, keys: impl Iterator<Item = String>) {
    let objects: Vec<Value> = keys.map(|key| json!({"Key": key})).collect();
    let objects = json!({"Objects": objects, "Quiet": true}).to_string();
    let delete = ["s3api", "delete-objects", "--bucket", cloud.output(bucket)];
    cloud.aws(&[&delete[..], &["--delete", &objects]].concat());
}

fn the_overview_lists_them(cloud: &Cloud) {
    let page = cloud.read("ReportBucket", "index.html").unwrap();
    assert!(
        page.contains("href=\"thousand/site-40.csv.html\""),
        "{page}"
    );
    assert!(page.contains("href=\"clients/no-rule-column.csv.html\""));
    let office = "<bdi>@office</bdi></th><td><bdi>Published, but its CSV was deleted</bdi></td>\
                  <td class=\"number\"><bdi>";
    let (_, users) = page.split_once(office).unwrap_or_else(|| panic!("{page}"));
    let orphans = (2 * WRECKED..3 * WRECKED).filter(|index| FLEET.names_list(*index));
    let expected = format!("{}</bdi>", FLEET.count / 5 - orphans.count());
    assert!(users.starts_with(&expected), "{page}");
    let table = cloud.read("ReportBucket", "sites.csv").unwrap();
    let of_fleet = table.lines().filter(|row| row.starts_with("\"thousand/"));
    assert_eq!(of_fleet.count(), FLEET.count, "{table}");
    let acme = "\"clients/acme.csv\",\"clients/acme/.htaccess\",\"in-force\",\"unchanged\",,4,1,";
    assert!(table.contains(acme), "{table}");
}

fn writes_nothing(cloud: &Cloud, input: &str) {
    let before = cloud.recorder.calls().len();
    let started = Instant::now();
    let output = run(cloud, input);
    let calls = &cloud.recorder.calls()[before..];
    let changes: Vec<&Call> = calls.iter().filter(|call| is_change(call)).collect();
    assert_eq!(changes, Vec::<&Call>::new(), "{output}");
    assert_eq!(output["counts"].get("written"), None, "{output}");
    println!(
        "a run with nothing to do: {} calls in {:.1} s, and {output}",
        calls.len(),
        started.elapsed().as_secs_f64()
    );
}

/// Returns whether a call changes something other than the run's own results. A schedule that
/// already exists is not changed (409).
fn is_change(call: &Call) -> bool {
    let is_own = call.key.starts_with("overview/parts/")
        || ["index.html", "sites.csv"].contains(&&*call.key);
    let is_known_schedule = call.bucket == "schedules" && call.status == 409;
    !is_own && !is_known_schedule && !["GET", "HEAD"].contains(&&*call.method)
}

/// Returns the keys of the outputs that were written after the first `before` calls.
fn written_outputs(cloud: &Cloud, before: usize) -> BTreeSet<String> {
    let calls = &cloud.recorder.calls()[before..];
    let sites = cloud.output("SiteBucket");
    let is_write = |call: &&Call| {
        call.bucket == sites && call.status == 200 && !["GET", "HEAD"].contains(&&*call.method)
    };
    let writes = calls.iter().filter(is_write);
    let keys = writes.map(|call| percent_decode_str(&call.key).decode_utf8_lossy());
    keys.map(Cow::into_owned).collect()
}

/// Waits until no run is in progress.
pub(crate) fn waits_for_all_runs(cloud: &Cloud) {
    let machine = ["--state-machine-arn", cloud.output("StateMachine")];
    let list = [
        "stepfunctions",
        "list-executions",
        "--status-filter",
        "RUNNING",
    ];
    let ask = [&list[..], &machine[..]].concat();
    wait_until("the end of all runs", || {
        let running = cloud.json(&ask);
        if running["executions"] == json!([]) {
            Ok(())
        } else {
            Err(running)
        }
    });
}

/// Runs the state machine, and checks that the run succeeds. Returns its output.
fn run(cloud: &Cloud, input: &str) -> Value {
    let execution = execute(cloud, input);
    assert_eq!(execution["status"], "SUCCEEDED", "{execution}");
    from_text(&execution["output"])
}

/// Parses the JSON in a JSON string.
fn from_text(text: &Value) -> Value {
    serde_json::from_str(text.as_str().unwrap()).unwrap()
}

fn execute(cloud: &Cloud, input: &str) -> Value {
    execute_machine(cloud, cloud.output("StateMachine"), input)
}

fn execute_machine(cloud: &Cloud, machine: &str, input: &str) -> Value {
    let machine = ["--state-machine-arn", machine];
    let start = ["stepfunctions", "start-execution", "--input", input];
    let started = cloud.json(&[&start[..], &machine[..]].concat());
    let arn = started["executionArn"].as_str().unwrap();
    let describe = ["stepfunctions", "describe-execution"];
    let ask = [&describe[..], &["--execution-arn", arn]].concat();
    let began = Instant::now();
    loop {
        let execution = cloud.json(&ask);
        if execution["status"] != "RUNNING" {
            return execution;
        }
        assert!(began.elapsed() < PATIENCE, "{execution}");
        thread::sleep(Duration::from_millis(500));
    }
}

/// Waits until this number of runs has been started in total and all of them have succeeded.
fn wait_for_runs(cloud: &Cloud, count: usize) {
    let began = Instant::now();
    while runs(cloud).len() < count || !runs_of(cloud, "RUNNING").is_empty() {
        assert!(began.elapsed() < PATIENCE, "{:?}", runs(cloud));
        thread::sleep(Duration::from_millis(500));
    }
    let runs = runs(cloud);
    assert_eq!(runs.len(), count, "{runs:?}");
    assert_eq!(runs_of(cloud, "SUCCEEDED").len(), count, "{runs:?}");
}

fn runs(cloud: &Cloud) -> Vec<Value> {
    let machine = ["--state-machine-arn", cloud.output("StateMachine")];
    let list = ["stepfunctions", "list-executions"];
    let listed = cloud.json(&[&list[..], &machine[..]].concat());
    listed["executions"].as_array().unwrap().clone()
}

fn runs_of(cloud: &Cloud, status: &str) -> Vec<Value> {
    let runs = runs(cloud).into_iter();
    runs.filter(|run| run["status"] == status).collect()
}
