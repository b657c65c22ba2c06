//! Collects the rows of an upload.

use crate::answer::{Answer, MAX_REJECTIONS_LISTED, Rejection, Warning};
use crate::csv::{CsvError, HiddenRow, OwnedRow, Row, RowError, RowSink};
use crate::generate::refusal::{hash_rows, hidden_rows};
use crate::ip::{AddrRange, AddressSpec};
use crate::policy::PolicyBuilder;
use crate::review::{RecordedRows, RejectedDenies, RowRecorder, WarnedLines};
use crate::rule::Action;

/// The length of a row in an output in addition to its address and its comment, in bytes: its line,
/// its rule and what is between them. The row takes about 15 times as long in memory.
const ROW_BYTES: u64 = 32;
/// The average length of a network in a long output is at least this, in bytes: there are few shorter
/// networks.
const MIN_NETWORK_BYTES: u64 = 8;

/// Returns the maximum number of ranges of one action and family. Each is at least one network.
fn max_ranges(max_output_bytes: u64) -> usize {
    usize::try_from(max_output_bytes / MIN_NETWORK_BYTES).unwrap_or(usize::MAX)
}

/// Collects the rules, the counts and the rejections of the rows.
#[derive(Default)]
pub(crate) struct Collector<L> {
    pub(super) rules: PolicyBuilder,
    pub(super) history: L,
    accepted: u64,
    rejected: u64,
    /// The first [`MAX_REJECTIONS_LISTED`] rejections, by line.
    rejections: Vec<Rejection>,
    /// The rejected rows that may have denied somebody.
    pub(super) rejected_denies: RejectedDenies,
    /// The lines inside quoted cells that look like rows.
    hidden_rows: WarnedLines<()>,
    /// The line where the first cell with such lines starts, or its record.
    hidden_since: Option<u64>,
    /// The rows that start with `#`.
    hash_rows: WarnedLines<()>,
    /// The names of the columns that are not read.
    ignored_columns: Vec<String>,
    /// The warnings about the text and the header.
    warnings: Vec<Warning>,
    /// The accepted rows, only if `keep_rows` is set.
    pub(super) rows: Vec<OwnedRow>,
    keep_rows: bool,
    /// The text of the kept rows, in bytes.
    row_bytes: u64,
    max_output_bytes: u64,
    /// The number of `all,Allow` rows, which are rejected if there is an `all,Deny` row.
    allow_all: u64,
    allow_all_rejections: Vec<Rejection>,
}

impl<L: RowRecorder> RowSink for Collector<L> {
    fn accept(&mut self, row: Row<'_>) {
        self.accepted += 1;
        self.rules.add(row.action, row.addresses);
        self.history.add(row.line, row.action, row.addresses);
        if (row.action, row.addresses) == (Action::Allow, AddressSpec::All) {
            self.allow_all += 1;
            if self.allow_all_rejections.len() < MAX_REJECTIONS_LISTED {
                self.allow_all_rejections
                    .push(RowError::explain_conflicting_default(&row));
            }
        }
        if self.keep_rows && self.row_bytes <= self.max_output_bytes {
            let row = OwnedRow::of(&row);
            let text_bytes = row.address.len() + row.comment.len();
            self.row_bytes += text_bytes as u64 + ROW_BYTES;
            self.rows.push(row);
        }
    }

    fn reject(&mut self, line: u64, error: &RowError<'_>) {
        self.rejected += 1;
        self.rejected_denies.add(line, error);
        if self.rejections.len() < MAX_REJECTIONS_LISTED {
            self.rejections.push(error.explain(line));
        }
    }

    fn find_hidden_row(&mut self, row: HiddenRow) {
        self.hidden_rows.add(row.line, ());
        self.hidden_since.get_or_insert(row.record_line);
        self.rejected_denies.add_hidden(row);
    }

    fn find_hash_row(&mut self, line: u64) {
        self.hash_rows.add(line, ());
    }

    fn ignore_columns(&mut self, names: Vec<String>) {
        self.ignored_columns = names;
    }

    fn check(&self) -> Result<(), CsvError> {
        let max_bytes = self.max_output_bytes;
        if self.rules.has_too_many_ranges() || self.rejected_denies.has_too_many_ranges() {
            let max_ranges = max_ranges(max_bytes);
            return Err(CsvError::TooManyRanges { max_ranges });
        }
        if self.row_bytes > max_bytes {
            return Err(CsvError::TooManyRowsListed { max_bytes });
        }
        Ok(())
    }

    fn warn(&mut self, warning: Warning) {
        self.warnings.push(warning);
    }

    fn wants_fast_path(&self) -> bool {
        !self.keep_rows
    }

    #[inline]
    fn accept_ipv4(&mut self, line: u64, action: Action, addresses: AddrRange<u32>) {
        self.accepted += 1;
        self.rules.add_ipv4(action, addresses);
        self.history.add(line, action, AddressSpec::Ipv4(addresses));
    }
}

impl<L: RowRecorder> Collector<L> {
    /// Converts the history, so that both kinds of collectors have the same type.
    pub(super) fn into_recorded(self) -> Collector<RecordedRows> {
        Collector {
            rules: self.rules,
            history: self.history.into_rows(),
            accepted: self.accepted,
            rejected: self.rejected,
            rejections: self.rejections,
            rejected_denies: self.rejected_denies,
            hidden_rows: self.hidden_rows,
            hidden_since: self.hidden_since,
            hash_rows: self.hash_rows,
            ignored_columns: self.ignored_columns,
            warnings: self.warnings,
            rows: self.rows,
            keep_rows: self.keep_rows,
            row_bytes: self.row_bytes,
            max_output_bytes: self.max_output_bytes,
            allow_all: self.allow_all,
            allow_all_rejections: self.allow_all_rejections,
        }
    }

    /// Creates a collector. It keeps the rows if a template lists them, and only as many ranges and
    /// rows as an output of this size could hold.
    pub(super) fn new(keep_rows: bool, max_output_bytes: u64) -> Self {
        let max_ranges = max_ranges(max_output_bytes);
        Self {
            rules: PolicyBuilder::with_max_ranges(max_ranges),
            rejected_denies: RejectedDenies::with_max_ranges(max_ranges),
            keep_rows,
            max_output_bytes,
            ..Self::default()
        }
    }

    /// Rejects the `all,Allow` rows if there is an `all,Deny` row. Deny wins, whichever row
    /// is first, because the order of rows must not matter.
    pub(super) fn settle_conflicting_default(&mut self) {
        if !self.rules.has_conflicting_default() {
            return;
        }
        self.accepted -= self.allow_all;
        self.rejected += self.allow_all;
        self.rejections.append(&mut self.allow_all_rejections);
        self.rejections.sort_by_key(|rejection| rejection.line);
        self.rejections.truncate(MAX_REJECTIONS_LISTED);
        self.rows
            .retain(|row| row.action == Action::Deny || row.addresses != AddressSpec::All);
    }

    pub(super) fn report_to(&mut self, answer: &mut Answer) {
        answer.rows = self.accepted + self.rejected;
        answer.accepted = self.accepted;
        answer.rejected = self.rejected;
        answer.rejections = std::mem::take(&mut self.rejections);
        answer.ignored_columns = std::mem::take(&mut self.ignored_columns);
        answer.warnings.append(&mut self.warnings);
        answer.warnings.extend(hash_rows(&self.hash_rows));
        if let Some(line) = self.hidden_since {
            let warning = hidden_rows(line, &self.hidden_rows);
            answer.warnings.push(warning);
        }
    }
}
