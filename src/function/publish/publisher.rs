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
//! that is in force is always replaced in time, even if the function dies after the write. If it dies
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
//! **What changes.** While the output is on its way, the version of the CSV that the replaced output was made from is
//! read again, so that the report says who gains and who loses access (`in_force.rs`). With `HOLD_ABOVE` it is
//! read before the write, and a change that is too big is held: only the report is written, unless somebody has
//! approved exactly this change (`hold.rs`). The approval is read after the head of the output was fetched, and the
//! write has the condition that the output is still that one, so an approval releases one change at most. A
//! report on a held change is followed by a check that the output is still the same. The schedule for the next
//! change is created in any case.
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
use crate::function::publish::claim::{Claim, claim};
use crate::function::publish::delete::{Absence, Deletion};
use crate::function::publish::destination::{Destination, Kind, check_version, refused_by_key};
use crate::function::publish::findings::Findings;
use crate::function::publish::generate_upload::{Generator, Subject};
use crate::function::publish::in_force::InForce;
use crate::function::publish::job::Job;
use crate::function::publish::next_change::schedule_next_change;
use crate::function::publish::object::PublishedObject;
use crate::function::publish::owner::Owner;
use crate::function::publish::preview::Preview;
use crate::function::publish::provenance::{Provenance, settings_digest};
use crate::function::publish::published::PublishedObjects;
use crate::function::publish::report::report_answer;
use crate::function::publish::retry::retry_conflicts;
use crate::function::publish::writes::{Release, Writes};
use crate::function::schedule::Schedules;
use crate::function::settings::{FunctionSettings, OnDelete};
use crate::function::store::{Fetched, Head, ObjectName, Store};
use crate::function::template_cache::{CurrentTemplate, TemplateCache};
use crate::report::overview::SiteFacts;
use crate::report::{Occasion, UploadFacts};
use crate::time::Instant;

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
    origin: Option<&'a UploadFacts>,
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
            origin: None,
        }
    }

    /// Lets the function be called when rows start or end. Without it, outputs with such rows have the
    /// warning `unscheduled-change`.
    #[must_use]
    pub fn with_schedules(self, schedules: Option<Schedules<'a>>) -> Self {
        Self { schedules, ..self }
    }

    /// Sets the origin of the upload that the event is about, for the report.
    #[must_use]
    pub fn with_origin(self, origin: &'a UploadFacts) -> Self {
        let origin = Some(origin);
        Self { origin, ..self }
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
            origin: self.origin,
        };
        self.settle(job).await
    }

    /// Reports what would happen if the object `preview` were the CSV `input`. The caller has checked the
    /// buckets.
    ///
    /// # Errors
    ///
    /// Errors that a retry or an operator can fix.
    pub async fn preview(&self, preview: &ObjectName, input: &ObjectName) -> Result<Answer, Error> {
        let preview = Preview {
            store: self.store,
            settings: self.settings,
            template: &self.template,
            settings_digest: &self.settings_digest,
            origin: self.origin,
            object: preview,
            input,
        };
        preview.answer().await
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
        let mut provenance = job.provenance(&head, &self.settings_digest, self.store.now());
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
            provenance = job.provenance(&head, &self.settings_digest, self.store.now());
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
        let newest = head.clone();
        let answer = match subject {
            Ok(subject) => {
                let read = (head, body);
                self.generate(job, &published, read, subject, provenance, as_of)
                    .await?
            }
            Err(refusal) => self.refuse(job, &published, &refusal, provenance).await?,
        };
        let is_right = answer.is_none()
            || !self.must_check_again(job, &published)
            || self.is_still_newest(job, &newest).await?;
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
        let facts = SiteFacts::of(&answer, None, self.now());
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

    /// Generates the output, and publishes or holds it. Returns `None` if another write took effect in between.
    async fn generate(
        &self,
        job: Job<'_>,
        published: &PublishedObjects,
        (head, body): (Head, S::Body),
        subject: Subject<'_>,
        provenance: Provenance,
        as_of: Instant,
    ) -> Result<Option<Answer>, Error> {
        let generator = Generator {
            store: self.store,
            settings: self.settings,
            subject,
            input: job.input,
            key: &job.input.key,
            as_of,
        };
        let in_force = InForce {
            store: self.store,
            settings: self.settings,
            input: job.input,
            output: &published.output,
            upload: job.upload_facts(&head),
            as_of,
        };
        let limit = job.hold_above(self.settings);
        // The version in force is asked for while the new one arrives, if it is certain that it is needed.
        let is_needed = limit.is_some() && !published.output.is_made_from_input(&provenance);
        let open = async || {
            if is_needed {
                in_force.open().await.map(Some)
            } else {
                Ok(None)
            }
        };
        let (generated, opened) = join!(generator.generate(&head, body), open());
        let (Some(mut generated), opened) = (generated?, opened?) else {
            return Ok(None);
        };
        self.findings
            .set_lists(std::mem::take(&mut generated.lists));
        generated.answer.output = Some(job.output.key.clone());
        let provenance = provenance.with_lists(generated.shared.digest());
        // Only the lists that were read show whether an output that was made with lists is current.
        if self.is_up_to_date(job, published, &provenance, as_of) {
            return self.leave_unchanged(job, published).await.map(Some);
        }
        let warning = self.schedule_next_change(job, generated.holds_until);
        generated.answer.warnings.extend(warning.await?);
        let provenance = provenance.with_period(as_of, generated.holds_until);
        let writes = Writes {
            store: self.store,
            settings: self.settings,
            job,
            published,
            in_force,
            provenance,
            as_of,
            findings: &self.findings,
        };
        let release = match limit {
            Some(limit) => {
                let settings_digest = &self.settings_digest;
                let release = writes.release(&mut generated, limit, opened, &head, settings_digest);
                release.await?
            }
            None => Release::Free,
        };
        match release {
            Release::Held => writes.write_held(generated).await,
            Release::Free | Release::Approved => writes.write_both(generated, release).await,
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
}
