//! Answers events about objects whose key does not end in `.csv` or `.csv.gz`. Nothing is published, and a
//! report gives the reason.
//!
//! Such an object never has an output, so neither its upload nor its delete changes an output, regardless of
//! `OnDelete`. Its report is written in the same way as the report on a CSV: the object is read after the
//! head of the report is fetched, and the write takes effect only if the report is still the same object. The
//! report is therefore about the newest version of the object.

use crate::answer::{Answer, Refusal, RefusalCode, Status};
use crate::csv::{Contents, FileStart};
use crate::function::error::Error;
use crate::function::publish::destination::{check_version, refused_by_key};
use crate::function::publish::provenance::Provenance;
use crate::function::publish::report::{fetch_report, report_answer};
use crate::function::publish::retry::retry_conflicts;
use crate::function::settings::FunctionSettings;
use crate::function::store::{Body, Fetched, ObjectName, Store};
use crate::report::Occasion;
use crate::source::{check_key, check_report_key};
use crate::text::quote;

/// The maximum number of bytes that are read to recognize the contents. In a ZIP file, these bytes contain
/// the names of the first entries.
const MAX_START_BYTES: usize = 16 * 1024;

/// Refuses an object whose key does not end in `.csv` or `.csv.gz` as `not-csv`. If the object no longer
/// exists, the answer is `kept`.
///
/// # Errors
///
/// If the object cannot be read or the report cannot be written.
pub(crate) async fn refuse_other_file<S: Store>(
    store: &S,
    settings: &FunctionSettings,
    input: &ObjectName,
) -> Result<Answer, Error> {
    if let Err(err) = check_key(&input.key).and_then(|()| check_report_key(&input.key)) {
        return Ok(refused_by_key(input, &err.into()));
    }
    retry_conflicts(&format!("report on {input}"), async || {
        let report = fetch_report(store, settings, input).await?;
        let Fetched::Found(head, body) = store.get(input, None).await? else {
            return Ok(Some(Answer::new(&input.key, Status::Kept)));
        };
        check_version(settings, input, &head)?;
        let refusal = not_csv(&input.key, &read_contents(body).await?);
        let answer = Answer::new(&input.key, Status::Refused).refused(&refusal);
        let provenance = Provenance::new(&input.key, Some(&head), &refusal.message.to_string());
        report_answer(
            store,
            report.as_ref(),
            answer,
            Occasion::Publish,
            provenance,
        )
        .await
    })
    .await
}

/// Recognizes the contents of the object from its first bytes. The rest is not read, because the object may
/// be gigabytes in size.
async fn read_contents(mut body: impl Body) -> Result<Contents, Error> {
    let mut start = Vec::new();
    while let Some(piece) = body.next().await? {
        start.extend_from_slice(piece.as_ref());
        if let Some(start) = start.get(..MAX_START_BYTES) {
            return Ok(Contents::of(FileStart::Cut(start)));
        }
    }
    Ok(Contents::of(FileStart::Whole(&start)))
}

fn not_csv(key: &str, contents: &Contents) -> Refusal {
    let name = quote(key);
    let message = match contents {
        Contents::Csv => format!(
            "{name} is a CSV, but its name does not end in .csv: rename it so that its name ends in \
             .csv (or .csv.gz if it is compressed) and upload it again"
        ),
        Contents::OtherFormat(sentence) => sentence.clone(),
        Contents::Unknown => format!(
            "the name {name} does not end in .csv or .csv.gz, so nothing is published: if the \
             file is a CSV, rename it; otherwise, save the rules as CSV and upload the CSV"
        ),
    };
    Refusal::new(RefusalCode::NotCsv, message)
}
