//! The formats of the function's responses.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::answer::Answer;
use crate::function::notice::Notice;
use crate::report::overview::SiteState;

/// The function's response to an event.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Response {
    /// The response to S3, EventBridge, SNS and people: one answer for each record, in their order.
    Results {
        /// The answers.
        results: Vec<Answer>,
        /// The notice about files that need attention. The JSON omits it if there is none.
        #[serde(skip_serializing_if = "Option::is_none")]
        notice: Option<Notice>,
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
    /// The response to a run over all sites.
    Run(RunAnswer),
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

/// The response to a task of a run over all sites. It has counts only, because Step Functions keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RunAnswer {
    /// The name of the run.
    pub run: String,
    /// The number of CSVs and orphans by the status of their answers, such as `written`.
    pub counts: BTreeMap<String, u64>,
    /// The number of sites by state, at the end of a run. Empty before that.
    pub states: BTreeMap<SiteState, u64>,
    /// The number of objects that could not be checked.
    pub failed: u64,
}
