//! Repeats an attempt that conflicted with another write, with pauses between the attempts.

use std::time::Duration;

use crate::function::error::{Error, ErrorKind};

/// The maximum number of retries after a conflict with another write.
const MAX_RETRIES: u32 = 8;
/// The maximum number of times that a damaged input is read again.
const MAX_DAMAGED_RETRIES: u32 = 2;
/// The maximum pause before the first retry, in milliseconds. The maximum doubles with each further retry.
const FIRST_MAX_PAUSE_MS: u64 = 40;

/// Repeats an attempt until it returns a result. An attempt returns `None` if it must be repeated from the
/// beginning, usually because another write took effect in the meantime.
///
/// # Errors
///
/// [`ErrorKind::Contention`] for `operation` if all attempts return `None`, or the error of an attempt. A
/// damaged input is read again at most twice before its error is returned.
pub(crate) async fn retry_conflicts<T>(
    operation: &str,
    mut attempt: impl AsyncFnMut() -> Result<Option<T>, Error>,
) -> Result<T, Error> {
    for retry in 0..=MAX_RETRIES {
        pause_before(retry).await;
        match attempt().await {
            Ok(Some(done)) => return Ok(done),
            Ok(None) => {}
            Err(err) if err.kind() == ErrorKind::Damaged && retry < MAX_DAMAGED_RETRIES => {}
            Err(err) => return Err(err),
        }
    }
    Err(Error::new(ErrorKind::Contention, operation))
}

/// Waits before a retry, with full jitter, so that two writers are unlikely to conflict again. Returns at
/// once before the first attempt, for which `retry` is 0.
async fn pause_before(retry: u32) {
    if let Some(doublings) = retry.checked_sub(1) {
        let longest = FIRST_MAX_PAUSE_MS << doublings;
        tokio::time::sleep(Duration::from_millis(fastrand::u64(0..=longest))).await;
    }
}
