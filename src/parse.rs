//! The text of a CSV → rules and rejections, row by row. Parsing a row never fails: it yields a
//! [`Rule`] or a [`Rejection`]. Only what makes the whole file unreadable is a [`Refusal`].
//!
//! ```text
//! file     = *( blank / comment ) [ "sep=" delimiter ] header *( blank / comment / row )
//! blank    = a line with nothing but white space and delimiters
//! comment  = a line whose first character, or whose first cell, starts with "#"
//! row      = a record of RFC 4180; a quoted cell may span lines
//! ```
//!
//! White space around a cell is not part of it. Rows may be shorter or longer than the header.

use std::borrow::Cow;
use std::fmt;

use crate::address::{self, AddressError, Addresses};
use crate::decode::TextSink;
use crate::header::{Columns, DELIMITERS, Header, read_header, separator_line};
use crate::ip_set::Span;
use crate::lines::{LineSink, Lines, Taken, check_length};
use crate::plain_rows::take_plain_rows;
use crate::quote::quote;
use crate::record::{RecordReader, Step, cell_text};
use crate::report::{Refusal, RefusalCode, Rejection, RejectionCode};

/// The most cells a record may have. A sheet of rules has three; a row of thousands is not one.
pub const COLUMNS_MAX: usize = 1024;
/// The most lines a record may span. A cell with a hundred line breaks is a quote that was never
/// closed, and would swallow the rules behind it.
pub const RECORD_LINES_MAX: u64 = 100;

/// What a rule does to its addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// They get in, unless a rule denies them.
    Allow,
    /// They are kept out.
    Deny,
}

impl Action {
    /// The word for it in templates and messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }
}

/// One accepted row.
#[derive(Clone, Copy, Debug)]
pub struct Rule<'a> {
    /// Where the row starts: 1-based, as an editor shows it.
    pub line: u64,
    /// What it does.
    pub action: Action,
    /// To whom.
    pub addresses: Addresses,
    address_cell: &'a [u8],
    comment_cell: &'a [u8],
}

impl<'a> Rule<'a> {
    /// The address as it was written.
    #[must_use]
    pub fn address(&self) -> Cow<'a, str> {
        cell_text(self.address_cell)
    }

    /// The comment, empty if there is none.
    #[must_use]
    pub fn comment(&self) -> Cow<'a, str> {
        cell_text(self.comment_cell)
    }
}

/// What takes the rows.
pub trait Rows {
    /// Takes an accepted row.
    fn accept(&mut self, rule: Rule<'_>);
    /// Takes a rejected row.
    fn reject(&mut self, rejection: Rejection);
    /// Takes a rejected row without its sentence, if that is enough; a file may have millions.
    fn count_rejected(&mut self) -> bool {
        false
    }
    /// Whether accepted rows may come by [`Rows::accept_plain`].
    fn accepts_plain(&self) -> bool {
        false
    }
    /// Takes an accepted row without its place and its cells, which is several times faster.
    fn accept_plain(&mut self, _action: Action, _addresses: Span<u32>) {}
}

/// Takes text, hands its rows to a [`Rows`].
pub struct Parser<R> {
    lines: Lines,
    rows: RowReader<R>,
}

impl<R: Rows> Parser<R> {
    /// A parser that has read nothing yet.
    pub fn new(rows: R) -> Self {
        Self {
            lines: Lines::default(),
            rows: RowReader {
                stage: Stage::Header(HeaderStage::default()),
                rows,
            },
        }
    }

    /// Ends the text and gives the rows back.
    ///
    /// # Errors
    ///
    /// `missing-column` if no header was found, `not-csv` if a quote is still open.
    pub fn finish(mut self) -> Result<R, Refusal> {
        self.lines.finish(&mut self.rows)?;
        self.rows.finish()?;
        Ok(self.rows.rows)
    }
}

impl<R: Rows> TextSink for Parser<R> {
    fn push(&mut self, piece: &[u8]) -> Result<(), Refusal> {
        self.lines.push(piece, &mut self.rows)
    }
}

struct RowReader<R> {
    stage: Stage,
    rows: R,
}

enum Stage {
    Header(HeaderStage),
    Rows(Box<RowStage>),
}

#[derive(Default)]
pub(crate) struct HeaderStage {
    delimiter: Option<u8>,
    /// The header's lines so far, joined by LF, while a quote is open.
    pub(crate) text: Vec<u8>,
    pub(crate) first_line: u64,
}

struct RowStage {
    columns: Columns,
    /// Made for the first quote, for that takes as long as a hundred rows.
    record: Option<RecordReader>,
    /// The line where a record started whose quote is still open.
    open_since: Option<u64>,
}

impl<R: Rows> LineSink for RowReader<R> {
    fn take_lines(&mut self, text: &[u8]) -> Taken {
        match &self.stage {
            Stage::Rows(stage) if stage.open_since.is_none() && self.rows.accepts_plain() => {
                take_plain_rows(text, stage.columns, &mut self.rows)
            }
            _ => Taken::default(),
        }
    }

    fn line(&mut self, number: u64, line: &[u8]) -> Result<(), Refusal> {
        match &mut self.stage {
            Stage::Header(stage) => {
                if let Some(columns) = stage.line(number, line)? {
                    self.stage = Stage::Rows(Box::new(RowStage {
                        columns,
                        record: None,
                        open_since: None,
                    }));
                }
                Ok(())
            }
            Stage::Rows(stage) => stage.line(number, line, &mut self.rows),
        }
    }
}

impl<R: Rows> RowReader<R> {
    fn finish(&self) -> Result<(), Refusal> {
        let open_since = match &self.stage {
            Stage::Header(stage) if stage.text.is_empty() => {
                return Err(Refusal::new(
                    RefusalCode::MissingColumn,
                    "the file is empty: expected a header with the columns \"IP Address\" and \"Rule\"",
                ));
            }
            Stage::Header(stage) => Some(stage.first_line),
            Stage::Rows(stage) => stage.open_since,
        };
        open_since.map_or(Ok(()), |first_line| Err(open_quote(first_line, "")))
    }
}

impl HeaderStage {
    pub(crate) fn line(&mut self, number: u64, line: &[u8]) -> Result<Option<Columns>, Refusal> {
        if self.text.is_empty() {
            if is_comment(line, b',') || is_empty_under_any_delimiter(line) {
                return Ok(None);
            }
            if let Some(delimiter) = separator_line(line.trim_ascii()) {
                self.delimiter = Some(delimiter);
                return Ok(None);
            }
            self.first_line = number;
        } else {
            self.text.push(b'\n');
        }
        self.text.extend_from_slice(line);
        check_length(self.first_line, self.text.len())?;
        match read_header(self.first_line, &self.text, self.delimiter)? {
            Header::Found(columns) => Ok(Some(columns)),
            Header::Unfinished => check_open_lines(self.first_line, number).map(|()| None),
        }
    }
}

impl RowStage {
    fn line<R: Rows>(&mut self, number: u64, line: &[u8], rows: &mut R) -> Result<(), Refusal> {
        if self.open_since.is_none() {
            if is_comment(line, self.columns.delimiter) {
                return Ok(());
            }
            if memchr::memchr(b'"', line).is_none() {
                return self.plain_row(number, line, rows);
            }
        }
        let first_line = self.open_since.unwrap_or(number);
        let record = self
            .record
            .get_or_insert_with(|| RecordReader::new(self.columns.delimiter));
        if record.push(line) == Step::Unfinished {
            self.open_since = Some(first_line);
            check_length(first_line, record.bytes_len())?;
            return check_open_lines(first_line, number);
        }
        self.open_since = None;
        quoted_row(first_line, record, self.columns, rows)
    }

    /// A row without quotes: its cells are slices of the line.
    fn plain_row<R: Rows>(&self, number: u64, line: &[u8], rows: &mut R) -> Result<(), Refusal> {
        let Columns {
            delimiter,
            address,
            rule,
            comment,
        } = self.columns;
        // A line of fewer bytes cannot have too many cells, so most lines are not counted.
        if line.len() >= COLUMNS_MAX {
            check_columns(number, memchr::memchr_iter(delimiter, line).count() + 1)?;
        }
        let mut cells = Cells::default();
        let wanted = address.max(rule).max(comment.unwrap_or(0));
        let mut rest = line;
        for index in 0..=wanted {
            let (cell, behind) = match memchr::memchr(delimiter, rest) {
                Some(end) => (rest.get(..end), rest.get(end + 1..)),
                None => (Some(rest), None),
            };
            cells.put(self.columns, index, cell.unwrap_or_default());
            match behind {
                Some(behind) => rest = behind,
                None => break,
            }
        }
        let is_blank = || {
            line.split(|byte| *byte == delimiter)
                .all(|cell| cell_text(cell).is_empty())
        };
        cells.hand_to(number, rows, is_blank);
        Ok(())
    }
}

fn quoted_row<R: Rows>(
    number: u64,
    record: &RecordReader,
    columns: Columns,
    rows: &mut R,
) -> Result<(), Refusal> {
    check_columns(number, record.cells().len())?;
    if record
        .cell(0)
        .is_some_and(|cell| is_comment(cell, columns.delimiter))
    {
        return Ok(());
    }
    let cell = |index: usize| record.cell(index).unwrap_or_default();
    let cells = Cells {
        address: cell(columns.address),
        rule: cell(columns.rule),
        comment: columns.comment.map_or(&[], cell),
    };
    let is_blank = || record.cells().all(|cell| cell_text(cell).is_empty());
    cells.hand_to(number, rows, is_blank);
    Ok(())
}

/// The cells of a row that have a meaning.
#[derive(Clone, Copy, Default)]
struct Cells<'a> {
    address: &'a [u8],
    rule: &'a [u8],
    comment: &'a [u8],
}

impl<'a> Cells<'a> {
    fn put(&mut self, columns: Columns, index: usize, cell: &'a [u8]) {
        if index == columns.address {
            self.address = cell;
        } else if index == columns.rule {
            self.rule = cell;
        } else if Some(index) == columns.comment {
            self.comment = cell;
        }
    }

    fn hand_to<R: Rows>(self, line: u64, rows: &mut R, is_blank: impl FnOnce() -> bool) {
        let address_text = cell_text(self.address);
        let rule_text = cell_text(self.rule);
        let result = match (address_text.as_ref(), rule_text.as_ref()) {
            ("", "") if is_blank() => return,
            ("", _) => Err(Fault::NoAddress),
            (_, "") => Err(Fault::NoRule),
            (address, rule) => read_rule(address, rule),
        };
        match result {
            Ok((action, addresses)) => rows.accept(Rule {
                line,
                action,
                addresses,
                address_cell: self.address,
                comment_cell: self.comment,
            }),
            Err(_) if rows.count_rejected() => {}
            Err(fault) => {
                let code = fault.code();
                let value = match code {
                    RejectionCode::UnknownRule => &rule_text,
                    _ => &address_text,
                };
                rows.reject(Rejection::new(line, code, value, &fault.to_string()));
            }
        }
    }
}

/// Why a row is rejected.
enum Fault<'a> {
    Address(AddressError<'a>),
    Rule(&'a str),
    NoAddress,
    NoRule,
}

impl Fault<'_> {
    fn code(&self) -> RejectionCode {
        match self {
            Self::Address(AddressError::HostBitsSet { .. }) => RejectionCode::HostBitsSet,
            Self::Address(AddressError::ReversedRange { .. }) => RejectionCode::ReversedRange,
            Self::Address(AddressError::Invalid(_) | AddressError::MixedFamilies(_)) => {
                RejectionCode::InvalidAddress
            }
            Self::Rule(_) => RejectionCode::UnknownRule,
            Self::NoAddress | Self::NoRule => RejectionCode::MissingField,
        }
    }
}

impl fmt::Display for Fault<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(err) => err.fmt(f),
            Self::Rule(given) => {
                write!(f, "{} is not a rule: write Allow or Deny", quote(given))
            }
            Self::NoAddress => f.write_str("the row has no address: write one, or all"),
            Self::NoRule => f.write_str("the row has no rule: write Allow or Deny"),
        }
    }
}

fn read_rule<'a>(address: &'a str, rule: &'a str) -> Result<(Action, Addresses), Fault<'a>> {
    let addresses = address::parse(address).map_err(Fault::Address)?;
    if rule.eq_ignore_ascii_case("allow") {
        Ok((Action::Allow, addresses))
    } else if rule.eq_ignore_ascii_case("deny") {
        Ok((Action::Deny, addresses))
    } else {
        Err(Fault::Rule(rule))
    }
}

/// A tab that separates cells is no white space: the cell before it is empty.
fn is_comment(text: &[u8], delimiter: u8) -> bool {
    text.iter()
        .find(|byte| **byte == delimiter || !byte.is_ascii_whitespace())
        == Some(&b'#')
}

fn is_empty_under_any_delimiter(line: &[u8]) -> bool {
    line.iter()
        .all(|byte| byte.is_ascii_whitespace() || DELIMITERS.contains(byte))
}

pub(crate) fn check_columns(number: u64, cells: usize) -> Result<(), Refusal> {
    if cells <= COLUMNS_MAX {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalCode::TooLarge,
        format!("line {number} has {cells} cells: at most {COLUMNS_MAX} are accepted"),
    ))
}

fn check_open_lines(first_line: u64, number: u64) -> Result<(), Refusal> {
    if number - first_line < RECORD_LINES_MAX {
        return Ok(());
    }
    Err(open_quote(
        first_line,
        &format!(" within {RECORD_LINES_MAX} lines"),
    ))
}

fn open_quote(first_line: u64, within: &str) -> Refusal {
    Refusal::new(
        RefusalCode::NotCsv,
        format!(
            "line {first_line} opens a quote that is not closed{within}: \
             close it, or double each quote that is part of a cell"
        ),
    )
}
