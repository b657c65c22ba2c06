//! The function's metrics and log lines, and the alarms and the dashboard that use them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::cloud::{Cloud, wait_until};

/// The metrics that are counted in every deployment.
const COUNTED: [&str; 13] = [
    "ColdStart",
    "ConflictRetries",
    "FilesFailed",
    "FilesPublished",
    "FilesRefused",
    "FilesRemoved",
    "FilesUnchanged",
    "InputBytes",
    "Networks",
    "ProcessingMs",
    "RowsAccepted",
    "RowsRejected",
    "StaleEvents",
];

/// Returns the messages in the function's log that contain a word. The local cloud returns only the
/// first 10,000 messages, and a run has thousands of invocations with several messages each.
fn log(cloud: &Cloud, word: &str) -> Vec<String> {
    let ask = ["logs", "filter-log-events", "--log-group-name"];
    let query = ["--filter-pattern", word, "--query", "events[].message"];
    let messages = cloud.json(&[&ask[..], &[cloud.output("LogGroup")], &query[..]].concat());
    serde_json::from_value(messages).unwrap()
}

/// Returns the metrics in the log, with the sum of the values of each metric.
fn metrics(cloud: &Cloud) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    let log = log(cloud, "CloudWatchMetrics");
    assert!(log.len() < 10_000, "the log has too many metrics");
    for line in log.iter().flat_map(|message| message.lines()) {
        let Ok(root) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        let Some(directive) = root.pointer("/_aws/CloudWatchMetrics/0") else {
            continue;
        };
        assert_eq!(directive["Namespace"], "HtaccessGenerator");
        for dimension in ["function_name", "service"] {
            assert!(root[dimension].is_string(), "{line}");
        }
        for metric in directive["Metrics"].as_array().unwrap() {
            let name = metric["Name"].as_str().unwrap();
            *sums.entry(name.to_owned()).or_default() += root[name].as_u64().unwrap_or(0);
        }
    }
    sums
}

/// Waits until the sum of a metric is at least this value.
pub(crate) fn wait_for_metric(cloud: &Cloud, name: &str, least: u64) {
    wait_until(&format!("{name} of {least}"), || {
        let sums = metrics(cloud);
        let sum = sums.get(name).copied().unwrap_or(0);
        (sum >= least).then_some(()).ok_or(sums)
    });
}

/// Checks the metrics and the log after the upload of the samples, two of which are refused.
pub(crate) fn samples_are_counted(cloud: &Cloud) {
    for (name, least) in [
        ("FilesPublished", 8),
        ("FilesRefused", 2),
        ("RowsRejected", 1),
        ("RowsAccepted", 256),
        ("ColdStart", 1),
    ] {
        wait_for_metric(cloud, name, least);
    }
    let log = log(cloud, "").concat();
    assert!(log.contains("clients/acme.csv"));
    assert!(log.contains("missing-column") && log.contains("not-csv"));
    for absent in ["IP Address,Rule", "scanner", "awsRegion", "eventSource"] {
        assert!(!log.contains(absent), "the log has `{absent}` in it");
    }
    alarms_and_dashboard_look_at_what_is_there(cloud);
}

fn alarms_and_dashboard_look_at_what_is_there(cloud: &Cloud) {
    let counted: BTreeSet<String> = metrics(cloud).into_keys().collect();
    assert!(counted.iter().eq(COUNTED), "{counted:?}");
    let alarms = cloud.json(&["cloudwatch", "describe-alarms", "--query", "MetricAlarms"]);
    let alarms = alarms.as_array().unwrap();
    assert!(alarms.len() >= 9, "{alarms:?}");
    for alarm in alarms {
        let name = alarm["AlarmName"].as_str().unwrap();
        assert_eq!(
            alarm["AlarmActions"][0],
            cloud.output("AlarmTopic"),
            "{name}"
        );
        assert!(alarm["TreatMissingData"].is_string(), "{name}");
        let description = alarm["AlarmDescription"].as_str().unwrap();
        assert!(description.contains("docs/operations.md: "), "{name}");
        if alarm["Namespace"] == "HtaccessGenerator" {
            let metric = alarm["MetricName"].as_str().unwrap();
            assert!(counted.contains(metric), "{name} looks at {metric}");
        }
    }
    let dashboard = cloud.output("Dashboard").rsplit('=').next().unwrap();
    let ask = ["cloudwatch", "get-dashboard", "--query", "DashboardBody"];
    let body = cloud.json(&[&ask[..], &["--dashboard-name", dashboard]].concat());
    let body: Value = serde_json::from_str(body.as_str().unwrap()).unwrap();
    let widgets = body["widgets"].as_array().unwrap();
    let metrics = widgets
        .iter()
        .filter_map(|widget| widget["properties"]["metrics"].as_array())
        .flatten();
    let mut own = 0;
    for metric in metrics.filter(|metric| metric[0] == "HtaccessGenerator") {
        let name = metric[1].as_str().unwrap();
        assert!(counted.contains(name), "the dashboard looks at {name}");
        own += 1;
    }
    println!(
        "{} alarms, {} widgets, {own} graphs of {} metrics of our own",
        alarms.len(),
        widgets.len(),
        counted.len()
    );
}
