//! One invocation: an event in, an answer of the shape its source wants out.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::stream::{self, StreamExt};
use lambda_runtime::tracing::{error, info};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use crate::answer::{Answer, Refusal, Status};
use crate::function::error::{Error, ErrorKind};
use crate::function::event::{Batch, Event, Message, ObjectRef};
use crate::function::metrics::{InvocationMetrics, PublishStats};
use crate::function::publish::{Publisher, answer_object};
use crate::function::response::{BatchResponse, ItemFailure, Response, ResultCode, TaskResult};
use crate::function::settings::FunctionSettings;
use crate::function::store::Store;
use crate::function::template_cache::TemplateCache;
use crate::render::Template;
use crate::text::quote;

/// How many records of one event are worked on at the same time.
const MAX_CONCURRENT_RECORDS: usize = 8;

/// How long before Lambda would end the invocation the work on it stops, so that it can still say
/// why, and a queue which messages are done.
const MARGIN: Duration = Duration::from_millis(500);

/// Works on events; made once for each environment.
pub struct Handler<S> {
    store: S,
    settings: FunctionSettings,
    templates: TemplateCache,
}

/// One invocation: when it must stop, and what it has done so far.
#[derive(Clone, Copy)]
struct RunningInvocation<'a> {
    deadline: Option<Instant>,
    tally: &'a RefCell<InvocationMetrics>,
}

/// What all jobs of an invocation share.
struct InvocationContext<'a> {
    /// The template as it is now, or why every file is refused.
    template: Result<Arc<Template>, Refusal>,
    run: RunningInvocation<'a>,
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
        self.handle_and_tally(event).await.0
    }

    /// The same, and what to count of it: files that were done before one failed count too.
    pub async fn handle_and_tally(
        &self,
        event: LambdaEvent<Value>,
    ) -> (Result<Response, Error>, InvocationMetrics) {
        let tally = RefCell::default();
        let run = RunningInvocation {
            deadline: deadline(&event.context),
            tally: &tally,
        };
        let result = self.work_on_event(&event.payload, run).await;
        (result, tally.into_inner())
    }

    async fn work_on_event(
        &self,
        event: &Value,
        run: RunningInvocation<'_>,
    ) -> Result<Response, Error> {
        match Event::read(event).inspect_err(log_error)? {
            Event::Test => {
                let answer = Answer::new("s3:TestEvent", Status::Ignored);
                log_answer(&answer, &PublishStats::default(), 0.0);
                Ok(Response::Results {
                    results: vec![answer],
                })
            }
            Event::Objects(jobs) => {
                let work = self.prepare(run).await?;
                let results = self.work_on_all(&jobs, &work).await;
                let results = results.into_iter().collect::<Result<_, _>>()?;
                Ok(Response::Results { results })
            }
            Event::Queue(messages) => self.queue(messages, run).await,
            Event::Batch(batch) => self.batch(batch, run).await,
        }
    }

    async fn prepare<'a>(
        &self,
        run: RunningInvocation<'a>,
    ) -> Result<InvocationContext<'a>, Error> {
        let template = in_time(
            run.deadline,
            "read the template",
            self.templates.current(&self.store),
        )
        .await
        .inspect_err(log_error)?;
        Ok(InvocationContext { template, run })
    }

    async fn queue(
        &self,
        messages: Vec<Message>,
        run: RunningInvocation<'_>,
    ) -> Result<Response, Error> {
        let work = self.prepare(run).await?;
        let failures = stream::iter(messages)
            .map(|message| self.failure_of(message, &work))
            .buffered(MAX_CONCURRENT_RECORDS)
            .filter_map(|failure| async { failure })
            .collect()
            .await;
        Ok(Response::Queue { failures })
    }

    async fn failure_of(
        &self,
        message: Message,
        work: &InvocationContext<'_>,
    ) -> Option<ItemFailure> {
        let failed = match message.jobs.inspect_err(log_error) {
            Ok(jobs) => self
                .work_on_all(&jobs, work)
                .await
                .iter()
                .any(Result::is_err),
            Err(_) => true,
        };
        failed.then_some(ItemFailure {
            item_identifier: message.id,
        })
    }

    async fn batch(&self, batch: Batch, run: RunningInvocation<'_>) -> Result<Response, Error> {
        let work = self.prepare(run).await?;
        let results = stream::iter(batch.tasks)
            .map(|task| async {
                let result = match task.job.inspect_err(log_error) {
                    Ok(job) => self.work_on(&job, &work).await,
                    Err(err) => Err(err),
                };
                let (result_code, result_string) = task_result(&result);
                TaskResult {
                    task_id: task.id,
                    result_code,
                    result_string,
                }
            })
            .buffered(MAX_CONCURRENT_RECORDS)
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
        jobs: &[ObjectRef],
        work: &InvocationContext<'_>,
    ) -> Vec<Result<Answer, Error>> {
        stream::iter(jobs)
            .map(|job| self.work_on(job, work))
            .buffered(MAX_CONCURRENT_RECORDS)
            .collect()
            .await
    }

    async fn work_on(
        &self,
        job: &ObjectRef,
        work: &InvocationContext<'_>,
    ) -> Result<Answer, Error> {
        let started = Instant::now();
        let doing = format!("publish {}", job.name);
        let publisher = match &work.template {
            Ok(template) => Ok(Publisher::new(&self.store, &self.settings, template)),
            Err(refusal) => Err(refusal),
        };
        let answer = answer_object(
            &self.store,
            &self.settings,
            publisher.as_ref().map_err(|refusal| *refusal),
            job,
        );
        let result = in_time(work.run.deadline, &doing, answer).await;
        let observed = publisher.map(Publisher::into_stats).unwrap_or_default();
        let processing_ms = milliseconds(started.elapsed());
        match &result {
            Ok(answer) => log_answer(answer, &observed, processing_ms),
            Err(err) => log_error(err),
        }
        let version_id = job.version_id.as_deref();
        let mut tally = work.run.tally.borrow_mut();
        tally.add(result.as_ref().ok(), &observed, version_id, processing_ms);
        result
    }
}

/// To the microsecond, for most files take a few milliseconds; over an hour counts as that.
fn milliseconds(elapsed: Duration) -> f64 {
    f64::from(u32::try_from(elapsed.as_micros()).unwrap_or(u32::MAX)) / 1e3
}

async fn in_time<T>(
    deadline: Option<Instant>,
    doing: &str,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let Some(deadline) = deadline else {
        return work.await;
    };
    match timeout_at(deadline, work).await {
        Ok(result) => result,
        Err(_) => Err(Error::new(ErrorKind::OutOfTime, doing)),
    }
}

/// When the work must stop; `None` outside Lambda, where nothing tells.
fn deadline(context: &Context) -> Option<Instant> {
    if context.deadline == 0 {
        return None;
    }
    let left = context
        .deadline()
        .duration_since(SystemTime::now())
        .unwrap_or_default();
    Some(Instant::now() + left.saturating_sub(MARGIN))
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
fn log_answer(answer: &Answer, observed: &PublishStats, processing_ms: f64) {
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
        input_bytes = observed.input_bytes(),
        processing_ms,
        "{}",
        answer.status,
    );
}

fn log_error(err: &Error) {
    error!(error_type = err.kind().code(), "{}", err.chain());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_work_stops_half_a_second_before_lambda_would_end_it() {
        let left = Duration::from_mins(1);
        let mut context = Context::default();
        assert_eq!(deadline(&context), None);
        let end = SystemTime::now() + left;
        let end = end.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        context.deadline = end.as_millis().try_into().unwrap();
        let stop = deadline(&context).unwrap();
        assert!(stop <= Instant::now() + left - Duration::from_millis(500));
    }
}
