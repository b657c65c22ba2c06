//! Turns a panic into an error with a stable `errorType`, and keeps its message out of the log.
//!
//! A panic is a bug. Its message may quote the text that was being processed, such as a cell. So only
//! the place in the source is logged.

use std::panic::{self, AssertUnwindSafe, Location};

use futures_util::FutureExt as _;
use lambda_runtime::tracing::error;

use crate::function::error::{Error, ErrorKind};

/// Logs panics as one line with their place and without their message. Call it once, after the logging
/// is set up.
pub fn log_panics() {
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(Location::to_string);
        let place = place.unwrap_or_default();
        error!(
            error_type = ErrorKind::Panic.code(),
            place, "the function panicked"
        );
    }));
}

/// Runs the work. Nothing that it changed is used after a panic, except counts and caches that are
/// complete at any time.
///
/// # Errors
///
/// The error of the work, or [`ErrorKind::Panic`].
pub(crate) async fn catch_panic<T>(
    operation: &str,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(result) => result,
        Err(_) => Err(Error::new(ErrorKind::Panic, operation)),
    }
}
