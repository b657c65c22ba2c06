//! Parses the text of a CSV into rules and rejections, row by row.
//!
//! Parsing a row never fails: each row becomes a `Row` or a `RowError`. A [`CsvError`] means that the
//! whole file is refused.
//!
//! ```text
//! file     = *( blank / comment ) [ "sep=" delimiter ] header *( blank / comment / row )
//! blank    = a line with only white space and delimiters
//! comment  = a line whose first character, or whose first cell, starts with "#", unless that cell
//!            is what a spreadsheet shows for a failed formula, such as "#N/A", or the line is a row
//!            that must not be dropped silently (`is_row`)
//! row      = a record of RFC 4180; a quoted cell may span lines
//! ```
//!
//! White space around a cell is not part of it. `cell.rs` lists everything that is removed around a
//! value. Rows may be shorter or longer than the header.

use crate::answer::Warning;
use crate::csv::cell::{cell_text, is_lost_value, starts_with_hash};
use crate::csv::cells::{Cells, Outlet, is_blank};
use crate::csv::columns::Columns;
use crate::csv::common_rows::hand_over_common;
use crate::csv::decode::{TextDecoder, TextSink};
use crate::csv::error::CsvError;
use crate::csv::fast_path::{take_dated_rows, take_rows};
use crate::csv::header::HeaderStage;
use crate::csv::hidden_rows::{OpenRecord, Parts};
use crate::csv::kind::RowContext;
use crate::csv::limits::{MAX_COLUMNS, check_columns, check_length, check_open_lines};
use crate::csv::lines::{LineSink, Lines, Taken, empty_lines};
use crate::csv::quoted_row::RowText;
use crate::csv::record::{RecordReader, Step, TextAfterQuote, cell_ranges};
use crate::csv::row::RowSink;
use crate::time::DateReader;

/// Parses text and hands its rows to a [`RowSink`].
pub struct Parser<R> {
    lines: Lines,
    rows: RowReader<R>,
}

/// Reads a whole upload of at most `max_bytes` bytes after decompression, and returns the sink with its rows.
///
/// # Errors
///
/// A [`CsvError`] if the upload cannot be read.
pub fn read_rows<R: RowSink>(
    upload: &[u8],
    rows: R,
    dates: DateReader,
    context: RowContext,
    max_bytes: u64,
) -> Result<R, CsvError> {
    let mut decoder = TextDecoder::new(Parser::new(rows, dates, context), max_bytes);
    decoder.push(upload)?;
    decoder.finish()?.finish()
}

impl<R: RowSink> Parser<R> {
    /// Creates a parser that hands rows to `rows` and reads their dates with `dates`. `context` defines what
    /// the rows may contain.
    pub fn new(rows: R, dates: DateReader, context: RowContext) -> Self {
        Self {
            lines: Lines::default(),
            rows: RowReader {
                stage: Stage::Header(HeaderStage::new(context.kind)),
                rows,
                dates,
                context,
                members: 0,
            },
        }
    }

    /// Ends the text and returns the sink.
    ///
    /// # Errors
    ///
    /// `missing-column` if no header was found, `not-csv` if a quote is still open, and the errors of the
    /// last line and of [`RowSink::check`].
    pub fn finish(mut self) -> Result<R, CsvError> {
        self.lines.finish(&mut self.rows)?;
        self.rows.finish()?;
        self.rows.rows.check()?;
        Ok(self.rows.rows)
    }
}

impl<R: RowSink> TextSink for Parser<R> {
    fn push(&mut self, piece: &[u8]) -> Result<(), CsvError> {
        self.lines.push(piece, &mut self.rows)?;
        self.rows.rows.check()
    }

    fn warn(&mut self, warning: Warning) {
        self.rows.rows.warn(warning);
    }
}

struct RowReader<R> {
    stage: Stage,
    rows: R,
    dates: DateReader,
    context: RowContext,
    /// The total number of members of the lists that rows have used so far.
    members: u64,
}

enum Stage {
    Header(HeaderStage),
    Rows(Box<RowStage>),
}

struct RowStage {
    columns: Columns,
    /// The index of the last column that is read.
    last_column: usize,
    /// The indexes of other columns with a name of a rule column. Nearly every file has none.
    other_rules: Vec<usize>,
    /// The reader for rows with quotes. Created at the first quote, because creating it takes as long as
    /// reading a hundred rows.
    record: Option<RecordReader>,
    /// The record whose quote is still open, if there is one.
    open: Option<OpenRecord>,
}

impl<R: RowSink> LineSink for RowReader<R> {
    fn take_lines(&mut self, first_line: u64, text: &[u8]) -> Taken {
        match &self.stage {
            Stage::Header(stage) if stage.is_between_records() => empty_lines(text),
            Stage::Rows(stage) if stage.open.is_none() => {
                let empty = empty_lines(text);
                if !stage.is_plain() || !self.rows.wants_fast_path() {
                    return empty;
                }
                let rest = text.get(empty.bytes..).unwrap_or_default();
                let line = first_line + empty.lines;
                let (columns, rows) = (stage.columns, &mut self.rows);
                empty.and(if columns.has_dates() {
                    take_dated_rows(line, rest, columns, &mut self.dates, rows)
                } else {
                    take_rows(line, rest, columns, rows)
                })
            }
            _ => Taken::default(),
        }
    }

    fn line(&mut self, number: u64, line: &[u8]) -> Result<(), CsvError> {
        let Self {
            stage,
            rows,
            dates,
            context,
            members,
        } = self;
        let mut outlet = Outlet {
            rows,
            dates,
            context,
            members,
        };
        match stage {
            Stage::Header(stage) => {
                if let Some(header) = stage.line(number, line)? {
                    outlet.rows.ignore_columns(header.ignored);
                    for row in header.hidden_rows {
                        outlet.rows.find_hidden_row(row);
                    }
                    for warning in header.warnings {
                        outlet.rows.warn(warning);
                    }
                    hand_over_common(&mut outlet)?;
                    self.stage = Stage::Rows(Box::new(RowStage {
                        columns: header.columns,
                        last_column: header.columns.last(),
                        other_rules: header.other_rules,
                        record: None,
                        open: None,
                    }));
                }
                Ok(())
            }
            Stage::Rows(stage) => stage.line(number, line, &mut outlet),
        }
    }
}

impl<R: RowSink> RowReader<R> {
    fn finish(&self) -> Result<(), CsvError> {
        let open_since = match &self.stage {
            Stage::Header(stage) => return Err(stage.missing()),
            Stage::Rows(stage) => stage.open.as_ref().map(OpenRecord::first_line),
        };
        open_since.map_or(Ok(()), |line| Err(CsvError::OpenQuote { line }))
    }
}

impl RowStage {
    /// Returns whether the fast path may take the next lines: no record is open, and no other rule columns
    /// have to be compared.
    fn is_plain(&self) -> bool {
        self.open.is_none() && self.other_rules.is_empty()
    }

    fn line<R: RowSink>(
        &mut self,
        number: u64,
        line: &[u8],
        rows: &mut Outlet<'_, R>,
    ) -> Result<(), CsvError> {
        if self.open.is_none() {
            // A longer line may have too many cells, even if all of them are blank.
            if line.len() < MAX_COLUMNS && is_blank_line(line, self.columns.delimiter) {
                return Ok(());
            }
            let starts_with_hash = starts_with_hash(line, self.columns.delimiter);
            if starts_with_hash && is_comment_line(line, self.columns) {
                return Ok(());
            }
            if memchr::memchr(b'"', line).is_none() {
                return self.unquoted_row(number, line, rows);
            }
        }
        let record = self
            .record
            .get_or_insert_with(|| RecordReader::new(self.columns.delimiter));
        let open = self.open.as_ref();
        let first_line = open.map_or(number, OpenRecord::first_line);
        let step = record.push(line).map_err(|TextAfterQuote(text)| {
            let record_line = first_line;
            CsvError::TextAfterQuote {
                line: number,
                record_line,
                text,
            }
        })?;
        if step == Step::Unfinished {
            check_length(first_line, record.bytes_len())?;
            check_open_lines(first_line, number)?;
            let open = self
                .open
                .get_or_insert_with(|| OpenRecord::starting_in(first_line));
            open.add(number, line, self.columns);
            return Ok(());
        }
        let text = if let Some(mut open) = self.open.take() {
            open.add(number, line, self.columns);
            for row in open.hidden_rows(record, self.columns) {
                rows.rows.find_hidden_row(row);
            }
            RowText::Record(record, &self.columns)
        } else {
            RowText::Line(line, &self.columns)
        };
        let row = QuotedRow {
            line: first_line,
            record,
            columns: self.columns,
            text,
        };
        row.hand_to(&self.other_rules, rows)
    }

    /// Reads a row without quotes. Its cells are slices of the line.
    fn unquoted_row<R: RowSink>(
        &self,
        number: u64,
        line: &[u8],
        rows: &mut Outlet<'_, R>,
    ) -> Result<(), CsvError> {
        let delimiter = self.columns.delimiter;
        // A shorter line cannot have too many cells, so the cells of most lines are not counted.
        if line.len() >= MAX_COLUMNS {
            check_columns(number, memchr::memchr_iter(delimiter, line).count() + 1)?;
        }
        let mut cells = Cells {
            text: RowText::Line(line, &self.columns),
            ..Cells::default()
        };
        let mut rest = line;
        for index in 0..=self.last_column {
            let (cell, after) = match memchr::memchr(delimiter, rest) {
                Some(end) => (rest.get(..end), rest.get(end + 1..)),
                None => (Some(rest), None),
            };
            cells.put(&self.columns, index, cell.unwrap_or_default());
            match after {
                Some(after) => rest = after,
                None => break,
            }
        }
        let all_cells = || line.split(|byte| *byte == delimiter);
        tell_hash_row(number, all_cells, delimiter, rows.rows);
        if !self.other_rules.is_empty() {
            cells.compare_with(&self.other_rules, all_cells());
        }
        cells.hand_to(number, rows, || is_blank(all_cells()))
    }
}

/// A row that contains a quote.
struct QuotedRow<'a> {
    line: u64,
    record: &'a RecordReader,
    columns: Columns,
    text: RowText<'a>,
}

impl QuotedRow<'_> {
    fn hand_to<R: RowSink>(
        &self,
        other_rules: &[usize],
        rows: &mut Outlet<'_, R>,
    ) -> Result<(), CsvError> {
        let Self {
            line,
            record,
            columns,
            text,
        } = *self;
        check_columns(line, record.cells().len())?;
        let first = record.cell(0).unwrap_or_default();
        if starts_with_hash(first, columns.delimiter) && is_comment(|| record.cells(), columns) {
            return Ok(());
        }
        tell_hash_row(line, || record.cells(), columns.delimiter, rows.rows);
        let cell = |index: usize| record.cell(index).unwrap_or_default();
        let mut cells = Cells {
            address: cell(columns.address),
            rule: columns.rule.map_or(&[], cell),
            comment: columns.comment.map_or(&[], cell),
            starts: columns.starts.map_or(&[], cell),
            expires: columns.expires.map_or(&[], cell),
            other_rule: &[],
            text,
        };
        cells.compare_with(other_rules, record.cells());
        cells.hand_to(line, rows, || is_blank(record.cells()))
    }
}

/// Returns whether a line that starts with `#` is a comment. A quote that is never closed must not hide a
/// rule, so the cells are also read as if there were no quotes.
fn is_comment_line(line: &[u8], columns: Columns) -> bool {
    let delimiter = columns.delimiter;
    let quoted = || cell_ranges(line, delimiter).map(|range| line.get(range).unwrap_or_default());
    let unquoted = || line.split(|byte| *byte == delimiter);
    is_comment(quoted, columns) && is_comment(unquoted, columns)
}

/// Returns whether a record that starts with `#` is a comment.
fn is_comment<'a, I: Iterator<Item = &'a [u8]>>(cells: impl Fn() -> I, columns: Columns) -> bool {
    !starts_with_lost_value(cells()) && !is_row(cells(), columns)
}

/// Tells the sink about a row that starts with `#`, unless the `#` belongs to a failed formula such as
/// `#N/A`.
fn tell_hash_row<'a, I: Iterator<Item = &'a [u8]>>(
    line: u64,
    cells: impl Fn() -> I,
    delimiter: u8,
    rows: &mut impl RowSink,
) {
    let is_hash = |first: &[u8]| starts_with_hash(first, delimiter);
    if cells().next().is_some_and(is_hash) && !starts_with_lost_value(cells()) {
        rows.find_hash_row(line);
    }
}

/// Returns whether a record that starts with `#` is read as a row, and not as a comment.
///
/// If the first column is the address or the rule, the `#` switches the row off, and the record is a comment.
/// Otherwise the `#` may be part of a number or a remark, as in `#4711,192.0.2.1,Deny`. Such a record is a
/// row if it looks like one (`hidden_rows.rs`). If the row cannot be read, it is rejected, because a Deny
/// must not be dropped silently.
fn is_row<'a>(cells: impl Iterator<Item = &'a [u8]>, columns: Columns) -> bool {
    columns.address != 0 && columns.rule != Some(0) && Parts::of(cells, columns).is_some()
}

/// Returns whether a line has only ASCII white space and delimiters. A row with other white space may also be
/// blank, which [`is_blank`] finds out from its cells.
fn is_blank_line(line: &[u8], delimiter: u8) -> bool {
    let mut bytes = line.iter();
    bytes.all(|byte| *byte == delimiter || byte.is_ascii_whitespace())
}

/// Returns whether the first cell shows that a spreadsheet lost its value, such as `#N/A` or `####`, and
/// another cell is not empty. Such a row starts with `#` but is not a comment, and its rule must not be
/// ignored.
fn starts_with_lost_value<'a>(mut cells: impl Iterator<Item = &'a [u8]>) -> bool {
    cells
        .next()
        .is_some_and(|first| is_lost_value(&cell_text(first)))
        && cells.any(|cell| !cell_text(cell).is_empty())
}
