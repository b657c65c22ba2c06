//! Refuses an upload for a reason outside its content: the output stays as it is, and the report says
//! why.

use crate::answer::{Answer, Refusal, Status};
use crate::function::error::{Error, ErrorKind};
use crate::function::publish::destination::output_key;
use crate::function::publish::provenance::Provenance;
use crate::function::publish::report::{fetch_report, write_report};
use crate::function::publish::retry::{MAX_RETRIES, pause_before};
use crate::function::settings::FunctionSettings;
use crate::function::store::{ObjectName, PutResult, Store};
use crate::report::{Facts, report_page};

/// Refuses an upload without reading it.
///
/// # Errors
///
/// If the report cannot be written.
pub(crate) async fn refuse<S: Store>(
    store: &S,
    settings: &FunctionSettings,
    input: &ObjectName,
    refusal: &Refusal,
) -> Result<Answer, Error> {
    let output_key = match output_key(settings, input) {
        Ok(key) => key,
        Err(refusal) => return Ok(refused_by_key(input, &refusal)),
    };
    let mut answer = Answer::new(&input.key, Status::Refused).refused(refusal);
    answer.output = Some(output_key);
    for attempt in 0..=MAX_RETRIES {
        pause_before(attempt).await;
        let report = fetch_report(store, settings, input).await?;
        let provenance = Provenance::new(&input.key, None, &refusal.message.to_string());
        let page = || report_page(&answer, Facts::default());
        if write_report(store, report.as_ref(), page, provenance).await? != PutResult::Conflict {
            return Ok(answer);
        }
    }
    Err(contention(input))
}

/// The error after the last retry of a report's write.
pub(crate) fn contention(input: &ObjectName) -> Error {
    Error::new(ErrorKind::Contention, format!("report on {input}"))
}

/// Refuses an upload because of its key. There is no report, because its key would contain the refused
/// key.
pub(crate) fn refused_by_key(input: &ObjectName, refusal: &Refusal) -> Answer {
    Answer::new(&input.key, Status::Refused).refused(refusal)
}
