//! Answers an event about one object. The key decides whether the object is a CSV.

use crate::answer::{Answer, Status};
use crate::function::error::Error;
use crate::function::event::ObjectRef;
use crate::function::publish::destination::check_buckets;
use crate::function::publish::other_file::refuse_other_file;
use crate::function::publish::publisher::Publisher;
use crate::function::settings::FunctionSettings;
use crate::function::store::Store;
use crate::source::is_csv_name;

/// Publishes or refuses the present content of the object.
///
/// An object that is not named like a CSV is refused. The marker of a folder is ignored: the S3 console
/// creates an empty object whose key ends in `/` for each new folder.
///
/// # Errors
///
/// Errors that a retry or an operator can fix. The output is then the previous one or, if the
/// response to the write was lost, the new one.
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
    publisher.publish(input, &object.trigger).await
}
