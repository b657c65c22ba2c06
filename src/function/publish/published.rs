//! The output and the report of an upload.

use tokio::join;

use crate::function::error::Error;
use crate::function::publish::object::PublishedObject;
use crate::function::publish::report::fetch_report;
use crate::function::settings::FunctionSettings;
use crate::function::store::{ObjectName, Store};
use crate::time::Instant;

/// The output and the report of one input, as they were when an attempt fetched their heads.
pub(crate) struct PublishedObjects {
    pub(crate) output: PublishedObject,
    /// `None` if there is no report bucket.
    pub(crate) report: Option<PublishedObject>,
}

impl PublishedObjects {
    /// Fetches the heads of the output and the report.
    pub(crate) async fn fetch<S: Store>(
        store: &S,
        settings: &FunctionSettings,
        input: &ObjectName,
        output: &ObjectName,
    ) -> Result<Self, Error> {
        let (output, report) = join!(
            PublishedObject::fetch(store, output.clone()),
            fetch_report(store, settings, input),
        );
        Ok(Self {
            output: output?,
            report: report?,
        })
    }

    /// Returns the output, and the report if there is a report bucket.
    pub(crate) fn all(&self) -> impl Iterator<Item = &PublishedObject> {
        std::iter::once(&self.output).chain(&self.report)
    }

    /// Returns whether the output or the report exists.
    pub(crate) fn exist(&self) -> bool {
        self.all().any(|object| object.head().is_some())
    }

    /// Returns the time for which to publish: the latest of `now` and the times that the output and the
    /// report record.
    pub(crate) fn not_before(&self, now: Instant) -> Instant {
        let recorded = self.all().filter_map(PublishedObject::as_of);
        recorded.fold(now, Instant::max)
    }
}
