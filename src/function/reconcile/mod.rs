//! Handles the tasks of a run over all sites: repairs outputs that do not match their CSVs, applies
//! `OnDelete` to orphans, and writes the overview.
//!
//! A run is an execution of the state machine in `infra/reconcile.yaml`. The state machine lists the keys in
//! the upload bucket and then in the output bucket, and calls the function for each batch of keys. A run
//! publishes CSVs and handles orphans with the same code as events. A run therefore writes only objects that
//! differ. Two runs at the same time are harmless, because every write has the conditions of the publishing
//! protocol.
//!
//! `part.rs` stores the facts about the sites of each batch. `merge.rs` merges the facts from both buckets.

mod merge;
mod part;

use std::cell::RefCell;

use futures_util::stream::{self, StreamExt};
use lambda_runtime::tracing::{error, info};
use tokio::time::Instant as Timer;

use crate::answer::{Answer, Status};
use crate::function::deadline::Deadline;
use crate::function::error::Error;
use crate::function::event::{ObjectRef, Trigger};
use crate::function::metrics::InvocationMetrics;
use crate::function::panics::catch_panic;
use crate::function::publish::{
    FoundOutput, Publisher, answer_object, is_published, kind_of, settle_output,
};
use crate::function::reconcile::merge::{count_statuses, in_order, merge, was_checked};
use crate::function::reconcile::part::{read_parts, write_overview, write_part};
use crate::function::response::RunAnswer;
use crate::function::run_event::{ItemKind, ListedObject, RunBatch, RunTask};
use crate::function::schedule::Schedules;
use crate::function::settings::FunctionSettings;
use crate::function::store::{ObjectName, Store};
use crate::function::template_cache::{CurrentTemplate, TemplateCache};
use crate::report::UploadFacts;
use crate::report::overview::{
    Site, SiteFacts, SiteKind, SiteState, count_states, overview_page, sites_csv,
};
use crate::time::Instant;

/// The maximum number of objects in a batch that are handled at the same time.
const MAX_CONCURRENT_OBJECTS: usize = 8;
/// The minimum size of a large upload, in bytes. Large uploads are handled one at a time, because several of
/// them may need more memory than the function has.
const LARGE_BYTES: u64 = 4 * 1024 * 1024;

/// Handles the tasks of a run. The fields come from the handler and its invocation.
pub(crate) struct Reconciler<'a, S> {
    pub(crate) store: &'a S,
    pub(crate) settings: &'a FunctionSettings,
    pub(crate) templates: &'a TemplateCache,
    pub(crate) template: CurrentTemplate,
    pub(crate) schedules: Option<Schedules<'a>>,
    pub(crate) deadline: Deadline,
    pub(crate) metrics: &'a RefCell<InvocationMetrics>,
}

/// The result for one object.
struct Checked {
    /// The object's entry in the overview. `None` if the overview does not list the object.
    site: Option<Site>,
    failure: Option<Error>,
}

impl<S: Store> Reconciler<'_, S> {
    /// Handles one task.
    ///
    /// # Errors
    ///
    /// If an object of a batch fails, its error is returned after all objects were tried and the part was
    /// written. If several objects fail, an error that a retry can fix is preferred. A retry does not write
    /// the finished objects again.
    pub(crate) async fn handle(&self, task: &RunTask) -> Result<RunAnswer, Error> {
        match task {
            RunTask::Batch(batch) => self.batch(batch).await,
            RunTask::Overview { run, prefix } => {
                let work = self.overview(run, prefix);
                self.deadline.limit("write the overview", work).await
            }
        }
    }

    async fn batch(&self, batch: &RunBatch) -> Result<RunAnswer, Error> {
        let is_large = |object: &&ListedObject| object.bytes >= LARGE_BYTES;
        let (large, small): (Vec<_>, Vec<_>) = batch.objects.iter().partition(is_large);
        let mut all: Vec<Checked> = stream::iter(small)
            .map(|object| self.check(batch.kind, &object.name))
            .buffered(MAX_CONCURRENT_OBJECTS)
            .collect()
            .await;
        for object in large {
            all.push(self.check(batch.kind, &object.name).await);
        }
        let (mut sites, mut failures) = (Vec::new(), Vec::new());
        for checked in all {
            sites.extend(checked.site);
            failures.extend(checked.failure);
        }
        write_part(self.store, self.settings, batch, &sites).await?;
        // Errors that a retry can fix come first, because the returned error determines whether the batch is
        // retried.
        failures.sort_by_key(|err| !err.kind().is_retryable());
        match failures.into_iter().next() {
            Some(err) => Err(err),
            None => Ok(RunAnswer {
                run: batch.run.clone(),
                counts: count_statuses(&sites),
                ..RunAnswer::default()
            }),
        }
    }

    async fn check(&self, kind: ItemKind, name: &ObjectName) -> Checked {
        // The listing also contains folder markers, which are never published. Other files, approvals and
        // previews were handled when they were uploaded.
        if kind == ItemKind::Uploads && !is_published(&name.key) {
            return Checked {
                site: None,
                failure: None,
            };
        }
        let started = Timer::now();
        let operation = format!("reconcile {name}");
        let mut publisher = Publisher::new(
            self.store,
            self.settings,
            self.templates,
            self.template.clone(),
        )
        .with_schedules(self.schedules);
        let work = async {
            match kind {
                ItemKind::Uploads => self.check_upload(&mut publisher, name).await,
                ItemKind::Outputs => self.check_output(&mut publisher, name).await,
            }
        };
        // Boxed because each function that takes a future by value stores it twice, and the stack is small.
        let work = catch_panic(&operation, Box::pin(work));
        let result = self.deadline.limit(&operation, work).await;
        let (answer, site) = match &result {
            Ok((answer, site)) => (answer.as_deref(), site.clone()),
            Err(err) => (None, Some(self.failed_site(kind, name, err))),
        };
        log(name, answer, result.as_ref().err());
        // A run checks all objects, so only changes and failures are counted. Otherwise, the rejected rows of
        // a refused file would be counted and would raise an alarm every night.
        let is_change = answer.is_some_and(is_change);
        if is_change || result.is_err() {
            let milliseconds = started.elapsed().as_secs_f64() * 1e3;
            let stats = publisher.into_stats();
            let mut metrics = self.metrics.borrow_mut();
            metrics.add(answer, &stats, None, milliseconds);
        }
        Checked {
            site,
            failure: result.err(),
        }
    }

    async fn check_upload(
        &self,
        publisher: &mut Publisher<'_, S>,
        name: &ObjectName,
    ) -> Result<(Option<Box<Answer>>, Option<Site>), Error> {
        let object = ObjectRef {
            name: name.clone(),
            trigger: Trigger::Change,
            version_id: None,
            origin: UploadFacts::default(),
        };
        let answer = answer_object(self.store, self.settings, publisher, &object).await?;
        let findings = publisher.findings();
        let state = match answer.status {
            Status::Written | Status::Unchanged => Some(SiteState::InForce),
            Status::Held => Some(SiteState::Held),
            Status::Refused if findings.had_output() => Some(SiteState::Refused),
            Status::Refused => Some(SiteState::NeverPublished),
            // The CSV was deleted after it was listed, so its output is listed with the other outputs if it
            // still exists. A preview is not a site.
            Status::Removed | Status::Kept | Status::Ignored | Status::Previewed => None,
        };
        let site = state.map(|state| Site {
            kind: kind_of(self.settings, name),
            lists: findings.lists().iter().map(ToString::to_string).collect(),
            ..site_of(&answer, state, findings.facts())
        });
        Ok((Some(Box::new(answer)), site))
    }

    async fn check_output(
        &self,
        publisher: &mut Publisher<'_, S>,
        name: &ObjectName,
    ) -> Result<(Option<Box<Answer>>, Option<Site>), Error> {
        let found = settle_output(self.store, self.settings, publisher, name).await?;
        Ok(match found {
            FoundOutput::Gone => (None, None),
            FoundOutput::OfCsv(source) => {
                let answer = Answer::new(&source, Status::Unchanged);
                let site = Site {
                    output: name.key.clone(),
                    ..site_of(&answer, SiteState::NotChecked, SiteFacts::default())
                };
                (None, Some(site))
            }
            FoundOutput::Orphan(answer) => {
                let site = Site {
                    output: name.key.clone(),
                    ..site_of(&answer, SiteState::Orphan, SiteFacts::default())
                };
                (Some(answer), Some(site))
            }
        })
    }

    fn failed_site(&self, kind: ItemKind, name: &ObjectName, err: &Error) -> Site {
        let key = name.key.clone();
        let (source, output, kind) = match kind {
            ItemKind::Uploads => (key, String::new(), kind_of(self.settings, name)),
            ItemKind::Outputs => (String::new(), key, SiteKind::Site),
        };
        Site {
            source,
            output,
            kind,
            state: SiteState::Failed,
            status: "failed".to_owned(),
            code: err.kind().code().to_owned(),
            lists: Vec::new(),
            facts: SiteFacts::default(),
        }
    }

    /// Merges the parts of a run, and writes the overview. A run over a prefix does not write the overview,
    /// because it has checked only some of the sites.
    async fn overview(&self, run: &str, prefix: &str) -> Result<RunAnswer, Error> {
        let read = async |kind, wanted: &dyn Fn(&Site) -> bool| {
            read_parts(self.store, self.settings, run, kind, wanted).await
        };
        let uploads = in_order(read(ItemKind::Uploads, &|_| true).await?);
        let outputs = read(ItemKind::Outputs, &|output| !was_checked(&uploads, output)).await?;
        let sites = merge(uploads, outputs);
        if prefix.is_empty() {
            let as_of = Instant::from_seconds(self.store.now());
            let page = overview_page(&sites, as_of, &self.settings.settings.time_zone);
            let table = sites_csv(&sites);
            write_overview(self.store, self.settings, page, table).await?;
        }
        let states = count_states(&sites);
        Ok(RunAnswer {
            run: run.to_owned(),
            counts: count_statuses(&sites),
            failed: states.get(&SiteState::Failed).copied().unwrap_or_default(),
            states,
        })
    }
}

fn site_of(answer: &Answer, state: SiteState, facts: SiteFacts) -> Site {
    Site {
        source: answer.source.clone(),
        output: answer.output.clone().unwrap_or_default(),
        kind: SiteKind::Site,
        state,
        status: answer.status.to_string(),
        code: answer
            .code
            .map_or_else(String::new, |code| code.to_string()),
        lists: Vec::new(),
        facts,
    }
}

fn is_change(answer: &Answer) -> bool {
    matches!(answer.status, Status::Written | Status::Removed)
}

/// Logs an object that was changed or could not be checked. Unchanged objects are not logged, because there
/// can be a million of them.
fn log(name: &ObjectName, answer: Option<&Answer>, failure: Option<&Error>) {
    if let Some(err) = failure {
        error!(error_type = err.kind().code(), "{}", err.chain());
    }
    if let Some(answer) = answer.filter(|answer| is_change(answer)) {
        info!(
            source = answer.source,
            output = answer.output,
            status = %answer.status,
            listed = name.key,
            "{} by a run over all sites",
            answer.status,
        );
    }
}
