//! Creates one-time schedules, which call the function again when rows of a CSV start or end.
//!
//! A schedule is created and never updated or deleted, so two writers cannot remove each other's
//! schedule. Its name is a digest of the object and the instant of the call. Creating it twice is a
//! conflict, which means that the work is already done. The service deletes a schedule after its call.
//!
//! [`Scheduler`] is the interface. [`EventBridgeScheduler`] implements it, and the tests have a
//! scheduler in memory. `publish` decides when a schedule is needed.

mod event_bridge;
mod one_time;

pub use self::event_bridge::EventBridgeScheduler;
pub use self::one_time::Schedule;

use std::future::Future;

use crate::function::error::Error;

/// Creates schedules.
pub trait Scheduler {
    /// Creates a schedule, unless it exists already.
    ///
    /// # Errors
    ///
    /// Errors that a retry or an operator can fix. The schedule may or may not exist then.
    fn create(&self, schedule: &Schedule) -> impl Future<Output = Result<(), Error>>;
}
