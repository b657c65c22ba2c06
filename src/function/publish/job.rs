//! One input, and how it is published.

use std::sync::Arc;

use crate::answer::Refusal;
use crate::function::event::Trigger;
use crate::function::publish::destination::Kind;
use crate::function::publish::generate_upload::Subject;
use crate::function::settings::{FunctionSettings, OnDelete};
use crate::function::store::ObjectName;
use crate::render::Template;

/// One input, the output that its key names, and the reason to look at it.
#[derive(Clone, Copy)]
pub(crate) struct Job<'a> {
    pub(crate) input: &'a ObjectName,
    pub(crate) kind: &'a Kind,
    pub(crate) output: &'a ObjectName,
    pub(crate) trigger: &'a Trigger,
}

impl<'a> Job<'a> {
    /// Returns the use of the input. Only a site needs the template.
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

    /// Returns what happens to the output when the input is deleted. Sites may use a list that was deleted.
    pub(crate) fn on_delete(self, settings: &FunctionSettings) -> OnDelete {
        match self.kind {
            Kind::Site => settings.on_delete,
            Kind::List(_) | Kind::Common => OnDelete::Keep,
        }
    }
}
