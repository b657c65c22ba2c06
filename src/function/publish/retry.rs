//! Repeats an attempt that met another write, with pauses. Publishing and refusing share it.

use std::time::Duration;

use crate::function::error::{Error, ErrorKind};

/// The maximum number of retries after a conflict with another write.
const MAX_RETRIES: u32 = 8;
/// The maximum number of times that a damaged input is read again.
const MAX_DAMAGED_RETRIES: u32 = 2;
/// The maximum pause before the first retry, in milliseconds. It doubles with each retry.
const FIRST_MAX_PAUSE_MS: u64 = 40;

/// Runs an attempt until it returns a result. `None` means that another write took effect in between,
/// so that the next attempt must look at everything again.
///
/// # Errors
///
/// [`ErrorKind::Contention`] with this operation after the last attempt, or the error of an attempt.
/// An input that arrived damaged is read again first.
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

/// Waits before a retry, with full jitter, so that two writers that met do not meet again.
async fn pause_before(retry: u32) {
    if let Some(doublings) = retry.checked_sub(1) {
        let longest = FIRST_MAX_PAUSE_MS << doublings;
        tokio::time::sleep(Duration::from_millis(fastrand::u64(0..=longest))).await;
    }
}
