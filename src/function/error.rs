//! Errors that a retry or an operator can fix. A bad CSV is not an error: it is refused.
//!
//! An error's code becomes the `errorType` of the invocation, so that alarms and failure queues can
//! distinguish causes. Codes are stable. The message tells the operator what to do. The causes from the AWS
//! SDK are only logged.

use std::error::Error as StdError;
use std::fmt;

use lambda_runtime::Diagnostic;

/// The kind of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The event has no known format, or a required field is missing.
    UnknownEvent,
    /// The schedule group does not exist.
    NoSuchScheduleGroup,
    /// EventBridge Scheduler refused the schedule, for example because it may not use the role.
    ScheduleRefused,
    /// The account's quota of schedules is used up.
    ScheduleQuota,
    /// The output bucket or the report bucket is also the bucket of the CSV.
    SameBucket,
    /// The object is not in the bucket that the settings require, such as `UPLOAD_BUCKET`.
    OtherBucket,
    /// Versioning was never enabled for the bucket of the CSV.
    UnversionedBucket,
    /// An output must deny everybody, but the template does not work.
    BadTemplate,
    /// A compiled list or the compiled common CSV cannot be read.
    BadList,
    /// AWS denied access (403): a permission is missing.
    AccessDenied,
    /// A bucket does not exist.
    NoSuchBucket,
    /// AWS asked for fewer requests (503 `SlowDown`, 429).
    Throttled,
    /// AWS answered with a server error (5xx).
    Unavailable,
    /// AWS did not respond in time, or the connection broke.
    Connection,
    /// The bytes that were read differ from the bytes that S3 stored, in their length or checksum.
    Damaged,
    /// Other invocations kept writing the same object.
    Contention,
    /// The invocation was about to run out of time.
    OutOfTime,
    /// AWS refused the request for another reason.
    BadRequest,
    /// The function panicked, which is a bug.
    Panic,
}

impl ErrorKind {
    /// Returns the stable name, which becomes the `errorType`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::UnknownEvent => "UnknownEvent",
            Self::NoSuchScheduleGroup => "NoSuchScheduleGroup",
            Self::ScheduleRefused => "ScheduleRefused",
            Self::ScheduleQuota => "ScheduleQuota",
            Self::SameBucket => "SameBucket",
            Self::OtherBucket => "OtherBucket",
            Self::UnversionedBucket => "unversioned-bucket",
            Self::BadTemplate => "BadTemplate",
            Self::BadList => "BadList",
            Self::AccessDenied => "AccessDenied",
            Self::NoSuchBucket => "NoSuchBucket",
            Self::Throttled => "Throttled",
            Self::Unavailable => "Unavailable",
            Self::Connection => "Connection",
            Self::Damaged => "Damaged",
            Self::Contention => "Contention",
            Self::OutOfTime => "OutOfTime",
            Self::BadRequest => "BadRequest",
            Self::Panic => "Panic",
        }
    }

    /// Returns whether a retry may succeed if nothing else is changed.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        match self {
            Self::Throttled
            | Self::Unavailable
            | Self::Connection
            | Self::Damaged
            | Self::Contention
            | Self::OutOfTime => true,
            Self::UnknownEvent
            | Self::NoSuchScheduleGroup
            | Self::ScheduleRefused
            | Self::ScheduleQuota
            | Self::SameBucket
            | Self::OtherBucket
            | Self::UnversionedBucket
            | Self::BadTemplate
            | Self::BadList
            | Self::AccessDenied
            | Self::NoSuchBucket
            | Self::BadRequest
            | Self::Panic => false,
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Self::UnknownEvent => {
                "expected an S3 event (a notification, EventBridge, SNS, SQS or Batch Operations) or a \
                 schedule of this function"
            }
            Self::SameBucket => {
                "OUTPUT_BUCKET and REPORT_BUCKET must not be the bucket of the CSVs"
            }
            Self::OtherBucket => {
                "only objects in UPLOAD_BUCKET are published; send only events of that bucket"
            }
            Self::UnversionedBucket => {
                "versioning is not enabled for the bucket, so the order of uploads is uncertain; enable \
                 versioning and upload the file again"
            }
            Self::BadTemplate => {
                "the CSV was deleted, but its output is still published; repair the template and send the \
                 event again"
            }
            Self::BadList => {
                "it is damaged, or another version of this program wrote it; upload its CSV again"
            }
            Self::AccessDenied => "grant the function's role this action on this object",
            Self::NoSuchScheduleGroup => "check SCHEDULE_GROUP",
            Self::ScheduleRefused => {
                "check SCHEDULE_ROLE_ARN: scheduler.amazonaws.com must be able to assume the role"
            }
            Self::ScheduleQuota => {
                "ask AWS for a higher quota of EventBridge Scheduler, or delete unused schedules"
            }
            Self::NoSuchBucket => "check OUTPUT_BUCKET, REPORT_BUCKET and TEMPLATE",
            Self::Throttled | Self::Unavailable | Self::Connection | Self::Damaged => {
                "retrying may help"
            }
            Self::Contention => "other writers kept changing the same object; retrying may help",
            Self::OutOfTime => {
                "the invocation ran out of time; increase the function's timeout or memory"
            }
            Self::BadRequest => "AWS does not accept the request",
            Self::Panic => "this is a bug in the function; the log contains its location",
        }
    }
}

/// An error, with the operation that failed.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    /// The operation, such as `PUT s3://bucket/key`.
    operation: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// Creates an error without an underlying cause.
    #[must_use]
    pub fn new(kind: ErrorKind, operation: impl Into<String>) -> Self {
        Self {
            kind,
            operation: operation.into(),
            source: None,
        }
    }

    /// Adds the underlying cause, which is logged.
    #[must_use]
    pub fn with_source(self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            source: Some(source.into()),
            ..self
        }
    }

    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the error and its causes as one line for the log.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut source = StdError::source(self);
        while let Some(err) = source {
            text.push_str(": ");
            text.push_str(&err.to_string());
            source = err.source();
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} ({})",
            self.operation,
            self.kind.hint(),
            self.kind.code()
        )
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}

impl From<Error> for Diagnostic {
    fn from(err: Error) -> Self {
        Self {
            error_type: err.kind.code().to_owned(),
            error_message: err.to_string(),
        }
    }
}
