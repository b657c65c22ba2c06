//! Keeps the compiled template for the lifetime of the execution environment. A built-in template never
//! changes. A custom template is read from S3 and compiled once, and each invocation checks its ETag.

use std::sync::Arc;

use tokio::sync::Mutex;

use crate::answer::{Refusal, RefusalCode};
use crate::function::error::Error;
use crate::function::settings::TemplateChoice;
use crate::function::store::{Body, Fetched, ObjectName, Store, identity};
use crate::render::Template;

/// The maximum size of a custom template, in bytes.
const MAX_TEMPLATE_BYTES: usize = 1024 * 1024;

/// The current template.
#[derive(Clone)]
pub struct CurrentTemplate {
    /// The compiled template, or the refusal of every CSV if the template does not work.
    pub(crate) compiled: Result<Arc<Template>, Refusal>,
    /// The ETag and `Last-Modified` of a custom template. They distinguish a template that was written again
    /// from an earlier template with the same text. Empty for a built-in or missing template.
    pub(crate) identity: String,
}

/// The cache for the compiled template of an execution environment.
pub struct TemplateCache(Place);

enum Place {
    /// A built-in template, which is compiled at the start.
    BuiltIn(Arc<Template>),
    /// A custom template, with its compiled form and ETag after it was read.
    Object(ObjectName, Mutex<Option<Cached>>),
}

struct Cached {
    etag: String,
    last_modified: i64,
    template: Arc<Template>,
}

impl Cached {
    fn current(&self) -> CurrentTemplate {
        CurrentTemplate {
            compiled: Ok(Arc::clone(&self.template)),
            identity: identity(&self.etag, self.last_modified),
        }
    }
}

/// Creates a cache with a template that never changes.
impl From<Template> for TemplateCache {
    fn from(template: Template) -> Self {
        Self(Place::BuiltIn(Arc::new(template)))
    }
}

impl TemplateCache {
    /// Creates a cache. A built-in template is compiled now. A custom template is read when it is first
    /// needed.
    ///
    /// # Errors
    ///
    /// `bad-template` if the built-in template does not compile. A test checks that all built-in templates
    /// compile.
    pub fn new(choice: &TemplateChoice) -> Result<Self, Refusal> {
        Ok(match choice {
            TemplateChoice::BuiltIn(name) => Template::built_in(name)?.into(),
            TemplateChoice::Object { bucket, key } => {
                let name = ObjectName {
                    bucket: bucket.clone(),
                    key: key.clone(),
                };
                Self(Place::Object(name, Mutex::new(None)))
            }
        })
    }

    /// Returns whether the template is an S3 object, which can change at any time.
    pub(crate) fn is_custom(&self) -> bool {
        matches!(self.0, Place::Object(..))
    }

    /// Returns the current template.
    ///
    /// # Errors
    ///
    /// If a custom template cannot be read. A template that does not exist is a refusal, not an error.
    pub async fn current<S: Store>(&self, store: &S) -> Result<CurrentTemplate, Error> {
        let (name, cached) = match &self.0 {
            Place::BuiltIn(template) => {
                return Ok(CurrentTemplate {
                    compiled: Ok(Arc::clone(template)),
                    identity: String::new(),
                });
            }
            Place::Object(name, cached) => (name, cached),
        };
        let mut cached = cached.lock().await;
        let etag = cached.as_ref().map(|cached| cached.etag.clone());
        let mut fetched = store.get(name, etag.as_deref()).await?;
        if let (Fetched::NotModified(Some(last_modified)), Some(cached)) =
            (&fetched, cached.as_mut())
        {
            cached.last_modified = *last_modified;
            return Ok(cached.current());
        }
        if matches!(fetched, Fetched::NotModified(_)) {
            fetched = store.get(name, None).await?;
        }
        let Fetched::Found(head, body) = fetched else {
            return Ok(CurrentTemplate {
                compiled: Err(bad_template(name, "does not exist")),
                identity: String::new(),
            });
        };
        let compiled = match read_text(name, body).await? {
            Ok(source) => Template::compile(&source).map_err(Refusal::from),
            Err(refusal) => Err(refusal),
        };
        let compiled = compiled.map(Arc::new);
        let identity = head.identity();
        *cached = compiled.as_ref().ok().map(|template| Cached {
            etag: head.etag,
            last_modified: head.last_modified,
            template: Arc::clone(template),
        });
        Ok(CurrentTemplate { compiled, identity })
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
