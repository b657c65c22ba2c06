//! The message about an upload that needs attention.
//!
//! The local cloud does not report the results of invocations. The test does this instead: it puts
//! the function's response into the recorded event `events/sent/invocation-result.json`. The rule
//! and the topic are those of the stack.

use std::fs;

use serde_json::{Value, json};

use crate::cloud::{Cloud, root, wait_until};

const QUEUE: &str = "notices";

/// Without an address for notifications, the stack has neither the rule nor the destination.
pub(crate) fn are_off_by_default(cloud: &Cloud) {
    assert_eq!(destinations(cloud)["OnSuccess"], json!({}));
}

pub(crate) fn name_what_needs_attention(cloud: &Cloud) {
    let bus = "arn:aws:events:us-east-1:000000000000:event-bus/default";
    assert_eq!(destinations(cloud)["OnSuccess"]["Destination"], bus);

    let queue = subscribe_a_queue(cloud);
    let ok = put_event(cloud, "s3-put.json");
    assert_eq!(ok["notice"], Value::Null, "{ok}");
    let refused = put_event(cloud, "s3-put-other-files.json");
    let text = refused["notice"]["text"].as_str().unwrap();
    let message = wait_until("a message", || message_of(cloud, &queue).ok_or(()));
    let lines: Vec<&str> = message.lines().collect();
    let bucket = cloud.output("ReportBucket");
    let report = format!(
        "\"Report: clients/workbook.xlsx.html in the bucket {bucket}, \
         https://s3.console.aws.amazon.com/s3/object/{bucket}?prefix=clients/workbook.xlsx.html\""
    );
    assert!(
        text.starts_with("clients/workbook.xlsx was refused"),
        "{text}"
    );
    assert_eq!(lines, [&format!("\"{text}\""), &report]);
    assert_eq!(
        cloud.messages_at(&queue),
        0,
        "one message for each invocation"
    );
    println!("{message}");
}

fn destinations(cloud: &Cloud) -> Value {
    let ask = ["lambda", "get-function-event-invoke-config"];
    let about = [
        "--qualifier",
        "$LATEST",
        "--function-name",
        cloud.output("FunctionName"),
    ];
    let mut answer = cloud.json(&[&ask[..], &about[..]].concat());
    assert!(answer["DestinationConfig"]["OnFailure"]["Destination"].is_string());
    let mut destinations = answer["DestinationConfig"].take();
    if destinations["OnSuccess"].is_null() {
        destinations["OnSuccess"] = json!({});
    }
    destinations
}

/// Subscribes a queue to the topic. Returns the queue's URL.
fn subscribe_a_queue(cloud: &Cloud) -> String {
    let queue = cloud.json(&["sqs", "create-queue", "--queue-name", QUEUE]);
    let url = queue["QueueUrl"].as_str().unwrap().to_owned();
    let arn = format!("arn:aws:sqs:us-east-1:000000000000:{QUEUE}");
    let subscribe = ["sns", "subscribe", "--protocol", "sqs"];
    let raw = ["--attributes", "RawMessageDelivery=true"];
    let ends = [
        "--topic-arn",
        cloud.output("NotifyTopic"),
        "--notification-endpoint",
        &arn,
    ];
    cloud.aws(&[&subscribe[..], &raw[..], &ends[..]].concat());
    url
}

/// Invokes the function with a sample event, and puts the result on the event bus as Lambda does.
/// Returns the function's response.
fn put_event(cloud: &Cloud, sample: &str) -> Value {
    let response = cloud.invoke(sample);
    let recorded = fs::read(root().join("events/sent/invocation-result.json")).unwrap();
    let mut event: Value = serde_json::from_slice(&recorded).unwrap();
    let detail = &mut event["detail"];
    detail["requestContext"]["functionArn"] =
        json!(format!("{}:$LATEST", cloud.output("FunctionArn")));
    detail["responsePayload"] = response.clone();
    let entries = json!([{
        "Source": event["source"],
        "DetailType": event["detail-type"],
        "Detail": event["detail"].to_string(),
    }]);
    cloud.aws(&["events", "put-events", "--entries", &entries.to_string()]);
    response
}

fn message_of(cloud: &Cloud, queue: &str) -> Option<String> {
    let receive = [
        "sqs",
        "receive-message",
        "--queue-url",
        queue,
        "--wait-time-seconds",
        "1",
    ];
    let output = cloud.aws(&receive);
    let answer: Value = serde_json::from_slice(&output).ok()?;
    answer["Messages"][0]["Body"].as_str().map(str::to_owned)
}
