//! One invocation: an event in, an answer for each file out.

use futures_util::stream::{self, StreamExt};
use lambda_runtime::LambdaEvent;
use lambda_runtime::tracing::{error, info};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::Mutex;

use std::sync::Arc;

use crate::error::Error;
use crate::event::{Event, Job};
use crate::publish::{Publisher, refuse};
use crate::report::{Answer, Refusal, RefusalCode, Status};
use crate::settings::{FunctionSettings, TemplateChoice};
use crate::store::{Body, Fetched, ObjectName, Store};
use crate::template::Template;

/// How many records of one event are worked on at the same time.
const CONCURRENT_RECORDS_MAX: usize = 8;
/// The largest template of one's own, in bytes.
const TEMPLATE_BYTES_MAX: usize = 1024 * 1024;

/// What the function answers.
#[derive(Debug, Serialize)]
pub struct Response {
    /// One for each record, in their order.
    pub results: Vec<Answer>,
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
    /// The first error that a retry or an operator could mend. Files that were published stay
    /// so, and a retry finds them unchanged.
    pub async fn handle(&self, event: LambdaEvent<Value>) -> Result<Response, Error> {
        let jobs = match Event::read(&event.payload).inspect_err(log_error)? {
            Event::Jobs(jobs) => jobs,
            Event::Test => {
                let answer = Answer::new("s3:TestEvent", Status::Ignored);
                log_answer(&answer);
                return Ok(Response {
                    results: vec![answer],
                });
            }
        };
        let template = self
            .templates
            .current(&self.store)
            .await
            .inspect_err(log_error)?;
        let results: Vec<Result<Answer, Error>> = stream::iter(&jobs)
            .map(|job| self.work_on(job, &template))
            .buffered(CONCURRENT_RECORDS_MAX)
            .collect()
            .await;
        let results = results.into_iter().collect::<Result<_, _>>()?;
        Ok(Response { results })
    }

    async fn work_on(
        &self,
        job: &Job,
        template: &Result<Arc<Template>, Refusal>,
    ) -> Result<Answer, Error> {
        let result = match (job, template) {
            (Job::Deleted(name), _) => Ok(Answer::new(&name.key, Status::Kept)),
            (Job::Created(name), Ok(template)) => {
                Publisher::new(&self.store, &self.settings, template)
                    .publish(name)
                    .await
            }
            (Job::Created(name), Err(refusal)) => {
                refuse(&self.store, &self.settings, name, refusal).await
            }
        };
        match &result {
            Ok(answer) => log_answer(answer),
            Err(err) => log_error(err),
        }
        result
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

/// The compiled template of an environment.
enum TemplateCache {
    BuiltIn(Arc<Template>),
    /// Compiled once, checked by its entity tag at each invocation.
    Object(ObjectName, Mutex<Option<(String, Arc<Template>)>>),
}

impl TemplateCache {
    fn new(choice: &TemplateChoice) -> Result<Self, Refusal> {
        Ok(match choice {
            TemplateChoice::BuiltIn(name) => Self::BuiltIn(Arc::new(Template::built_in(name)?)),
            TemplateChoice::Object { bucket, key } => {
                let name = ObjectName {
                    bucket: bucket.clone(),
                    key: key.clone(),
                };
                Self::Object(name, Mutex::new(None))
            }
        })
    }

    /// The template as it is now; the inner error refuses every file.
    async fn current<S: Store>(&self, store: &S) -> Result<Result<Arc<Template>, Refusal>, Error> {
        let (name, cached) = match self {
            Self::BuiltIn(template) => return Ok(Ok(Arc::clone(template))),
            Self::Object(name, cached) => (name, cached),
        };
        let mut cached = cached.lock().await;
        let etag = cached.as_ref().map(|(etag, _)| etag.clone());
        match (store.get(name, etag.as_deref()).await?, cached.as_ref()) {
            (Fetched::NotModified, Some((_, template))) => Ok(Ok(Arc::clone(template))),
            (Fetched::Found(head, body), _) => {
                let compiled = match read_text(name, body).await? {
                    Ok(source) => Template::compile(&source),
                    Err(refusal) => Err(refusal),
                };
                Ok(compiled.map(|template| {
                    let template = Arc::new(template);
                    *cached = Some((head.etag, Arc::clone(&template)));
                    template
                }))
            }
            (Fetched::Missing | Fetched::NotModified, _) => {
                Ok(Err(bad_template(name, "is not there")))
            }
        }
    }
}

async fn read_text(
    name: &ObjectName,
    mut body: impl Body,
) -> Result<Result<String, Refusal>, Error> {
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await? {
        bytes.extend_from_slice(piece.as_ref());
        if bytes.len() > TEMPLATE_BYTES_MAX {
            return Ok(Err(bad_template(name, "is larger than 1 MiB")));
        }
    }
    Ok(String::from_utf8(bytes).map_err(|_| bad_template(name, "is not UTF-8 text")))
}

fn bad_template(name: &ObjectName, what: &str) -> Refusal {
    Refusal::new(
        RefusalCode::BadTemplate,
        format!("the template {name} {what}"),
    )
}
