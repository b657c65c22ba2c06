//! Reads the header of a CSV: its delimiter, and the columns of the address, the rule and the
//! comment.
//!
//! Columns are found by name, in any order. Case, white space, `_` and `-` in a name are ignored.
//! The delimiter is the one that separates both required columns. If the header can be read in
//! several ways, a warning says which one was used.

use crate::answer::{Warning, WarningCode};
use crate::csv::cell::{cell_text, is_comment, unwrapped};
use crate::csv::columns::{
    ADDRESS_NAMES, COMMENT_NAMES, Columns, DELIMITERS, RULE_NAMES, delimiter_name, normalized,
};
use crate::csv::diagnose::{missing_column, text_kind};
use crate::csv::error::CsvError;
use crate::csv::limits::{check_columns, check_length, check_open_lines};
use crate::csv::record::{RecordReader, Step};
use crate::text::{RichText, Segment, rich};

/// The maximum number of lines that are searched for a header after a line that is not one.
const MAX_LINES_SEARCHED: u32 = 20;

/// Reads the lines up to the end of the header.
#[derive(Default)]
pub(crate) struct HeaderStage {
    /// The delimiter that a `sep=` line names.
    delimiter: Option<u8>,
    /// The lines of the header so far, joined by LF, while a quote is open.
    text: Vec<u8>,
    first_line: u64,
    /// Set after a comment.
    has_comments: bool,
    /// The error of the line that should be the header but is not.
    error: Option<CsvError>,
    /// The number of lines that were searched after it.
    lines_searched: u32,
}

impl HeaderStage {
    /// Reads the next line. Returns the columns and the warnings if the line ends the header.
    ///
    /// # Errors
    ///
    /// `missing-column` with the cells that were found; `not-csv` for another format.
    pub(crate) fn line(
        &mut self,
        number: u64,
        line: &[u8],
    ) -> Result<Option<(Columns, Vec<Warning>)>, CsvError> {
        if self.text.is_empty() {
            if is_comment(line, b',') {
                self.has_comments = true;
                return Ok(None);
            }
            if is_empty_under_any_delimiter(line) {
                return Ok(None);
            }
            if let Some(delimiter) = separator_line(line) {
                self.delimiter = Some(delimiter);
                return Ok(None);
            }
            self.first_line = number;
        } else {
            self.text.push(b'\n');
        }
        if let Some(err) = &self.error {
            return Err(match read_header(number, line, self.delimiter) {
                Ok(Header::Complete(..)) => err.clone().with_header(number),
                _ if self.lines_searched == MAX_LINES_SEARCHED => err.clone(),
                _ => {
                    self.lines_searched += 1;
                    return Ok(None);
                }
            });
        }
        self.text.extend_from_slice(line);
        check_length(self.first_line, self.text.len())?;
        match read_header(self.first_line, &self.text, self.delimiter) {
            Ok(Header::Complete(columns, warnings)) => Ok(Some((columns, warnings))),
            Ok(Header::Unfinished) => check_open_lines(self.first_line, number).map(|()| None),
            Ok(Header::Missing(err)) => {
                self.error = Some(err);
                self.text.clear();
                Ok(None)
            }
            Err(err) => Err(err),
        }
    }

    /// Returns the error for a file that ends before its header.
    pub(crate) fn missing(&self) -> CsvError {
        if let Some(err) = &self.error {
            return err.clone();
        }
        if !self.text.is_empty() {
            return CsvError::OpenQuote {
                line: self.first_line,
            };
        }
        CsvError::NoHeader {
            has_comments: self.has_comments,
        }
    }
}

/// The result of reading a line as a header.
enum Header {
    /// The line has both required columns. The warnings report guesses.
    Complete(Columns, Vec<Warning>),
    /// A quote is open at the end of the line, so the next line belongs to the header.
    Unfinished,
    /// The line is not a header. A header in a later line only completes the error.
    Missing(CsvError),
}

/// Reads the header from its line, or lines joined by LF. `announced` is the delimiter of a `sep=`
/// line.
fn read_header(number: u64, line: &[u8], announced: Option<u8>) -> Result<Header, CsvError> {
    let mut best: Vec<String> = Vec::new();
    let mut unfinished = false;
    let mut header: Option<(Columns, Vec<Warning>)> = None;
    let others = DELIMITERS
        .into_iter()
        .filter(|other| Some(*other) != announced);
    for delimiter in announced.into_iter().chain(others) {
        let Some(names) = names(line, delimiter) else {
            unfinished = true;
            continue;
        };
        if let Some(columns) = find_columns(delimiter, &names) {
            check_columns(number, names.len())?;
            match &mut header {
                None => header = Some((columns, ambiguities(number, columns, &names))),
                Some((first, warnings)) => {
                    warnings.push(two_delimiters(number, first.delimiter, delimiter));
                }
            }
            if Some(delimiter) == announced {
                break;
            }
        } else if names.len() > best.len() {
            best = names;
        }
    }
    if let Some((columns, mut warnings)) = header {
        if let Some(announced) = announced.filter(|announced| *announced != columns.delimiter) {
            warnings.push(wrong_separator_line(number, announced, columns.delimiter));
        }
        return Ok(Header::Complete(columns, warnings));
    }
    if unfinished {
        return Ok(Header::Unfinished);
    }
    if let Some(kind) = text_kind(line) {
        return Err(CsvError::OtherFormat(kind.to_owned()));
    }
    Ok(Header::Missing(missing_column(number, line, &best)))
}

/// Returns the cells of a header. `None` if a quote is open at its end.
fn names(line: &[u8], delimiter: u8) -> Option<Vec<String>> {
    let text = |cell: &[u8]| {
        let text = cell_text(cell);
        unwrapped(&text).unwrap_or_else(|| text.into_owned())
    };
    if !line.contains(&b'"') {
        return Some(line.split(|byte| *byte == delimiter).map(text).collect());
    }
    let mut reader = RecordReader::new(delimiter);
    match reader.push(line) {
        Step::Unfinished => None,
        Step::Complete => Some(reader.cells().map(text).collect()),
    }
}

/// Returns the delimiter that an Excel `sep=;` line names. A spreadsheet may have read such a line
/// as a cell and written it again, so quotes around it and more delimiters after it are accepted.
fn separator_line(line: &[u8]) -> Option<u8> {
    let line = line.trim_ascii_start();
    let line = line.strip_prefix(b"\"").unwrap_or(line);
    let (start, rest) = line.split_at_checked(4)?;
    let (delimiter, rest) = rest.split_first()?;
    let is_end =
        |byte: &u8| *byte == b'"' || byte.is_ascii_whitespace() || DELIMITERS.contains(byte);
    let is_named = start.eq_ignore_ascii_case(b"sep=") && DELIMITERS.contains(delimiter);
    (is_named && rest.iter().all(is_end)).then_some(*delimiter)
}

fn is_empty_under_any_delimiter(line: &[u8]) -> bool {
    line.split(|byte| DELIMITERS.contains(byte))
        .map(cell_text)
        .all(|cell| cell.is_empty() || cell == "\"\"")
}

fn find_columns(delimiter: u8, names: &[String]) -> Option<Columns> {
    let names: Vec<String> = names.iter().map(|name| normalized(name)).collect();
    Some(Columns {
        delimiter,
        address: find(&names, &ADDRESS_NAMES)?,
        rule: find(&names, &RULE_NAMES)?,
        comment: find(&names, &COMMENT_NAMES),
    })
}

/// Returns the first column that has an accepted name. Earlier names of the list have priority.
fn find(names: &[String], accepted: &[&str]) -> Option<usize> {
    accepted
        .iter()
        .find_map(|accepted| names.iter().position(|name| name == accepted))
}

fn guessed(line: u64, message: RichText) -> Warning {
    Warning {
        code: WarningCode::Guessed,
        line: Some(line),
        message,
    }
}

/// Returns a warning for each required column that several columns could be. There is no warning if
/// exactly one column has the first accepted name.
fn ambiguities(number: u64, columns: Columns, names: &[String]) -> Vec<Warning> {
    let ambiguity = |what: &str, index: usize, accepted: &[&str]| {
        let matching: Vec<&String> = names
            .iter()
            .filter(|name| accepted.contains(&normalized(name).as_str()))
            .collect();
        let taken = names.get(index)?;
        let same = matching
            .iter()
            .filter(|name| normalized(name) == normalized(taken))
            .count();
        let is_certain = same == 1 && accepted.first() == Some(&normalized(taken).as_str());
        (matching.len() > 1 && !is_certain).then(|| {
            guessed(
                number,
                rich!(
                    "{} columns could hold the {}, and column {} ({}) was read: rename the others",
                    matching.len(),
                    what,
                    index + 1,
                    Segment::quoted(taken)
                ),
            )
        })
    };
    let address = ambiguity("address", columns.address, &ADDRESS_NAMES);
    let rule = ambiguity("rule", columns.rule, &RULE_NAMES);
    address.into_iter().chain(rule).collect()
}

fn two_delimiters(number: u64, taken: u8, other: u8) -> Warning {
    guessed(
        number,
        rich!(
            "the header can be read with {} between its cells and with {}, and was read with {}",
            &delimiter_name(taken),
            &delimiter_name(other),
            &delimiter_name(taken)
        ),
    )
}

fn wrong_separator_line(number: u64, named: u8, taken: u8) -> Warning {
    guessed(
        number,
        rich!(
            "the sep= line names {}, but the header has {} between its cells, which was read",
            &delimiter_name(named),
            &delimiter_name(taken)
        ),
    )
}
