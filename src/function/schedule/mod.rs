//! Creates one-time schedules, which call the function again soon after a row of a CSV starts or ends.
//!
//! The function never updates or deletes a schedule, so a writer cannot remove the schedule of another
//! writer. The name of a schedule consists of a digest of the object's name and of the time of the call. If a
//! schedule already exists, the service answers with a conflict, which counts as success. The service deletes
//! a schedule after its call.
//!
//! [`Scheduler`] is the interface. [`EventBridgeScheduler`] implements it, and the tests implement it in
//! memory. `publish` decides when a schedule is needed.

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
    /// Creates a schedule, unless it already exists.
    ///
    /// # Errors
    ///
    /// An error that a retry or an operator can fix. The schedule may exist despite the error.
    fn create<'a>(&'a self, schedule: &'a Schedule) -> LocalBoxFuture<'a, Result<(), Error>>;
}

/// The scheduler of one invocation, with the function that its schedules call.
#[derive(Clone, Copy)]
pub struct Schedules<'a> {
    /// The scheduler.
    pub scheduler: &'a dyn Scheduler,
    /// The ARN of the function, which may end in a version or an alias.
    pub function_arn: &'a str,
}

impl Schedules<'_> {
    /// Creates a schedule that calls the function with the name of the object soon after `change`, or about a
    /// year after `now` if `change` is later than that.
    ///
    /// # Errors
    ///
    /// The errors of [`Scheduler::create`].
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
