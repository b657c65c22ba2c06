//! The reason why one row was rejected, and the text of the row around the wrong cell.
//!
//! The text of a row is untrusted, and this module keeps only a limited part of it. The module does not
//! check rows: `csv` detects the errors, and `csv/diagnose` writes the reasons and the suggestions.

use serde::{Serialize, Serializer};

use crate::text::{RichText, rich};
use crate::time::Bound;

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
