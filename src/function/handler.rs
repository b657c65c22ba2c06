//! Handles one invocation: takes an event, and returns a response in the format that the sender of the event
//! expects.

use std::cell::RefCell;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use lambda_runtime::LambdaEvent;
use lambda_runtime::tracing::{error, info};
use serde_json::Value;
use tokio::time::Instant;

use crate::answer::{Answer, Refusal, Status};
use crate::function::deadline::Deadline;
use crate::function::error::Error;
use crate::function::event::{Batch, Event, Message, ObjectRef, Task};
use crate::function::metrics::{InvocationMetrics, PublishStats};
use crate::function::notice::Notice;
use crate::function::panics::catch_panic;
use crate::function::payload::Payload;
use crate::function::publish::{Publisher, answer_object};
use crate::function::reconcile::Reconciler;
use crate::function::response::{BatchResponse, ItemFailure, Response, ResultCode, TaskResult};
use crate::function::run_event::RunTask;
use crate::function::schedule::{Scheduler, Schedules};
use crate::function::settings::FunctionSettings;
use crate::function::store::Store;
use crate::function::template_cache::{CurrentTemplate, TemplateCache};
use crate::text::quote;

/// The maximum number of records of one event that are handled at the same time.
const MAX_CONCURRENT_RECORDS: usize = 8;

/// Handles events. There is one handler for each execution environment.
pub struct Handler<S> {
    store: S,
    settings: FunctionSettings,
    templates: TemplateCache,
    scheduler: Option<Box<dyn Scheduler>>,
}

/// The state of one invocation: the deadline, the ARN of the function, and the metrics so far.
struct Invocation {
    deadline: Deadline,
    function_arn: String,
    metrics: RefCell<InvocationMetrics>,
}

impl<S: Store> Handler<S> {
    /// Creates a handler.
    ///
    /// # Errors
    ///
    /// `bad-template` if the built-in template does not compile. A test checks that all built-in templates
    /// compile.
    pub fn new(store: S, settings: FunctionSettings) -> Result<Self, Refusal> {
        let templates = TemplateCache::new(&settings.template)?;
        Ok(Self {
            store,
            settings,
            templates,
            scheduler: None,
        })
    }

    /// Sets the scheduler, which calls the function when rows start or end.
    #[must_use]
    pub fn with_scheduler(self, scheduler: impl Scheduler + 'static) -> Self {
        Self {
            scheduler: Some(Box::new(scheduler)),
            ..self
        }
    }

    /// Handles one event. If a record fails, the other records are still handled.
    ///
    /// # Errors
    ///
    /// The first error that a retry or an operator can fix, if the response format cannot list failed
    /// records. Published files stay published, and a retry finds them unchanged.
    pub async fn handle(&self, event: LambdaEvent<Value>) -> Result<Response, Error> {
        self.handle_with_metrics(event).await.0
    }

    /// Handles one event like [`Handler::handle`], and also returns its metrics. If the event fails, the
    /// metrics still include the files that were handled.
    pub async fn handle_with_metrics(
        &self,
        event: LambdaEvent<impl Into<Payload>>,
    ) -> (Result<Response, Error>, InvocationMetrics) {
        let invocation = Invocation {
            deadline: Deadline::of(&event.context),
            function_arn: event.context.invoked_function_arn,
            metrics: RefCell::default(),
        };
        let payload = event.payload.into();
        let work = Box::pin(self.handle_payload(&payload, &invocation));
        let result = catch_panic("handle the event", work).await;
        (result, invocation.metrics.into_inner())
    }

    async fn handle_payload(
        &self,
        payload: &Payload,
        invocation: &Invocation,
    ) -> Result<Response, Error> {
        let event = payload.json().and_then(Event::read);
        match event.inspect_err(log_error)? {
            Event::Test => {
                let answer = Answer::new("s3:TestEvent", Status::Ignored);
                log_answer(&answer, &PublishStats::default(), 0.0);
                Ok(Response::Results {
                    results: vec![answer],
                    notice: None,
                })
            }
            Event::Objects(objects) => {
                let template = self.template(invocation).await?;
                let results = self.handle_objects(&objects, &template, invocation).await;
                let results = results.into_iter().collect::<Result<Vec<_>, _>>()?;
                let notice = Notice::about(&results, &self.settings);
                Ok(Response::Results { results, notice })
            }
            Event::Queue(messages) => self.handle_messages(messages, invocation).await,
            Event::Batch(batch) => self.handle_batch(batch, invocation).await,
            Event::Run(task) => self.handle_run(&task, invocation).await,
        }
    }

    async fn handle_run(&self, task: &RunTask, invocation: &Invocation) -> Result<Response, Error> {
        let reconciler = Reconciler {
            store: &self.store,
            settings: &self.settings,
            templates: &self.templates,
            template: self.template(invocation).await?,
            schedules: self.schedules(invocation),
            deadline: invocation.deadline,
            metrics: &invocation.metrics,
        };
        let answer = Box::pin(reconciler.handle(task)).await;
        answer.map(Response::Run).inspect_err(log_error)
    }

    fn schedules<'a>(&'a self, invocation: &'a Invocation) -> Option<Schedules<'a>> {
        let scheduler = self.scheduler.as_deref();
        scheduler.map(|scheduler| Schedules {
            scheduler,
            function_arn: &invocation.function_arn,
        })
    }

    async fn template(&self, invocation: &Invocation) -> Result<CurrentTemplate, Error> {
        let template = self.templates.current(&self.store);
        invocation
            .deadline
            .limit("read the template", template)
            .await
            .inspect_err(log_error)
    }

    async fn handle_messages(
        &self,
        messages: Vec<Message>,
        invocation: &Invocation,
    ) -> Result<Response, Error> {
        let template = self.template(invocation).await?;
        let failures = stream::iter(messages)
            .map(|message| self.handle_message(message, &template, invocation))
            .buffered(MAX_CONCURRENT_RECORDS)
            .filter_map(|failure| async { failure })
            .collect()
            .await;
        Ok(Response::Queue { failures })
    }

    async fn handle_message(
        &self,
        message: Message,
        template: &CurrentTemplate,
        invocation: &Invocation,
    ) -> Option<ItemFailure> {
        let failed = match message.objects.inspect_err(log_error) {
            Ok(objects) => self
                .handle_objects(&objects, template, invocation)
                .await
                .iter()
                .any(Result::is_err),
            Err(_) => true,
        };
        failed.then_some(ItemFailure {
            item_identifier: message.id,
        })
    }

    async fn handle_batch(&self, batch: Batch, invocation: &Invocation) -> Result<Response, Error> {
        let template = self.template(invocation).await?;
        let results = stream::iter(batch.tasks)
            .map(|task| self.handle_task(task, &template, invocation))
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

    async fn handle_task(
        &self,
        task: Task,
        template: &CurrentTemplate,
        invocation: &Invocation,
    ) -> TaskResult {
        let result = match task.object.inspect_err(log_error) {
            Ok(object) => self.handle_object(&object, template, invocation).await,
            Err(err) => Err(err),
        };
        let (result_code, result_string) = task_result(&result);
        TaskResult {
            task_id: task.id,
            result_code,
            result_string,
        }
    }

    async fn handle_objects(
        &self,
        objects: &[ObjectRef],
        template: &CurrentTemplate,
        invocation: &Invocation,
    ) -> Vec<Result<Answer, Error>> {
        stream::iter(objects)
            .map(|object| self.handle_object(object, template, invocation))
            .buffered(MAX_CONCURRENT_RECORDS)
            .collect()
            .await
    }

    async fn handle_object(
        &self,
        object: &ObjectRef,
        template: &CurrentTemplate,
        invocation: &Invocation,
    ) -> Result<Answer, Error> {
        let started = Instant::now();
        let operation = format!("publish {}", object.name);
        let publisher = Publisher::new(
            &self.store,
            &self.settings,
            &self.templates,
            template.clone(),
        );
        let mut publisher = publisher
            .with_schedules(self.schedules(invocation))
            .with_origin(&object.origin);
        let answer = answer_object(&self.store, &self.settings, &mut publisher, object);
        // Boxed, because each function that takes a future by value stores it twice, and the stack is small.
        let answer = catch_panic(&operation, Box::pin(answer));
        let result = invocation.deadline.limit(&operation, answer).await;
        let stats = publisher.into_stats();
        let processing_ms = milliseconds(started.elapsed());
        match &result {
            Ok(answer) => log_answer(answer, &stats, processing_ms),
            Err(err) => log_error(err),
        }
        let version_id = object.version_id.as_deref();
        let mut metrics = invocation.metrics.borrow_mut();
        metrics.add(result.as_ref().ok(), &stats, version_id, processing_ms);
        result
    }
}

/// Converts a duration to milliseconds, with microsecond precision because most files take a few
/// milliseconds. The result is at most 4,294,967, which is a little over an hour.
fn milliseconds(elapsed: Duration) -> f64 {
    f64::from(u32::try_from(elapsed.as_micros()).unwrap_or(u32::MAX)) / 1e3
}

/// Converts the result for one object to a result code and a text for S3 Batch Operations. A refused file is
/// a permanent failure, so that the job's report lists it. A key with a plus that matches no object is a
/// permanent failure too, because some programs write a space in a manifest as a plus.
fn task_result(result: &Result<Answer, Error>) -> (ResultCode, String) {
    match result {
        Ok(answer) if is_gone(answer) && answer.source.contains('+') => (
            ResultCode::PermanentFailure,
            format!(
                "there is no object {}: if + represents a space, write %20 in the manifest instead",
                quote(&answer.source)
            ),
        ),
        Ok(answer) => {
            let result_code = match answer.status {
                Status::Refused => ResultCode::PermanentFailure,
                _ => ResultCode::Succeeded,
            };
            let text = match (answer.code, &answer.message) {
                (Some(code), Some(message)) => format!("{code}: {}", quote(&message.to_string())),
                _ => format!("{}, {} rows rejected", answer.status, answer.rejected),
            };
            (result_code, text)
        }
        Err(err) if err.kind().is_retryable() => (ResultCode::TemporaryFailure, err.to_string()),
        Err(err) => (ResultCode::PermanentFailure, err.to_string()),
    }
}

/// Returns whether the object does not exist and has no output.
fn is_gone(answer: &Answer) -> bool {
    answer.status == Status::Kept && answer.output.is_none()
}

/// Logs one line about a file, with counts and codes. The message of a refusal is not logged, because it may
/// quote cells. The report contains this message.
fn log_answer(answer: &Answer, stats: &PublishStats, processing_ms: f64) {
    let first_rejected = || answer.rejections.first().map(|rejection| rejection.line);
    let refused_line = answer
        .code
        .and_then(|_| answer.refused_line.or_else(first_rejected));
    info!(
        source = answer.source,
        output = answer.output,
        status = %answer.status,
        code = answer.code.map(|code| code.to_string()),
        line = refused_line,
        rows = answer.rows,
        accepted = answer.accepted,
        rejected = answer.rejected,
        networks_allow = answer.networks.allow,
        networks_deny = answer.networks.deny,
        bytes = answer.bytes,
        input_bytes = stats.input_bytes(),
        processing_ms,
        "{}",
        answer.status,
    );
}

fn log_error(err: &Error) {
    error!(error_type = err.kind().code(), "{}", err.chain());
}
