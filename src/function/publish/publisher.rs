//! Publishes a CSV: writes one output and its report, regardless of the order, number and timing of events.
//!
//! The output and the report record the input from which they were made (`Provenance`). An invocation takes
//! these steps:
//!
//! 1. It fetches the heads of the output and the report, and reads the newest input at the same time.
//! 2. If one of the two objects was made with other settings, it reads a custom template again, because the
//!    template may have changed since it was read.
//! 3. If one of the objects was made from an input that is not strictly older than the input that was read,
//!    it reads the input again, because S3 may have served the first read before the other input was
//!    uploaded. After this, it reads the clock.
//! 4. If both objects were already made from this input and these settings, and no row has started or ended
//!    since then, it writes nothing.
//! 5. If the output belongs to another upload that still exists, it refuses the input.
//! 6. It makes sure that there is a schedule that calls the function when the next row starts or ends.
//! 7. It writes each object on the condition that the object is still the one whose head was fetched. If this
//!    condition is false for either object, it starts again at step 1.
//!
//! **Invariant.** A write takes effect only if its input and its template are at least as new as those of the
//! object that it replaces. Either they were read after the head of that object was fetched, which is enough
//! because S3 reads are strongly consistent, or the input is strictly newer by `Last-Modified`. Outputs
//! therefore never go back to an older input. The event that is handled last reads the newest input, so the
//! final output is made from that input. Reports follow the same rule, including reports on refusals.
//!
//! **An ETag identifies bytes, not an upload.** If the rules change from X to Y and soon back to X, the
//! condition of a slow writer of Y that has fetched the head of the first X is true again. An object
//! therefore also records digests of its recent predecessors. If the new bytes equal the bytes of a recorded
//! predecessor, they are written as another [`PutKind`](crate::function::store::PutKind), which gives them
//! another ETag. This requires versioning of the upload bucket: without versions, the two uploads of X cannot
//! be distinguished.
//!
//! **One owner.** Several uploads can have the same output. The upload whose key the output records owns the
//! output until that upload is deleted. After that, another upload can take over the output. An invocation
//! that takes over an output writes the output before the report. With `remove`, an invocation that writes an
//! output for the first time uses the same order. An invocation that refuses an input because of the owner,
//! or that writes only the report of an output, checks after its write that the output is still the same. If
//! such an invocation and a writer of the output run at the same time, the invocation that acts last sees the
//! other invocation's write, so the reports match the output in the end. With `remove`, an output that is
//! removed and written again can have the same ETag as an earlier output, because no object is left that
//! records the earlier ETags. With `remove`, an invocation that takes over an output therefore first handles
//! the delete of the owner, in the same way as an event about this delete. It then writes the new output on
//! the condition that no output exists.
//!
//! **Time.** An object records the time for which it was made (`as-of`), and the next time at which a row
//! starts or ends (`holds-until`). The schedule for the next time is created before the write, so a published
//! output is always replaced on time, even if the function crashes after the write. If the function crashes
//! before the write, the retried event or the call from the schedule publishes the CSV. The schedule is also
//! created if the output is unchanged, because somebody may have deleted the schedule. An object is never
//! replaced by an object for an earlier time. The clock is read after the heads, and if the recorded time is
//! later than this clock (because another machine's clock was ahead), the recorded time is used.
//!
//! **Deletes.** An event only causes a check of the current state. If the input no longer exists, `OnDelete`
//! determines what happens to the output, and the writes have the same conditions. A delete leaves no trace
//! in an output that is missing or belongs to another upload. An invocation that writes such an output, or
//! removes an output, therefore checks the input once more afterwards. With `remove`, it checks the input
//! after every write. With `keep`, it never does.
//!
//! **Lists.** A site that uses lists is read twice: first to find the names of the lists, and then with the
//! compiled lists. The lists are read after the heads, so an output is never replaced by an output that was
//! made from an older list. An output records the versions of its lists, so an invocation must read the lists
//! to find out whether the output is current. A list is published like a site, but to the report bucket. If a
//! list is refused or deleted, sites keep using its last compiled form.
//!
//! **Effect of a change.** While the output is sent to S3, the CSV version that produced the replaced output
//! is read again, so that the report says who gains access and who loses access (`in_force.rs`). With
//! `HOLD_ABOVE`, this version is read before the write. A change that is too big is held, which means that
//! only the report is written, unless somebody has approved exactly this change (`hold.rs`). The approval is
//! read after the head of the output was fetched, and the write succeeds only if the output is still the
//! same, so an approval releases at most one change. After the report on a held change is written, the
//! invocation checks that the output is still the same. The schedule for the next start or end of a row is
//! created even if the change is held.
//!
//! **Going back.** A permanent delete of the newest version makes an older version the newest one again. That
//! version may already be published, so the condition of a slow writer of the deleted version could still be
//! true. The invocation for such a delete therefore writes both objects once more, with other ETags. Both
//! objects record the delete, for at least 20 minutes. As long as they do, `Last-Modified` does not show
//! whether an input is newer than the input of these objects.

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
    /// Creates a publisher for one file. `template` must have been read from `templates` in this invocation.
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

    /// Sets the scheduler, which is used to call the function when rows start or end. Without a scheduler,
    /// the answer about a CSV with such rows contains the warning `unscheduled-change`.
    #[must_use]
    pub fn with_schedules(self, schedules: Option<Schedules<'a>>) -> Self {
        Self { schedules, ..self }
    }

    /// Sets the origin of the upload that the event is about. The report shows the origin.
    #[must_use]
    pub fn with_origin(self, origin: &'a UploadFacts) -> Self {
        let origin = Some(origin);
        Self { origin, ..self }
    }

    /// Returns the facts that the overview shows about the upload.
    pub fn findings(&self) -> &Findings {
        &self.findings
    }

    /// Returns the statistics for the metrics.
    #[must_use]
    pub fn into_stats(self) -> PublishStats {
        self.stats
    }

    /// Publishes the current content of the CSV, or refuses it and leaves the output unchanged. The caller
    /// must already have checked that the CSV is in the upload bucket.
    ///
    /// # Errors
    ///
    /// An error that a retry or an operator can fix. After an error, the previous output is still published,
    /// or the new output if only the response to the write was lost.
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

    /// Writes a report on what would happen if the object `preview` were uploaded as the CSV `input`. The
    /// caller must already have checked that the preview is in the upload bucket.
    ///
    /// # Errors
    ///
    /// An error that a retry or an operator can fix.
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

    /// Makes attempts until one of them is not disturbed by another write. The number of attempts is limited.
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

    /// Makes one attempt to publish the input. Returns `None` if another attempt is needed, because another
    /// write took effect in the meantime or because the delete of the output's owner had to be handled first.
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
        // The clock must be read after the heads of the output and of the input.
        let as_of = published.not_before(self.now());
        if self.is_up_to_date(job, &published, &provenance, as_of) {
            return self.leave_unchanged(job, &published).await.map(Some);
        }
        let subject = match claim(self.store, job.input, &published.output).await? {
            Claim::Refused(refusal) => Err(refusal),
            Claim::OwnerIsGone(owner) if job.on_delete(self.settings) == OnDelete::Remove => {
                let input = &owner;
                // Boxed because an async function cannot contain its own future.
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

    /// Reads a custom template again if the output or the report was made with other settings, because it may
    /// have been made with a newer template than the one in memory.
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

    /// Returns the answer about an output that is already current, and makes sure that its schedule exists.
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

    /// Refuses the input without reading its rows, and leaves the output unchanged. Returns `None` if another
    /// write took effect in the meantime.
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

    /// Generates the output, and publishes or holds it. Returns `None` if another write took effect in the
    /// meantime.
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
        // If the published version is certain to be needed, it is requested while the new version arrives.
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
        // An output that was made with lists can be checked only now, because the check needs the current
        // lists.
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

    /// Returns whether the input must be checked after the write, because another invocation could have
    /// handled a delete of the input during the write without leaving a trace in the output.
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

    /// Returns the [`Deletion`] of an input, which the caller applies to the output.
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
