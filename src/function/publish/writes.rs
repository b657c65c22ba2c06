//! Writes the output and the report of one attempt, or only the report if the change is held.

use tokio::join;

use crate::answer::{Answer, Status};
use crate::function::error::Error;
use crate::function::publish::claim::may_write_report_first;
use crate::function::publish::findings::Findings;
use crate::function::publish::generate_upload::GeneratedUpload;
use crate::function::publish::hold::{Approval, HeldChange, hold_of, read_approval};
use crate::function::publish::in_force::{InForce, Opened};
use crate::function::publish::job::Job;
use crate::function::publish::object::{OUTPUT_CONTENT_TYPE, PublishedObject};
use crate::function::publish::owner::Owner;
use crate::function::publish::provenance::Provenance;
use crate::function::publish::published::PublishedObjects;
use crate::function::publish::reading::reading_text;
use crate::function::publish::report::write_report;
use crate::function::settings::FunctionSettings;
use crate::function::store::{Head, PutResult, Store};
use crate::report::Occasion;
use crate::settings::HoldAbove;
use crate::time::Instant;

/// The maximum size of an output that is sent while the report is rendered, in bytes. Outputs up to this size
/// fit into the socket buffers. A larger output keeps the thread busy while it is sent, so its report is
/// rendered afterwards.
const MAX_PARALLEL_OUTPUT_BYTES: usize = 256 * 1024;

/// The decision about whether a change is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Release {
    /// The change needs no approval.
    Free,
    /// Somebody has approved the change.
    Approved,
    /// The change is held, so only its report is written.
    Held,
}

/// The data that an attempt needs to write its output and its report.
pub(crate) struct Writes<'a, S> {
    pub(crate) store: &'a S,
    pub(crate) settings: &'a FunctionSettings,
    pub(crate) job: Job<'a>,
    pub(crate) published: &'a PublishedObjects,
    pub(crate) in_force: InForce<'a, S>,
    pub(crate) provenance: Provenance,
    pub(crate) as_of: Instant,
    pub(crate) findings: &'a Findings,
}

impl<S: Store> Writes<'_, S> {
    /// Compares a generated upload with the published version, and decides whether the change is held. If the
    /// change is held, marks the upload as held.
    ///
    /// # Errors
    ///
    /// If the published version or the approval cannot be read.
    pub(crate) async fn release(
        &self,
        generated: &mut GeneratedUpload,
        limit: HoldAbove,
        opened: Option<Opened<S::Body>>,
        new: &Head,
        settings_digest: &str,
    ) -> Result<Release, Error> {
        let Some(output) = self.published.output.head() else {
            return Ok(Release::Free);
        };
        if generated.version().is_none() || self.is_current() {
            return Ok(Release::Free);
        }
        let opened = match opened {
            Some(opened) => opened,
            None => self.in_force.open().await?,
        };
        let effect = self.in_force.compare(opened, generated).await?;
        generated.set_publication(self.in_force.publication(effect));
        let Some(hold) = hold_of(generated, limit) else {
            return Ok(Release::Free);
        };
        let input = self.job.input;
        let change = HeldChange {
            input,
            output,
            new,
            settings_digest,
        };
        let code = change.code(generated);
        let approval = read_approval(self.store, input, &code).await?;
        if approval == Approval::Given {
            return Ok(Release::Approved);
        }
        change.hold(generated, hold, &code, approval);
        Ok(Release::Held)
    }

    /// Writes the output and the report. Returns `None` if another write took effect in the meantime.
    pub(crate) async fn write_both(
        self,
        mut generated: GeneratedUpload,
        release: Release,
    ) -> Result<Option<Answer>, Error> {
        let is_current = self.is_current();
        if is_current && generated.answer.status == Status::Written {
            generated.answer.status = Status::Unchanged;
        }
        let file = generated.file.take();
        let output = &self.published.output;
        let is_own = output.owner(&self.job.input.key) == Some(Owner::Own);
        let is_new_output = !is_own && file.is_some();
        let bytes = generated.answer.bytes;
        let file = file.filter(|_| !is_current);
        let is_publication = file.is_some();
        let reading = reading_text(&self.settings.settings, generated.shared.versions());
        let written = self.write_output(file, self.provenance.clone().with_reading(reading));
        let reported = async |generated: &mut GeneratedUpload| {
            // Lets the request for the output be sent first, because the following work keeps this thread
            // busy.
            tokio::task::yield_now().await;
            if is_publication && generated.publication.is_none() && generated.version().is_some() {
                let effect = self.in_force.effect(generated).await;
                generated.set_publication(self.in_force.publication(effect));
            }
            // If the upload did not own the output before, the report is always written. Otherwise, a slow
            // invocation that refuses the upload because of another owner could still replace the report.
            self.report(generated, |is_current| is_new_output || !is_current)
                .await
        };
        let on_delete = self.job.on_delete(self.settings);
        // The approval may be replaced between the two writes. In that case, another invocation holds the
        // change, and its report would replace this report.
        let may_overlap = release != Release::Approved
            && may_write_report_first(output, self.job.input, on_delete);
        let is_conflict = if may_overlap && bytes <= MAX_PARALLEL_OUTPUT_BYTES {
            let (written, reported) = join!(written, reported(&mut generated));
            [written?, reported?].contains(&PutResult::Conflict)
        } else {
            written.await? == PutResult::Conflict
                || reported(&mut generated).await? == PutResult::Conflict
        };
        // If only the report was written, the output that it describes must still be the same.
        let is_report_only = generated.answer.status == Status::Unchanged;
        let is_right =
            !is_conflict && (!is_report_only || output.is_still_there(self.store).await?);
        Ok(is_right.then_some(generated.answer))
    }

    /// Writes the report on a held change, unless it is already written. Returns `None` if another write took
    /// effect in the meantime.
    pub(crate) async fn write_held(
        self,
        mut generated: GeneratedUpload,
    ) -> Result<Option<Answer>, Error> {
        let reported = self.report(&mut generated, |is_current| !is_current);
        if reported.await? == PutResult::Conflict {
            return Ok(None);
        }
        // The output with which the report compares the upload must still be the same.
        let is_right = self.published.output.is_still_there(self.store).await?;
        Ok(is_right.then_some(generated.answer))
    }

    fn is_current(&self) -> bool {
        let output = &self.published.output;
        output.is_current(&self.provenance, self.as_of)
    }

    async fn write_output(
        &self,
        file: Option<Vec<u8>>,
        provenance: Provenance,
    ) -> Result<PutResult, Error> {
        let output = &self.published.output;
        match file {
            Some(bytes) => {
                let replaced = output.replace(self.store, bytes, OUTPUT_CONTENT_TYPE, provenance);
                replaced.await
            }
            None => Ok(PutResult::Written),
        }
    }

    /// Adds the last warnings to the answer, and writes the report if it is needed. `is_needed` receives
    /// `true` if the existing report is current.
    async fn report(
        &self,
        generated: &mut GeneratedUpload,
        is_needed: impl FnOnce(bool) -> bool,
    ) -> Result<PutResult, Error> {
        generated.add_warnings();
        let facts = generated.facts();
        self.findings.set_facts(facts);
        let message = generated.answer.message.as_ref();
        let provenance = self.provenance.clone();
        let provenance = provenance
            .with_report(message, &self.job.output.key)
            .with_facts(facts);
        let page = || generated.report_page(Occasion::Publish);
        let is_needed =
            |report: &&PublishedObject| is_needed(report.is_current(&provenance, self.as_of));
        let report = self.published.report.as_ref().filter(is_needed);
        write_report(self.store, report, page, provenance).await
    }
}
