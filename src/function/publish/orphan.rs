//! Finds the CSV of an output, and applies `OnDelete` to an *orphan*, which is an output without a CSV.
//!
//! An output is an orphan if the CSV in its metadata no longer exists, or if this CSV now has another output,
//! because `OUTPUT_KEY` was changed or the CSV became a list. `OnDelete` determines what happens to an
//! orphan. The code and the conditions are the same as for a delete event:
//!
//! - If the CSV no longer exists, the event about its delete was lost or has not arrived yet. The CSV is
//!   handled in the same way as for this event, so the event can still arrive at any time.
//! - If the CSV has another output, the old output is changed only after the CSV owns its new output.
//!   Otherwise, a site whose CSV is currently refused would lose its rules.
//!
//! An output is never changed if its metadata does not contain the key of its CSV, or contains only a digest
//! of a long key that cannot be guessed.

use crate::answer::{Answer, Status};
use crate::function::error::{Error, ErrorKind};
use crate::function::event::Trigger;
use crate::function::publish::answers::answer_about;
use crate::function::publish::delete::Absence;
use crate::function::publish::destination::Destination;
use crate::function::publish::object::PublishedObject;
use crate::function::publish::owner::Owner;
use crate::function::publish::publisher::Publisher;
use crate::function::publish::retry::retry_conflicts;
use crate::function::settings::{FunctionSettings, OnDelete};
use crate::function::store::{ObjectName, Store};

/// The result of a check of an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoundOutput {
    /// The output no longer exists.
    Gone,
    /// The output belongs to the CSV with this key, which exists.
    OfCsv(String),
    /// The output is an orphan. The answer describes what was done with the output. Its `source` is empty if
    /// the output does not record its CSV.
    Orphan(Box<Answer>),
}

/// Finds the CSV of an output, and applies `OnDelete` to an orphan.
///
/// If the output belongs to its CSV, the function makes only two calls to the store.
///
/// # Errors
///
/// [`ErrorKind::OtherBucket`] if the object is not in `OUTPUT_BUCKET`, or if `UPLOAD_BUCKET` is not set.
/// Otherwise, the same errors as for a delete event.
pub async fn settle_output<S: Store>(
    store: &S,
    settings: &FunctionSettings,
    publisher: &mut Publisher<'_, S>,
    output: &ObjectName,
) -> Result<FoundOutput, Error> {
    let uploads = settings.upload_bucket.as_ref();
    let Some(uploads) = uploads.filter(|_| output.bucket == settings.output_bucket) else {
        let operation = format!("find the CSV of {output} in UPLOAD_BUCKET");
        return Err(Error::new(ErrorKind::OtherBucket, operation));
    };
    let found = PublishedObject::fetch(store, output.clone()).await?;
    if found.head().is_none() {
        return Ok(FoundOutput::Gone);
    }
    let Some(key) = source_key(&found) else {
        let input = ObjectName {
            bucket: uploads.clone(),
            key: String::new(),
        };
        return Ok(orphan(answer_about(settings, &input, &found, Status::Kept)));
    };
    let input = ObjectName {
        bucket: uploads.clone(),
        key,
    };
    let is_there = store.head(&input).await?.is_some();
    let destination = Destination::of(settings, &input).ok();
    let new_output = destination.map(|destination| destination.output);
    match (is_there, new_output) {
        (true, Some(new)) if new == *output => Ok(FoundOutput::OfCsv(input.key)),
        (false, Some(new)) if new == *output => {
            let answer = publisher.publish(&input, &Trigger::Change).await?;
            // The CSV may have been uploaded again and published in the meantime.
            let has_come_back = store.head(&input).await?.is_some();
            Ok(if has_come_back {
                FoundOutput::OfCsv(input.key)
            } else {
                orphan(answer)
            })
        }
        (true, new_output) => {
            let owns_new = match new_output {
                Some(new) => owns(store, new, &input).await?,
                None => false,
            };
            let absence = owns_new.then_some(Absence::OutputIsElsewhere);
            settle_old_output(store, settings, publisher, &input, output, absence).await
        }
        (false, _) => {
            let absence = Some(Absence::InputIsGone);
            settle_old_output(store, settings, publisher, &input, output, absence).await
        }
    }
}

/// Applies `OnDelete` to an output whose CSV was deleted or has another output. If `absence` is `None`, the
/// output is kept.
async fn settle_old_output<S: Store>(
    store: &S,
    settings: &FunctionSettings,
    publisher: &Publisher<'_, S>,
    input: &ObjectName,
    output: &ObjectName,
    absence: Option<Absence>,
) -> Result<FoundOutput, Error> {
    retry_conflicts(&format!("update {output}"), async || {
        let found = PublishedObject::fetch(store, output.clone()).await?;
        if found.head().is_none() {
            return Ok(Some(FoundOutput::Gone));
        }
        let answer = match absence {
            Some(absence) if settings.on_delete != OnDelete::Keep => {
                let deletion = publisher.deletion(input, settings.on_delete, absence);
                deletion.apply(&found).await?
            }
            _ => Some(answer_about(settings, input, &found, Status::Kept)),
        };
        Ok(answer.map(orphan))
    })
    .await
}

fn orphan(answer: Answer) -> FoundOutput {
    FoundOutput::Orphan(Box::new(answer))
}

/// Returns whether the output belongs to the input.
async fn owns<S: Store>(store: &S, output: ObjectName, input: &ObjectName) -> Result<bool, Error> {
    let new = PublishedObject::fetch(store, output).await?;
    Ok(new.owner(&input.key) == Some(Owner::Own))
}

/// Returns the key of the CSV that an output records. If the key is too long, only its digest is recorded.
/// The function then guesses the key from the key of the output: it appends `.csv` to the part before the
/// last slash, or before the last dot. `None` if no guess has this digest, or if no key is recorded.
fn source_key(found: &PublishedObject) -> Option<String> {
    let key = &found.name.key;
    ['/', '.'].into_iter().find_map(|separator| {
        let path = key
            .rsplit_once(separator)
            .map_or(key.as_str(), |(path, _)| path);
        let guess = format!("{path}.csv");
        match found.owner(&guess)? {
            Owner::Own => Some(guess),
            Owner::Other(key) => Some(key),
            Owner::OtherWithLongKey | Owner::Nobody => None,
        }
    })
}
