//! Converts the error of an AWS call, based on its HTTP status and its error code.

use std::error::Error as StdError;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use crate::function::error::{Error, ErrorKind};

/// Returns the HTTP status of the response, or `None` if there was no response.
pub(crate) fn status<E>(err: &SdkError<E, HttpResponse>) -> Option<u16> {
    err.raw_response()
        .map(|response| response.status().as_u16())
}

/// Converts the error of an AWS call that a retry or an operator can fix. `operation` describes the call and
/// its object.
pub(crate) fn explain<E>(operation: String, err: SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let kind = match (status(&err), err.code()) {
        (_, Some("NoSuchBucket")) => ErrorKind::NoSuchBucket,
        // Only EventBridge Scheduler returns these three codes.
        (_, Some("ResourceNotFoundException")) => ErrorKind::NoSuchScheduleGroup,
        (_, Some("ValidationException")) => ErrorKind::ScheduleRefused,
        (_, Some("ServiceQuotaExceededException")) => ErrorKind::ScheduleQuota,
        // S3 answers 503 to ask for fewer requests. The status is checked as well as the code, because the
        // response to a HEAD has no body with a code.
        (Some(429 | 503), _) | (_, Some("SlowDown" | "Throttling" | "RequestLimitExceeded")) => {
            ErrorKind::Throttled
        }
        (Some(401 | 403), _) => ErrorKind::AccessDenied,
        (Some(500..), _) => ErrorKind::Unavailable,
        (None, _) => ErrorKind::Connection,
        (Some(_), _) => ErrorKind::BadRequest,
    };
    Error::new(kind, operation).with_source(err)
}
