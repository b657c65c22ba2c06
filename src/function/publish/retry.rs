//! How often a write that met another one is tried again, and after which pause.

use std::time::Duration;

/// How often a write that met another one is tried again.
pub(crate) const MAX_RETRIES: u32 = 8;
/// The longest pause before the first retry; it doubles with each.
const FIRST_MAX_PAUSE_MS: u64 = 40;

/// Full jitter: writers that met once should not meet again.
pub(crate) async fn pause_before(attempt: u32) {
    if let Some(doublings) = attempt.checked_sub(1) {
        let longest = FIRST_MAX_PAUSE_MS << doublings;
        tokio::time::sleep(Duration::from_millis(fastrand::u64(0..=longest))).await;
    }
}
