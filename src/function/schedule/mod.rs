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

use futures_util::future::LocalBoxFuture;

use crate::function::error::Error;
use crate::function::store::ObjectName;
use crate::time::Instant;

/// Creates schedules.
pub trait Scheduler {
    /// Creates a schedule, unless it exists already.
    ///
    /// # Errors
    ///
    /// Errors that a retry or an operator can fix. The schedule may or may not exist then.
    fn create<'a>(&'a self, schedule: &'a Schedule) -> LocalBoxFuture<'a, Result<(), Error>>;
}

/// The scheduler of one invocation, which knows the function to call.
#[derive(Clone, Copy)]
pub struct Schedules<'a> {
    /// The scheduler.
    pub scheduler: &'a dyn Scheduler,
    /// The ARN of the function, which may have a version or an alias.
    pub function_arn: &'a str,
}

impl Schedules<'_> {
    /// Makes sure that the function looks at the object again, soon after the instant `change`.
    ///
    /// # Errors
    ///
    /// Those of [`Scheduler::create`].
    pub async fn call_at(
        &self,
        change: Instant,
        object: &ObjectName,
        now: Instant,
    ) -> Result<(), Error> {
        let schedule = Schedule::new(object, change, now, self.function_arn);
        self.scheduler.create(&schedule).await
    }
}
