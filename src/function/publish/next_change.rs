//! Creates the schedule that calls the function when a row of a CSV starts or ends.

use crate::answer::{Warning, WarningCode};
use crate::function::error::Error;
use crate::function::schedule::Schedules;
use crate::function::store::ObjectName;
use crate::time::Instant;

/// Ensures that a schedule calls the function for the next change, if there is one. Returns the warning
/// `unscheduled-change` if there is a next change but schedules are not configured.
///
/// # Errors
///
/// If the schedule cannot be created. The schedule may have been created despite the error.
pub(crate) async fn schedule_next_change(
    schedules: Option<Schedules<'_>>,
    input: &ObjectName,
    next_change: Option<Instant>,
    now: Instant,
) -> Result<Option<Warning>, Error> {
    match (next_change, schedules) {
        (None, _) => Ok(None),
        (Some(change), None) => Ok(Some(unscheduled(change))),
        (Some(change), Some(schedules)) => {
            schedules.call_at(change, input, now).await?;
            Ok(None)
        }
    }
}

fn unscheduled(change: Instant) -> Warning {
    let sentence = format!(
        "a row starts or ends at {change}, but the output does not change before the next event: set \
         SCHEDULE_GROUP and SCHEDULE_ROLE_ARN of the function, or upload the file again at that time"
    );
    Warning {
        code: WarningCode::UnscheduledChange,
        line: None,
        message: sentence.into(),
    }
}
