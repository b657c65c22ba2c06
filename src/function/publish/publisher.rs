//! Publishes a CSV: writes one output and its report, whatever the order, number and timing of events.
//!
//! The output and the report record the input they were made from (`Provenance`). An invocation
//!
//! 1. fetches the heads of both and reads the newest input, at the same time;
//! 2. writes nothing if both were already made from this input and these settings;
//! 3. reads the input again if one of them was made from an input that is not strictly older, because
//!    the first read may have been served before that input was uploaded;
//! 4. writes each of them on the condition that it is still the object whose head was fetched, and
//!    starts again if it is not.
//!
//! **Invariant.** A write takes effect only if its input is at least as new as the input of the object
//! that it replaces: the input was read after the head of that object was fetched, and S3 reads are
//! strongly consistent, or it is strictly newer by `Last-Modified`. So outputs only move forward. The
//! last event that is handled reads the newest input, so the output of that input stays.
//!
//! **An ETag identifies bytes, not an upload.** If rules change from X to Y and soon back to X, a slow
//! writer of Y that fetched the head of the first X would find its condition true again. So an object
//! also records digests of its recent predecessors, and bytes that one of them had are written in
//! another [`PutKind`](crate::function::store::PutKind), which has another ETag. This requires
//! versioning of the upload bucket: without versions, X and X again cannot be distinguished.
//!
//! **Deletes.** An event says only that something happened. If the input is gone, `OnDelete` decides,
//! under the same conditions. With `remove` there may be no output left that records anything, so an
//! invocation that wrote or removed an output then checks the input once more.

use tokio::join;

use crate::answer::{Answer, Status};
use crate::function::error::{Error, ErrorKind};
use crate::function::metrics::PublishStats;
use crate::function::publish::answers::unchanged;
use crate::function::publish::delete::Deletion;
use crate::function::publish::destination::output_key;
use crate::function::publish::generate_upload::{GeneratedUpload, generate_upload};
use crate::function::publish::object::{OUTPUT_CONTENT_TYPE, PublishedObject};
use crate::function::publish::provenance::{Provenance, settings_digest};
use crate::function::publish::refuse::{refuse, refused_by_key};
use crate::function::publish::report::{fetch_report, write_report};
use crate::function::publish::retry::{MAX_RETRIES, pause_before};
use crate::function::settings::{FunctionSettings, OnDelete};
use crate::function::store::{Fetched, Head, ObjectName, PutResult, Store};
use crate::generate::too_large;
use crate::render::Template;
use crate::report::RequestCost;

/// The maximum number of times that a damaged input is read again.
const MAX_DAMAGED_RETRIES: u32 = 2;
/// The maximum size of an output that is sent while the report is rendered, in bytes. Outputs up to
/// this size fit the socket buffers. The thread must send more of a larger one, so its report is
/// rendered after it.
const MAX_PARALLEL_OUTPUT_BYTES: usize = 256 * 1024;

/// Publishes CSVs with one template.
pub struct Publisher<'a, S> {
    store: &'a S,
    settings: &'a FunctionSettings,
    template: &'a Template,
    settings_digest: String,
    stats: PublishStats,
}

/// The result of one attempt.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one at a time, and it is not kept"
)]
enum Attempt {
    Done(Answer),
    /// Another write took effect in between.
    Conflict,
}

/// The output and the report of one input, as they were at the start of an attempt.
struct PublishedObjects {
    output: PublishedObject,
    report: Option<PublishedObject>,
}

impl PublishedObjects {
    fn all(&self) -> impl Iterator<Item = &PublishedObject> {
        std::iter::once(&self.output).chain(&self.report)
    }
}

impl<'a, S: Store> Publisher<'a, S> {
    /// Creates a publisher for one invocation.
    pub fn new(store: &'a S, settings: &'a FunctionSettings, template: &'a Template) -> Self {
        Self {
            store,
            settings,
            template,
            settings_digest: settings_digest(&settings.settings, template),
            stats: PublishStats::default(),
        }
    }

    /// Returns the statistics for the metrics.
    #[must_use]
    pub fn into_stats(self) -> PublishStats {
        self.stats
    }

    /// Publishes the present content of the CSV, or refuses it and leaves the output as it is.
    /// `event_bytes` is the size in the event. The caller has checked the buckets.
    ///
    /// # Errors
    ///
    /// Errors that a retry or an operator can fix. The output is then the previous one or, if the
    /// response to the write was lost, the new one.
    pub async fn publish(
        &mut self,
        input: &ObjectName,
        event_bytes: Option<u64>,
    ) -> Result<Answer, Error> {
        let output_key = match output_key(self.settings, input) {
            Ok(key) => key,
            Err(refusal) => return Ok(refused_by_key(input, &refusal)),
        };
        if self.is_too_large(input, event_bytes).await? {
            let refusal = too_large(&self.settings.settings);
            return refuse(self.store, self.settings, input, &refusal).await;
        }
        let output = ObjectName {
            bucket: self.settings.output_bucket.clone(),
            key: output_key,
        };
        for attempt in 0..=MAX_RETRIES {
            pause_before(attempt).await;
            match self.attempt(input, &output).await {
                Ok(Attempt::Done(answer)) => return Ok(answer),
                Ok(Attempt::Conflict) => self.stats.conflict(),
                Err(err) if err.kind() == ErrorKind::Damaged && attempt < MAX_DAMAGED_RETRIES => {}
                Err(err) => return Err(err),
            }
        }
        Err(Error::new(ErrorKind::Contention, format!("PUT {output}")))
    }

    /// Returns whether the input is too large to be worth a GET. An event with such a size may be late,
    /// so the size is checked with a HEAD.
    async fn is_too_large(&self, input: &ObjectName, bytes: Option<u64>) -> Result<bool, Error> {
        let is_too_large = |bytes: u64| bytes > self.settings.settings.max_csv_bytes;
        if !bytes.is_some_and(is_too_large) {
            return Ok(false);
        }
        let head = self.store.head(input).await?;
        Ok(head.and_then(|head| head.bytes).is_some_and(is_too_large))
    }

    async fn attempt(&mut self, input: &ObjectName, output: &ObjectName) -> Result<Attempt, Error> {
        let (published, fetched) = join!(
            self.fetch_objects(input, output),
            self.store.get(input, None)
        );
        let published = published?;
        let (mut head, mut body) = match fetched? {
            Fetched::Found(head, body) => (head, body),
            Fetched::Missing if published.output.head().is_some() => {
                match self.store.get(input, None).await? {
                    Fetched::Found(head, body) => (head, body),
                    _ => return self.input_is_gone(input, &published).await,
                }
            }
            Fetched::Missing | Fetched::NotModified => {
                return self.input_is_gone(input, &published).await;
            }
        };
        let mut provenance = self.provenance(input, Some(&head));
        let in_doubt = |object: &PublishedObject| {
            !object.is_made_from(&provenance) && object.may_be_newer_than(&input.key, &head)
        };
        if published.all().any(in_doubt) {
            drop(body);
            (head, body) = match self.store.get(input, None).await? {
                Fetched::Found(head, body) => (head, body),
                Fetched::Missing | Fetched::NotModified => {
                    return self.input_is_gone(input, &published).await;
                }
            };
            provenance = self.provenance(input, Some(&head));
        }
        self.stats.input(&head);
        let of_publication = provenance.clone().with_report(None, &output.key);
        let report = published.report.as_ref();
        if published.output.is_made_from(&provenance)
            && report.is_none_or(|report| report.is_made_from(&of_publication))
        {
            return Ok(Attempt::Done(unchanged(
                self.settings,
                input,
                &published.output,
            )));
        }
        let generated = generate_upload(self.settings, self.template, input, &head, body).await?;
        let Some(answer) = self.write_both(&published, generated, &provenance).await? else {
            return Ok(Attempt::Conflict);
        };
        if self.settings.on_delete == OnDelete::Remove {
            let now = self.store.head(input).await?;
            let now = now.map(|head| self.provenance(input, Some(&head)));
            if now.is_none_or(|now| now != provenance) {
                return Ok(Attempt::Conflict);
            }
        }
        Ok(Attempt::Done(answer))
    }

    /// Writes the output and the report at the same time. Returns `None` if another write took effect in
    /// between.
    async fn write_both(
        &self,
        published: &PublishedObjects,
        mut generated: GeneratedUpload,
        provenance: &Provenance,
    ) -> Result<Option<Answer>, Error> {
        if published.output.is_made_from(provenance) && generated.answer.status == Status::Written {
            generated.answer.status = Status::Unchanged;
        }
        let file = generated.file.take();
        let report = published.report.as_ref();
        let cost = file
            .as_deref()
            .filter(|_| report.is_some())
            .map(RequestCost::of);
        let bytes = generated.answer.bytes;
        let output = self.write_output(&published.output, file, provenance);
        let report = async {
            // The following work keeps this thread busy, so the request of the output is sent before it.
            tokio::task::yield_now().await;
            generated.add_warnings();
            let report_provenance = provenance.clone().with_report(
                generated.answer.message.as_ref(),
                &published.output.name.key,
            );
            let page = || generated.report_page(cost);
            write_report(self.store, report, page, report_provenance).await
        };
        let (written, reported) = if bytes > MAX_PARALLEL_OUTPUT_BYTES {
            (output.await, report.await)
        } else {
            join!(output, report)
        };
        let is_conflict = [written?, reported?].contains(&PutResult::Conflict);
        Ok((!is_conflict).then_some(generated.answer))
    }

    async fn fetch_objects(
        &self,
        input: &ObjectName,
        output: &ObjectName,
    ) -> Result<PublishedObjects, Error> {
        let (output, report) = join!(
            PublishedObject::fetch(self.store, output.clone()),
            fetch_report(self.store, self.settings, input),
        );
        Ok(PublishedObjects {
            output: output?,
            report: report?,
        })
    }

    async fn write_output(
        &self,
        object: &PublishedObject,
        file: Option<String>,
        provenance: &Provenance,
    ) -> Result<PutResult, Error> {
        match file {
            Some(file) if !object.is_made_from(provenance) => {
                let bytes = file.into_bytes();
                object
                    .replace(self.store, bytes, OUTPUT_CONTENT_TYPE, provenance.clone())
                    .await
            }
            _ => Ok(PutResult::Written),
        }
    }

    async fn input_is_gone(
        &self,
        input: &ObjectName,
        published: &PublishedObjects,
    ) -> Result<Attempt, Error> {
        let deletion = Deletion {
            store: self.store,
            settings: self.settings,
            template: self.template,
            input,
            provenance: self.provenance(input, None),
        };
        let answer = deletion.apply(&published.output).await?;
        Ok(answer.map_or(Attempt::Conflict, Attempt::Done))
    }

    fn provenance(&self, input: &ObjectName, head: Option<&Head>) -> Provenance {
        Provenance::new(&input.key, head, &self.settings_digest)
    }
}
