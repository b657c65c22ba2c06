//! Turns panics into errors with a stable `errorType`, and keeps the panic messages out of the log.
//!
//! A panic is a bug. Its message may quote the text that was being processed, such as a cell, so only the
//! location in the source is logged.

use std::panic::{self, AssertUnwindSafe, Location};

use futures_util::FutureExt as _;
use lambda_runtime::tracing::error;

use crate::function::error::{Error, ErrorKind};

/// Installs a hook that logs each panic as one line, with its location and without its message. Call this
/// function once, after logging is set up.
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

/// Runs `work` and catches a panic. After a panic, nothing that `work` has changed is used, except counts and
/// caches, which are valid at any time.
///
/// # Errors
///
/// The error of `work`, or [`ErrorKind::Panic`] if `work` panics.
pub(crate) async fn catch_panic<T>(
    operation: &str,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(result) => result,
        Err(_) => Err(Error::new(ErrorKind::Panic, operation)),
    }
}
