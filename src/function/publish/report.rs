//! Fetches and writes the report on an upload. A report is written under the same conditions as an output.

use crate::answer::Answer;
use crate::function::error::Error;
use crate::function::publish::object::PublishedObject;
use crate::function::publish::provenance::Provenance;
use crate::function::settings::FunctionSettings;
use crate::function::store::{ObjectName, PutResult, Store};
use crate::report::{Facts, Occasion, report_page};
use crate::source::report_key;

const REPORT_CONTENT_TYPE: &str = "text/html; charset=utf-8";

/// Fetches the head of the report, which is in a bucket that no web server reads. Returns `None` if there is
/// no report bucket.
pub(crate) async fn fetch_report<S: Store>(
    store: &S,
    settings: &FunctionSettings,
    input: &ObjectName,
) -> Result<Option<PublishedObject>, Error> {
    let Some(bucket) = settings.report_bucket.clone() else {
        return Ok(None);
    };
    let key = report_key(&input.key);
    PublishedObject::fetch(store, ObjectName { bucket, key })
        .await
        .map(Some)
}

/// Writes the report. If `report` is `None`, does nothing and returns [`PutResult::Written`].
pub(crate) async fn write_report<S: Store>(
    store: &S,
    report: Option<&PublishedObject>,
    page: impl FnOnce() -> String,
    provenance: Provenance,
) -> Result<PutResult, Error> {
    let Some(report) = report else {
        return Ok(PutResult::Written);
    };
    let bytes = page().into_bytes();
    report
        .replace(store, bytes, REPORT_CONTENT_TYPE, provenance)
        .await
}

/// Writes a report that shows only the answer, unless the existing report was already made from this input
/// and these settings. Returns the answer, or `None` if another write took effect in the meantime.
pub(crate) async fn report_answer<S: Store>(
    store: &S,
    report: Option<&PublishedObject>,
    answer: Answer,
    occasion: Occasion,
    provenance: Provenance,
) -> Result<Option<Answer>, Error> {
    let facts = Facts {
        occasion,
        ..Facts::default()
    };
    let page = || report_page(&answer, facts);
    let report = report.filter(|report| !report.is_made_from(&provenance));
    Ok(match write_report(store, report, page, provenance).await? {
        PutResult::Conflict => None,
        PutResult::Written => Some(answer),
    })
}
