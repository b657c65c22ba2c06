//! The answer for one file: its status, rejected rows, warnings and refusals.
//!
//! A *row* is accepted or rejected. A *file* is published or refused. Rejections, warnings and
//! refusals are data with a stable code and a message. This module makes no decisions.

mod refusal;
mod rejection;
mod warning;

pub use self::refusal::{Refusal, RefusalCode};
pub use self::rejection::{Rejection, RejectionCode, RowExcerpt};
pub use self::warning::{Severity, Warning, WarningCode};

use std::fmt;

use serde::Serialize;

use crate::rule::DefaultPolicy;
use crate::text::RichText;
use crate::time::Instant;

/// The maximum number of rejections that an answer lists. The count includes all rejections.
pub const MAX_REJECTIONS_LISTED: usize = 100;
/// The maximum number of ignored columns that an answer lists. A warning contains the number of others.
pub const MAX_COLUMNS_LISTED: usize = 100;

/// The result for a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The output was written.
    Written,
    /// The output was already up to date with this input and these settings.
    Unchanged,
    /// Nothing was written. The previous output stays published.
    Refused,
    /// Nothing is written until a person approves the change. The previous output stays published.
    Held,
    /// The input is a preview. Only its report was written.
    Previewed,
    /// The input was deleted, and the output was removed.
    Removed,
    /// The input was deleted. The output stays published.
    Kept,
    /// The event needs no action, for example `s3:TestEvent` or the creation of a folder.
    Ignored,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// The number of networks in each list of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NetworkCounts {
    /// The number of networks in the allow list.
    pub allow: usize,
    /// The number of networks in the deny list.
    pub deny: usize,
}

/// The effect of a changed output on who gets in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AccessChange {
    /// The clients that get in only with the new output.
    pub gained: AccessCount,
    /// The clients that get in only with the previous output.
    pub lost: AccessCount,
}

/// The number of clients, as networks and as addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AccessCount {
    /// The minimum number of networks that cover the clients.
    pub networks: u64,
    /// The number of addresses in decimal. The field is text, because JSON numbers are not exact at the size
    /// of IPv6.
    pub addresses: String,
}

/// The answer for one file. The function returns it, and the command line prints it with `--json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// The key or path of the input.
    pub source: String,
    /// The key or path of the output. `None` if the key of the input is unsafe or does not belong to a CSV,
    /// or if the input was deleted and had no output.
    pub output: Option<String>,
    /// The result for the file.
    pub status: Status,
    /// The code of the refusal or the hold. For a preview, the code that an upload would get.
    pub code: Option<RefusalCode>,
    /// The reason for a refusal or a hold, for people.
    pub message: Option<RichText>,
    /// The line that a refusal is about, if any. The JSON omits it, because the message contains it.
    #[serde(skip)]
    pub refused_line: Option<u64>,
    /// The default policy of the file or of the settings.
    pub default_policy: DefaultPolicy,
    /// The number of rows, both accepted and rejected.
    pub rows: u64,
    /// The number of accepted rows.
    pub accepted: u64,
    /// The number of rejected rows.
    pub rejected: u64,
    /// The number of accepted rows that have not started yet.
    pub pending: u64,
    /// The number of accepted rows that have expired.
    pub expired: u64,
    /// The next instant at which an accepted row starts or expires. `None` if there is none, or if the file
    /// is refused.
    pub next_change: Option<Instant>,
    /// The names of all existing lists that the rows name, in alphabetical order. The JSON omits the field if
    /// there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<String>,
    /// The number of networks in the output.
    pub networks: NetworkCounts,
    /// The size of the output, in bytes.
    pub bytes: usize,
    /// The effect on who gets in, compared with the previous version. The JSON omits the field if nothing is
    /// written or held, if there is no previous version, or if the previous version can no longer be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<AccessChange>,
    /// The code that approves a held change: 8 letters and digits. The JSON omits the field if nothing is
    /// held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
    /// The first [`MAX_REJECTIONS_LISTED`] rejections, in the order of their lines.
    pub rejections: Vec<Rejection>,
    /// The distinct names of the ignored columns, in the order of the header: at most [`MAX_COLUMNS_LISTED`]
    /// names, and at most 64 bytes of each. The JSON omits the field if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignored_columns: Vec<String>,
    /// The warnings. The JSON omits the field if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

impl Answer {
    /// Creates an answer that contains only the file and its status.
    #[must_use]
    pub fn new(source: &str, status: Status) -> Self {
        Self {
            source: source.to_owned(),
            output: None,
            status,
            code: None,
            message: None,
            refused_line: None,
            default_policy: DefaultPolicy::Deny,
            rows: 0,
            accepted: 0,
            rejected: 0,
            pending: 0,
            expired: 0,
            next_change: None,
            lists: Vec::new(),
            networks: NetworkCounts::default(),
            bytes: 0,
            change: None,
            approval: None,
            rejections: Vec::new(),
            ignored_columns: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Returns whether the file is refused, or for a preview, whether an upload would be refused.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        match self.status {
            Status::Previewed => self
                .code
                .is_some_and(|code| code != RefusalCode::ChangeHeld),
            status => status == Status::Refused,
        }
    }

    /// Returns whether there is a warning of this kind.
    #[must_use]
    pub fn warns_of(&self, code: WarningCode) -> bool {
        self.warnings.iter().any(|warning| warning.code == code)
    }

    /// Returns the urgency of the most urgent problem.
    #[must_use]
    pub fn severity(&self) -> Severity {
        let of_file = if self.is_refused() {
            Severity::Alarm
        } else if self.rejected > 0 || self.code == Some(RefusalCode::ChangeHeld) {
            Severity::Warning
        } else {
            Severity::Fine
        };
        let of_warnings = self.warnings.iter().map(|warning| warning.code.severity());
        of_warnings.fold(of_file, Severity::max)
    }

    /// Turns this answer into the answer for a refused file. The row counts stay.
    #[must_use]
    pub fn refused(self, refusal: &Refusal) -> Self {
        Self {
            status: Status::Refused,
            code: Some(refusal.code),
            message: Some(refusal.message.clone()),
            refused_line: refusal.line,
            next_change: None,
            networks: NetworkCounts::default(),
            bytes: 0,
            ..self
        }
    }
}
