//! The reason why nothing is published for a file.
//!
//! A refusal is about the whole file. A change that is held has a code here too, although its file is not
//! refused. An error that a retry may fix is not a refusal.

use std::fmt;

use serde::Serialize;

use crate::text::RichText;

/// The reason why a file was refused or held. The names in JSON are part of the public interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalCode {
    /// The file is binary, undecodable or damaged.
    NotCsv,
    /// The header has no address column or no rule column.
    MissingColumn,
    /// No row was accepted.
    NoRules,
    /// The file exceeds the limit on its size, on the length of a line or on the number of columns.
    TooLarge,
    /// A rejected row may have denied somebody who would get in under the other rows.
    DenyRejected,
    /// A row was rejected, and the `STRICT` setting does not accept any rejected rows.
    RowsRejected,
    /// The key of the upload or of the output cannot be used as a path, for example because it would point
    /// outside its folder.
    UnsafeKey,
    /// The template does not compile or fails on this file.
    BadTemplate,
    /// The output belongs to another upload.
    OutputTaken,
    /// The rows of a list have different rules.
    MixedRules,
    /// A list that a row names, or the common CSV, was refused or cannot be used.
    UnusableList,
    /// The change is so large that a person must approve it. The file is held, not refused.
    ChangeHeld,
}

impl fmt::Display for RefusalCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// The reason why nothing is published for a file. The user must fix the cause. A retry would not help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The reason, for programs.
    pub code: RefusalCode,
    /// The line that the refusal is about. `None` if the refusal is not about a specific line.
    pub line: Option<u64>,
    /// The reason, for people: what is wrong and what would be accepted.
    pub message: RichText,
}

impl Refusal {
    /// Creates a refusal that is not about a specific line.
    #[must_use]
    pub fn new(code: RefusalCode, message: impl Into<RichText>) -> Self {
        Self {
            code,
            line: None,
            message: message.into(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for Refusal {}
