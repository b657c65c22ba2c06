//! The shapes in which the function answers.

use serde::Serialize;

use crate::answer::Answer;

/// What the function answers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Response {
    /// To S3, EventBridge, SNS and people: one answer for each record, in their order.
    Results {
        /// The answers.
        results: Vec<Answer>,
    },
    /// To SQS: the messages to deliver again
    /// (<https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>).
    Queue {
        /// Those that failed.
        #[serde(rename = "batchItemFailures")]
        failures: Vec<ItemFailure>,
    },
    /// To S3 Batch Operations.
    Batch(BatchResponse),
}

/// A message to deliver again.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemFailure {
    /// Its `messageId`.
    pub item_identifier: String,
}

/// What S3 Batch Operations wants to hear.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchResponse {
    /// As in the event.
    pub invocation_schema_version: String,
    /// For tasks that are left out of the answer; none is.
    pub treat_missing_keys_as: ResultCode,
    /// As in the event.
    pub invocation_id: String,
    /// One for each task.
    pub results: Vec<TaskResult>,
}

/// What came of a task.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskResult {
    /// As in the event.
    pub task_id: String,
    /// Whether to try again.
    pub result_code: ResultCode,
    /// For the job's completion report.
    pub result_string: String,
}

/// How S3 Batch Operations goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum ResultCode {
    /// The task is done.
    Succeeded,
    /// It is to be tried again.
    TemporaryFailure,
    /// It is not.
    PermanentFailure,
}
