//! The answer for one file: its status, rejected rows, warnings and refusals.
//!
//! A *row* is accepted or rejected. A *file* is published or refused. Rejections, warnings and
//! refusals are data with a stable code and a message. This module decides nothing.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::rule::DefaultPolicy;
use crate::text::{RichText, rich};
use crate::time::{Bound, Instant};

/// The maximum number of rejections that an answer lists. All rejections are counted.
pub const MAX_REJECTIONS_LISTED: usize = 100;
/// The maximum number of ignored columns that an answer lists. A warning counts the others.
pub const MAX_COLUMNS_LISTED: usize = 100;
/// The maximum length of a rejected value in an answer, in bytes.
const MAX_VALUE_BYTES: usize = 256;

/// The reason why a row was rejected. The names in JSON are part of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RejectionCode {
    /// The cell is not an address, network, range or `all`.
    InvalidAddress,
    /// A network whose address has bits set beyond its prefix.
    HostBitsSet,
    /// A range that ends before it starts.
    ReversedRange,
    /// A rule that is neither `Allow` nor `Deny`.
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
    /// The row states the opposite of the rows of the list that it names.
    ContradictsList,
    /// The row is in a list and names a list.
    NestedList,
}

/// A rejected row and the reason.
///
/// Serializes with one `message`: `line N: reason: help`. `fixes` is left out if it is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The line where the row starts, 1-based, as in an editor.
    pub line: u64,
    /// The reason, for programs.
    pub code: RejectionCode,
    /// The cell that is wrong, at most 256 bytes of it. Empty if the address is missing.
    pub value: String,
    /// The reason, for people: what is wrong.
    pub reason: RichText,
    /// The instruction after the reason, if it can stand alone: `write Allow or Deny`.
    pub help: Option<RichText>,
    /// Suggested replacements for the cell, the most likely first. Each would be accepted.
    pub fixes: Vec<String>,
    /// Set if the reason names a suggestion already.
    pub names_a_fix: bool,
    /// The column of the cell, if it is a date. The JSON omits it, because the message names it.
    pub bound: Option<Bound>,
    /// The row, for a reader who looks for it in a spreadsheet. `None` if the row is not in the text. The JSON
    /// omits it, because a program finds the line itself.
    pub row: Option<RowExcerpt>,
}

/// The text of a rejected row around the cell that is wrong. Untrusted.
///
/// Of a row with several lines, this is the line with the cell. Of a line of more than 160 characters, the cell
/// and the text next to it are kept, with `…` where something was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowExcerpt {
    /// The text before the cell.
    pub before: String,
    /// The cell. Empty if it is missing.
    pub cell: String,
    /// The text after the cell.
    pub after: String,
    /// Set if the row is one line and nothing was left out, so that a replacement of the cell gives the whole row.
    pub is_whole: bool,
}

impl RowExcerpt {
    /// The maximum number of characters of a row.
    const MAX_CHARS: usize = 160;

    /// Keeps what is around the cell.
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
    /// Creates a rejection without help and suggestions. Keeps the first 256 bytes of the value.
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

    /// Returns the whole sentence without its place: the reason, and the help if there is one.
    #[must_use]
    pub fn sentence(&self) -> RichText {
        match &self.help {
            Some(help) => rich!("{}: {}", &self.reason, help),
            None => self.reason.clone(),
        }
    }

    /// Returns the whole sentence with its place, such as
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

/// The kind of a warning. A warning does not reject anything. The names in JSON are part of the
/// contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WarningCode {
    /// The program guessed how to read the text, for example its encoding.
    Guessed,
    /// A column that is not read has the name of a condition, such as `Enabled` or `Port`.
    IgnoredColumn,
    /// Lines inside a quoted cell look like rows. They are not used.
    HiddenRows,
    /// Rejected rows may have denied somebody who gets in, and the file is published nevertheless.
    DenyRejected,
    /// Rows repeat other rows.
    DuplicateRows,
    /// `Allow` rows have no effect, because Deny rows cover the same addresses.
    OverriddenRows,
    /// Nobody gets in.
    BlocksEverybody,
    /// Everybody gets in.
    AllowsEverybody,
    /// A row names `0.0.0.0` or `::`, which no client has.
    MatchesNobody,
    /// An allowed network is wider than a /16. Private IPv4 networks are reported if they are wider than a
    /// /8.
    WideAllow,
    /// A list of mostly public addresses has private ones.
    PrivateRange,
    /// Rows have ended and can be deleted.
    ExpiredRows,
    /// Rows end within 14 days.
    EndsSoon,
    /// Nobody gets in after the next change.
    NobodyLeft,
    /// Deny rows do not apply to addresses that the common CSV lets in always.
    AlwaysWins,
    /// Nothing publishes the output again at the next change.
    UnscheduledChange,
}

impl WarningCode {
    /// Returns the urgency of such a warning.
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

/// A warning: something that is probably a mistake, although it is accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// The kind, for programs.
    pub code: WarningCode,
    /// The first line that the warning is about, if it is about lines that are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The warning, for people: one sentence. The lines of the rows that it is about follow in
    /// parentheses.
    pub message: RichText,
}

/// The reason why a file was refused. The names in JSON are part of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalCode {
    /// The file is binary, undecodable or damaged.
    NotCsv,
    /// The header has no column for the address, or none for the rule.
    MissingColumn,
    /// No row was accepted.
    NoRules,
    /// The file is over a limit on bytes, on the length of a line or on columns.
    TooLarge,
    /// A rejected row may have denied somebody who gets in under the other rows.
    DenyRejected,
    /// A row was rejected, and the setting `STRICT` accepts none.
    RowsRejected,
    /// The key of the upload, or of the output, would leave its folder.
    UnsafeKey,
    /// The template does not compile or fails on this file.
    BadTemplate,
    /// The output belongs to another upload.
    OutputTaken,
    /// The rows of a list state different rules.
    MixedRules,
    /// A list that a row names, or the common CSV, is refused or cannot be used.
    UnusableList,
    /// The change is so big that somebody must approve it. The file is held, not refused.
    ChangeHeld,
}

impl fmt::Display for RefusalCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// The reason why nothing is published for a file. The user can fix it; a retry cannot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The reason, for programs.
    pub code: RefusalCode,
    /// The line that the refusal is about, if it is about one.
    pub line: Option<u64>,
    /// The reason, for people: what is wrong and what is accepted.
    pub message: RichText,
}

impl Refusal {
    /// Creates a refusal that is not about a line.
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
    /// Nothing was written. The previous output stays.
    Refused,
    /// Nothing was written, until somebody approves the change. The previous output stays.
    Held,
    /// The input is a preview. Nothing but its report was written.
    Previewed,
    /// The input was deleted, and the output was removed.
    Removed,
    /// The input was deleted. The output stays.
    Kept,
    /// There was nothing to do, such as for `s3:TestEvent` or the marker of a folder.
    Ignored,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// The urgency of the problems of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing was left out. There may be warnings about rows that are used.
    Fine,
    /// Rows are not used, a condition is not applied, nobody or everybody gets in, or nobody does after the
    /// next change, or nothing applies that change, or the change waits for an approval.
    Warning,
    /// The file is refused, or it is published without rows that may have denied somebody.
    Alarm,
}

/// The numbers of networks in the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NetworkCounts {
    /// The networks in the list of allowed addresses.
    pub allow: usize,
    /// The networks in the list of denied addresses.
    pub deny: usize,
}

/// The effect of a change of an output on who gets in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AccessChange {
    /// The clients that get in only now.
    pub gained: AccessCount,
    /// The clients that got in only before.
    pub lost: AccessCount,
}

/// The size of a set of clients.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AccessCount {
    /// The networks, as few as possible.
    pub networks: u64,
    /// The addresses, in decimal digits, because a number of JSON is not exact for IPv6.
    pub addresses: String,
}

/// The answer for one file. The function returns it, and the command line prints it with `--json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// The key or path of the input.
    pub source: String,
    /// The key or path of the output. `None` if the key of the input is unsafe or is not the key of
    /// a CSV, and if the input was deleted and no output came from it.
    pub output: Option<String>,
    /// The result.
    pub status: Status,
    /// The code of the refusal, or of the hold. A preview has that of what would happen.
    pub code: Option<RefusalCode>,
    /// The reason for a refusal or a hold, for people.
    pub message: Option<RichText>,
    /// The line that a refusal is about, if it is about one. The JSON omits it, because the message
    /// names it.
    #[serde(skip)]
    pub refused_line: Option<u64>,
    /// The default policy of the file or of the settings.
    pub default_policy: DefaultPolicy,
    /// The number of rows, accepted and rejected.
    pub rows: u64,
    /// The number of accepted rows.
    pub accepted: u64,
    /// The number of rejected rows.
    pub rejected: u64,
    /// The number of accepted rows that have not started.
    pub pending: u64,
    /// The number of accepted rows that have ended.
    pub expired: u64,
    /// The first later instant at which an accepted row starts or ends. `None` if there is none, or if
    /// the file is refused.
    pub next_change: Option<Instant>,
    /// The names of the lists that the rows name, in alphabetical order, without those that do not exist.
    /// The JSON omits them if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<String>,
    /// The networks in the output.
    pub networks: NetworkCounts,
    /// The size of the output, in bytes.
    pub bytes: usize,
    /// The effect on who gets in, compared with the previous version. The JSON omits it if nothing is written
    /// or held, if there is no previous version, or if the previous version can no longer be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<AccessChange>,
    /// The code that releases a held change: 8 letters and digits. The JSON omits it if nothing is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
    /// The first [`MAX_REJECTIONS_LISTED`] rejections, by line.
    pub rejections: Vec<Rejection>,
    /// The names of the columns that are not read, in the order of the header, each once: at most
    /// [`MAX_COLUMNS_LISTED`] names, and at most 64 bytes of each. The JSON omits them if there are
    /// none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignored_columns: Vec<String>,
    /// The warnings. The JSON omits them if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

impl Answer {
    /// Creates an answer that only names the file and its status.
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

    /// Returns whether the file is refused, or would be if it were not a preview.
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

    /// Returns the urgency of the problems.
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

    /// Returns the answer for the same file as refused. The counts of rows stay.
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
