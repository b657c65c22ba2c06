//! The configuration of every AWS client: credentials, endpoint, retries and time limits.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{ProvideCredentials, SharedCredentialsProvider};

use crate::function::aws::roots::http_client;
use crate::function::settings::TrustRoots;

/// The maximum number of attempts for one call, including the first attempt.
const MAX_ATTEMPTS: u32 = 5;
/// The maximum pause before the first retry. It doubles for each further retry.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The maximum pause before any retry.
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// The time limit for establishing a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The time limit for the first byte of a response, after which the call is retried.
const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// The time without progress after which the client stops reading a body.
const STALLED_AFTER: Duration = Duration::from_secs(5);

/// Returns the configuration of a client in a region. If there is an `endpoint`, the client calls it instead
/// of AWS.
pub(crate) fn sdk_config(
    region: &str,
    endpoint: Option<&str>,
    roots: TrustRoots,
    credentials: impl ProvideCredentials + 'static,
) -> SdkConfig {
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http_client(endpoint, roots))
        .retry_config(
            RetryConfig::standard()
                .with_max_attempts(MAX_ATTEMPTS)
                .with_initial_backoff(FIRST_PAUSE)
                .with_max_backoff(MAX_PAUSE),
        )
        .stalled_stream_protection(
            StalledStreamProtectionConfig::enabled()
                .grace_period(STALLED_AFTER)
                .build(),
        )
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .read_timeout(READ_TIMEOUT)
                .build(),
        );
    match endpoint {
        Some(endpoint) => config.endpoint_url(endpoint).build(),
        None => config.build(),
    }
}
