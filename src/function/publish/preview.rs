//! Writes the report on a preview. A CSV in `preview/` is processed as if its key did not contain this
//! folder, but only its report is written.
//!
//! The report compares the preview with the current output. If the output has changed, the next event about
//! the preview renders the report again. Nothing else is written, no schedule is created, and an approval
//! cannot release a preview. If the preview is deleted, the report stays.

use tokio::join;

use crate::answer::{Answer, RefusalCode, Status};
use crate::function::error::Error;
use crate::function::event::Trigger;
use crate::function::publish::answers::answer_about;
use crate::function::publish::claim::{Claim, claim};
use crate::function::publish::destination::{Destination, check_version, refused_by_key};
use crate::function::publish::generate_upload::{GeneratedUpload, Generator};
use crate::function::publish::hold::hold_of;
use crate::function::publish::in_force::InForce;
use crate::function::publish::job::Job;
use crate::function::publish::object::PublishedObject;
use crate::function::publish::provenance::Provenance;
use crate::function::publish::published::PublishedObjects;
use crate::function::publish::report::{report_answer, write_report};
use crate::function::publish::retry::retry_conflicts;
use crate::function::settings::FunctionSettings;
use crate::function::store::{Fetched, Head, ObjectName, PutResult, Store};
use crate::function::template_cache::CurrentTemplate;
use crate::report::{Occasion, UploadFacts};
use crate::source::check_report_key;
use crate::text::{RichText, rich};
use crate::time::Instant;

/// The folder for previews in the upload bucket, with the trailing slash.
pub(crate) const PREVIEW_FOLDER: &str = "preview/";

/// A preview, and the CSV for which it was uploaded.
pub(crate) struct Preview<'a, S> {
    pub(crate) store: &'a S,
    pub(crate) settings: &'a FunctionSettings,
    pub(crate) template: &'a CurrentTemplate,
    pub(crate) settings_digest: &'a str,
    pub(crate) origin: Option<&'a UploadFacts>,
    /// The object that was uploaded.
    pub(crate) object: &'a ObjectName,
    /// The CSV that the preview would replace or create.
    pub(crate) input: &'a ObjectName,
}

impl<S: Store> Preview<'_, S> {
    /// Writes a report on what would happen if the preview were uploaded as the CSV.
    ///
    /// # Errors
    ///
    /// An error that a retry or an operator can fix.
    pub(crate) async fn answer(&self) -> Result<Answer, Error> {
        if let Err(err) = check_report_key(&self.object.key) {
            return Ok(refused_by_key(self.object, &err.into()));
        }
        let destination = match Destination::of(self.settings, self.input) {
            Ok(destination) => destination,
            Err(refusal) => return Ok(refused_by_key(self.object, &refusal)),
        };
        let operation = format!("report on {}", self.object);
        retry_conflicts(&operation, async || self.attempt(&destination).await).await
    }

    /// Makes one attempt to write the report. Returns `None` if another write took effect in the meantime.
    async fn attempt(&self, destination: &Destination) -> Result<Option<Answer>, Error> {
        let (published, fetched) = join!(
            PublishedObjects::fetch(self.store, self.settings, self.object, &destination.output),
            self.store.get(self.object, None)
        );
        let published = published?;
        let now = Instant::from_seconds(self.store.now());
        let as_of = published.not_before(now);
        let PublishedObjects { output, report } = published;
        let Fetched::Found(head, body) = fetched? else {
            return Ok(Some(Answer::new(&self.object.key, Status::Kept)));
        };
        check_version(self.settings, self.object, &head)?;
        let job = Job {
            input: self.input,
            kind: &destination.kind,
            output: &destination.output,
            trigger: &Trigger::Change,
            origin: self.origin,
        };
        let provenance = Provenance::new(&self.object.key, Some(&head), self.settings_digest);
        let subject = match claim(self.store, self.input, &output).await? {
            Claim::Refused(refusal) => Err(refusal),
            Claim::Granted | Claim::OwnerIsGone(_) => job.subject(&self.template.compiled),
        };
        let subject = match subject {
            Ok(subject) => subject,
            Err(refusal) => {
                let about = answer_about(self.settings, self.object, &output, Status::Previewed);
                let answer = Answer {
                    status: Status::Previewed,
                    ..about.refused(&refusal)
                };
                let provenance = provenance.with_report(answer.message.as_ref(), &job.output.key);
                let occasion = Occasion::Preview;
                return report_answer(self.store, report.as_ref(), answer, occasion, provenance)
                    .await;
            }
        };
        let generator = Generator {
            store: self.store,
            settings: self.settings,
            subject,
            input: self.object,
            key: &self.input.key,
            as_of,
        };
        let Some(mut generated) = generator.generate(&head, body).await? else {
            return Ok(None);
        };
        self.compare(&mut generated, &output, job, &head, as_of)
            .await?;
        let provenance = provenance
            .with_lists(generated.shared.digest())
            .with_period(as_of, generated.holds_until)
            .with_report(Some(&outcome(&generated.answer, &output)), &job.output.key);
        generated.add_warnings();
        let report = report.filter(|report| !report.is_current(&provenance, as_of));
        let page = || generated.report_page(Occasion::Preview);
        Ok(
            match write_report(self.store, report.as_ref(), page, provenance).await? {
                PutResult::Conflict => None,
                PutResult::Written => Some(generated.answer),
            },
        )
    }

    /// Adds the effect on the current output to the answer. If the change would be held, also adds a message
    /// about this.
    async fn compare(
        &self,
        generated: &mut GeneratedUpload,
        output: &PublishedObject,
        job: Job<'_>,
        head: &Head,
        as_of: Instant,
    ) -> Result<(), Error> {
        generated.answer.source.clone_from(&self.object.key);
        generated.answer.output = Some(job.output.key.clone());
        generated.answer.status = Status::Previewed;
        if generated.version().is_none() {
            return Ok(());
        }
        let in_force = InForce {
            store: self.store,
            settings: self.settings,
            input: self.input,
            output,
            upload: job.upload_facts(head),
            as_of,
        };
        let effect = in_force.compare(in_force.open().await?, generated).await?;
        let mut publication = in_force.publication(effect);
        // Nothing is published, so there is nothing to undo.
        publication.undo = None;
        generated.set_publication(publication);
        let limit = job.hold_above(self.settings);
        if let Some(hold) = limit.and_then(|limit| hold_of(generated, limit)) {
            generated.answer.code = Some(RefusalCode::ChangeHeld);
            generated.answer.message =
                Some(rich!("this change would be held: {}", hold.to_string()));
        }
        Ok(())
    }
}

/// Returns the part of the report's content that the preview alone does not determine: the message, and the
/// identity of the current output.
fn outcome(answer: &Answer, output: &PublishedObject) -> RichText {
    let message = answer.message.as_ref().map(RichText::to_string);
    let in_force = output.head().map(Head::identity);
    rich!(
        "{} {}",
        message.unwrap_or_default(),
        in_force.unwrap_or_default()
    )
}
