//! Where an upload's output goes, and which destinations are refused.

use crate::answer::Refusal;
use crate::function::error::{Error, ErrorKind};
use crate::function::settings::FunctionSettings;
use crate::function::store::ObjectName;
use crate::source::check_report_key;

/// Where the output goes, if what is written for this input may lie under its key.
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

/// A function that wrote into the bucket whose events start it would start itself.
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
