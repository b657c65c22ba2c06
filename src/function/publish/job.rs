//! An input to publish, and the settings that depend on its kind.

use std::sync::Arc;

use crate::answer::Refusal;
use crate::function::event::Trigger;
use crate::function::publish::destination::Kind;
use crate::function::publish::generate_upload::Subject;
use crate::function::publish::provenance::Provenance;
use crate::function::settings::{FunctionSettings, OnDelete};
use crate::function::store::{Head, ObjectName};
use crate::render::Template;
use crate::report::UploadFacts;
use crate::settings::HoldAbove;
use crate::time::Instant;

/// One input, the output that the key of the input determines, and the reason to check the input.
#[derive(Clone, Copy)]
pub(crate) struct Job<'a> {
    pub(crate) input: &'a ObjectName,
    pub(crate) kind: &'a Kind,
    pub(crate) output: &'a ObjectName,
    pub(crate) trigger: &'a Trigger,
    /// The origin of the version that the event is about.
    pub(crate) origin: Option<&'a UploadFacts>,
}

impl<'a> Job<'a> {
    /// Returns the kind of the input with the data that is needed to read it. Only a site needs the template,
    /// so only a site is refused if the template does not work.
    pub(crate) fn subject(
        self,
        template: &Result<Arc<Template>, Refusal>,
    ) -> Result<Subject<'a>, Refusal> {
        Ok(match self.kind {
            Kind::Site => Subject::Site(template.clone()?),
            Kind::List(id) => Subject::List(id),
            Kind::Common => Subject::Common,
        })
    }

    /// Returns the provenance of an output that is made from this version of the input.
    pub(crate) fn provenance(self, head: &Head, settings_digest: &str, now: i64) -> Provenance {
        let provenance = Provenance::new(&self.input.key, Some(head), settings_digest);
        match self.trigger {
            Trigger::Change => provenance,
            Trigger::VersionDeleted(version) => provenance.with_reverted(version, now),
        }
    }

    /// Returns the facts about the version that was read. The origin is included only if the event was about
    /// this version.
    pub(crate) fn upload_facts(self, head: &Head) -> UploadFacts {
        let is_about = |origin: &&UploadFacts| origin.version_id == head.version_id;
        UploadFacts {
            at: Some(Instant::from_seconds(head.last_modified)),
            version_id: head.version_id.clone(),
            ..self.origin.filter(is_about).cloned().unwrap_or_default()
        }
    }

    /// Returns the largest change that needs no approval. `None` if no change is held. Only changes to sites
    /// are held.
    pub(crate) fn hold_above(self, settings: &FunctionSettings) -> Option<HoldAbove> {
        settings.hold_above.filter(|_| *self.kind == Kind::Site)
    }

    /// Returns what happens to the output if the input is deleted. A compiled list or common CSV is always
    /// kept, because sites may still use it.
    pub(crate) fn on_delete(self, settings: &FunctionSettings) -> OnDelete {
        match self.kind {
            Kind::Site => settings.on_delete,
            Kind::List(_) | Kind::Common => OnDelete::Keep,
        }
    }
}
