//! The key of an upload's output, and the destinations that are refused.

use crate::answer::Refusal;
use crate::function::error::{Error, ErrorKind};
use crate::function::settings::FunctionSettings;
use crate::function::store::ObjectName;
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

/// Checks that nothing is written to the bucket of the input, because the function would start itself.
///
/// # Errors
///
/// [`ErrorKind::SameBucket`].
pub(crate) fn check_buckets(settings: &FunctionSettings, input: &ObjectName) -> Result<(), Error> {
    let is_input = |bucket: &str| bucket == input.bucket;
    if is_input(&settings.output_bucket) || settings.report_bucket.as_deref().is_some_and(is_input)
    {
        return Err(Error::new(
            ErrorKind::SameBucket,
            format!("publish {input}"),
        ));
    }
    Ok(())
}
