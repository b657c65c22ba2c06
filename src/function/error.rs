//! What a retry could mend: the world's errors, as opposed to a user's bad CSV.
//!
//! The code becomes the invocation's `errorType`, so that alarms and failure queues can tell
//! causes apart; it is stable. The message says what the operator can do; the SDK's own chain goes
//! to the log.

use std::error::Error as StdError;
use std::fmt;

use lambda_runtime::Diagnostic;

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The event is of no known shape, or misses something.
    UnknownEvent,
    /// The output would go to the bucket that the input is in.
    SameBucket,
    /// S3 says no (403): a permission is missing.
    AccessDenied,
    /// The bucket does not exist.
    NoSuchBucket,
    /// S3 asks for fewer requests (503 `SlowDown`, 429).
    Throttled,
    /// S3 fails (5xx).
    Unavailable,
    /// No answer in time, or the connection broke.
    Connection,
    /// What was read is not what S3 stored (length or checksum).
    Damaged,
    /// Others kept writing the same output.
    Contention,
    /// The invocation's time was about to run out.
    OutOfTime,
    /// S3 refuses the request for another reason.
    BadRequest,
}

impl ErrorKind {
    /// The stable name, which becomes the `errorType`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::UnknownEvent => "UnknownEvent",
            Self::SameBucket => "SameBucket",
            Self::AccessDenied => "AccessDenied",
            Self::NoSuchBucket => "NoSuchBucket",
            Self::Throttled => "Throttled",
            Self::Unavailable => "Unavailable",
            Self::Connection => "Connection",
            Self::Damaged => "Damaged",
            Self::Contention => "Contention",
            Self::OutOfTime => "OutOfTime",
            Self::BadRequest => "BadRequest",
        }
    }

    /// Whether the same may work a little later, with nobody operation anything.
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
            | Self::SameBucket
            | Self::AccessDenied
            | Self::NoSuchBucket
            | Self::BadRequest => false,
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Self::UnknownEvent => {
                "expected one of S3 (a notification, EventBridge, SNS, SQS or Batch Operations)"
            }
            Self::SameBucket => {
                "OUTPUT_BUCKET and REPORT_BUCKET must not be the bucket of the CSVs"
            }
            Self::AccessDenied => "grant the function's role this action on this object",
            Self::NoSuchBucket => "check OUTPUT_BUCKET, REPORT_BUCKET and TEMPLATE",
            Self::Throttled | Self::Unavailable | Self::Connection | Self::Damaged => {
                "retrying may help"
            }
            Self::Contention => "others kept writing the same output; retrying may help",
            Self::OutOfTime => {
                "the invocation had no time left; raise the function's time-out or memory"
            }
            Self::BadRequest => "S3 does not accept the request",
        }
    }
}

/// An error of the world, with what was being done.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    /// What was being done, such as `PUT s3://bucket/key`.
    operation: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error without a cause of its own.
    #[must_use]
    pub fn new(kind: ErrorKind, operation: impl Into<String>) -> Self {
        Self {
            kind,
            operation: operation.into(),
            source: None,
        }
    }

    /// The same, keeping its cause for the log.
    #[must_use]
    pub fn with_source(self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            source: Some(source.into()),
            ..self
        }
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The error and its causes on one line, for the log.
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
