//! One invocation: an event in, an answer of the shape its source wants out.

use std::sync::Arc;

use futures_util::stream::{self, StreamExt};
use lambda_runtime::LambdaEvent;
use lambda_runtime::tracing::{error, info};
use serde::Serialize;
use serde_json::Value;

use crate::error::Error;
use crate::event::{Batch, Event, Job, Message};
use crate::publish::{Publisher, refuse};
use crate::quote::quote;
use crate::report::{Answer, Refusal, Status};
use crate::settings::FunctionSettings;
use crate::store::Store;
use crate::template::Template;
use crate::template_cache::TemplateCache;

/// How many records of one event are worked on at the same time.
const CONCURRENT_RECORDS_MAX: usize = 8;

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

/// Works on events; made once for each environment.
pub struct Handler<S> {
    store: S,
    settings: FunctionSettings,
    templates: TemplateCache,
}

impl<S: Store> Handler<S> {
    /// A handler that has seen nothing yet.
    ///
    /// # Errors
    ///
    /// `bad-template` if the built-in template does not compile, which a test rules out.
    pub fn new(store: S, settings: FunctionSettings) -> Result<Self, Refusal> {
        let templates = TemplateCache::new(&settings.template)?;
        Ok(Self {
            store,
            settings,
            templates,
        })
    }

    /// Works on one event. Every record is worked on, even if one before it failed.
    ///
    /// # Errors
    ///
    /// The first error that a retry or an operator could mend, where the source has no way to
    /// tell the failed records. Files that were published stay so: a retry finds them unchanged.
    pub async fn handle(&self, event: LambdaEvent<Value>) -> Result<Response, Error> {
        match Event::read(&event.payload).inspect_err(log_error)? {
            Event::Test => {
                let answer = Answer::new("s3:TestEvent", Status::Ignored);
                log_answer(&answer);
                Ok(Response::Results {
                    results: vec![answer],
                })
            }
            Event::Jobs(jobs) => {
                let template = self.template().await?;
                let results = self.work_on_all(&jobs, &template).await;
                let results = results.into_iter().collect::<Result<_, _>>()?;
                Ok(Response::Results { results })
            }
            Event::Queue(messages) => self.queue(messages).await,
            Event::Batch(batch) => self.batch(batch).await,
        }
    }

    async fn template(&self) -> Result<Result<Arc<Template>, Refusal>, Error> {
        self.templates
            .current(&self.store)
            .await
            .inspect_err(log_error)
    }

    async fn queue(&self, messages: Vec<Message>) -> Result<Response, Error> {
        let template = self.template().await?;
        let failures = stream::iter(messages)
            .map(|message| self.failure_of(message, &template))
            .buffered(CONCURRENT_RECORDS_MAX)
            .filter_map(|failure| async { failure })
            .collect()
            .await;
        Ok(Response::Queue { failures })
    }

    async fn failure_of(
        &self,
        message: Message,
        template: &Result<Arc<Template>, Refusal>,
    ) -> Option<ItemFailure> {
        let failed = match message.jobs.inspect_err(log_error) {
            Ok(jobs) => self
                .work_on_all(&jobs, template)
                .await
                .iter()
                .any(Result::is_err),
            Err(_) => true,
        };
        failed.then_some(ItemFailure {
            item_identifier: message.id,
        })
    }

    async fn batch(&self, batch: Batch) -> Result<Response, Error> {
        let template = self.template().await?;
        let results = stream::iter(batch.tasks)
            .map(|task| async {
                let result = match task.job.inspect_err(log_error) {
                    Ok(job) => self.work_on(&job, &template).await,
                    Err(err) => Err(err),
                };
                let (result_code, result_string) = task_result(&result);
                TaskResult {
                    task_id: task.id,
                    result_code,
                    result_string,
                }
            })
            .buffered(CONCURRENT_RECORDS_MAX)
            .collect()
            .await;
        Ok(Response::Batch(BatchResponse {
            invocation_schema_version: batch.schema_version,
            treat_missing_keys_as: ResultCode::TemporaryFailure,
            invocation_id: batch.invocation_id,
            results,
        }))
    }

    async fn work_on_all(
        &self,
        jobs: &[Job],
        template: &Result<Arc<Template>, Refusal>,
    ) -> Vec<Result<Answer, Error>> {
        stream::iter(jobs)
            .map(|job| self.work_on(job, template))
            .buffered(CONCURRENT_RECORDS_MAX)
            .collect()
            .await
    }

    async fn work_on(
        &self,
        job: &Job,
        template: &Result<Arc<Template>, Refusal>,
    ) -> Result<Answer, Error> {
        let result = match template {
            Ok(template) => {
                Publisher::new(&self.store, &self.settings, template)
                    .publish(job)
                    .await
            }
            Err(refusal) => refuse(&self.store, &self.settings, &job.name, refusal).await,
        };
        match &result {
            Ok(answer) => log_answer(answer),
            Err(err) => log_error(err),
        }
        result
    }
}

/// A refused file is a permanent failure here, so that the job's report lists it.
fn task_result(result: &Result<Answer, Error>) -> (ResultCode, String) {
    match result {
        Ok(answer) => {
            let result_code = match answer.status {
                Status::Refused => ResultCode::PermanentFailure,
                _ => ResultCode::Succeeded,
            };
            let text = match (answer.code, &answer.message) {
                (Some(code), Some(message)) => format!("{code}: {}", quote(message)),
                _ => format!("{}, {} rows rejected", answer.status, answer.rejected),
            };
            (result_code, text)
        }
        Err(err) if err.kind().is_retryable() => (ResultCode::TemporaryFailure, err.to_string()),
        Err(err) => (ResultCode::PermanentFailure, err.to_string()),
    }
}

/// One line for each file: counts and codes, no cells.
fn log_answer(answer: &Answer) {
    info!(
        source = answer.source,
        output = answer.output,
        status = %answer.status,
        code = answer.code.map(|code| code.to_string()),
        reason = answer.message,
        rows = answer.rows,
        accepted = answer.accepted,
        rejected = answer.rejected,
        networks_allow = answer.networks.allow,
        networks_deny = answer.networks.deny,
        bytes = answer.bytes,
        "{}",
        answer.status,
    );
}

fn log_error(err: &Error) {
    error!(error_type = err.kind().code(), "{}", err.chain());
}
