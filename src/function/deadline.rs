//! The time at which an invocation must stop its work, so that it can still respond.

use std::time::{Duration, SystemTime};

use lambda_runtime::Context;
use tokio::time::{Instant, timeout_at};

use crate::function::error::{Error, ErrorKind};

/// The time between the function's own deadline and Lambda's time-out. It lets the function report the error,
/// and tell SQS which messages failed.
const DEADLINE_MARGIN: Duration = Duration::from_millis(500);

/// The time at which the work must stop. `None` outside Lambda, where there is no deadline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    /// Reads the deadline from Lambda's context.
    pub(crate) fn of(context: &Context) -> Self {
        if context.deadline == 0 {
            return Self(None);
        }
        let left = context
            .deadline()
            .duration_since(SystemTime::now())
            .unwrap_or_default();
        Self(Some(Instant::now() + left.saturating_sub(DEADLINE_MARGIN)))
    }

    /// Runs `work`, and stops it at the deadline.
    ///
    /// # Errors
    ///
    /// The error of `work`, or [`ErrorKind::OutOfTime`] if the deadline passes first.
    pub(crate) async fn limit<T>(
        self,
        operation: &str,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let Some(deadline) = self.0 else {
            return work.await;
        };
        match timeout_at(deadline, work).await {
            Ok(result) => result,
            Err(_) => Err(Error::new(ErrorKind::OutOfTime, operation)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_work_stops_half_a_second_before_lambda_would_end_it() {
        let left = Duration::from_mins(1);
        let mut context = Context::default();
        assert_eq!(Deadline::of(&context), Deadline(None));
        let end = SystemTime::now() + left;
        let end = end.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        context.deadline = end.as_millis().try_into().unwrap();
        let stop = Deadline::of(&context).0.unwrap();
        assert!(stop <= Instant::now() + left - Duration::from_millis(500));
    }
}
