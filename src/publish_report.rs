//! The report on an upload: where it lies, how it is written under the same conditions as the
//! output, and what is written of an upload that is refused unread.

use crate::error::{Error, ErrorKind};
use crate::key;
use crate::provenance::Provenance;
use crate::publish::{RETRIES_MAX, check_buckets, output_key, pause_before, refused_by_key};
use crate::report::{Answer, Refusal, Status};
use crate::report_page::{Facts, report_page};
use crate::settings::FunctionSettings;
use crate::store::{ObjectName, PutResult, Store};
use crate::target::Target;

const REPORT_CONTENT_TYPE: &str = "text/html; charset=utf-8";

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
    let output_key = match output_key(settings, input) {
        Ok(key) => key,
        Err(refusal) => return Ok(refused_by_key(input, &refusal)),
    };
    let mut answer = Answer::new(&input.key, Status::Refused).refused(refusal);
    answer.output = Some(output_key);
    for attempt in 0..=RETRIES_MAX {
        pause_before(attempt).await;
        let report = look_at_report(store, settings, input).await?;
        let provenance = Provenance::new(&input.key, None, &refusal.message);
        let page = || report_page(&answer, Facts::default());
        if write_report(store, report.as_ref(), page, provenance).await? != PutResult::Conflict {
            return Ok(answer);
        }
    }
    Err(Error::new(
        ErrorKind::Contention,
        format!("report on {input}"),
    ))
}

/// The report lies in a bucket that no web server sees; `None` where none is wanted.
pub(crate) async fn look_at_report<S: Store>(
    store: &S,
    settings: &FunctionSettings,
    input: &ObjectName,
) -> Result<Option<Target>, Error> {
    let Some(bucket) = settings.report_bucket.clone() else {
        return Ok(None);
    };
    let key = key::of_report(&input.key);
    Target::look(store, ObjectName { bucket, key })
        .await
        .map(Some)
}

pub(crate) async fn write_report<S: Store>(
    store: &S,
    target: Option<&Target>,
    page: impl FnOnce() -> String,
    provenance: Provenance,
) -> Result<PutResult, Error> {
    match target {
        Some(target) if !target.is_made_from(&provenance) => {
            let bytes = page().into_bytes();
            target
                .replace(store, bytes, REPORT_CONTENT_TYPE, provenance)
                .await
        }
        _ => Ok(done()),
    }
}

/// What came of a write that was not needed.
pub(crate) fn done() -> PutResult {
    PutResult::Written {
        etag: String::new(),
    }
}
