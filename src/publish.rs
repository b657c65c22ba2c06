//! One upload → one published output, whatever the order, the number and the timing of events.
//!
//! The output remembers in its metadata which input it came from. An invocation
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

use std::collections::BTreeMap;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::join;

use crate::error::{Error, ErrorKind};
use crate::generate::{Generation, Outcome};
use crate::render::{GENERATOR_NAME, GENERATOR_VERSION, Source};
use crate::report::{Answer, Refusal, Status};
use crate::report_page::report_page;
use crate::settings::{FunctionSettings, Settings};
use crate::store::{Body, Fetched, Head, ObjectName, Precondition, Put, PutResult, Store};
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

/// What a look at the input found.
enum Look<B> {
    /// The output is to be made from this.
    Read(Head, B),
    /// The output came from it.
    Unchanged,
    /// It is gone.
    Missing,
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

    /// Publishes what the object holds now, or refuses it and leaves the output as it is.
    ///
    /// # Errors
    ///
    /// What a retry or an operator could mend. The output is then the previous one or, if the
    /// answer to the write was lost, the new one.
    pub async fn publish(&self, input: &ObjectName) -> Result<Answer, Error> {
        let output_key = match self.settings.settings.output_key.of(&input.key) {
            Ok(key) => key,
            Err(refusal) => return Ok(Answer::new(&input.key, Status::Refused).refused(&refusal)),
        };
        let output = ObjectName {
            bucket: self.settings.output_bucket.clone(),
            key: output_key,
        };
        check_buckets(self.settings, input)?;
        for attempt in 0..=RETRIES_MAX {
            pause_before(attempt).await;
            if let Some(answer) = self.attempt(input, &output).await? {
                return Ok(answer);
            }
        }
        Err(Error::new(ErrorKind::Contention, format!("PUT {output}")))
    }

    /// One round; `None` if another write came between.
    async fn attempt(
        &self,
        input: &ObjectName,
        output: &ObjectName,
    ) -> Result<Option<Answer>, Error> {
        let (current, fetched) = join!(self.store.head(output), self.store.get(input, None));
        let current = current?;
        let (head, body) = match self.look(input, current.as_ref(), fetched?).await? {
            Look::Read(head, body) => (head, body),
            Look::Unchanged => {
                let mut answer = self.untouched(input, output, Status::Unchanged);
                answer.bytes = current
                    .and_then(|head| head.bytes)
                    .unwrap_or(0)
                    .try_into()
                    .unwrap_or(0);
                return Ok(Some(answer));
            }
            Look::Missing => return Ok(Some(self.untouched(input, output, Status::Kept))),
        };
        let Outcome { answer, file } = self.generate(input, &head, body).await?;
        let Some(file) = file else {
            put_report(self.store, self.settings, input, &answer).await?;
            return Ok(Some(answer));
        };
        let put = Put {
            bytes: file.into_bytes(),
            content_type: "text/plain; charset=utf-8",
            metadata: self.provenance(input, &head),
            precondition: match current {
                Some(head) => Precondition::Matches(head.etag),
                None => Precondition::Absent,
            },
        };
        let (written, reported) = join!(
            self.store.put(output, put),
            put_report(self.store, self.settings, input, &answer)
        );
        match written? {
            PutResult::Conflict => Ok(None),
            PutResult::Written => reported.map(|()| Some(answer)),
        }
    }

    async fn look(
        &self,
        input: &ObjectName,
        current: Option<&Head>,
        fetched: Fetched<S::Body>,
    ) -> Result<Look<S::Body>, Error> {
        let Fetched::Found(head, body) = fetched else {
            return Ok(Look::Missing);
        };
        let Some(current) = current else {
            return Ok(Look::Read(head, body));
        };
        if self.came_from(current, input, &head) {
            return Ok(Look::Unchanged);
        }
        if is_strictly_older(current, &head) {
            return Ok(Look::Read(head, body));
        }
        drop(body);
        match self.store.get(input, None).await? {
            Fetched::Found(head, _) if self.came_from(current, input, &head) => Ok(Look::Unchanged),
            Fetched::Found(head, body) => Ok(Look::Read(head, body)),
            Fetched::Missing | Fetched::NotModified => Ok(Look::Missing),
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

    fn untouched(&self, input: &ObjectName, output: &ObjectName, status: Status) -> Answer {
        let mut answer = Answer::new(&input.key, status);
        answer.output = Some(output.key.clone());
        answer.default_policy = self.settings.settings.default_policy;
        answer
    }

    /// What an output remembers of its input.
    fn provenance(&self, input: &ObjectName, head: &Head) -> BTreeMap<String, String> {
        [
            ("source-key", input.key.as_str()),
            ("source-etag", head.etag.as_str()),
            ("source-version", head.version_id.as_str()),
            ("source-last-modified", &head.last_modified.to_string()),
            ("settings", self.settings_digest.as_str()),
            (
                "generator",
                &format!("{GENERATOR_NAME}/{GENERATOR_VERSION}"),
            ),
        ]
        .map(|(name, value)| (name.to_owned(), metadata_text(value)))
        .into()
    }

    /// Whether an output remembers just this input and these settings. An empty value may not
    /// have been kept by the store, so it equals a missing one.
    fn came_from(&self, output: &Head, input: &ObjectName, head: &Head) -> bool {
        self.provenance(input, head)
            .iter()
            .all(|(name, value)| output.metadata.get(name).map_or("", String::as_str) == value)
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
        metadata: BTreeMap::new(),
        precondition: Precondition::None,
    };
    store.put(&report, put).await.map(|_| ())
}

/// Whether an output remembers an input that is strictly older than this one.
fn is_strictly_older(output: &Head, input: &Head) -> bool {
    output
        .metadata
        .get("source-last-modified")
        .and_then(|seconds| seconds.parse::<i64>().ok())
        .is_some_and(|seconds| seconds < input.last_modified)
}

/// Percent-encodes what S3 metadata cannot hold as it is: everything but visible ASCII, and `%`.
fn metadata_text(text: &str) -> String {
    use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
    const ENCODED: &AsciiSet = &CONTROLS.add(b'%').add(b' ');
    utf8_percent_encode(text, ENCODED).to_string()
}

/// Names the settings that decide an output's bytes, and this version of the program.
fn settings_digest(settings: &Settings, template: &Template) -> String {
    let mut digest = Sha256::new();
    for part in [
        GENERATOR_VERSION,
        settings.default_policy.name(),
        template.source(),
    ] {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    digest
        .finalize()
        .iter()
        .take(16)
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// Full jitter: writers that met once should not meet again.
async fn pause_before(attempt: u32) {
    if attempt > 0 {
        let longest = PAUSE_MS_MAX << attempt;
        tokio::time::sleep(Duration::from_millis(fastrand::u64(0..=longest))).await;
    }
}
