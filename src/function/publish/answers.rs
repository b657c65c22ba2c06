//! Creates answers that do not come from a generated output.

use crate::answer::{Answer, Status};
use crate::function::publish::object::PublishedObject;
use crate::function::settings::FunctionSettings;
use crate::function::store::ObjectName;

/// Creates an answer about an output, with the given status.
pub(crate) fn answer_about(
    settings: &FunctionSettings,
    input: &ObjectName,
    output: &PublishedObject,
    status: Status,
) -> Answer {
    let mut answer = Answer::new(&input.key, status);
    answer.output = Some(output.name.key.clone());
    answer.default_policy = settings.settings.default_policy;
    answer
}

/// Creates the answer about an output that is already current.
pub(crate) fn unchanged(
    settings: &FunctionSettings,
    input: &ObjectName,
    output: &PublishedObject,
) -> Answer {
    let mut answer = answer_about(settings, input, output, Status::Unchanged);
    let bytes = output.head().and_then(|head| head.bytes).unwrap_or(0);
    answer.bytes = bytes.try_into().unwrap_or(usize::MAX);
    answer.next_change = output.holds_until();
    answer
}
