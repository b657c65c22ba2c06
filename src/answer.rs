//! The answer for one file: its status, rejected rows, warnings and refusals.
//!
//! A *row* is accepted or rejected. A *file* is published or refused. Rejections, warnings and
//! refusals are data with a stable code and a message. This module makes no decisions.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::rule::DefaultPolicy;
use crate::text::{RichText, rich};
use crate::time::{Bound, Instant};

/// The maximum number of rejections that an answer lists. The count includes all rejections.
pub const MAX_REJECTIONS_LISTED: usize = 100;
/// The maximum number of ignored columns that an answer lists. A warning contains the number of others.
pub const MAX_COLUMNS_LISTED: usize = 100;
/// The maximum length of a rejected value in an answer, in bytes. Longer values are truncated.
const MAX_VALUE_BYTES: usize = 256;

/// The reason why a row was rejected. The names in JSON are part of the public interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RejectionCode {
    /// The cell is not an address, network, range or `all`.
    InvalidAddress,
    /// A network whose address has bits set beyond its prefix.
    HostBitsSet,
    /// A range whose first address is higher than its last.
    ReversedRange,
    /// A rule that is not accepted. Only the common CSV accepts rules other than `Allow` and `Deny`.
    UnknownRule,
    /// A row without an address or without a rule.
    MissingField,
    /// `all,Allow` in a file that also has `all,Deny`.
    ConflictingDefault,
    /// A cell of `Starts` or `Expires` that is not a date.
    InvalidDate,
    /// `Expires` is not after `Starts`.
    ReversedPeriod,
    /// The row names a list that does not exist.
    UnknownList,
    /// The rule of the row is the opposite of the rule of the list that the row names.
    ContradictsList,
    /// The row names a list, but is itself in a list.
    NestedList,
}

/// A rejected row and the reason for the rejection.
///
/// The JSON contains one `message`, `line N: reason: help`, and omits `fixes` if there are none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The line where the row starts, 1-based, as in an editor.
    pub line: u64,
    /// The reason, for programs.
    pub code: RejectionCode,
    /// The first 256 bytes of the wrong cell. Empty if the cell is missing.
    pub value: String,
    /// The reason, for people.
    pub reason: RichText,
    /// The instruction after the reason, if it is separate from the reason: `write Allow or Deny`.
    pub help: Option<RichText>,
    /// The suggested replacements for the cell, the most likely first. The parser accepts each of them.
    pub fixes: Vec<String>,
    /// True if the reason already contains a suggestion.
    pub names_a_fix: bool,
    /// The column of the cell, if it is a date. The JSON omits the column, because the message contains it.
    pub bound: Option<Bound>,
    /// The row, for a person who searches for it in a spreadsheet. `None` if the text does not contain the
    /// row. The JSON omits the row, because a program can find it by its line number.
    pub row: Option<RowExcerpt>,
}

/// The text of a rejected row around the wrong cell. The text is untrusted.
///
/// If the row has several lines, only the line with the cell is kept. If that line is longer than 160
/// characters, only the cell and the text next to it are kept, and `…` marks omitted text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowExcerpt {
    /// The text before the cell.
    pub before: String,
    /// The wrong cell. Empty if the cell is missing.
    pub cell: String,
    /// The text after the cell.
    pub after: String,
    /// True if the row has one line and no text was omitted, so that replacing the cell yields the whole
    /// corrected row.
    pub is_whole: bool,
}

impl RowExcerpt {
    /// The maximum number of characters that are kept of a row, without the `…` marks.
    const MAX_CHARS: usize = 160;

    /// Creates an excerpt, and shortens its parts if they are too long together.
    #[must_use]
    pub fn new(before: &str, cell: &str, after: &str) -> Self {
        const SIDE_CHARS: usize = RowExcerpt::MAX_CHARS / 4;
        let chars =
            [before, cell, after].map(|part| part.chars().take(Self::MAX_CHARS + 1).count());
        if chars.iter().sum::<usize>() <= Self::MAX_CHARS {
            return Self {
                before: before.to_owned(),
                cell: cell.to_owned(),
                after: after.to_owned(),
                is_whole: true,
            };
        }
        let start_of = |text: &str, chars: usize| match text.char_indices().nth(chars) {
            Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
            None => text.to_owned(),
        };
        let end_of = |text: &str, chars: usize| match text.char_indices().nth_back(chars) {
            Some((start, cut)) => {
                let kept = text.get(start + cut.len_utf8()..).unwrap_or_default();
                format!("…{kept}")
            }
            None => text.to_owned(),
        };
        Self {
            before: end_of(before, SIDE_CHARS),
            cell: start_of(cell, 2 * SIDE_CHARS),
            after: start_of(after, SIDE_CHARS),
            is_whole: false,
        }
    }
}

impl Rejection {
    /// Creates a rejection without help or suggestions. Only the first 256 bytes of the value are kept.
    #[must_use]
    pub fn new(line: u64, code: RejectionCode, value: &str, reason: impl Into<RichText>) -> Self {
        let end = value.floor_char_boundary(MAX_VALUE_BYTES);
        Self {
            line,
            code,
            value: value.get(..end).unwrap_or_default().to_owned(),
            reason: reason.into(),
            help: None,
            fixes: Vec::new(),
            names_a_fix: false,
            bound: None,
            row: None,
        }
    }

    /// Returns the message without the line number: the reason, and the help if there is any.
    #[must_use]
    pub fn sentence(&self) -> RichText {
        match &self.help {
            Some(help) => rich!("{}: {}", &self.reason, help),
            None => self.reason.clone(),
        }
    }

    /// Returns the message with the line number, such as
    /// `line 4: "2.2.2" is not an IP address: expected 4 octets, found 3`.
    #[must_use]
    pub fn message(&self) -> String {
        format!("line {}: {}", self.line, self.sentence())
    }
}

impl Serialize for Rejection {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Json<'a> {
            line: u64,
            code: RejectionCode,
            value: &'a str,
            message: String,
            #[serde(skip_serializing_if = "<[String]>::is_empty")]
            fixes: &'a [String],
        }
        let json = Json {
            line: self.line,
            code: self.code,
            value: &self.value,
            message: self.message(),
            fixes: &self.fixes,
        };
        json.serialize(serializer)
    }
}

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
