//! The formats of the function's responses.

use serde::Serialize;

use crate::answer::Answer;

/// The function's response to an event.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Response {
    /// The response to S3, EventBridge, SNS and people: one answer for each record, in their order.
    Results {
        /// The answers.
        results: Vec<Answer>,
    },
    /// The response to SQS: the messages to deliver again
    /// (<https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>).
    Queue {
        /// The messages that failed.
        #[serde(rename = "batchItemFailures")]
        failures: Vec<ItemFailure>,
    },
    /// The response to S3 Batch Operations.
    Batch(BatchResponse),
}

/// A message of a queue to deliver again.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemFailure {
    /// The `messageId`.
    pub item_identifier: String,
}

/// The response to S3 Batch Operations.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchResponse {
    /// The schema version of the event.
    pub invocation_schema_version: String,
    /// The result for tasks without a result in the response. There are none.
    pub treat_missing_keys_as: ResultCode,
    /// The invocation id of the event.
    pub invocation_id: String,
    /// The results, one for each task.
    pub results: Vec<TaskResult>,
}

/// The result of a task.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskResult {
    /// The task id of the event.
    pub task_id: String,
    /// The code that decides whether the task is tried again.
    pub result_code: ResultCode,
    /// The text for the completion report of the job.
    pub result_string: String,
}

/// The result code of S3 Batch Operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum ResultCode {
    /// The task is done.
    Succeeded,
    /// The task failed and is tried again.
    TemporaryFailure,
    /// The task failed and is not tried again.
    PermanentFailure,
}
