//! What a person is told: rejected rows, refused files, and the answer for one file.
//!
//! A *row* is accepted or rejected, a *file* is published or refused. Both are data here, with a
//! stable code and a sentence; nothing in this module decides anything.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::rule::DefaultPolicy;
use crate::text::{RichText, rich};

/// How many rejections an answer lists; all are counted.
pub const MAX_REJECTIONS_LISTED: usize = 100;
/// How many bytes of a rejected value an answer keeps.
const MAX_VALUE_BYTES: usize = 256;

/// Why a row was rejected. The names in JSON are part of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RejectionCode {
    /// Not an address, network, range or `all`.
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
}

/// A row that was left out, and the reason.
///
/// Serializes with one `message`: `line N: reason: help`. `fixes` is left out if it is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The line where the row starts, 1-based, as an editor shows it.
    pub line: u64,
    /// The reason, for programs.
    pub code: RejectionCode,
    /// The cell that is wrong, at most 256 bytes of it. Empty if the address is missing.
    pub value: String,
    /// The reason, for people: what is wrong.
    pub reason: RichText,
    /// The instruction that follows the reason, where it can stand alone: `write Allow or Deny`.
    pub help: Option<RichText>,
    /// Suggested replacements for the cell, the most likely first. Each would be accepted.
    pub fixes: Vec<String>,
    /// Whether the reason names a suggestion already.
    pub names_a_fix: bool,
}

impl Rejection {
    /// A rejection without help and suggestions. Of the value, 256 bytes are kept.
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
        }
    }

    /// The whole sentence without its place: the reason, and the help if there is one.
    #[must_use]
    pub fn sentence(&self) -> RichText {
        match &self.help {
            Some(help) => rich!("{}: {}", &self.reason, help),
            None => self.reason.clone(),
        }
    }

    /// The whole sentence with its place: `line 4: "2.2.2" is not an IP address: expected 4 octets, found 3`.
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

/// What is worth a second look although nothing is wrong with it. The names in JSON are part of
/// the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WarningCode {
    /// How the text was to be read had to be guessed, such as its encoding.
    Guessed,
    /// Rows that repeat what other rows say.
    DuplicateRows,
    /// Allowed addresses that a Deny takes away again.
    OverriddenRows,
    /// Nobody gets in.
    BlocksEverybody,
    /// An allowed network that is wider than a /8.
    WideAllow,
    /// Private addresses in a list of public ones.
    PrivateRange,
}

/// One thing that is worth a second look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// What, for programs.
    pub code: WarningCode,
    /// The first line it is about, where it is about one and that was looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The warning, for people: one sentence. The lines of the rows that it is about follow in parentheses.
    pub message: RichText,
}

/// Why a file was refused. The names in JSON are part of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalCode {
    /// Binary, undecodable or damaged.
    NotCsv,
    /// No column for the address, or none for the rule.
    MissingColumn,
    /// No row was accepted.
    NoRules,
    /// Beyond a limit on bytes, on the length of a line or on columns.
    TooLarge,
    /// Strict mode, and a row was rejected.
    RowsRejected,
    /// The object's key, or the output's, would leave its folder.
    UnsafeKey,
    /// The template does not compile or fails on this file.
    BadTemplate,
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
    /// A refusal that is about no line.
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

/// What came of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The output was written.
    Written,
    /// The output was already that of this input and these settings.
    Unchanged,
    /// Nothing was written; the previous output stays.
    Refused,
    /// The input is gone, and the output was removed.
    Removed,
    /// The input is gone; the output stays.
    Kept,
    /// There was nothing to do, such as for `s3:TestEvent` or the marker of a folder.
    Ignored,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// How many networks the output lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NetworkCounts {
    /// In its list of who gets in.
    pub allow: usize,
    /// In its list of who is kept out.
    pub deny: usize,
}

/// What the function answers and the command line prints with `--json`, one for each file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// The input's key or path.
    pub source: String,
    /// The output's key or path; `None` if the input's key is unsafe or not that of a CSV.
    pub output: Option<String>,
    /// What came of it.
    pub status: Status,
    /// Why the file was refused.
    pub code: Option<RefusalCode>,
    /// The reason for a refusal, for people.
    pub message: Option<RichText>,
    /// The line that a refusal is about, if it is about one. The JSON leaves it out: the message names it.
    #[serde(skip)]
    pub refused_line: Option<u64>,
    /// The default that the file or the settings chose.
    pub default_policy: DefaultPolicy,
    /// Rows read: accepted and rejected.
    pub rows: u64,
    /// Rows that take part in the policy.
    pub accepted: u64,
    /// Rows that were left out.
    pub rejected: u64,
    /// Networks in the output.
    pub networks: NetworkCounts,
    /// The output's size.
    pub bytes: usize,
    /// The first [`MAX_REJECTIONS_LISTED`] rejections, by line.
    pub rejections: Vec<Rejection>,
    /// What is worth a second look; left out of the JSON where nothing is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

impl Answer {
    /// An answer that says nothing yet but which file it is about.
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
            networks: NetworkCounts::default(),
            bytes: 0,
            rejections: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// The same file, refused; what was counted stays.
    #[must_use]
    pub fn refused(self, refusal: &Refusal) -> Self {
        Self {
            status: Status::Refused,
            code: Some(refusal.code),
            message: Some(refusal.message.clone()),
            refused_line: refusal.line,
            networks: NetworkCounts::default(),
            bytes: 0,
            ..self
        }
    }
}
