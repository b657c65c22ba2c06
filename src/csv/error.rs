//! The reasons why an upload cannot be read as a CSV.

use std::fmt;

use crate::answer::RefusalCode;
use crate::csv::kind::CsvKind;
use crate::list::{ListName, Place};
use crate::rule::Action;
use crate::text::{RichText, Segment, escape_invisible, rich, thousands};

/// The reason why a whole upload is refused. `Display` writes the message, which does not mention the names
/// of settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CsvError {
    /// The file has another format, such as a workbook. The message says which format, and what to do.
    OtherFormat(String),
    /// The text contains NUL bytes.
    NotText,
    /// The UTF-16 text contains an unpaired surrogate, or ends in the middle of a character.
    DamagedUtf16,
    /// The gzip data is damaged, or ends too early.
    DamagedGzip(String),
    /// The gzip data has too many members or compressed bytes in proportion to its text.
    GzipOverhead,
    /// After decompression, the upload has more bytes than the `MAX_CSV_BYTES` setting allows.
    TooLarge {
        /// The limit.
        max_bytes: u64,
    },
    /// The rows contain more separate ranges than fit into an output.
    TooManyRanges {
        /// The limit.
        max_ranges: usize,
    },
    /// The template lists the rows, but their text is longer than fits into an output.
    TooManyRowsListed {
        /// The limit, in bytes.
        max_bytes: u64,
    },
    /// The lists that the rows use have too many members in total.
    TooManyMembers {
        /// The limit.
        max_members: u64,
    },
    /// The common CSV has too many rows.
    TooManyCommonRows {
        /// The limit.
        max_rows: usize,
    },
    /// The rows use too many different lists.
    TooManyLists {
        /// The limit.
        max_lists: usize,
    },
    /// A row uses a list that cannot be used.
    UnusableList {
        /// The row, which may be in the common CSV.
        row: Place,
        /// The name of the list.
        name: ListName,
        /// The reason.
        problem: ListProblem,
    },
    /// The common CSV is refused.
    RefusedCommon {
        /// The key or path of the common CSV.
        source: String,
    },
    /// A line, or a record over several lines, is longer than 1 MiB.
    LineTooLong {
        /// The number of the line, or of the record's first line.
        line: u64,
        /// The limit.
        max_bytes: usize,
    },
    /// A record has too many cells.
    TooManyColumns {
        /// The line where the record starts.
        line: u64,
        /// The number of cells in the record.
        cells: usize,
        /// The limit.
        max_cells: usize,
    },
    /// A quote is open at the end of the file.
    OpenQuote {
        /// The line where the record starts.
        line: u64,
    },
    /// Text follows the quote that closes a cell.
    TextAfterQuote {
        /// The line with the text.
        line: u64,
        /// The line where the record starts.
        record_line: u64,
        /// The text, up to the next delimiter.
        text: String,
    },
    /// A quote is open over too many lines.
    QuoteTooLong {
        /// The line where the record starts.
        line: u64,
        /// The limit.
        max_lines: u64,
    },
    /// The first line that is neither blank nor a comment is not a header.
    MissingColumn {
        /// The number of that line.
        line: u64,
        /// The message: the missing columns, and the cells that were found.
        explanation: RichText,
        /// The later line that is a header, if there is one.
        header: Option<u64>,
    },
    /// The file has no line that could be a header.
    NoHeader {
        /// `true` if the file has comments.
        has_comments: bool,
        /// The kind of the file.
        kind: CsvKind,
    },
    /// The sink needs no more text. Reading ends without a message.
    Stopped,
}

/// The reason why a list cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListProblem {
    /// The CSV of the list is refused. The value is its key or path.
    Refused(String),
    /// A row of the common CSV uses the list, but the list does not exist.
    Missing,
    /// A row of the common CSV states this action, which contradicts the list.
    Contradicts(Action),
}

impl CsvError {
    /// Returns the code of the refusal.
    #[must_use]
    pub fn code(&self) -> RefusalCode {
        match self {
            Self::OtherFormat(_)
            | Self::NotText
            | Self::DamagedUtf16
            | Self::DamagedGzip(_)
            | Self::OpenQuote { .. }
            | Self::TextAfterQuote { .. }
            | Self::QuoteTooLong { .. }
            | Self::Stopped => RefusalCode::NotCsv,
            Self::TooLarge { .. }
            | Self::GzipOverhead
            | Self::TooManyRanges { .. }
            | Self::TooManyRowsListed { .. }
            | Self::TooManyMembers { .. }
            | Self::TooManyLists { .. }
            | Self::TooManyCommonRows { .. }
            | Self::LineTooLong { .. }
            | Self::TooManyColumns { .. } => RefusalCode::TooLarge,
            Self::UnusableList { .. } | Self::RefusedCommon { .. } => RefusalCode::UnusableList,
            Self::MissingColumn { .. } | Self::NoHeader { .. } => RefusalCode::MissingColumn,
        }
    }

    /// Returns the line that the error is about. `None` if the error is not about one line.
    #[must_use]
    pub fn line(&self) -> Option<u64> {
        match self {
            Self::LineTooLong { line, .. }
            | Self::TooManyColumns { line, .. }
            | Self::OpenQuote { line }
            | Self::TextAfterQuote {
                record_line: line, ..
            }
            | Self::QuoteTooLong { line, .. }
            | Self::MissingColumn { line, .. } => Some(*line),
            Self::UnusableList { row, .. } => row.own_line(),
            Self::OtherFormat(_)
            | Self::NotText
            | Self::DamagedUtf16
            | Self::DamagedGzip(_)
            | Self::GzipOverhead
            | Self::TooLarge { .. }
            | Self::TooManyRanges { .. }
            | Self::TooManyRowsListed { .. }
            | Self::TooManyMembers { .. }
            | Self::TooManyLists { .. }
            | Self::TooManyCommonRows { .. }
            | Self::RefusedCommon { .. }
            | Self::NoHeader { .. }
            | Self::Stopped => None,
        }
    }

    /// Adds the line of a header that was found later in the file.
    pub(crate) fn with_header(mut self, number: u64) -> Self {
        if let Self::MissingColumn { header, .. } = &mut self {
            *header = Some(number);
        }
        self
    }

    /// Returns the message: what is wrong, and what to do.
    #[must_use]
    pub fn explain(&self) -> RichText {
        match self {
            Self::OtherFormat(sentence) => sentence.into(),
            Self::NotText => {
                "the file is not text, because it contains NUL bytes: expected a CSV in \
                              UTF-8, Windows-1252, or UTF-16 with a byte order mark"
                    .into()
            }
            Self::DamagedUtf16 => {
                "the UTF-16 text is damaged or incomplete: save the sheet as CSV UTF-8 and \
                                   upload the whole file"
                    .into()
            }
            Self::DamagedGzip(cause) => rich!(
                "the gzip data is damaged or incomplete ({}): compress the CSV again and upload the whole file",
                cause
            ),
            Self::OpenQuote { line } => open_quote(*line, ""),
            Self::TextAfterQuote {
                line,
                record_line,
                text,
            } => text_after_quote(*line, *record_line, text),
            Self::QuoteTooLong { line, max_lines } => {
                open_quote(*line, &format!(" within {max_lines} lines"))
            }
            Self::MissingColumn {
                explanation,
                header: None,
                ..
            } => explanation.clone(),
            Self::MissingColumn {
                explanation,
                header: Some(header),
                ..
            } => rich!(
                "{}; line {} is a header: remove the lines above it, or start them with #",
                explanation,
                *header
            ),
            Self::NoHeader { has_comments, kind } => {
                let found = if *has_comments {
                    "the file contains comments but no header"
                } else {
                    "the file is empty"
                };
                no_header(found, *kind)
            }
            Self::UnusableList { row, name, problem } => unusable_list(row, name, problem),
            Self::RefusedCommon { source } => rich!(
                "{}, whose rows apply to every site, is refused: correct it first",
                escape_invisible(source, None)
            ),
            Self::Stopped => RichText::default(),
            Self::GzipOverhead
            | Self::TooLarge { .. }
            | Self::TooManyRanges { .. }
            | Self::TooManyRowsListed { .. }
            | Self::TooManyMembers { .. }
            | Self::TooManyLists { .. }
            | Self::TooManyCommonRows { .. }
            | Self::LineTooLong { .. }
            | Self::TooManyColumns { .. } => self.explain_limit(),
        }
    }

    /// Returns the message for an error about a limit.
    fn explain_limit(&self) -> RichText {
        match self {
            Self::GzipOverhead => "the gzip data has too many small parts for the text that it \
                                   contains: compress the whole CSV in one step"
                .into(),
            Self::TooLarge { max_bytes } => rich!(
                "the CSV is larger than {} bytes after decompression: split it",
                *max_bytes
            ),
            Self::TooManyRanges { max_ranges } => rich!(
                "the rows contain more than {} separate ranges, which is more than an output can \
                 hold: write wider networks, or split the CSV",
                thousands(*max_ranges as u64)
            ),
            Self::TooManyRowsListed { max_bytes } => rich!(
                "the template lists the rows, but their addresses and comments have more than {} \
                 bytes, which is more than an output can hold: shorten the comments, or split \
                 the CSV",
                thousands(*max_bytes)
            ),
            Self::TooManyMembers { max_members } => rich!(
                "the lists in the rows have more than {} members in total: use each list only once, \
                 or split the CSV",
                thousands(*max_members)
            ),
            Self::TooManyLists { max_lists } => rich!(
                "the rows use more than {} lists: combine them into fewer lists",
                thousands(*max_lists as u64)
            ),
            Self::TooManyCommonRows { max_rows } => rich!(
                "the file has more than {} rows, and every site reads all of them: move the \
                 addresses to a list, and use the list in one row",
                thousands(*max_rows as u64)
            ),
            Self::LineTooLong { line, max_bytes } => rich!(
                "line {} is longer than {} bytes: expected one rule per line",
                *line,
                *max_bytes
            ),
            Self::TooManyColumns {
                line,
                cells,
                max_cells,
            } => rich!(
                "line {} has {} cells: at most {} are accepted",
                *line,
                *cells,
                *max_cells
            ),
            _ => RichText::default(),
        }
    }
}

fn unusable_list(row: &Place, name: &ListName, problem: &ListProblem) -> RichText {
    let name = Segment::quoted(&format!("@{name}"));
    match problem {
        ListProblem::Refused(source) => rich!(
            "{} uses the list {}, but {} is refused: correct that list first",
            row.row(),
            name,
            escape_invisible(source, None)
        ),
        ListProblem::Missing => rich!(
            "{} uses the list {}, which does not exist: publish the list, or remove the row",
            row.row(),
            name
        ),
        ListProblem::Contradicts(action) => rich!(
            "{} says {}, but the rows of the list {} say the opposite: write the same rule in both",
            row.row(),
            action.title(),
            name
        ),
    }
}

fn no_header(found: &str, kind: CsvKind) -> RichText {
    if !kind.needs_rules() {
        return rich!(
            "{}: expected a header with the column {}",
            found,
            Segment::quoted("IP Address")
        );
    }
    rich!(
        "{}: expected a header with the columns {} and {}",
        found,
        Segment::quoted("IP Address"),
        Segment::quoted("Rule")
    )
}

fn text_after_quote(line: u64, record_line: u64, text: &str) -> RichText {
    let text = Segment::quoted(text);
    if line == record_line {
        return rich!(
            "line {} has {} after the closing quote of a cell: write a delimiter there, or double each quote \
             that is part of the cell",
            line,
            text
        );
    }
    rich!(
        "line {} opens a quote that line {} closes before {}: close it in its own line, or double each \
         quote that is part of a cell",
        record_line,
        line,
        text
    )
}

fn open_quote(line: u64, within: &str) -> RichText {
    rich!(
        "line {} opens a quote that is not closed{}: close it, or double each quote that is part of a cell",
        line,
        within
    )
}

impl fmt::Display for CsvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.explain().fmt(f)
    }
}

impl std::error::Error for CsvError {}
