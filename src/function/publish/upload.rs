//! Answers an event about one object. The key decides whether the object is a CSV.

use crate::answer::{Answer, Refusal, Status};
use crate::function::error::Error;
use crate::function::event::ObjectRef;
use crate::function::publish::destination::check_buckets;
use crate::function::publish::other_file::refuse_other_file;
use crate::function::publish::publisher::Publisher;
use crate::function::publish::refuse::refuse;
use crate::function::settings::FunctionSettings;
use crate::function::store::{ObjectName, Store};
use crate::source::is_csv_name;

/// Publishes or refuses the present content of the object.
///
/// Without a usable template, `publisher` is the refusal for every CSV. An object that is not named like
/// a CSV is refused. The marker of a folder is ignored: the S3 console creates an empty object whose key
/// ends in `/` for each new folder.
///
/// # Errors
///
/// Errors that a retry or an operator can fix. The output is then the previous one or, if the
/// response to the write was lost, the new one.
pub async fn answer_object<S: Store>(
    store: &S,
    settings: &FunctionSettings,
    publisher: Result<&mut Publisher<'_, S>, &Refusal>,
    object: &ObjectRef,
) -> Result<Answer, Error> {
    check_buckets(settings, &object.name)?;
    let input = existing_name(store, object).await?;
    if input.key.ends_with('/') {
        return Ok(Answer::new(&input.key, Status::Ignored));
    }
    if !is_csv_name(&input.key) {
        return refuse_other_file(store, settings, input).await;
    }
    match publisher {
        Ok(publisher) => publisher.publish(input, object.bytes).await,
        Err(refusal) => refuse(store, settings, input, refusal).await,
    }
}

/// Returns the name that exists, if the event does not say clearly how its key is encoded.
async fn existing_name<'a, S: Store>(
    store: &S,
    object: &'a ObjectRef,
) -> Result<&'a ObjectName, Error> {
    if let Some(other) = &object.alternate_key
        && store.head(&object.name).await?.is_none()
        && store.head(other).await?.is_some()
    {
        return Ok(other);
    }
    Ok(&object.name)
}
