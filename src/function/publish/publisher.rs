//! Publishes a CSV: writes one output and its report, whatever the order, number and timing of events.
//!
//! The output and the report record the input they were made from (`Provenance`). An invocation
//!
//! 1. fetches the heads of both and reads the newest input, at the same time;
//! 2. reads a custom template again if one of them was made with other settings, because the template may
//!    have been changed since it was read;
//! 3. reads the input again if one of them was made from an input that is not strictly older, because
//!    the first read may have been served before that input was uploaded; then reads the clock;
//! 4. writes nothing if both were already made from this input and these settings, and no row has started
//!    or ended since;
//! 5. refuses the input if the output belongs to another upload that still exists;
//! 6. makes sure that a schedule calls the function when the next row starts or ends;
//! 7. writes each of them on the condition that it is still the object whose head was fetched, and
//!    starts again if it is not.
//!
//! **Invariant.** A write takes effect only if its input and its template are at least as new as those of
//! the object that it replaces: they were read after the head of that object was fetched, and S3 reads
//! are strongly consistent, or the input is strictly newer by `Last-Modified`. So outputs only move
//! forward. The last event that is handled reads the newest input, so the output of that input stays.
//! Reports follow the same rule, also those on refusals.
//!
//! **An ETag identifies bytes, not an upload.** If rules change from X to Y and soon back to X, a slow
//! writer of Y that fetched the head of the first X would find its condition true again. So an object
//! also records digests of its recent predecessors, and bytes that one of them had are written in
//! another [`PutKind`](crate::function::store::PutKind), which has another ETag. This requires
//! versioning of the upload bucket: without versions, X and X again cannot be distinguished.
//!
//! **One owner.** Several uploads can have the same output. The one whose key the output records owns it,
//! until it is deleted. Another one may take the output over then. It writes the report after the output.
//! With `remove`, the first writer of an output does the same. A refusal because of an owner writes the
//! report and then checks that the output is still the same, and so does an invocation that writes only
//! the report of an output. One of the two comes last and sees the other, so the reports agree with the
//! output in the end. With `remove`, an output that is written again after its removal can have an ETag of
//! before, because nothing is left that records it. So the delete of the owner is handled first, as its
//! event would do, and the output is then written on the condition that there is none.
//!
//! **Time.** An object records the instant that it was made for (`as-of`), and the next one at which a row
//! starts or ends (`holds-until`). The schedule for that instant is created before the write, so an output
//! that is in force is always replaced in time, also if the function dies after the write. If it dies
//! before, the call of the schedule finds nothing to do. An unchanged output has its schedule created too,
//! because somebody may have deleted it. An object is never replaced by one for an earlier instant: the
//! clock is read after the heads, and the recorded instant counts if the clock of another machine was ahead.
//!
//! **Deletes.** An event says only that something happened. If the input is gone, `OnDelete` decides,
//! under the same conditions. An output that is missing, or that belongs to another upload, records
//! nothing about a delete. So an invocation that wrote such an output, or removed one, then checks the
//! input once more, unless the output stays in any case (`keep`).
//!
//! **Lists.** A site that names lists is read twice: first to find their names, then with the compiled lists.
//! These are read after the heads, so an output is never replaced by one that was made from an older list.
//! An output records which versions of the lists it was made from, so an event about it reads them to see
//! whether it is current. A list is published like a site, into the bucket of the reports, and a list that is
//! refused or deleted leaves its last compiled form in force.
//!
//! **Going back.** A permanent delete of the newest version makes an older one the newest again. That
//! version may already be published, and a slow writer of the deleted version would find its condition
//! true. So an event about such a delete writes both objects once more with another ETag. They record the
//! delete, and `Last-Modified` does not order inputs against them for the next 20 minutes.

use tokio::join;

use crate::answer::{Answer, Refusal, RefusalCode, Status, Warning};
use crate::function::error::Error;
use crate::function::event::Trigger;
use crate::function::metrics::PublishStats;
use crate::function::publish::answers::{answer_about, unchanged};
use crate::function::publish::claim::{Claim, claim, may_write_report_first};
use crate::function::publish::delete::{Absence, Deletion};
use crate::function::publish::destination::{Destination, Kind, check_version, refused_by_key};
use crate::function::publish::findings::Findings;
use crate::function::publish::generate_upload::{GeneratedUpload, Generator};
use crate::function::publish::job::Job;
use crate::function::publish::next_change::schedule_next_change;
use crate::function::publish::object::{OUTPUT_CONTENT_TYPE, PublishedObject};
use crate::function::publish::owner::Owner;
use crate::function::publish::provenance::{Provenance, settings_digest};
use crate::function::publish::published::PublishedObjects;
use crate::function::publish::report::{report_answer, write_report};
use crate::function::publish::retry::retry_conflicts;
use crate::function::schedule::Schedules;
use crate::function::settings::{FunctionSettings, OnDelete};
use crate::function::store::{Fetched, Head, ObjectName, PutResult, Store};
use crate::function::template_cache::{CurrentTemplate, TemplateCache};
use crate::report::Occasion;
use crate::report::overview::SiteFacts;
use crate::time::Instant;

/// The maximum size of an output that is sent while the report is rendered, in bytes. Outputs up to
/// this size fit the socket buffers. The thread must send more of a larger one, so its report is
/// rendered after it.
const MAX_PARALLEL_OUTPUT_BYTES: usize = 256 * 1024;

/// Publishes CSVs with the current template.
pub struct Publisher<'a, S> {
    store: &'a S,
    settings: &'a FunctionSettings,
    templates: &'a TemplateCache,
    template: CurrentTemplate,
    settings_digest: String,
    schedules: Option<Schedules<'a>>,
    stats: PublishStats,
    findings: Findings,
}

impl<'a, S: Store> Publisher<'a, S> {
    /// Creates a publisher for one file. `template` was read from `templates` in this invocation.
    pub fn new(
        store: &'a S,
        settings: &'a FunctionSettings,
        templates: &'a TemplateCache,
        template: CurrentTemplate,
    ) -> Self {
        Self {
            store,
            settings,
            templates,
            settings_digest: settings_digest(&settings.settings, &template),
            template,
            schedules: None,
            stats: PublishStats::default(),
            findings: Findings::default(),
        }
    }

    /// Lets the function be called when rows start or end. Without it, outputs with such rows have the
    /// warning `unscheduled-change`.
    #[must_use]
    pub fn with_schedules(self, schedules: Option<Schedules<'a>>) -> Self {
        Self { schedules, ..self }
    }

    /// Returns what the overview shows about the upload.
    pub fn findings(&self) -> &Findings {
        &self.findings
    }

    /// Returns the statistics for the metrics.
    #[must_use]
    pub fn into_stats(self) -> PublishStats {
        self.stats
    }

    /// Publishes the present content of the CSV, or refuses it and leaves the output as it is. The caller
    /// has checked the buckets.
    ///
    /// # Errors
    ///
    /// Errors that a retry or an operator can fix. The output is then the previous one or, if the
    /// response to the write was lost, the new one.
    pub async fn publish(
        &mut self,
        input: &ObjectName,
        trigger: &Trigger,
    ) -> Result<Answer, Error> {
        let destination = match Destination::of(self.settings, input) {
            Ok(destination) => destination,
            Err(refusal) => return Ok(refused_by_key(input, &refusal)),
        };
        let job = Job {
            input,
            kind: &destination.kind,
            output: &destination.output,
            trigger,
        };
        self.settle(job).await
    }

    /// Repeats the attempt until no other write takes effect in between.
    async fn settle(&mut self, job: Job<'_>) -> Result<Answer, Error> {
        retry_conflicts(&format!("PUT {}", job.output), async || {
            let answer = self.attempt(job).await?;
            if answer.is_none() {
                self.stats.conflict();
            }
            Ok(answer)
        })
        .await
    }

    /// Returns `None` if another write took effect in between.
    async fn attempt(&mut self, job: Job<'_>) -> Result<Option<Answer>, Error> {
        let (published, mut fetched) = join!(
            PublishedObjects::fetch(self.store, self.settings, job.input, job.output),
            self.store.get(job.input, None)
        );
        let published = published?;
        self.findings.set_output(&published.output, job.input);
        self.check_template(&published).await?;
        if matches!(fetched, Ok(Fetched::Missing)) && published.exist() {
            fetched = self.store.get(job.input, None).await;
        }
        let Fetched::Found(mut head, mut body) = fetched? else {
            return self.input_is_gone(job, &published).await;
        };
        let mut provenance = self.provenance(job, Some(&head));
        let in_doubt = |object: &PublishedObject| {
            !object.is_made_from_input(&provenance)
                && object.may_be_newer_than(&job.input.key, &head)
        };
        if published.all().any(in_doubt) {
            drop(body);
            (head, body) = match self.store.get(job.input, None).await? {
                Fetched::Found(head, body) => (head, body),
                Fetched::Missing | Fetched::NotModified(_) => {
                    return self.input_is_gone(job, &published).await;
                }
            };
            provenance = self.provenance(job, Some(&head));
        }
        check_version(self.settings, job.input, &head)?;
        self.stats.input(&head);
        // The clock is read after the heads of the output and of the input.
        let as_of = published.not_before(self.now());
        if self.is_up_to_date(job, &published, &provenance, as_of) {
            return self.leave_unchanged(job, &published).await.map(Some);
        }
        let subject = match claim(self.store, job.input, &published.output).await? {
            Claim::Refused(refusal) => Err(refusal),
            Claim::OwnerIsGone(owner) if job.on_delete(self.settings) == OnDelete::Remove => {
                let input = &owner;
                // Boxed, because the function calls itself.
                Box::pin(self.settle(Job { input, ..job })).await?;
                return Ok(None);
            }
            Claim::Granted | Claim::OwnerIsGone(_) => job.subject(&self.template.compiled),
        };
        let answer = match subject {
            Ok(subject) => {
                let generator = Generator {
                    store: self.store,
                    settings: self.settings,
                    subject,
                    input: job.input,
                    as_of,
                };
                match generator.generate(&head, body).await? {
                    Some((mut generated, lists)) => {
                        generated.answer.output = Some(job.output.key.clone());
                        let provenance = provenance.with_lists(lists);
                        self.publish_generated(job, &published, generated, provenance, as_of)
                            .await?
                    }
                    None => None,
                }
            }
            Err(refusal) => self.refuse(job, &published, &refusal, provenance).await?,
        };
        let is_right = answer.is_none()
            || !self.must_check_again(job, &published)
            || self.is_still_newest(job, &head).await?;
        Ok(answer.filter(|_| is_right))
    }

    /// Reads a custom template again if an object was made with other settings, because its template may
    /// be newer than the one that was read before.
    async fn check_template(&mut self, published: &PublishedObjects) -> Result<(), Error> {
        let is_other = |object: &PublishedObject| object.has_other_settings(&self.settings_digest);
        if self.templates.is_custom() && published.all().any(is_other) {
            self.template = self.templates.current(self.store).await?;
            self.settings_digest = settings_digest(&self.settings.settings, &self.template);
        }
        Ok(())
    }

    fn is_up_to_date(
        &self,
        job: Job<'_>,
        published: &PublishedObjects,
        provenance: &Provenance,
        now: Instant,
    ) -> bool {
        let of_publication = provenance.clone().with_report(None, &job.output.key);
        let report = published.report.as_ref();
        (*job.kind != Kind::Site || self.template.compiled.is_ok())
            && published.output.is_current(provenance, now)
            && report.is_none_or(|report| report.is_current(&of_publication, now))
    }

    /// Answers about an output that is current.
    async fn leave_unchanged(
        &self,
        job: Job<'_>,
        published: &PublishedObjects,
    ) -> Result<Answer, Error> {
        let report = published.report.as_ref();
        let facts = report.and_then(PublishedObject::facts);
        self.findings.set_facts(facts.unwrap_or_default());
        let mut answer = unchanged(self.settings, job.input, &published.output);
        // Somebody may have deleted the schedule.
        let warning = self.schedule_next_change(job, answer.next_change).await?;
        answer.warnings.extend(warning);
        Ok(answer)
    }

    fn now(&self) -> Instant {
        Instant::from_seconds(self.store.now())
    }

    async fn schedule_next_change(
        &self,
        job: Job<'_>,
        next_change: Option<Instant>,
    ) -> Result<Option<Warning>, Error> {
        schedule_next_change(self.schedules, job.input, next_change, self.now()).await
    }

    /// Refuses the input without reading its rows. The output stays as it is.
    async fn refuse(
        &self,
        job: Job<'_>,
        published: &PublishedObjects,
        refusal: &Refusal,
        provenance: Provenance,
    ) -> Result<Option<Answer>, Error> {
        let answer = answer_about(self.settings, job.input, &published.output, Status::Refused)
            .refused(refusal);
        let facts = SiteFacts::of(&answer, None);
        self.findings.set_facts(facts);
        let provenance = provenance
            .with_report(Some(&refusal.message), &job.output.key)
            .with_facts(facts);
        let report = published.report.as_ref();
        let writes = report.is_some_and(|report| !report.is_made_from(&provenance));
        let answer =
            report_answer(self.store, report, answer, Occasion::Publish, provenance).await?;
        let must_check = writes && answer.is_some() && refusal.code == RefusalCode::OutputTaken;
        let is_right = !must_check || published.output.is_still_there(self.store).await?;
        Ok(answer.filter(|_| is_right))
    }

    /// Writes an output that was generated, unless it is current already. Returns `None` if another write
    /// took effect in between.
    async fn publish_generated(
        &self,
        job: Job<'_>,
        published: &PublishedObjects,
        mut generated: GeneratedUpload,
        provenance: Provenance,
        as_of: Instant,
    ) -> Result<Option<Answer>, Error> {
        let lists = std::mem::take(&mut generated.lists);
        self.findings.set_lists(lists);
        // Only the lists that were read show whether an output that was made with lists is current.
        if self.is_up_to_date(job, published, &provenance, as_of) {
            return self.leave_unchanged(job, published).await.map(Some);
        }
        let holds_until = generated.holds_until;
        let warning = self.schedule_next_change(job, holds_until).await?;
        generated.answer.warnings.extend(warning);
        let provenance = provenance.with_period(as_of, holds_until);
        self.write_both(job, published, generated, &provenance, as_of)
            .await
    }

    /// Writes the output and the report. Returns `None` if another write took effect in between.
    async fn write_both(
        &self,
        job: Job<'_>,
        published: &PublishedObjects,
        mut generated: GeneratedUpload,
        provenance: &Provenance,
        as_of: Instant,
    ) -> Result<Option<Answer>, Error> {
        let is_current = published.output.is_current(provenance, as_of);
        if is_current && generated.answer.status == Status::Written {
            generated.answer.status = Status::Unchanged;
        }
        let file = generated.file.take();
        let is_own = published.output.owner(&job.input.key) == Some(Owner::Own);
        let is_new_output = !is_own && file.is_some();
        let report = published.report.as_ref();
        let bytes = generated.answer.bytes;
        let file = file.filter(|_| !is_current);
        let facts = generated.facts();
        self.findings.set_facts(facts);
        let output = self.write_output(&published.output, file, provenance);
        let reported = async |generated: &mut GeneratedUpload| {
            // The following work keeps this thread busy, so the request of the output is sent before it.
            tokio::task::yield_now().await;
            generated.add_warnings();
            let message = generated.answer.message.as_ref();
            let report_provenance = provenance
                .clone()
                .with_report(message, &job.output.key)
                .with_facts(facts);
            let page = || generated.report_page();
            // The report of an output that is new to this upload is always written, so that a slow refusal
            // because of another owner does not replace it. A refused file writes no output.
            let is_needed = |report: &&PublishedObject| {
                is_new_output || !report.is_current(&report_provenance, as_of)
            };
            let report = report.filter(is_needed);
            write_report(self.store, report, page, report_provenance).await
        };
        let may_overlap =
            may_write_report_first(&published.output, job.input, job.on_delete(self.settings));
        let is_conflict = if may_overlap && bytes <= MAX_PARALLEL_OUTPUT_BYTES {
            let (written, reported) = join!(output, reported(&mut generated));
            [written?, reported?].contains(&PutResult::Conflict)
        } else {
            output.await? == PutResult::Conflict
                || reported(&mut generated).await? == PutResult::Conflict
        };
        // A report without its output must be about an output that is still there.
        let is_report_only = generated.answer.status == Status::Unchanged;
        let is_right = !is_conflict
            && (!is_report_only || published.output.is_still_there(self.store).await?);
        Ok(is_right.then_some(generated.answer))
    }

    async fn write_output(
        &self,
        object: &PublishedObject,
        file: Option<Vec<u8>>,
        provenance: &Provenance,
    ) -> Result<PutResult, Error> {
        match file {
            Some(bytes) => {
                object
                    .replace(self.store, bytes, OUTPUT_CONTENT_TYPE, provenance.clone())
                    .await
            }
            None => Ok(PutResult::Written),
        }
    }

    /// Returns whether a delete could have been handled without a trace while the output was written.
    fn must_check_again(&self, job: Job<'_>, published: &PublishedObjects) -> bool {
        match job.on_delete(self.settings) {
            OnDelete::Keep => false,
            OnDelete::Remove => true,
            OnDelete::Deny => published.output.owner(&job.input.key) != Some(Owner::Own),
        }
    }

    async fn is_still_newest(&self, job: Job<'_>, read: &Head) -> Result<bool, Error> {
        let now = self.store.head(job.input).await?;
        Ok(now.is_some_and(|now| now.is_same_version(read)))
    }

    async fn input_is_gone(
        &self,
        job: Job<'_>,
        published: &PublishedObjects,
    ) -> Result<Option<Answer>, Error> {
        let deletion = self.deletion(
            job.input,
            job.on_delete(self.settings),
            Absence::InputIsGone,
        );
        let Some(answer) = deletion.apply(&published.output).await? else {
            return Ok(None);
        };
        let report = published.report.as_ref();
        let is_known =
            answer.output.is_some() || report.is_some_and(|report| report.head().is_some());
        let report = report.filter(|_| is_known);
        let provenance = Provenance::new(&job.input.key, None, "")
            .with_report(None, job.on_delete(self.settings).name());
        report_answer(self.store, report, answer, Occasion::Delete, provenance).await
    }

    /// Prepares the deletion of the output of an input.
    pub(crate) fn deletion<'b>(
        &'b self,
        input: &'b ObjectName,
        on_delete: OnDelete,
        absence: Absence,
    ) -> Deletion<'b, S> {
        Deletion {
            store: self.store,
            settings: self.settings,
            template: self.template.compiled.as_deref(),
            input,
            on_delete,
            absence,
            provenance: Provenance::new(&input.key, None, &self.settings_digest),
        }
    }

    fn provenance(&self, job: Job<'_>, head: Option<&Head>) -> Provenance {
        let provenance = Provenance::new(&job.input.key, head, &self.settings_digest);
        match job.trigger {
            Trigger::Change => provenance,
            Trigger::VersionDeleted(version) => provenance.with_reverted(version, self.store.now()),
        }
    }
}
