//! The number of retries after a conflict with another write, and the pauses before them.

use std::time::Duration;

/// The maximum number of retries after a conflict with another write.
pub(crate) const MAX_RETRIES: u32 = 8;
/// The maximum pause before the first retry, in milliseconds. It doubles with each retry.
const FIRST_MAX_PAUSE_MS: u64 = 40;

/// Waits before a retry, with full jitter, so that two writers that met do not meet again.
pub(crate) async fn pause_before(attempt: u32) {
    if let Some(doublings) = attempt.checked_sub(1) {
        let longest = FIRST_MAX_PAUSE_MS << doublings;
        tokio::time::sleep(Duration::from_millis(fastrand::u64(0..=longest))).await;
    }
}
