//! Applies `OnDelete` to an output that no longer has an input, under the conditions of the publishing
//! protocol.

use crate::answer::{Answer, Refusal, Status};
use crate::function::error::{Error, ErrorKind};
use crate::function::publish::answers::{answer_about, unchanged};
use crate::function::publish::object::{OUTPUT_CONTENT_TYPE, PublishedObject};
use crate::function::publish::owner::Owner;
use crate::function::publish::provenance::Provenance;
use crate::function::settings::{FunctionSettings, OnDelete};
use crate::function::store::{ObjectName, PutResult, Store};
use crate::policy::PolicyBuilder;
use crate::render::{Template, render};
use crate::rule::DefaultPolicy;
use crate::source::Source;

/// The name of the file that Apache reads, regardless of the template that renders the file.
const APACHE_FILE: &str = ".htaccess";
/// The built-in template that denies everybody in [`APACHE_FILE`] if the configured template does not work.
const APACHE_TEMPLATE: &str = "apache24";

/// The data needed to apply `OnDelete` to the output of one input.
pub(crate) struct Deletion<'a, S> {
    pub(crate) store: &'a S,
    pub(crate) settings: &'a FunctionSettings,
    pub(crate) on_delete: OnDelete,
    /// The configured template, or the reason why this template does not work.
    pub(crate) template: Result<&'a Template, &'a Refusal>,
    pub(crate) input: &'a ObjectName,
    /// The reason why the output has no input.
    pub(crate) absence: Absence,
    /// The provenance to record in an output that denies everybody.
    pub(crate) provenance: Provenance,
}

/// The reason why an output has no input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Absence {
    /// The input does not exist.
    InputIsGone,
    /// The key of the input now determines another output, which the input already owns.
    OutputIsElsewhere,
}

impl<S: Store> Deletion<'_, S> {
    /// Applies `OnDelete` to the output. Returns `None` if another write took effect in the meantime, or if
    /// the input was uploaded again.
    ///
    /// # Errors
    ///
    /// If a call to the store fails, or [`ErrorKind::BadTemplate`] if no template can render an output that
    /// denies everybody.
    pub(crate) async fn apply(&self, output: &PublishedObject) -> Result<Option<Answer>, Error> {
        if output.owner(&self.input.key) != Some(Owner::Own) {
            return Ok(Some(Answer {
                output: None,
                ..self.answer(output, Status::Kept)
            }));
        }
        match self.on_delete {
            OnDelete::Keep => Ok(Some(self.answer(output, Status::Kept))),
            OnDelete::Remove => Ok(match output.remove(self.store).await? {
                PutResult::Conflict => None,
                PutResult::Written if self.has_come_back().await? => None,
                PutResult::Written => Some(self.answer(output, Status::Removed)),
            }),
            OnDelete::Deny if output.is_made_from(&self.provenance) => {
                Ok(Some(unchanged(self.settings, self.input, output)))
            }
            OnDelete::Deny => self.deny_everybody(output).await,
        }
    }

    /// Returns whether the input was uploaded again while its output was being removed. If so, the input must
    /// be published.
    async fn has_come_back(&self) -> Result<bool, Error> {
        match self.absence {
            Absence::InputIsGone => Ok(self.store.head(self.input).await?.is_some()),
            Absence::OutputIsElsewhere => Ok(false),
        }
    }

    async fn deny_everybody(&self, output: &PublishedObject) -> Result<Option<Answer>, Error> {
        let file = self.file_for_nobody(&output.name)?;
        let mut answer = self.answer(output, Status::Written);
        answer.default_policy = DefaultPolicy::Deny;
        answer.bytes = file.len();
        let provenance = self.provenance.clone();
        let replaced = output.replace(
            self.store,
            file.into_bytes(),
            OUTPUT_CONTENT_TYPE,
            provenance,
        );
        Ok(match replaced.await? {
            PutResult::Conflict => None,
            PutResult::Written => Some(answer),
        })
    }

    /// Renders an output that denies everybody. If the configured template does not work, the function uses
    /// [`APACHE_TEMPLATE`], but only if the output is named [`APACHE_FILE`], because a file with any other name
    /// may be read by a server other than Apache.
    fn file_for_nobody(&self, output: &ObjectName) -> Result<String, Error> {
        let source = Source {
            key: self.input.key.clone(),
            bucket: self.input.bucket.clone(),
            ..Source::default()
        };
        let nobody = PolicyBuilder::default().build(DefaultPolicy::Deny);
        let max_bytes = self.settings.settings.max_output_bytes;
        let print = |template: &Template| -> Result<String, Refusal> {
            Ok(render(template, &source, &nobody, &[], 0, max_bytes)?.text)
        };
        let is_apache = output.key.rsplit('/').next() == Some(APACHE_FILE);
        self.template
            .map_err(Clone::clone)
            .and_then(print)
            .or_else(|refusal| {
                let built_in = is_apache.then(|| Template::built_in(APACHE_TEMPLATE));
                match built_in {
                    Some(Ok(template)) => print(&template),
                    _ => Err(refusal),
                }
            })
            .map_err(|refusal| {
                let operation = format!("deny everybody in {output}");
                Error::new(ErrorKind::BadTemplate, operation).with_source(refusal)
            })
    }

    fn answer(&self, output: &PublishedObject, status: Status) -> Answer {
        answer_about(self.settings, self.input, output, status)
    }
}
