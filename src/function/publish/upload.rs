//! Answers an event about one object. The key determines whether the object is a CSV, an approval of a
//! change, or a preview.

use crate::answer::{Answer, Status};
use crate::function::error::Error;
use crate::function::event::{ObjectRef, Trigger};
use crate::function::publish::destination::check_buckets;
use crate::function::publish::hold::APPROVALS_FOLDER;
use crate::function::publish::other_file::refuse_other_file;
use crate::function::publish::preview::PREVIEW_FOLDER;
use crate::function::publish::publisher::Publisher;
use crate::function::settings::FunctionSettings;
use crate::function::store::{ObjectName, Store};
use crate::source::is_csv_name;

/// Publishes or refuses the current content of the object.
///
/// An object whose key does not end in `.csv` or `.csv.gz` is refused. A folder marker, which is an empty
/// object whose key ends in `/`, is ignored. The S3 console creates one for each new folder. A CSV in
/// `approvals/` or `preview/` never becomes a site. For an approval, the function publishes the CSV that the
/// approval is for. For a preview, the function only writes a report.
///
/// # Errors
///
/// An error that a retry or an operator can fix. After an error, the previous output is still published, or
/// the new output if only the response to the write was lost.
pub async fn answer_object<S: Store>(
    store: &S,
    settings: &FunctionSettings,
    publisher: &mut Publisher<'_, S>,
    object: &ObjectRef,
) -> Result<Answer, Error> {
    let input = &object.name;
    check_buckets(settings, input)?;
    if input.key.ends_with('/') {
        return Ok(Answer::new(&input.key, Status::Ignored));
    }
    if !is_csv_name(&input.key) {
        return refuse_other_file(store, settings, input).await;
    }
    let within = |folder: &str| {
        let key = input.key.strip_prefix(folder)?;
        let bucket = input.bucket.clone();
        let key = key.to_owned();
        Some(ObjectName { bucket, key })
    };
    if let Some(approved) = within(APPROVALS_FOLDER) {
        return approval(publisher, &approved).await;
    }
    match within(PREVIEW_FOLDER) {
        Some(named) => publisher.preview(input, &named).await,
        None => publisher.publish(input, &object.trigger).await,
    }
}

/// Returns whether an upload with this key is published, which means that it is a CSV and neither an approval
/// nor a preview.
pub(crate) fn is_published(key: &str) -> bool {
    let mut reserved = [APPROVALS_FOLDER, PREVIEW_FOLDER].into_iter();
    is_csv_name(key) && !reserved.any(|folder| key.starts_with(folder))
}

/// Publishes the CSV that an approval is for. The trigger is always `Change`, because deleting a version of
/// an approval does not affect the versions of the CSV. Approvals of previews and of other approvals are
/// ignored.
async fn approval<S: Store>(
    publisher: &mut Publisher<'_, S>,
    approved: &ObjectName,
) -> Result<Answer, Error> {
    if !is_published(&approved.key) {
        return Ok(Answer::new(&approved.key, Status::Ignored));
    }
    publisher.publish(approved, &Trigger::Change).await
}
