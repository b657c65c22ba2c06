//! Implements [`Scheduler`] with EventBridge Scheduler. This is the only file that uses aws-sdk-scheduler.
//!
//! Source: <https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html>.

use std::cell::OnceCell;

use aws_config::environment::credentials::EnvironmentVariableCredentialsProvider;
use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::config::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_scheduler::error::ProvideErrorMetadata;
use aws_sdk_scheduler::types::{
    ActionAfterCompletion, DeadLetterConfig, FlexibleTimeWindow, FlexibleTimeWindowMode,
    RetryPolicy, Target,
};
use futures_util::future::LocalBoxFuture;

use crate::function::aws::{explain, sdk_config};
use crate::function::error::Error;
use crate::function::schedule::{Schedule, Scheduler};
use crate::function::settings::{FunctionSettings, ScheduleSettings};

/// The time during which EventBridge Scheduler tries to call the function, in seconds. This is the service's
/// maximum, which is used so that only a lasting failure reaches the failure queue.
const RETRY_SECONDS: i32 = 86_400;
/// The maximum number of retries after the first attempt. This is also the service's maximum.
const RETRY_ATTEMPTS: i32 = 185;

/// EventBridge Scheduler, or an emulator of it.
#[derive(Debug)]
pub struct EventBridgeScheduler {
    region: String,
    settings: ScheduleSettings,
    credentials: SharedCredentialsProvider,
    /// The client, which is created for the first schedule, because most invocations create no schedule.
    client: OnceCell<Client>,
}

impl EventBridgeScheduler {
    /// Creates a scheduler that uses the credentials in the environment variables, which Lambda sets. Returns
    /// `None` if `SCHEDULE_GROUP` is not set.
    #[must_use]
    pub fn new(settings: &FunctionSettings) -> Option<Self> {
        Self::with_credentials(settings, EnvironmentVariableCredentialsProvider::new())
    }

    /// Creates a scheduler that uses these credentials. Returns `None` if `SCHEDULE_GROUP` is not set.
    #[must_use]
    pub fn with_credentials(
        settings: &FunctionSettings,
        credentials: impl ProvideCredentials + 'static,
    ) -> Option<Self> {
        Some(Self {
            region: settings.region.clone(),
            settings: settings.schedules.clone()?,
            credentials: SharedCredentialsProvider::new(credentials),
            client: OnceCell::new(),
        })
    }

    fn client(&self) -> &Client {
        self.client.get_or_init(|| {
            let endpoint = self.settings.endpoint.as_deref();
            let credentials = self.credentials.clone();
            let config = sdk_config(&self.region, endpoint, self.settings.roots, credentials);
            Client::new(&config)
        })
    }

    /// Returns the target of a schedule. `None` if the SDK refuses the target, which happens only if a field
    /// is missing.
    fn target(&self, schedule: &Schedule) -> Option<Target> {
        let retries = RetryPolicy::builder()
            .maximum_event_age_in_seconds(RETRY_SECONDS)
            .maximum_retry_attempts(RETRY_ATTEMPTS)
            .build();
        let failures = self.settings.failure_queue_arn.as_ref();
        let failures = failures.map(|arn| DeadLetterConfig::builder().arn(arn).build());
        let target = Target::builder()
            .arn(&schedule.function_arn)
            .role_arn(&self.settings.role_arn)
            .input(schedule.event())
            .retry_policy(retries)
            .set_dead_letter_config(failures);
        target.build().ok()
    }
}

impl Scheduler for EventBridgeScheduler {
    fn create<'a>(&'a self, schedule: &'a Schedule) -> LocalBoxFuture<'a, Result<(), Error>> {
        Box::pin(self.create_schedule(schedule))
    }
}

impl EventBridgeScheduler {
    async fn create_schedule(&self, schedule: &Schedule) -> Result<(), Error> {
        let name = schedule.name();
        let exactly = FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off);
        let answer = self
            .client()
            .create_schedule()
            .group_name(&self.settings.group)
            .name(&name)
            .schedule_expression(schedule.expression())
            .schedule_expression_timezone("UTC")
            .set_flexible_time_window(exactly.build().ok())
            .set_target(self.target(schedule))
            .action_after_completion(ActionAfterCompletion::Delete)
            .send()
            .await;
        match answer {
            Err(err) if err.code() != Some("ConflictException") => {
                let operation = format!(
                    "create the schedule {}/{name} for {}",
                    self.settings.group, schedule.object
                );
                Err(explain(operation, err))
            }
            _ => Ok(()),
        }
    }
}
