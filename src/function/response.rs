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
    /// The response to S3, EventBridge, SNS and people who invoke the function: one answer for each record,
    /// in the order of the records.
    Results {
        /// The answers.
        results: Vec<Answer>,
        /// The notice about files that need attention. The JSON omits it if there is none.
        #[serde(skip_serializing_if = "Option::is_none")]
        notice: Option<Notice>,
    },
    /// The response to SQS, which lists the messages that SQS must deliver again
    /// (<https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>).
    Queue {
        /// The messages that failed.
        #[serde(rename = "batchItemFailures")]
        failures: Vec<ItemFailure>,
    },
    /// The response to S3 Batch Operations.
    Batch(BatchResponse),
    /// The response to a task of a run over all sites.
    Run(RunAnswer),
}

/// A queue message that SQS must deliver again.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemFailure {
    /// The `messageId` of the message.
    pub item_identifier: String,
}

/// The response to S3 Batch Operations.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchResponse {
    /// The schema version of the event.
    pub invocation_schema_version: String,
    /// The result code for tasks that the response does not contain. The response contains all tasks.
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
    /// The task's id in the event.
    pub task_id: String,
    /// The code, which determines whether S3 Batch Operations retries the task.
    pub result_code: ResultCode,
    /// The text for the job's completion report.
    pub result_string: String,
}

/// A result code of S3 Batch Operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum ResultCode {
    /// The task succeeded.
    Succeeded,
    /// The task failed, and S3 Batch Operations retries it.
    TemporaryFailure,
    /// The task failed, and S3 Batch Operations does not retry it.
    PermanentFailure,
}

/// The response to a task of a run over all sites. It contains only counts, because Step Functions stores it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RunAnswer {
    /// The name of the run.
    pub run: String,
    /// The number of CSVs and orphans for each answer status, such as `written`.
    pub counts: BTreeMap<String, u64>,
    /// The number of sites in each state. Empty except at the end of a run.
    pub states: BTreeMap<SiteState, u64>,
    /// The number of objects that could not be checked. 0 except at the end of a run.
    pub failed: u64,
}
