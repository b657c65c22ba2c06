//! Counts the rows of a CSV of any kind, and keeps the details that its answer reports.

use std::collections::BTreeSet;

use crate::answer::{Answer, MAX_REJECTIONS_LISTED, Rejection, Warning};
use crate::csv::{HiddenRow, RowError};
use crate::generate::refusal::{hash_rows, hidden_rows};
use crate::list::ListName;
use crate::review::WarnedLines;
use crate::time::RowState;

/// The maximum number of lists that the rows of a site may use.
pub(super) const MAX_LISTS: usize = 1000;

/// The counts of rows, the first rejections, and the warnings about the text.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) accepted: AcceptedRows,
    rejected: u64,
    /// The first [`MAX_REJECTIONS_LISTED`] rejections, by line.
    rejections: Vec<Rejection>,
    /// The lines inside quoted cells that look like rows.
    hidden_rows: WarnedLines<()>,
    /// The line where the first record with such lines starts.
    hidden_since: Option<u64>,
    /// The rows that start with `#`.
    hash_rows: WarnedLines<()>,
    /// The names of the columns that are not read.
    pub(super) ignored_columns: Vec<String>,
    /// The warnings about the text and the header.
    pub(super) warnings: Vec<Warning>,
    /// The names of the lists that rows use, including lists that do not exist. At most one more than
    /// [`MAX_LISTS`].
    pub(super) lists: BTreeSet<ListName>,
}

/// The numbers of accepted rows, in total and by state.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AcceptedRows {
    pub(super) all: u64,
    pending: u64,
    expired: u64,
}

impl AcceptedRows {
    #[inline]
    pub(super) fn add(&mut self, state: RowState) {
        self.all += 1;
        match state {
            RowState::Pending => self.pending += 1,
            RowState::Expired => self.expired += 1,
            RowState::Active => {}
        }
    }

    /// Adds the numbers of other rows.
    pub(super) fn add_all(&mut self, others: Self) {
        self.all += others.all;
        self.pending += others.pending;
        self.expired += others.expired;
    }
}

impl Tally {
    pub(super) fn reject(&mut self, line: u64, error: &RowError<'_>) {
        self.rejected += 1;
        if self.rejections.len() < MAX_REJECTIONS_LISTED {
            self.rejections.push(error.explain(line));
        }
    }

    /// Adds rows that are rejected only after all rows were read. `first` contains the first of their
    /// rejections.
    pub(super) fn reject_later(&mut self, count: u64, first: &mut Vec<Rejection>) {
        self.rejected += count;
        self.rejections.append(first);
        self.rejections.sort_by_key(|rejection| rejection.line);
        self.rejections.truncate(MAX_REJECTIONS_LISTED);
    }

    pub(super) fn find_hidden_row(&mut self, row: HiddenRow) {
        self.hidden_rows.add(row.line, ());
        self.hidden_since.get_or_insert(row.record_line);
    }

    pub(super) fn find_list(&mut self, name: &ListName) {
        if self.lists.len() <= MAX_LISTS && !self.lists.contains(name) {
            self.lists.insert(name.clone());
        }
    }

    pub(super) fn find_hash_row(&mut self, line: u64) {
        self.hash_rows.add(line, ());
    }

    pub(super) fn report_to(&mut self, answer: &mut Answer) {
        answer.rows = self.accepted.all + self.rejected;
        answer.accepted = self.accepted.all;
        answer.rejected = self.rejected;
        answer.pending = self.accepted.pending;
        answer.expired = self.accepted.expired;
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
