//! The buckets and the key of an upload, and the output that it names.

use std::sync::Once;

use lambda_runtime::tracing::warn;

use crate::answer::{Answer, Refusal, Status};
use crate::function::error::{Error, ErrorKind};
use crate::function::settings::FunctionSettings;
use crate::function::store::{Head, ObjectName};
use crate::source::check_report_key;

/// Returns the key of the output.
///
/// # Errors
///
/// `unsafe-key` if the output or the report of this input cannot have a key derived from its key.
pub(crate) fn output_key(
    settings: &FunctionSettings,
    input: &ObjectName,
) -> Result<String, Refusal> {
    let output_key = settings.settings.output_key.of(&input.key)?;
    if settings.report_bucket.is_some() {
        check_report_key(&input.key)?;
    }
    Ok(output_key)
}

/// Refuses an upload because of its key. There is no report, because its key would contain the refused
/// key.
pub(crate) fn refused_by_key(input: &ObjectName, refusal: &Refusal) -> Answer {
    Answer::new(&input.key, Status::Refused).refused(refusal)
}

/// Checks that the input is in the bucket of the uploads, and that nothing is written to that bucket,
/// because the function would start itself.
///
/// # Errors
///
/// [`ErrorKind::SameBucket`], [`ErrorKind::OtherBucket`].
pub(crate) fn check_buckets(settings: &FunctionSettings, input: &ObjectName) -> Result<(), Error> {
    let is_input = |bucket: &String| *bucket == input.bucket;
    let refuse = |kind| Err(Error::new(kind, format!("publish {input}")));
    if is_input(&settings.output_bucket) || settings.report_bucket.as_ref().is_some_and(is_input) {
        return refuse(ErrorKind::SameBucket);
    }
    if !settings.upload_bucket.as_ref().is_none_or(is_input) {
        return refuse(ErrorKind::OtherBucket);
    }
    Ok(())
}

/// Checks that the input is in a bucket with versions. Without them, the same rules uploaded twice look
/// like one upload, so the order of outputs is not certain. An emulator may have no versions: that is only
/// logged, once.
///
/// The version `null` is accepted: an object from before versioning was enabled has it. An object from a
/// time in which versioning was suspended cannot be distinguished from that.
///
/// # Errors
///
/// [`ErrorKind::UnversionedBucket`].
pub(crate) fn check_version(
    settings: &FunctionSettings,
    input: &ObjectName,
    head: &Head,
) -> Result<(), Error> {
    static LOGGED: Once = Once::new();
    if !head.version_id.is_empty() {
        return Ok(());
    }
    let err = Error::new(ErrorKind::UnversionedBucket, format!("GET {input}"));
    if settings.endpoint.is_none() {
        return Err(err);
    }
    LOGGED.call_once(|| warn!(error_type = err.kind().code(), "{err}"));
    Ok(())
}
