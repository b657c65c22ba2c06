use std::collections::BTreeSet;

use super::*;
use crate::answer::{NetworkCounts, Refusal, RefusalCode};

fn dimensions() -> Dimensions {
    Dimensions::read(|name| (name == "AWS_LAMBDA_FUNCTION_NAME").then(|| "generate".to_owned()))
}

fn invocation(cold_start: bool) -> InvocationProperties<'static> {
    InvocationProperties {
        request_id: "4f5e",
        xray_trace_id: None,
        cold_start,
        ended_at_ms: 1_800_000_000_123,
    }
}

fn published() -> Answer {
    Answer {
        rows: 4,
        accepted: 3,
        rejected: 1,
        networks: NetworkCounts { allow: 2, deny: 1 },
        ..Answer::new("clients/acme.csv", Status::Written)
    }
}

/// Checks that a metric line has the members that the specification requires, and returns the members.
#[track_caller]
fn check_specification(line: &str) -> Map<String, Value> {
    assert!(line.len() < 256 * 1024 && !line.contains('\n'), "{line}");
    let root: Map<String, Value> = serde_json::from_str(line).unwrap();
    let metadata = root["_aws"].as_object().unwrap();
    let members: BTreeSet<&str> = metadata.keys().map(String::as_str).collect();
    assert_eq!(members, BTreeSet::from(["CloudWatchMetrics", "Timestamp"]));
    assert!(metadata["Timestamp"].as_u64().unwrap() > 1_000_000_000_000);
    for directive in metadata["CloudWatchMetrics"].as_array().unwrap() {
        let members: Vec<&String> = directive.as_object().unwrap().keys().collect();
        assert_eq!(members, ["Dimensions", "Metrics", "Namespace"]);
        let namespace = directive["Namespace"].as_str().unwrap();
        let is_allowed = |sign: char| sign.is_ascii_alphanumeric() || ".-_/#:".contains(sign);
        assert!((1..=256).contains(&namespace.len()) && namespace.chars().all(is_allowed));
        assert!(!namespace.starts_with("AWS/"));
        check_dimensions(&directive["Dimensions"], &root);
        check_metrics(&directive["Metrics"], &root);
    }
    root
}

#[track_caller]
fn check_dimensions(sets: &Value, root: &Map<String, Value>) {
    for set in sets.as_array().unwrap() {
        let names = set.as_array().unwrap();
        assert!((1..=30).contains(&names.len()));
        for name in names {
            let value = root[name.as_str().unwrap()].as_str().unwrap();
            assert!((1..=1024).contains(&value.len()) && value.is_ascii());
        }
    }
}

#[track_caller]
fn check_metrics(definitions: &Value, root: &Map<String, Value>) {
    let definitions = definitions.as_array().unwrap();
    assert!((1..=100).contains(&definitions.len()));
    let mut names = BTreeSet::new();
    for definition in definitions {
        let name = definition["Name"].as_str().unwrap();
        assert!(names.insert(name), "{name} twice");
        let unit = definition["Unit"].as_str().unwrap();
        assert!(["Count", "Milliseconds", "Bytes"].contains(&unit), "{unit}");
        match &root[name] {
            Value::Array(values) => {
                assert!((1..=100).contains(&values.len()), "{name}");
                assert!(values.iter().all(Value::is_number), "{name}");
            }
            value => assert!(value.is_number(), "{name}"),
        }
    }
}

#[test]
fn one_file_is_one_line_of_the_embedded_metric_format() {
    let mut stats = PublishStats::default();
    stats.input(&Head {
        version_id: "v2".to_owned(),
        bytes: Some(77),
        ..Head::default()
    });
    stats.conflict();
    let mut metrics = InvocationMetrics::default();
    metrics.add(Some(&published()), &stats, Some("v1"), 1.5);
    let lines = metrics.lines(&dimensions(), &invocation(true));
    assert_eq!(lines.len(), 1);
    let root = check_specification(&lines[0]);
    let metric = |name: &str| root[name].clone();
    assert_eq!(metric("FilesPublished"), 1);
    assert_eq!(metric("FilesUnchanged"), 0);
    assert_eq!(metric("FilesRefused"), 0);
    assert_eq!(metric("FilesFailed"), 0);
    assert_eq!(metric("RowsAccepted"), 3);
    assert_eq!(metric("RowsRejected"), 1);
    assert_eq!(metric("Networks"), 3);
    assert_eq!(metric("StaleEvents"), 1);
    assert_eq!(metric("ConflictRetries"), 1);
    assert_eq!(metric("ColdStart"), 1);
    assert_eq!(metric("ProcessingMs"), json!([1.5]));
    assert_eq!(metric("InputBytes"), json!([77]));
    assert_eq!(metric("service"), "htaccess-generator");
    assert_eq!(metric("function_name"), "generate");
    assert_eq!(metric("function_request_id"), "4f5e");
    assert_eq!(metric("cold_start"), true);
    assert_eq!(
        metric("_aws")["CloudWatchMetrics"][0]["Namespace"],
        "HtaccessGenerator"
    );
}

#[test]
fn a_line_tells_nothing_of_what_was_in_the_file() {
    let refusal = Refusal::new(RefusalCode::NotCsv, "secret");
    let answer = Answer::new("secret.csv", Status::Written).refused(&refusal);
    let mut metrics = InvocationMetrics::default();
    metrics.add(Some(&answer), &PublishStats::default(), None, 0.0);
    let line = metrics.lines(&dimensions(), &invocation(false)).concat();
    assert_eq!(check_specification(&line)["FilesRefused"], 1);
    assert!(!line.contains("secret"), "{line}");
}

#[test]
fn counts_are_there_where_no_file_was() {
    let lines = InvocationMetrics::default().lines(&dimensions(), &invocation(false));
    let root = check_specification(&lines[0]);
    assert_eq!(root["FilesPublished"], 0);
    assert!(!root.contains_key("ProcessingMs") && !root.contains_key("ColdStart"));
}

#[test]
fn no_line_has_more_values_than_cloudwatch_takes() {
    let mut metrics = InvocationMetrics::default();
    for index in 0..250 {
        let mut stats = PublishStats::default();
        stats.input(&Head {
            bytes: Some(index),
            ..Head::default()
        });
        let answer = (index % 2 == 0).then(published);
        metrics.add(answer.as_ref(), &stats, None, 0.25);
    }
    let lines = metrics.lines(&dimensions(), &invocation(true));
    assert_eq!(lines.len(), 3);
    let roots: Vec<_> = lines.iter().map(|line| check_specification(line)).collect();
    assert_eq!(roots[0]["FilesPublished"], 125);
    assert_eq!(roots[0]["FilesFailed"], 125);
    let values = |root: &Map<String, Value>| root["InputBytes"].as_array().unwrap().len();
    assert_eq!(roots.iter().map(values).collect::<Vec<_>>(), [100, 100, 50]);
    assert!(!roots[1].contains_key("FilesPublished"), "counted twice");
}

#[test]
fn namespace_and_service_can_be_set() {
    let dimensions = Dimensions::read(|name| Some(format!("my-{}", name.len())));
    let line = InvocationMetrics::default()
        .lines(&dimensions, &invocation(false))
        .concat();
    let root = check_specification(&line);
    assert_eq!(root["service"], "my-23");
    assert_eq!(root["_aws"]["CloudWatchMetrics"][0]["Namespace"], "my-28");
}

#[test]
fn an_event_is_stale_if_another_version_was_there() {
    let mut stats = PublishStats::default();
    assert!(!stats.is_stale(Some("v1")), "nothing was there");
    stats.input(&Head {
        version_id: "v2".to_owned(),
        ..Head::default()
    });
    assert!(stats.is_stale(Some("v1")));
    assert!(!stats.is_stale(Some("v2")));
    assert!(!stats.is_stale(None), "the event does not tell");
}
