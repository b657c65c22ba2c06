//! Failed events stay in the failure queue. They are published when they are sent again after the
//! cause is fixed.

use std::fs;

use serde_json::{Value, json};

use crate::cloud::Cloud;
use crate::observability::wait_for_metric;

const CSV: &str = "IP Address,Rule\n192.0.2.7,Allow\n";
const RULES: &str = "Require ip 192.0.2.7";

/// An operator's mistake in the configuration, with which the event fails at every attempt.
pub(crate) fn of_the_deployment(cloud: &Cloud) {
    let right = environment(cloud);
    let mut wrong = right.clone();
    wrong["Variables"]["OUTPUT_BUCKET"] = "no-such-bucket-anywhere".into();
    set_environment(cloud, &wrong);
    cloud.upload("failing/a site.csv", CSV);
    cloud.wait_for_messages("FailureQueue", 1);
    wait_for_metric(cloud, "FilesFailed", 1);

    let receive = ["sqs", "receive-message", "--visibility-timeout", "0"];
    let queue = ["--queue-url", cloud.output("FailureQueue")];
    let message = cloud.json(&[&receive[..], &queue[..]].concat());
    let body = message["Messages"][0]["Body"].as_str().unwrap();
    let record: Value = serde_json::from_str(body).unwrap();
    assert_eq!(record["responsePayload"]["errorType"], "NoSuchBucket");
    let entity = &record["requestPayload"]["Records"][0]["s3"];
    assert_eq!(entity["object"]["key"], "failing/a+site.csv");

    let shown = cloud.redrive(&["--show"]);
    println!("{}", shown.trim());
    assert!(shown.contains("NoSuchBucket: "), "{shown}");
    assert!(shown.contains("failing/a+site.csv"), "{shown}");
    assert_eq!(cloud.messages("FailureQueue"), 1, "a look took it away");

    set_environment(cloud, &right);
    cloud.redrive(&[]);
    cloud.site("failing/a site/.htaccess", |text| text.contains(RULES));
    assert_eq!(cloud.messages("FailureQueue"), 0);
}

/// If a schedule cannot be created, the output is not written, because its rows would never end.
pub(crate) fn of_the_scheduler(cloud: &Cloud) {
    let right = environment(cloud);
    let mut wrong = right.clone();
    wrong["Variables"]["SCHEDULE_GROUP"] = "no-such-group".into();
    set_environment(cloud, &wrong);
    let csv = "IP,Rule,Expires\n192.0.2.7,Allow,2999-12-31\n";
    cloud.upload("unscheduled/site.csv", csv);
    cloud.wait_for_messages("FailureQueue", 1);
    let shown = cloud.redrive(&["--show"]);
    println!("{}", shown.trim());
    assert!(shown.contains("NoSuchScheduleGroup: "), "{shown}");
    let output = "unscheduled/site/.htaccess";
    assert_eq!(cloud.read("SiteBucket", output), None);

    set_environment(cloud, &right);
    cloud.redrive(&[]);
    cloud.site(output, |text| text.contains(RULES));
    assert_eq!(cloud.messages("FailureQueue"), 0);
}

fn stop_function(cloud: &Cloud) {
    let function = ["--function-name", cloud.output("FunctionName")];
    let stop = ["lambda", "put-function-concurrency"];
    let none = ["--reserved-concurrent-executions", "0"];
    cloud.aws(&[&stop[..], &function[..], &none[..]].concat());
}

fn start_function(cloud: &Cloud) {
    let function = ["--function-name", cloud.output("FunctionName")];
    let start = ["lambda", "delete-function-concurrency"];
    cloud.aws(&[&start[..], &function[..]].concat());
}

/// While the function is stopped, uploads are not published. Their events are kept in the failure queue.
pub(crate) fn of_a_stopped_function(cloud: &Cloud) {
    stop_function(cloud);
    cloud.upload("stopped/site.csv", CSV);
    cloud.wait_for_messages("FailureQueue", 1);
    let output = cloud.read("SiteBucket", "stopped/site/.htaccess");
    assert_eq!(output, None);

    start_function(cloud);
    cloud.redrive(&[]);
    cloud.site("stopped/site/.htaccess", |text| text.contains(RULES));
}

/// If EventBridge Scheduler could not deliver a call, the upload is published when the call is sent
/// again. The message is the schedule's event, with the error in its attributes:
/// <https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html>.
pub(crate) fn of_a_schedule(cloud: &Cloud) {
    stop_function(cloud);
    cloud.upload("undelivered/site.csv", CSV);
    cloud.wait_for_messages("FailureQueue", 1);
    let queue = ["--queue-url", cloud.output("FailureQueue")];
    cloud.aws(&[&["sqs", "purge-queue"][..], &queue[..]].concat());
    start_function(cloud);

    let bucket = cloud.output("UploadBucket");
    let schedule =
        json!({"bucket": bucket, "key": "undelivered/site.csv", "at": "2026-12-31T23:00:00Z"});
    let body = json!({"schedule": schedule}).to_string();
    let attribute = |value: &str| json!({"DataType": "String", "StringValue": value});
    let attributes = json!({
        "SCHEDULE_ARN": attribute("arn:aws:scheduler:us-east-1:000000000000:schedule/g/n"),
        "ERROR_CODE": attribute("AccessDeniedException"),
        "ERROR_MESSAGE": attribute("not authorized to perform: lambda:InvokeFunction"),
    });
    let attributes = attributes.to_string();
    let send = ["sqs", "send-message", "--message-body", &body];
    let attributes = ["--message-attributes", &attributes];
    cloud.aws(&[&send[..], &attributes[..], &queue[..]].concat());
    let shown = cloud.redrive(&["--show"]);
    println!("{}", shown.trim());
    assert!(
        shown.contains("AccessDeniedException: not authorized"),
        "{shown}"
    );
    assert!(shown.contains("undelivered/site.csv"), "{shown}");
    let output = cloud.read("SiteBucket", "undelivered/site/.htaccess");
    assert_eq!(output, None);
    cloud.redrive(&[]);
    cloud.site("undelivered/site/.htaccess", |text| text.contains(RULES));
    assert_eq!(cloud.messages("FailureQueue"), 0);
}

/// A message that fails moves from the upload queue to the failure queue. If it fails again after
/// it is sent again, it returns to the failure queue.
pub(crate) fn of_a_message(cloud: &Cloud) {
    let queue = ["--queue-url", cloud.output("UploadQueue")];
    let soon = ["sqs", "set-queue-attributes", "--attributes"];
    // Retries after one second. The default is six minutes.
    cloud.aws(&[&soon[..], &["VisibilityTimeout=1"], &queue[..]].concat());
    let body = r#"{"Records":[{"s3":{"bucket":{"name":"no-such-bucket-anywhere"},"object":{"key":"a.csv"}}}]}"#;
    let send = ["sqs", "send-message", "--message-body", body];
    cloud.aws(&[&send[..], &queue[..]].concat());
    cloud.wait_for_messages("FailureQueue", 1);
    cloud.redrive(&[]);
    cloud.wait_for_messages("FailureQueue", 1);
}

fn environment(cloud: &Cloud) -> Value {
    let ask = ["lambda", "get-function-configuration"];
    let about = ["--function-name", cloud.output("FunctionName")];
    let query = ["--query", "Environment"];
    cloud.json(&[&ask[..], &about[..], &query[..]].concat())
}

fn set_environment(cloud: &Cloud, environment: &Value) {
    let file = cloud.folder.join("environment.json");
    fs::write(&file, environment.to_string()).unwrap();
    let file = format!("file://{}", file.display());
    let change = ["lambda", "update-function-configuration"];
    let about = ["--function-name", cloud.output("FunctionName")];
    cloud.aws(&[&change[..], &about[..], &["--environment", &file]].concat());
}
