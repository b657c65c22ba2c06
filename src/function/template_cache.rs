//! Keeps the compiled template of an execution environment: a built-in one, or a custom one from S3,
//! which is compiled once and checked by its ETag at each invocation.

use std::sync::Arc;

use tokio::sync::Mutex;

use crate::answer::{Refusal, RefusalCode};
use crate::function::error::Error;
use crate::function::settings::TemplateChoice;
use crate::function::store::{Body, Fetched, ObjectName, Store};
use crate::render::Template;

/// The maximum size of a custom template, in bytes.
const MAX_TEMPLATE_BYTES: usize = 1024 * 1024;

/// The current template, or the refusal for every CSV.
pub(crate) type CurrentTemplate = Result<Arc<Template>, Refusal>;

/// The compiled template of an execution environment.
pub(crate) enum TemplateCache {
    /// A built-in template, compiled at the start.
    BuiltIn(Arc<Template>),
    /// A custom template with its ETag, compiled once and checked at each invocation.
    Object(ObjectName, Mutex<Option<(String, Arc<Template>)>>),
}

impl TemplateCache {
    /// Compiles a built-in template. A custom template is read when it is first needed.
    pub(crate) fn new(choice: &TemplateChoice) -> Result<Self, Refusal> {
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

    /// Returns the current template. The inner error is the refusal for every CSV.
    pub(crate) async fn current<S: Store>(&self, store: &S) -> Result<CurrentTemplate, Error> {
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
                    Ok(source) => Template::compile(&source).map_err(Refusal::from),
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
        if bytes.len() > MAX_TEMPLATE_BYTES {
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
