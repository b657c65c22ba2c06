//! One upload → one published output, whatever the order, the number and the timing of events.
//!
//! An output remembers which input it came from ([`Provenance`]). An invocation
//!
//! 1. asks for the output's head and reads the newest input at the same time;
//! 2. writes nothing if the output already came from this input and these settings;
//! 3. reads the input again if the output came from one that is not strictly older, for then the
//!    first read may have been served before that one was uploaded;
//! 4. writes on the condition that the output is still the one it asked about, and starts again
//!    if it is not.
//!
//! **Invariant.** A write takes effect only if the input it comes from is at least as new as that
//! of the output it replaces: it was either read after the head of that output, and S3 reads are
//! strongly consistent, or is strictly newer by `Last-Modified`. So outputs only ever move
//! forward, and the last event to be worked on, which reads the newest input, leaves its output.
//!
//! **An entity tag names bytes, not an upload.** If rules change from X to Y and soon back to X, a
//! slow writer of Y that asked when the first X was there would find its condition true again.
//! So an output also remembers the entity tags of its late predecessors, and bytes that would bear
//! one of them are written in another [`Form`], which bears another.
//!
//! **Deletes.** An event says only that something happened. If the input is gone, `OnDelete`
//! decides, under the same conditions. With `remove` there may be no output left to hold the
//! memory, so a writer then looks at the input once more after it wrote.

use std::time::Duration;

use tokio::join;

use crate::error::{Error, ErrorKind};
use crate::event::Job;
use crate::generate::{Generation, Outcome};
use crate::policy::Rules;
use crate::provenance::{Provenance, settings_digest};
use crate::render::{Source, render};
use crate::report::{Answer, DefaultPolicy, Refusal, Status};
use crate::report_page::report_page;
use crate::settings::{FunctionSettings, OnDelete};
use crate::store::{Body, Fetched, Form, Head, ObjectName, Precondition, Put, PutResult, Store};
use crate::template::Template;

/// How often a write that met another one is tried again.
const RETRIES_MAX: u32 = 8;
/// The longest pause before the first retry; it doubles with each.
const PAUSE_MS_MAX: u64 = 20;

/// Publishes uploads with one template.
pub struct Publisher<'a, S> {
    store: &'a S,
    settings: &'a FunctionSettings,
    template: &'a Template,
    settings_digest: String,
}

/// What one round came to.
enum Round {
    Done(Answer),
    /// Another write came between.
    Conflict,
    /// The input is not there; this is what the output is.
    InputMissing(Option<Head>),
}

/// What a look at the input found.
enum Look<B> {
    Read(Head, B),
    Unchanged,
    Missing,
}

/// An object to write under the conditions of the protocol.
struct Output<'o> {
    name: &'o ObjectName,
    bytes: Vec<u8>,
    provenance: Provenance,
}

impl<'a, S: Store> Publisher<'a, S> {
    /// A publisher for one invocation.
    pub fn new(store: &'a S, settings: &'a FunctionSettings, template: &'a Template) -> Self {
        Self {
            store,
            settings,
            template,
            settings_digest: settings_digest(&settings.settings, template),
        }
    }

    /// Publishes what the object holds now, or refuses it and leaves the output as it is. Where
    /// the event leaves the key in doubt, the reading that exists counts.
    ///
    /// # Errors
    ///
    /// What a retry or an operator could mend. The output is then the previous one or, if the
    /// answer to the write was lost, the new one.
    pub async fn publish(&self, job: &Job) -> Result<Answer, Error> {
        check_buckets(self.settings, &job.name)?;
        if let Some(other) = &job.other_reading {
            let first = self.store.head(&job.name).await?;
            if first.is_none() && self.store.head(other).await?.is_some() {
                return self.publish_object(other, job.bytes).await;
            }
        }
        self.publish_object(&job.name, job.bytes).await
    }

    async fn publish_object(
        &self,
        input: &ObjectName,
        bytes: Option<u64>,
    ) -> Result<Answer, Error> {
        let output_key = match self.settings.settings.output_key.of(&input.key) {
            Ok(key) => key,
            Err(refusal) => return Ok(Answer::new(&input.key, Status::Refused).refused(&refusal)),
        };
        if let Some(answer) = self.refused_by_size(input, &output_key, bytes).await? {
            return Ok(answer);
        }
        let output = ObjectName {
            bucket: self.settings.output_bucket.clone(),
            key: output_key,
        };
        for attempt in 0..=RETRIES_MAX {
            pause_before(attempt).await;
            let round = match self.round(input, &output).await? {
                Round::InputMissing(current) => self.input_is_gone(input, &output, current).await?,
                round => round,
            };
            if let Round::Done(answer) = round {
                return Ok(answer);
            }
        }
        Err(Error::new(ErrorKind::Contention, format!("PUT {output}")))
    }

    /// An event may tell that the object is too large to be worth a GET; it may also be late, so
    /// the object is asked.
    async fn refused_by_size(
        &self,
        input: &ObjectName,
        output_key: &str,
        bytes: Option<u64>,
    ) -> Result<Option<Answer>, Error> {
        let bytes_max = self.settings.settings.csv_bytes_max;
        if bytes.is_none_or(|bytes| bytes <= bytes_max) {
            return Ok(None);
        }
        let head = self.store.head(input).await?;
        if head
            .and_then(|head| head.bytes)
            .is_none_or(|bytes| bytes <= bytes_max)
        {
            return Ok(None);
        }
        let mut answer =
            Answer::new(&input.key, Status::Refused).refused(&crate::decode::too_large(bytes_max));
        answer.output = Some(output_key.to_owned());
        put_report(self.store, self.settings, input, &answer).await?;
        Ok(Some(answer))
    }

    async fn round(&self, input: &ObjectName, output: &ObjectName) -> Result<Round, Error> {
        let (current, fetched) = join!(self.store.head(output), self.store.get(input, None));
        let current = current?;
        let (head, body) = match self.look(input, current.as_ref(), fetched?).await? {
            Look::Read(head, body) => (head, body),
            Look::Unchanged => return Ok(Round::Done(self.unchanged(input, output, current))),
            Look::Missing => return Ok(Round::InputMissing(current)),
        };
        let Outcome { answer, file } = self.generate(input, &head, body).await?;
        let Some(file) = file else {
            put_report(self.store, self.settings, input, &answer).await?;
            return Ok(Round::Done(answer));
        };
        let replacement = Output {
            name: output,
            bytes: file.into_bytes(),
            provenance: self.provenance(input, Some(&head)),
        };
        let (written, reported) = join!(
            self.replace(current, replacement),
            put_report(self.store, self.settings, input, &answer),
        );
        if written? == PutResult::Conflict {
            return Ok(Round::Conflict);
        }
        reported?;
        if self.settings.on_delete == OnDelete::Remove && self.store.head(input).await?.is_none() {
            return Ok(Round::Conflict);
        }
        Ok(Round::Done(answer))
    }

    async fn look(
        &self,
        input: &ObjectName,
        current: Option<&Head>,
        fetched: Fetched<S::Body>,
    ) -> Result<Look<S::Body>, Error> {
        let current = current.map(Provenance::of);
        let is_current = |head: &Head| {
            let made_from = self.provenance(input, Some(head));
            current
                .as_ref()
                .is_some_and(|current| made_from.is_same(current))
        };
        match (fetched, &current) {
            (Fetched::Found(head, _), _) if is_current(&head) => Ok(Look::Unchanged),
            (Fetched::Found(head, body), None) => Ok(Look::Read(head, body)),
            (Fetched::Found(head, body), Some(current))
                if current.is_strictly_older_than(&head) =>
            {
                Ok(Look::Read(head, body))
            }
            (_, None) => Ok(Look::Missing),
            (_, Some(_)) => match self.store.get(input, None).await? {
                Fetched::Found(head, _) if is_current(&head) => Ok(Look::Unchanged),
                Fetched::Found(head, body) => Ok(Look::Read(head, body)),
                Fetched::Missing | Fetched::NotModified => Ok(Look::Missing),
            },
        }
    }

    async fn generate(
        &self,
        input: &ObjectName,
        head: &Head,
        mut body: S::Body,
    ) -> Result<Outcome, Error> {
        let source = Source {
            key: input.key.clone(),
            bucket: input.bucket.clone(),
            version_id: head.version_id.clone(),
            etag: head.etag.clone(),
        };
        let mut generation = Generation::new(&self.settings.settings, self.template, &source);
        let mut flow = generation.expect_bytes(head.bytes.unwrap_or(0));
        while flow.is_continue() {
            match body.next().await? {
                Some(piece) => flow = generation.push(piece.as_ref()),
                None => break,
            }
        }
        Ok(generation.finish())
    }

    /// Writes the output if it still is `current`.
    async fn replace(&self, current: Option<Head>, output: Output<'_>) -> Result<PutResult, Error> {
        let (provenance, mut precondition) = match current {
            None => (output.provenance, Precondition::Absent),
            Some(current) => {
                let etag = current.etag.clone();
                let provenance = output.provenance.replacing(&current, self.store.now());
                (provenance, Precondition::Matches(etag))
            }
        };
        let mut bytes = output.bytes;
        for form in Form::ALL {
            // The last resort against an entity tag that is in use: a blank line more.
            if form == Form::InOnePartAndLonger {
                bytes.push(b'\n');
            }
            let put = Put {
                bytes: bytes.clone(),
                content_type: "text/plain; charset=utf-8",
                metadata: provenance.metadata(),
                precondition,
                form,
            };
            match self.store.put(output.name, put).await? {
                PutResult::Written { etag } if provenance.was_lately(&etag) => {
                    precondition = Precondition::Matches(etag);
                }
                result => return Ok(result),
            }
        }
        Ok(PutResult::Conflict)
    }

    /// What `OnDelete` wants for an input that is gone.
    async fn input_is_gone(
        &self,
        input: &ObjectName,
        output: &ObjectName,
        current: Option<Head>,
    ) -> Result<Round, Error> {
        let remembered = current.as_ref().map(Provenance::of);
        let is_ours = remembered
            .as_ref()
            .is_none_or(|output| output.is_from(&input.key));
        match (self.settings.on_delete, current) {
            (OnDelete::Remove, Some(current)) if is_ours => {
                Ok(match self.store.delete(output, &current.etag).await? {
                    PutResult::Conflict => Round::Conflict,
                    PutResult::Written { .. } => {
                        Round::Done(self.answer(input, output, Status::Removed))
                    }
                })
            }
            (OnDelete::Deny, current) if is_ours => {
                let provenance = self.provenance(input, None);
                if remembered.is_some_and(|remembered| provenance.is_same(&remembered)) {
                    return Ok(Round::Done(self.unchanged(input, output, current)));
                }
                self.deny_everybody(input, output, current, provenance)
                    .await
            }
            _ => Ok(Round::Done(self.answer(input, output, Status::Kept))),
        }
    }

    async fn deny_everybody(
        &self,
        input: &ObjectName,
        output: &ObjectName,
        current: Option<Head>,
        provenance: Provenance,
    ) -> Result<Round, Error> {
        let source = Source {
            key: input.key.clone(),
            bucket: input.bucket.clone(),
            ..Source::default()
        };
        let nobody = Rules::default().decide(DefaultPolicy::Deny);
        let mut answer = self.answer(input, output, Status::Written);
        answer.default_policy = DefaultPolicy::Deny;
        let file = match render(self.template, &source, &nobody, &[], 0) {
            Ok(file) => file,
            Err(refusal) => return Ok(Round::Done(answer.refused(&refusal))),
        };
        answer.bytes = file.len();
        let replacement = Output {
            name: output,
            bytes: file.into_bytes(),
            provenance,
        };
        Ok(match self.replace(current, replacement).await? {
            PutResult::Conflict => Round::Conflict,
            PutResult::Written { .. } => Round::Done(answer),
        })
    }

    fn provenance(&self, input: &ObjectName, head: Option<&Head>) -> Provenance {
        Provenance::new(&input.key, head, &self.settings_digest)
    }

    fn unchanged(&self, input: &ObjectName, output: &ObjectName, current: Option<Head>) -> Answer {
        let mut answer = self.answer(input, output, Status::Unchanged);
        let bytes = current.and_then(|current| current.bytes).unwrap_or(0);
        answer.bytes = bytes.try_into().unwrap_or(usize::MAX);
        answer
    }

    fn answer(&self, input: &ObjectName, output: &ObjectName, status: Status) -> Answer {
        let mut answer = Answer::new(&input.key, status);
        answer.output = Some(output.key.clone());
        answer.default_policy = self.settings.settings.default_policy;
        answer
    }
}

/// Refuses an upload without reading it, for a reason that holds for all.
///
/// # Errors
///
/// Where the report cannot be written.
pub async fn refuse<S: Store>(
    store: &S,
    settings: &FunctionSettings,
    input: &ObjectName,
    refusal: &Refusal,
) -> Result<Answer, Error> {
    check_buckets(settings, input)?;
    let mut answer = Answer::new(&input.key, Status::Refused).refused(refusal);
    answer.output = settings.settings.output_key.of(&input.key).ok();
    put_report(store, settings, input, &answer).await?;
    Ok(answer)
}

/// A function that wrote into the bucket whose events start it would start itself.
fn check_buckets(settings: &FunctionSettings, input: &ObjectName) -> Result<(), Error> {
    let is_input = |bucket: &str| bucket == input.bucket;
    if is_input(&settings.output_bucket) || settings.report_bucket.as_deref().is_some_and(is_input)
    {
        return Err(Error::new(
            ErrorKind::SameBucket,
            format!("publish {input}"),
        ));
    }
    Ok(())
}

/// The report lies in no web root; the newest writer wins.
async fn put_report<S: Store>(
    store: &S,
    settings: &FunctionSettings,
    input: &ObjectName,
    answer: &Answer,
) -> Result<(), Error> {
    let Some(bucket) = settings.report_bucket.clone() else {
        return Ok(());
    };
    let report = ObjectName {
        bucket,
        key: format!("{}.html", input.key),
    };
    let put = Put {
        bytes: report_page(answer).into_bytes(),
        content_type: "text/html; charset=utf-8",
        metadata: std::collections::BTreeMap::new(),
        precondition: Precondition::None,
        form: Form::Whole,
    };
    store.put(&report, put).await.map(|_| ())
}

/// Full jitter: writers that met once should not meet again.
async fn pause_before(attempt: u32) {
    if attempt > 0 {
        let longest = PAUSE_MS_MAX << attempt;
        tokio::time::sleep(Duration::from_millis(fastrand::u64(0..=longest))).await;
    }
}
