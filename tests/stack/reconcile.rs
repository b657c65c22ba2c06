//! Runs over all sites by the deployed state machine.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cloud::Cloud;
use crate::recorder::Call;

/// The number of sites, unless `RECONCILE_SITES` says otherwise.
const DEFAULT_SITES: usize = 200;
/// The number of outputs that are deleted, that are altered, and of CSVs that are deleted.
const WRECKED: usize = 20;
/// The time limit for a run over a thousand sites, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(15);
const RULES: &str = "IP,Rule\n192.0.2.1,Allow\n";

/// One run repairs deleted and altered outputs and reports orphans. The next one writes nothing.
pub(crate) fn repairs_everything_once(cloud: &Cloud) {
    let sites = number_of_sites();
    assert!(sites >= 4 * WRECKED, "RECONCILE_SITES is too small");
    upload_fleet(cloud, sites);
    wreck(cloud);
    let output = run(cloud, "{}");
    assert_eq!(output["counts"]["written"], 2 * WRECKED, "{output}");
    assert_eq!(output["counts"]["kept"], WRECKED, "{output}");
    assert_eq!(output["states"]["orphan"], WRECKED, "{output}");
    assert_eq!(output["failed"], 0, "{output}");
    for name in [
        "gone-00",
        "gone-19",
        "altered-00",
        "altered-19",
        "orphan-00",
    ] {
        let site = cloud.read("SiteBucket", &format!("fleet/{name}/.htaccess"));
        assert!(
            site.unwrap().ends_with("\nRequire ip 192.0.2.1\n"),
            "{name}"
        );
    }
    the_overview_lists_them(cloud, sites);
    the_next_run_writes_nothing(cloud);
}

/// The orphans of [`repairs_everything_once`] are removed after `OnDelete` was changed.
pub(crate) fn removes_orphans(cloud: &Cloud) {
    let output = run(cloud, r#"{"prefix": "fleet/"}"#);
    assert_eq!(output["counts"]["removed"], WRECKED, "{output}");
    cloud.wait_for_objects("SiteBucket", "fleet/orphan-", 0);
    the_next_run_writes_nothing(cloud);
}

/// A CSV is deleted while the bucket sends no events.
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
    cloud.delete_upload("fleet/fine-000.csv");
    set(&before.to_string());
    let output = run(cloud, r#"{"prefix": "fleet/"}"#);
    assert_eq!(output["counts"]["written"], 1, "{output}");
    let site = cloud
        .read("SiteBucket", "fleet/fine-000/.htaccess")
        .unwrap();
    assert!(site.ends_with("\nRequire all denied\n"), "{site}");
    the_next_run_writes_nothing(cloud);
}

pub(crate) fn refuses_a_wrong_prefix(cloud: &Cloud) {
    let execution = execute(cloud, r#"{"prefix": 1}"#);
    assert_eq!(execution["status"], "FAILED", "{execution}");
    assert_eq!(execution["error"], "WrongInput", "{execution}");
}

fn number_of_sites() -> usize {
    std::env::var("RECONCILE_SITES").map_or(DEFAULT_SITES, |sites| sites.parse().unwrap())
}

fn upload_fleet(cloud: &Cloud, sites: usize) {
    let folder = cloud.folder.join("fleet");
    fs::create_dir_all(&folder).unwrap();
    let kinds = ["gone", "altered", "orphan"];
    let wrecked = kinds
        .iter()
        .flat_map(|kind| (0..WRECKED).map(move |index| format!("{kind}-{index:02}")));
    let fine = (0..sites - kinds.len() * WRECKED).map(|index| format!("fine-{index:03}"));
    for name in wrecked.chain(fine) {
        fs::write(folder.join(name + ".csv"), RULES).unwrap();
    }
    let uploads = format!("s3://{}/fleet/", cloud.output("UploadBucket"));
    let copy = ["s3", "cp", "--recursive", "--only-show-errors"];
    cloud.aws(&[&copy[..], &[folder.to_str().unwrap(), &uploads]].concat());
    cloud.wait_for_objects("SiteBucket", "fleet/", sites);
    cloud.wait_for_objects("ReportBucket", "fleet/", sites);
}

/// With `OnDelete=keep` the bucket sends no events about deletes.
fn wreck(cloud: &Cloud) {
    let site = format!("s3://{}/fleet/", cloud.output("SiteBucket"));
    let uploads = format!("s3://{}/fleet/", cloud.output("UploadBucket"));
    let remove = ["s3", "rm", "--recursive", "--only-show-errors"];
    for (place, pattern) in [(&site, "gone-*"), (&uploads, "orphan-*")] {
        let filter = [place, "--exclude", "*", "--include", pattern];
        cloud.aws(&[&remove[..], &filter[..]].concat());
    }
    let folder = cloud.folder.join("altered");
    for index in 0..WRECKED {
        let site = folder.join(format!("altered-{index:02}"));
        fs::create_dir_all(&site).unwrap();
        fs::write(site.join(".htaccess"), "Require all granted\n").unwrap();
    }
    let copy = ["s3", "cp", "--recursive", "--only-show-errors"];
    cloud.aws(&[&copy[..], &[folder.to_str().unwrap(), &site]].concat());
}

fn the_overview_lists_them(cloud: &Cloud, sites: usize) {
    let page = cloud.read("ReportBucket", "index.html").unwrap();
    assert!(page.contains("href=\"fleet/orphan-00.csv.html\""), "{page}");
    assert!(page.contains("href=\"clients/no-rule-column.csv.html\""));
    let table = cloud.read("ReportBucket", "sites.csv").unwrap();
    let of_fleet = table.lines().filter(|row| row.starts_with("\"fleet/"));
    assert_eq!(of_fleet.count(), sites, "{table}");
    let acme = "\"clients/acme.csv\",\"clients/acme/.htaccess\",\"in-force\",\"unchanged\",,4,1,";
    assert!(table.contains(acme), "{table}");
}

fn the_next_run_writes_nothing(cloud: &Cloud) {
    let before = cloud.recorder.calls().len();
    let started = Instant::now();
    let output = run(cloud, "{}");
    let calls = &cloud.recorder.calls()[before..];
    let changes: Vec<&Call> = calls.iter().filter(|call| is_change(call)).collect();
    assert_eq!(changes, Vec::<&Call>::new(), "{output}");
    assert_eq!(output["counts"].get("written"), None, "{output}");
    println!(
        "a run with nothing to do: {} calls of S3 in {:.1} s, and {output}",
        calls.len(),
        started.elapsed().as_secs_f64()
    );
}

/// The objects of the run itself are its answer.
fn is_change(call: &Call) -> bool {
    let is_own = call.key.starts_with("overview/parts/")
        || ["index.html", "sites.csv"].contains(&&*call.key);
    !is_own && !["GET", "HEAD"].contains(&&*call.method)
}

/// Runs the state machine. The run must succeed. Returns its output.
fn run(cloud: &Cloud, input: &str) -> Value {
    let execution = execute(cloud, input);
    assert_eq!(execution["status"], "SUCCEEDED", "{execution}");
    serde_json::from_str(execution["output"].as_str().unwrap()).unwrap()
}

fn execute(cloud: &Cloud, input: &str) -> Value {
    let machine = ["--state-machine-arn", cloud.output("StateMachine")];
    let start = ["stepfunctions", "start-execution", "--input", input];
    let started = cloud.json(&[&start[..], &machine[..]].concat());
    let arn = started["executionArn"].as_str().unwrap();
    let ask = [
        "stepfunctions",
        "describe-execution",
        "--execution-arn",
        arn,
    ];
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
