//! Reads one upload and generates its output, with the stages in `generate`.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::answer::Answer;
use crate::function::error::Error;
use crate::function::publish::shared_inputs::SharedInputs;
use crate::function::settings::FunctionSettings;
use crate::function::store::{Body, Fetched, Head, ObjectName, Store};
use crate::generate::{Compiled, Decision, Keep, Outcome, SharedOutcome, SharedUpload, Upload};
use crate::list::{ListId, ListName, Shared};
use crate::render::Template;
use crate::report::overview::SiteFacts;
use crate::report::{Effect, Facts, Occasion, Publication, RequestCost, report_page};
use crate::review::Version;
use crate::source::Source;
use crate::time::Instant;

/// A generated output with its answer, before anything is written.
pub(crate) struct GeneratedUpload {
    /// The answer. Its warnings are complete after [`GeneratedUpload::add_warnings`].
    pub(crate) answer: Answer,
    /// The bytes of the output. `None` if the upload was refused.
    pub(crate) file: Option<Vec<u8>>,
    /// The next time at which the output changes, if there is one. Always `None` for a list and the common
    /// CSV, because their compiled forms do not depend on the time.
    pub(crate) holds_until: Option<Instant>,
    /// The names of the existing lists that the rows use.
    pub(crate) lists: Vec<ListName>,
    /// The lists and the common CSV with which the upload was read.
    pub(crate) shared: SharedInputs,
    /// The effect on the current output, and the origin of the upload. `None` until they are known.
    pub(crate) publication: Option<Publication>,
    cost: Option<RequestCost>,
    details: Details,
}

/// The data for the report, which depends on the kind of the upload.
enum Details {
    Site(Box<Decision>),
    Shared(Option<Compiled>, Instant),
}

impl GeneratedUpload {
    /// Adds the warnings that require a comparison of the rows with each other.
    pub(crate) fn add_warnings(&mut self) {
        if let Details::Site(decision) = &mut self.details {
            self.answer.warnings.extend(decision.warnings());
        }
    }

    /// Returns the new version of a site, for the comparison with the published version. `None` if the upload
    /// is refused or is not a site.
    pub(crate) fn version(&self) -> Option<Version<'_>> {
        match &self.details {
            Details::Site(decision) if !self.answer.is_refused() => Some(Version {
                policy: decision.policy()?,
                rows: active_rows(&self.answer),
            }),
            Details::Site(_) | Details::Shared(..) => None,
        }
    }

    /// Sets the publication, and adds the counts of a change to the answer.
    pub(crate) fn set_publication(&mut self, publication: Publication) {
        if let Effect::Changed(change) = &publication.effect {
            self.answer.change = Some(change.counts.clone());
        }
        self.publication = Some(publication);
    }

    /// Returns the figures for the overview.
    pub(crate) fn facts(&self) -> SiteFacts {
        let as_of = match &self.details {
            Details::Site(decision) => decision.as_of().0,
            Details::Shared(_, as_of) => *as_of,
        };
        SiteFacts::of(&self.answer, self.cost, as_of)
    }

    /// Renders the report page.
    pub(crate) fn report_page(&self, occasion: Occasion) -> String {
        let facts = match &self.details {
            Details::Site(decision) => Facts {
                policy: decision.policy(),
                next_change: decision.next_change(),
                cost: self.cost,
                occasion,
                publication: self.publication.as_ref(),
                as_of: Some(decision.as_of()),
                first_rows: Some(decision.first_rows()),
                first_lines: decision.first_lines(),
                list: None,
            },
            Details::Shared(compiled, as_of) => Facts {
                list: match compiled {
                    Some(Compiled::List(list)) => Some((list, *as_of)),
                    _ => None,
                },
                occasion,
                ..Facts::default()
            },
        };
        report_page(&self.answer, facts)
    }
}

/// The kind of an upload, with the data that is needed to read an upload of this kind.
pub(crate) enum Subject<'a> {
    Site(Arc<Template>),
    List(&'a ListId),
    Common,
}

/// The data needed to generate the output of an upload.
pub(crate) struct Generator<'a, S> {
    pub(crate) store: &'a S,
    pub(crate) settings: &'a FunctionSettings,
    pub(crate) subject: Subject<'a>,
    /// The object that is read.
    pub(crate) input: &'a ObjectName,
    /// The key of the CSV: the key of `input`, or, if `input` is a preview, the key without the preview
    /// folder.
    pub(crate) key: &'a str,
    pub(crate) as_of: Instant,
}

impl<S: Store> Generator<'_, S> {
    /// Reads the body as it arrives, and generates the output. If the rows use lists, reads the lists and
    /// then the input again. Returns `None` if the input has changed in the meantime.
    ///
    /// # Errors
    ///
    /// If the input, a list or the common CSV cannot be read.
    pub(crate) async fn generate(
        &self,
        head: &Head,
        body: S::Body,
    ) -> Result<Option<GeneratedUpload>, Error> {
        let mut inputs = SharedInputs::default();
        if matches!(self.subject, Subject::Site(_)) {
            inputs.read_common(self.store, self.settings).await?;
        }
        let mut read = self.read(head, body, inputs.rules()).await?;
        let (store, settings) = (self.store, self.settings);
        let reads_lists = inputs.read_lists(store, settings, read.lists()).await?;
        let suggests = inputs
            .read_suggestions(store, settings, read.lists())
            .await?;
        if reads_lists || suggests {
            // Frees the memory of the first read before the input is read again.
            drop(read);
            let Fetched::Found(again, body) = self.store.get(self.input, None).await? else {
                return Ok(None);
            };
            if !again.is_same_version(head) {
                return Ok(None);
            }
            read = self.read(&again, body, inputs.rules()).await?;
        }
        let is_in_force = |name: &&ListName| inputs.rules().list(name).is_some();
        let lists = read.lists().iter().filter(is_in_force).cloned().collect();
        Ok(Some(self.finish(read, lists, inputs).await))
    }

    /// Reads the input with the given lists and common CSV.
    async fn read(&self, head: &Head, body: S::Body, shared: &Shared) -> Result<Read, Error> {
        let settings = &self.settings.settings;
        let mut upload = match &self.subject {
            Subject::Site(template) => return self.read_site(template, head, body, shared).await,
            Subject::List(id) => SharedUpload::of_list(settings, ListId::clone(id), self.as_of),
            Subject::Common => {
                let source = self.key.to_owned();
                SharedUpload::of_common(settings, source, self.as_of, shared)
            }
        };
        let flow = upload.expect_bytes(head.bytes.unwrap_or(0));
        push_body(flow, body, |rest| upload.push_step(rest)).await?;
        let outcome = upload.finish();
        let_deadline_pass().await;
        Ok(Read::Shared(Box::new(outcome)))
    }

    async fn read_site(
        &self,
        template: &Arc<Template>,
        head: &Head,
        body: S::Body,
        shared: &Shared,
    ) -> Result<Read, Error> {
        let source = Source {
            key: self.key.to_owned(),
            bucket: self.input.bucket.clone(),
            version_id: head.version_id.clone(),
            etag: head.etag.clone(),
        };
        let keep = Keep::for_template(template).with_history();
        let settings = &self.settings.settings;
        let mut upload = Upload::new(settings, source, keep, self.as_of, shared);
        let flow = upload.expect_bytes(head.bytes.unwrap_or(0));
        push_body(flow, body, |rest| upload.push_step(rest)).await?;
        let decision = upload.finish();
        let_deadline_pass().await;
        Ok(Read::Site(Box::new(decision), Arc::clone(template)))
    }

    /// Renders the output of a site, or serializes a compiled list or common CSV.
    async fn finish(
        &self,
        read: Read,
        lists: Vec<ListName>,
        shared: SharedInputs,
    ) -> GeneratedUpload {
        match read {
            Read::Site(mut decision, template) => {
                let Outcome { answer, file } = decision.render(&template);
                let_deadline_pass().await;
                let has_report = self.settings.report_bucket.is_some();
                GeneratedUpload {
                    holds_until: answer.next_change,
                    lists,
                    answer,
                    cost: file.as_deref().filter(|_| has_report).map(RequestCost::of),
                    file: file.map(String::into_bytes),
                    shared,
                    publication: None,
                    details: Details::Site(decision),
                }
            }
            Read::Shared(outcome) => {
                let SharedOutcome {
                    mut answer,
                    compiled,
                    ..
                } = *outcome;
                let file = compiled.as_ref().map(Compiled::to_bytes);
                answer.bytes = file.as_ref().map_or(0, Vec::len);
                GeneratedUpload {
                    answer,
                    file,
                    holds_until: None,
                    lists,
                    shared,
                    publication: None,
                    cost: None,
                    details: Details::Shared(compiled, self.as_of),
                }
            }
        }
    }
}

/// An upload that was read, but whose output is not generated yet.
enum Read {
    Site(Box<Decision>, Arc<Template>),
    Shared(Box<SharedOutcome>),
}

impl Read {
    /// Returns the names of all lists that the rows use, including lists that do not exist.
    fn lists(&self) -> &BTreeSet<ListName> {
        match self {
            Self::Site(decision, _) => decision.lists(),
            Self::Shared(outcome) => &outcome.lists,
        }
    }
}

/// Returns the number of accepted rows that are active.
pub(crate) fn active_rows(answer: &Answer) -> u64 {
    answer.accepted - answer.pending - answer.expired
}

/// Passes the body to an upload in steps, until the body ends or the upload is refused.
pub(crate) async fn push_body(
    mut flow: ControlFlow<()>,
    mut body: impl Body,
    mut push_step: impl FnMut(&mut &[u8]) -> ControlFlow<()>,
) -> Result<(), Error> {
    while flow.is_continue()
        && let Some(piece) = body.next().await?
    {
        let mut rest = piece.as_ref();
        while flow.is_continue() && !rest.is_empty() {
            flow = push_step(&mut rest);
            let_deadline_pass().await;
        }
    }
    Ok(())
}

/// Yields to the runtime, so that the caller can stop the work if the deadline has passed. Without this call,
/// the work could not be stopped, because it never waits. Each stage after the reading is a single step,
/// because limits bound the duration of the stage.
async fn let_deadline_pass() {
    tokio::task::yield_now().await;
}
