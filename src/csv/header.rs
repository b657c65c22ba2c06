//! Reads the header of a CSV: its delimiter, and the columns of the address, the rule, the comment and
//! the dates.
//!
//! Columns are found by name, in any order (`columns.rs`). The names of all other columns are returned, with
//! a warning about those that state a condition (`conditions.rs`). The delimiter is the one with which all
//! required columns are found. If the header can be read in several ways, a warning says which reading was
//! used.
//!
//! Up to five lines above the header are skipped as titles, with a warning, unless one of them could be a
//! row. In that case the file is refused, because a Deny must not be dropped silently.

use crate::answer::{MAX_COLUMNS_LISTED, Warning, WarningCode};
use crate::csv::cell::{cell_text, starts_with_hash};
use crate::csv::columns::{
    ADDRESS_NAMES, Columns, DELIMITERS, EXPIRES_NAMES, RULE_NAMES, STARTS_NAMES, delimiter_name,
    is_rule_name, normalized,
};
use crate::csv::conditions::states_condition;
use crate::csv::diagnose::{could_be_row, missing_column, text_kind};
use crate::csv::error::CsvError;
use crate::csv::hidden_rows::hidden_rows_of_header;
use crate::csv::kind::CsvKind;
use crate::csv::limits::{check_columns, check_length, check_open_lines};
use crate::csv::reading::Reading;
use crate::csv::row::HiddenRow;
use crate::text::{RichText, Segment, quoted_list, rich};

/// The maximum number of lines that are searched for a header after a line that is not a header.
const MAX_LINES_SEARCHED: u32 = 20;
/// The maximum number of title lines that are skipped above a header.
const MAX_TITLES: u32 = 5;
/// The maximum length of a title line, in bytes. A longer line is not skipped.
const MAX_TITLE_BYTES: usize = 4096;
/// The maximum length of an ignored column's name in the answer, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// The columns of a header, the names of the columns that are not read, and the warnings.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) columns: Columns,
    /// The indexes of the other columns with a name of a rule column. Their cells are compared with the rule.
    pub(crate) other_rules: Vec<usize>,
    /// The names of the columns that are not read.
    pub(crate) ignored: Vec<String>,
    /// The lines inside quoted cells of the header that look like rows.
    pub(crate) hidden_rows: Vec<HiddenRow>,
    /// The warnings about guesses and about ignored conditions.
    pub(crate) warnings: Vec<Warning>,
}

/// Reads the lines up to the end of the header.
#[derive(Default)]
pub(crate) struct HeaderStage {
    kind: CsvKind,
    /// The delimiter in a `sep=` line.
    delimiter: Option<u8>,
    /// The header so far, while a quote is open.
    open: Option<Candidate>,
    /// Set if there was a comment.
    has_comments: bool,
    /// The error for the first line that should be a header but is not.
    error: Option<CsvError>,
    /// The number of lines that were searched for a header after that line.
    lines_searched: u32,
    /// Set if that line, or a line after it, could be a row, so that the lines are not skipped as titles.
    may_have_rows: bool,
}

impl HeaderStage {
    /// Creates the stage for a CSV of this kind.
    pub(crate) fn new(kind: CsvKind) -> Self {
        Self {
            kind,
            ..Self::default()
        }
    }

    /// Returns whether the next line starts a record, so that blank lines can be skipped.
    pub(crate) fn is_between_records(&self) -> bool {
        self.open.is_none()
    }

    /// Reads the next line. Returns the header if the line ends it.
    ///
    /// # Errors
    ///
    /// `missing-column` with the cells that were found, `not-csv` for another format or for a quote that is
    /// open over too many lines, `too-large` for a header that is too long or has too many columns.
    pub(crate) fn line(&mut self, number: u64, line: &[u8]) -> Result<Option<Header>, CsvError> {
        let candidate = match self.open.take() {
            Some(mut open) => {
                open.push(line);
                open
            }
            None if starts_with_hash(line, b',') => {
                self.has_comments = true;
                return Ok(None);
            }
            None if is_empty_under_any_delimiter(line) => return Ok(None),
            None => {
                if let Some(delimiter) = separator_line(line) {
                    self.delimiter = Some(delimiter);
                    return Ok(None);
                }
                Candidate::new(self.kind, number, line, self.delimiter)
            }
        };
        if let Some(err) = &self.error {
            return match candidate.header() {
                Ok(Some(mut header)) if self.is_below_titles() => {
                    header.warnings.push(self.skipped_titles(number));
                    Ok(Some(header))
                }
                Ok(Some(_)) => Err(err.clone().with_header(number)),
                _ if self.lines_searched == MAX_LINES_SEARCHED => Err(err.clone()),
                _ => {
                    self.lines_searched += 1;
                    self.may_have_rows = self.may_have_rows || is_no_title(line);
                    Ok(None)
                }
            };
        }
        check_length(candidate.first_line, candidate.text.len())?;
        if let Some(header) = candidate.header()? {
            return Ok(Some(header));
        }
        if candidate.is_unfinished() {
            check_open_lines(candidate.first_line, number)?;
            self.open = Some(candidate);
        } else {
            let mut lines = candidate.text.split(|byte| *byte == b'\n');
            self.may_have_rows = lines.any(is_no_title);
            self.error = Some(candidate.missing()?);
        }
        Ok(None)
    }

    /// Returns whether all lines so far are titles, so that a header in the next line is accepted.
    fn is_below_titles(&self) -> bool {
        let is_title = matches!(self.error, Some(CsvError::MissingColumn { .. }));
        is_title && !self.may_have_rows && self.lines_searched < MAX_TITLES
    }

    /// Returns the warning about the titles above the header.
    fn skipped_titles(&self, header: u64) -> Warning {
        let first = self.error.as_ref().and_then(CsvError::line).unwrap_or(1);
        let titles = match self.lines_searched {
            0 => rich!(
                "line {} is above the header in line {} and was skipped: remove it, or start it with #",
                first,
                header
            ),
            others => rich!(
                "{} lines above the header in line {} were skipped: remove them, or start them with #",
                others + 1,
                header
            ),
        };
        guessed(first, titles)
    }

    /// Returns the error for a file that ends before its header.
    pub(crate) fn missing(&self) -> CsvError {
        if let Some(err) = &self.error {
            return err.clone();
        }
        if let Some(open) = &self.open {
            return CsvError::OpenQuote {
                line: open.first_line,
            };
        }
        CsvError::NoHeader {
            has_comments: self.has_comments,
            kind: self.kind,
        }
    }
}

/// Returns whether a line above the header must not be skipped as a title, because it is too long or could be
/// a row.
fn is_no_title(line: &[u8]) -> bool {
    line.len() > MAX_TITLE_BYTES || could_be_row(line)
}

/// A possible header: a line, or several lines while a quote is open, read with each delimiter.
struct Candidate {
    kind: CsvKind,
    first_line: u64,
    /// The lines so far, joined by LF.
    text: Vec<u8>,
    /// The delimiter of a `sep=` line.
    announced: Option<u8>,
    /// One reading for each delimiter, the most likely first.
    readings: Vec<Reading>,
}

impl Candidate {
    /// Reads the first line. `announced` is the delimiter of a `sep=` line.
    fn new(kind: CsvKind, first_line: u64, line: &[u8], announced: Option<u8>) -> Self {
        let others = DELIMITERS
            .into_iter()
            .filter(|other| Some(*other) != announced);
        let delimiters = announced.into_iter().chain(others);
        Self {
            kind,
            first_line,
            text: line.to_vec(),
            announced,
            readings: delimiters
                .map(|delimiter| Reading::new(line, delimiter))
                .collect(),
        }
    }

    /// Reads the next line of a header with an open quote.
    fn push(&mut self, line: &[u8]) {
        self.text.push(b'\n');
        self.text.extend_from_slice(line);
        self.readings
            .iter_mut()
            .for_each(|reading| reading.push(line));
    }

    /// Returns whether a quote is open at the end of the lines, so that the next line continues the header.
    fn is_unfinished(&self) -> bool {
        self.readings.iter().any(Reading::is_open)
    }

    /// Returns the header, if the lines contain all required columns.
    ///
    /// # Errors
    ///
    /// `too-large` if there are too many columns.
    fn header(&self) -> Result<Option<Header>, CsvError> {
        let mut header: Option<Header> = None;
        for reading in &self.readings {
            let Some(columns) = reading.columns(self.kind) else {
                continue;
            };
            check_columns(self.first_line, reading.count)?;
            // A list may have a header of one cell, which is the same with every delimiter.
            if header.is_some() && reading.count == 1 {
                break;
            }
            match &mut header {
                None => header = Some(Header::new(self.first_line, columns, &reading.names())),
                Some(header) => {
                    let taken = header.columns.delimiter;
                    let warning = two_delimiters(self.first_line, taken, reading.delimiter);
                    header.warnings.push(warning);
                }
            }
            if Some(reading.delimiter) == self.announced {
                break;
            }
        }
        if let Some(header) = &mut header {
            header.hidden_rows = hidden_rows_of_header(self.first_line, &self.text, header.columns);
            let taken = header.columns.delimiter;
            if let Some(announced) = self.announced.filter(|announced| *announced != taken) {
                let warning = wrong_separator_line(self.first_line, announced, taken);
                header.warnings.push(warning);
            }
        }
        Ok(header)
    }

    /// Explains why the lines are not a header.
    ///
    /// # Errors
    ///
    /// `not-csv` for another format. This error is final, but a later line can add to the explanation in
    /// `Ok`.
    fn missing(&self) -> Result<CsvError, CsvError> {
        if let Some(kind) = text_kind(&self.text) {
            return Err(CsvError::OtherFormat(kind.to_owned()));
        }
        // Explains the reading with the most cells and, if there are several, the most likely of them.
        let complete = self.readings.iter().filter(|reading| reading.count > 0);
        if let Some(most) = complete.rev().max_by_key(|reading| reading.count) {
            let (names, count) = (most.names(), most.count);
            return Ok(missing_column(
                self.kind,
                self.first_line,
                &self.text,
                &names,
                count,
            ));
        }
        let malformed = self.readings.iter().find_map(Reading::text_after_quote);
        Ok(CsvError::TextAfterQuote {
            line: self.first_line,
            record_line: self.first_line,
            text: malformed.unwrap_or_default().to_owned(),
        })
    }
}

/// Returns the delimiter of an Excel line such as `sep=;`. A spreadsheet may have read such a line as a cell
/// and written it back, so quotes around it and more delimiters after it are accepted.
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

fn guessed(line: u64, message: RichText) -> Warning {
    Warning {
        code: WarningCode::Guessed,
        line: Some(line),
        message,
    }
}

impl Header {
    fn new(number: u64, columns: Columns, names: &[String]) -> Self {
        let others = || {
            let all = names.iter().enumerate();
            all.filter(|(index, _)| !columns.reads(*index))
        };
        let mut ignored: Vec<&str> = Vec::new();
        for (_, name) in others() {
            let name = name
                .get(..name.floor_char_boundary(MAX_NAME_BYTES))
                .unwrap_or_default();
            if !name.is_empty() && !ignored.contains(&name) {
                ignored.push(name);
            }
        }
        let mut warnings = ambiguities(number, columns, names);
        warnings.extend(ignored_conditions(number, &ignored));
        warnings.extend(unlisted_columns(number, ignored.len()));
        ignored.truncate(MAX_COLUMNS_LISTED);
        Self {
            columns,
            other_rules: others()
                .filter(|(_, name)| is_rule_name(name))
                .map(|(index, _)| index)
                .collect(),
            ignored: ignored.into_iter().map(str::to_owned).collect(),
            hidden_rows: Vec::new(),
            warnings,
        }
    }
}

/// Returns a warning about the ignored columns that look like conditions, if there are any.
fn ignored_conditions(number: u64, ignored: &[&str]) -> Option<Warning> {
    let conditions: Vec<&str> = ignored
        .iter()
        .copied()
        .filter(|name| states_condition(name))
        .collect();
    let (columns, have, cells, them) = match conditions.len() {
        0 => return None,
        1 => ("column", "has", "its cell in this column", "the column"),
        _ => (
            "columns",
            "have",
            "its cells in these columns",
            "the columns",
        ),
    };
    Some(Warning {
        code: WarningCode::IgnoredColumn,
        line: Some(number),
        message: rich!(
            "the {} {} {} no effect: each row applies, regardless of {}; delete the rows that should not \
             apply, and remove or rename {}",
            columns,
            &quoted_list(conditions.iter().copied(), conditions.len()),
            have,
            cells,
            them
        ),
    })
}

/// Returns a warning if there are more ignored columns than an answer lists.
fn unlisted_columns(number: u64, ignored: usize) -> Option<Warning> {
    (ignored > MAX_COLUMNS_LISTED).then(|| Warning {
        code: WarningCode::IgnoredColumn,
        line: Some(number),
        message: rich!(
            "{} columns are not used, and only the first {} of them are listed: remove the unused columns",
            ignored,
            MAX_COLUMNS_LISTED
        ),
    })
}

/// Returns a warning for each address, rule or date column that several columns could be. There is no warning
/// if exactly one column has the first accepted name.
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
                    "{} columns could contain the {}, and column {} ({}) was used: rename the other {}",
                    matching.len(),
                    what,
                    index + 1,
                    Segment::quoted(taken),
                    if matching.len() == 2 { "column" } else { "columns" }
                ),
            )
        })
    };
    let address = ambiguity("address", columns.address, &ADDRESS_NAMES);
    let rule = columns.rule;
    let rule = rule.and_then(|index| ambiguity("rule", index, &RULE_NAMES));
    let starts = columns.starts;
    let starts = starts.and_then(|index| ambiguity("start", index, &STARTS_NAMES));
    let expires = columns.expires;
    let expires = expires.and_then(|index| ambiguity("end", index, &EXPIRES_NAMES));
    [address, rule, starts, expires]
        .into_iter()
        .flatten()
        .collect()
}

fn two_delimiters(number: u64, taken: u8, other: u8) -> Warning {
    guessed(
        number,
        rich!(
            "the header can be read with two delimiters, {} and {}, and was read with {}",
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
            "the sep= line specifies {}, but the cells of the header are separated by {}, which was used",
            &delimiter_name(named),
            &delimiter_name(taken)
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csv::reading::read_bytes;

    #[test]
    fn a_header_over_many_lines_is_read_once_with_each_delimiter() {
        const LINES: u64 = 99;
        let line = "x".repeat(1000);
        let mut stage = HeaderStage::default();
        assert!(matches!(stage.line(1, b"\"IP"), Ok(None)));
        read_bytes::take();
        for number in 2..2 + LINES {
            assert!(matches!(stage.line(number, line.as_bytes()), Ok(None)));
        }
        let expected = DELIMITERS.len() * line.len() * usize::try_from(LINES).unwrap();
        assert_eq!(read_bytes::take(), expected);
    }
}
