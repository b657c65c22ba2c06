//! Handles the tasks of a run over all sites: repairs what differs from the CSVs, settles orphans, and writes
//! the overview.
//!
//! A run is a state machine (`infra/reconcile.yaml`). It goes over the bucket of the uploads, then over the
//! bucket of the outputs, and calls the function for each batch of keys. Each CSV is published, and each orphan
//! is settled, by the code for events. So a run writes only what differs, and two runs at the same time are
//! harmless: every write has the conditions of the protocol.
//!
//! `part.rs` says how the facts about a million sites come together. `merge.rs` brings both buckets together.

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

/// The maximum number of objects of a batch that are handled at the same time.
const MAX_CONCURRENT_OBJECTS: usize = 8;
/// The size from which on an upload is handled alone, because several large ones may need more memory than the
/// function has.
const LARGE_BYTES: u64 = 4 * 1024 * 1024;

/// Handles the tasks of a run, with the parts of a handler that it needs.
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
    /// The site, if the object is one.
    site: Option<Site>,
    failure: Option<Error>,
}

impl<S: Store> Reconciler<'_, S> {
    /// Handles one task.
    ///
    /// # Errors
    ///
    /// The first error of an object, after all objects of the batch were tried and their part was written. A
    /// retry finds those that are done unchanged.
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
        // The error of a retry comes first: it decides whether the batch is tried again.
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
        // S3 lists the markers of folders too. Other files, approvals and previews got their answer at their
        // upload.
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
        // Each function that takes a future by value holds it twice, and the stack is small.
        let work = catch_panic(&operation, Box::pin(work));
        let result = self.deadline.limit(&operation, work).await;
        let (answer, site) = match &result {
            Ok((answer, site)) => (answer.as_deref(), site.clone()),
            Err(err) => (None, Some(self.failed_site(kind, name, err))),
        };
        log(name, answer, result.as_ref().err());
        // A run looks at everything, so only what it changes or fails at is counted. Otherwise the rejected rows
        // of a refused file would be counted, and raise an alarm, every night.
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
            // The CSV was deleted after it was listed. Its output comes with the outputs.
            // A preview is no site.
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

    /// Merges the parts of a run. A run over a prefix writes no overview, because it knows a part of the sites
    /// only.
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

/// Logs an object that was changed or failed. A line for each of a million unchanged sites would be of no use.
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
