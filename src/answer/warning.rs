//! Warnings about a file, and their urgency.
//!
//! The code of a warning determines its urgency. This module does not look for mistakes: the module that
//! detects a mistake also writes the message.

use serde::Serialize;

use crate::text::RichText;

/// The kind of a warning. A warning never rejects a row or refuses a file. The names in JSON are part of
/// the public interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WarningCode {
    /// The program guessed how to read the text, for example its encoding.
    Guessed,
    /// A column that the program ignores seems to be a condition, such as `Enabled` or `Port`.
    IgnoredColumn,
    /// Lines inside a quoted cell look like rows. They are not used as rows.
    HiddenRows,
    /// The file is published although rejected rows may have denied somebody who now gets in.
    DenyRejected,
    /// Rows repeat other rows.
    DuplicateRows,
    /// `Allow` rows have no effect, because `Deny` rows cover the same addresses.
    OverriddenRows,
    /// Nobody gets in.
    BlocksEverybody,
    /// Everybody gets in.
    AllowsEverybody,
    /// A row contains `0.0.0.0` or `::`, which is not the address of any client.
    MatchesNobody,
    /// An allowed network is larger than a /16. For private IPv4 networks, the limit is a /8.
    WideAllow,
    /// A list of mostly public addresses contains private addresses.
    PrivateRange,
    /// Rows have expired and can be deleted.
    ExpiredRows,
    /// Rows expire within 14 days.
    EndsSoon,
    /// Nobody will get in after the next time that a row starts or ends.
    NobodyLeft,
    /// `Deny` rows do not apply to addresses with an `Always` row in the common CSV.
    AlwaysWins,
    /// No schedule will publish the output again when the next row starts or ends.
    UnscheduledChange,
}

impl WarningCode {
    /// Returns the urgency of a warning of this kind.
    #[must_use]
    pub fn severity(self) -> Severity {
        match self {
            Self::DenyRejected => Severity::Alarm,
            Self::HiddenRows
            | Self::IgnoredColumn
            | Self::BlocksEverybody
            | Self::AllowsEverybody
            | Self::NobodyLeft
            | Self::UnscheduledChange => Severity::Warning,
            Self::Guessed
            | Self::DuplicateRows
            | Self::OverriddenRows
            | Self::MatchesNobody
            | Self::WideAllow
            | Self::PrivateRange
            | Self::ExpiredRows
            | Self::EndsSoon
            | Self::AlwaysWins => Severity::Fine,
        }
    }
}

/// A warning about something that is accepted but probably a mistake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// The kind, for programs.
    pub code: WarningCode,
    /// The first line that the warning is about. `None` if the warning is not about specific lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The warning, for people: one sentence, followed by the line numbers of its rows in parentheses.
    pub message: RichText,
}

/// The urgency of the problems in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file has no problem that needs attention. There may be warnings that are only information.
    Fine,
    /// One of these: rows are not used, a condition is ignored, nobody or everybody gets in, nobody will get
    /// in after the next change, no schedule applies the next change, or the change waits for approval.
    Warning,
    /// The file is refused, or it is published without rows that may have denied somebody.
    Alarm,
}
