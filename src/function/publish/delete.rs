//! Applies `OnDelete` to an output whose input is gone, under the conditions of the protocol.

use crate::answer::{Answer, Status};
use crate::function::error::Error;
use crate::function::publish::answers::{answer_about, unchanged};
use crate::function::publish::object::{OUTPUT_CONTENT_TYPE, PublishedObject};
use crate::function::publish::provenance::Provenance;
use crate::function::settings::{FunctionSettings, OnDelete};
use crate::function::store::{ObjectName, PutResult, Store};
use crate::policy::PolicyBuilder;
use crate::render::{Template, render};
use crate::rule::DefaultPolicy;
use crate::source::Source;

/// The deletion of one input.
pub(crate) struct Deletion<'a, S> {
    pub(crate) store: &'a S,
    pub(crate) settings: &'a FunctionSettings,
    pub(crate) template: &'a Template,
    pub(crate) input: &'a ObjectName,
    /// The provenance of an output that is made because the input is gone.
    pub(crate) provenance: Provenance,
}

impl<S: Store> Deletion<'_, S> {
    /// Applies `OnDelete` to the output. Returns `None` if another write took effect in between.
    ///
    /// # Errors
    ///
    /// If a call to the store fails.
    pub(crate) async fn apply(self, output: &PublishedObject) -> Result<Option<Answer>, Error> {
        let is_ours = output.belongs_to(&self.input.key);
        match self.settings.on_delete {
            OnDelete::Remove if is_ours && output.head().is_some() => {
                Ok(match output.remove(self.store).await? {
                    PutResult::Conflict => None,
                    PutResult::Written if self.store.head(self.input).await?.is_some() => None,
                    PutResult::Written => Some(self.answer(output, Status::Removed)),
                })
            }
            OnDelete::Deny if is_ours => {
                if output.is_made_from(&self.provenance) {
                    return Ok(Some(unchanged(self.settings, self.input, output)));
                }
                self.deny_everybody(output).await
            }
            _ => Ok(Some(self.answer(output, Status::Kept))),
        }
    }

    async fn deny_everybody(self, output: &PublishedObject) -> Result<Option<Answer>, Error> {
        let source = Source {
            key: self.input.key.clone(),
            bucket: self.input.bucket.clone(),
            ..Source::default()
        };
        let max_bytes = self.settings.settings.max_output_bytes;
        let nobody = PolicyBuilder::default().build(DefaultPolicy::Deny);
        let mut answer = self.answer(output, Status::Written);
        answer.default_policy = DefaultPolicy::Deny;
        let file = match render(self.template, &source, &nobody, &[], 0, max_bytes) {
            Ok(rendered) => rendered.text,
            Err(err) => return Ok(Some(answer.refused(&err.into()))),
        };
        answer.bytes = file.len();
        let replaced = output.replace(
            self.store,
            file.into_bytes(),
            OUTPUT_CONTENT_TYPE,
            self.provenance,
        );
        Ok(match replaced.await? {
            PutResult::Conflict => None,
            PutResult::Written => Some(answer),
        })
    }

    fn answer(&self, output: &PublishedObject, status: Status) -> Answer {
        answer_about(self.settings, self.input, output, status)
    }
}
