//! Collects the rows of an upload.

use crate::answer::{Answer, MAX_REJECTIONS_LISTED, Rejection, Warning};
use crate::csv::{CsvError, HiddenRow, OwnedRow, Row, RowError, RowSink};
use crate::generate::tally::{AcceptedRows, Tally};
use crate::ip::{AddrRange, AddressSpec};
use crate::policy::Timeline;
use crate::review::{RecordedRows, RejectedDenies, RowRecorder};
use crate::rule::Action;
use crate::time::{Instant, Period, RowState};

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
pub(crate) struct Collector<L> {
    pub(super) rules: Timeline,
    pub(super) history: L,
    tally: Tally,
    /// The rejected rows that may have denied somebody.
    pub(super) rejected_denies: RejectedDenies,
    /// The active rows, only if `keep_rows` is set.
    pub(super) rows: Vec<OwnedRow>,
    keep_rows: bool,
    /// The text of the kept rows, in bytes.
    row_bytes: u64,
    max_output_bytes: u64,
    allow_all: AllowAll,
}

/// The `all,Allow` rows. They are rejected if there is an `all,Deny` row without a period, because they
/// never have an effect then. While an `all,Deny` row with a period is active, it wins.
struct AllowAll {
    rules: Timeline,
    counts: AcceptedRows,
    rejections: Vec<Rejection>,
    /// Set if there is an `all,Deny` row without a period.
    is_contradicted: bool,
}

impl<L: RowRecorder> RowSink for Collector<L> {
    fn accept(&mut self, row: Row<'_>) {
        let state = match (row.action, row.addresses) {
            (Action::Allow, AddressSpec::All) => self.allow_all.add(&row),
            _ => self.add(row.action, row.addresses, row.period),
        };
        self.allow_all.is_contradicted |= (row.action, row.addresses)
            == (Action::Deny, AddressSpec::All)
            && row.period.is_always();
        self.record(row.line, row.action, row.addresses, row.period, state);
        let is_kept = self.keep_rows && state == RowState::Active;
        if is_kept && self.row_bytes <= self.max_output_bytes {
            let row = OwnedRow::of(&row);
            let text_bytes = row.address.len() + row.comment.len();
            self.row_bytes += text_bytes as u64 + ROW_BYTES;
            self.rows.push(row);
        }
    }

    fn reject(&mut self, line: u64, error: &RowError<'_>) {
        self.rejected_denies.add(line, error);
        self.tally.reject(line, error);
    }

    fn find_hidden_row(&mut self, row: HiddenRow) {
        self.tally.find_hidden_row(row);
        self.rejected_denies.add_hidden(row);
    }

    fn find_hash_row(&mut self, line: u64) {
        self.tally.find_hash_row(line);
    }

    fn ignore_columns(&mut self, names: Vec<String>) {
        self.tally.ignored_columns = names;
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
        self.tally.warnings.push(warning);
    }

    fn wants_fast_path(&self) -> bool {
        !self.keep_rows
    }

    #[inline]
    fn accept_ipv4(&mut self, line: u64, action: Action, addresses: AddrRange<u32>) {
        self.tally.accepted.all += 1;
        self.rules.add_ipv4(action, addresses);
        self.history.add(line, action, AddressSpec::Ipv4(addresses));
    }

    #[inline]
    fn accept_dated_ipv4(
        &mut self,
        line: u64,
        action: Action,
        addresses: AddrRange<u32>,
        period: Period,
    ) {
        let addresses = AddressSpec::Ipv4(addresses);
        let state = self.add(action, addresses, period);
        self.record(line, action, addresses, period, state);
    }
}

impl AllowAll {
    fn add(&mut self, row: &Row<'_>) -> RowState {
        if self.rejections.len() < MAX_REJECTIONS_LISTED {
            let rejection = RowError::explain_conflicting_default(row);
            self.rejections.push(rejection);
        }
        let state = self.rules.add(row.action, row.addresses, row.period);
        self.counts.add(state);
        state
    }
}

impl<L: RowRecorder> Collector<L> {
    /// Creates a collector. It keeps the rows if a template lists them, and only as many ranges and
    /// rows as an output of this size could hold.
    pub(super) fn new(as_of: Instant, keep_rows: bool, max_output_bytes: u64) -> Self {
        let max_ranges = max_ranges(max_output_bytes);
        Self {
            rules: Timeline::with_max_ranges(as_of, max_ranges),
            history: L::default(),
            tally: Tally::default(),
            rejected_denies: RejectedDenies::with_max_ranges(max_ranges),
            rows: Vec::new(),
            keep_rows,
            row_bytes: 0,
            max_output_bytes,
            allow_all: AllowAll {
                rules: Timeline::new(as_of),
                counts: AcceptedRows::default(),
                rejections: Vec::new(),
                is_contradicted: false,
            },
        }
    }

    /// Converts the history, so that both kinds of collectors have the same type.
    pub(super) fn into_recorded(self) -> Collector<RecordedRows> {
        Collector {
            rules: self.rules,
            history: self.history.into_rows(),
            tally: self.tally,
            rejected_denies: self.rejected_denies,
            rows: self.rows,
            keep_rows: self.keep_rows,
            row_bytes: self.row_bytes,
            max_output_bytes: self.max_output_bytes,
            allow_all: self.allow_all,
        }
    }

    #[inline]
    fn add(&mut self, action: Action, addresses: AddressSpec, period: Period) -> RowState {
        let state = self.rules.add(action, addresses, period);
        self.tally.accepted.add(state);
        state
    }

    /// Records a row for the warnings. Only active rows are compared with each other.
    #[inline]
    fn record(
        &mut self,
        line: u64,
        action: Action,
        addresses: AddressSpec,
        period: Period,
        state: RowState,
    ) {
        if state == RowState::Active {
            self.history.add(line, action, addresses);
        }
        if !period.is_always() {
            let as_of = self.rules.as_of();
            self.history.add_period(line, action, period, as_of);
        }
    }

    /// Accepts or rejects the `all,Allow` rows. Deny wins, whichever row is first, because the order of
    /// rows must not matter. The result does not depend on the instant, because time alone never
    /// rejects a row.
    pub(super) fn settle_conflicting_default(&mut self) {
        let as_of = self.rules.as_of();
        let counts = self.allow_all.counts;
        if !self.allow_all.is_contradicted {
            let rules = std::mem::replace(&mut self.allow_all.rules, Timeline::new(as_of));
            self.rules.append(rules);
            self.tally.accepted.add_all(counts);
            return;
        }
        self.tally
            .reject_later(counts.all, &mut self.allow_all.rejections);
        self.rows
            .retain(|row| row.action == Action::Deny || row.addresses != AddressSpec::All);
    }

    pub(super) fn report_to(&mut self, answer: &mut Answer) {
        self.tally.report_to(answer);
        answer.next_change = self.rules.next_change();
    }
}
