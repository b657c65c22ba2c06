//! Collects the rows of a site's CSV.

use crate::answer::{Answer, MAX_REJECTIONS_LISTED, Rejection, Warning};
use crate::csv::{CsvError, HiddenRow, Named, OwnedRow, Row, RowError, RowRule, RowSink};
use crate::generate::tally::{AcceptedRows, MAX_LISTS, Tally};
use crate::ip::{AddrRange, AddressSpec};
use crate::list::ListName;
use crate::policy::Timeline;
use crate::review::{RecordedRows, RejectedDenies, RowRecorder};
use crate::rule::Action;
use crate::time::{Instant, Period, RowState};

/// The length of a row in an output without its address and its comment, in bytes: the line number, the rule
/// and the characters between them. In memory, a row takes about 15 times as much.
const ROW_BYTES: u64 = 32;
/// The minimum average length of a network in a long output, in bytes. Few networks are shorter than this.
const MIN_NETWORK_BYTES: u64 = 8;

/// Returns the maximum number of ranges of one action and family in an output of this size. Each range has at
/// least one network.
pub(super) fn max_ranges(max_output_bytes: u64) -> usize {
    usize::try_from(max_output_bytes / MIN_NETWORK_BYTES).unwrap_or(usize::MAX)
}

/// Collects the rules, the counts and the rejections of rows.
pub(crate) struct Collector<L> {
    pub(super) rules: Timeline,
    pub(super) history: L,
    pub(super) tally: Tally,
    /// The rejected rows that may have been meant to deny somebody.
    pub(super) rejected_denies: RejectedDenies,
    /// The rules of the active rows. Empty unless `keep_rows` is set.
    pub(super) rows: Vec<OwnedRow>,
    keep_rows: bool,
    /// The length of the kept rows in an output, in bytes.
    row_bytes: u64,
    max_output_bytes: u64,
    allow_all: AllowAll,
}

/// The `all,Allow` rows. They are rejected if there is an `all,Deny` row without a period, because they would
/// never have an effect. While an `all,Deny` row with a period is active, that row wins.
struct AllowAll {
    rules: Timeline,
    counts: AcceptedRows,
    rejections: Vec<Rejection>,
    /// Set if there is an `all,Deny` row without a period.
    is_contradicted: bool,
}

impl<L: RowRecorder> RowSink for Collector<L> {
    fn accept(&mut self, row: Row<'_>) {
        if let Named::Addresses(addresses) = row.named
            && row.common.is_none()
        {
            self.accept_own(&row, addresses);
            return;
        }
        for rule in row.rules() {
            self.add_other(&row, &rule);
        }
        let state = row.period.state(self.rules.as_of());
        if row.common.is_none() {
            self.tally.accepted.add(state);
            self.record_period(row.line, row.action, row.period);
        }
        self.history.add_text(&row, state);
    }

    fn reject(&mut self, line: u64, error: &RowError<'_>) {
        self.rejected_denies.add(line, error);
        self.tally.reject(line, error);
    }

    fn find_hidden_row(&mut self, row: HiddenRow) {
        self.tally.find_hidden_row(row);
        self.rejected_denies.add_hidden(row);
    }

    fn find_list(&mut self, name: &ListName) {
        self.tally.find_list(name);
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
        if self.tally.lists.len() > MAX_LISTS {
            return Err(CsvError::TooManyLists {
                max_lists: MAX_LISTS,
            });
        }
        Ok(())
    }

    fn warn(&mut self, warning: Warning) {
        self.tally.warnings.push(warning);
    }

    fn wants_fast_path(&self) -> bool {
        !self.keep_rows && !self.history.wants_text()
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
        let state = self.rules.add(row.action, AddressSpec::All, row.period);
        self.counts.add(state);
        state
    }
}

impl<L: RowRecorder> Collector<L> {
    /// Creates a collector. It keeps the rows only if `keep_rows` is set, and only as many ranges and rows as
    /// fit in an output of `max_output_bytes`.
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

    /// Converts the history to recorded rows, so that both kinds of collectors have the same type.
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

    /// Accepts a row of the site's own CSV that contains addresses, not a list.
    fn accept_own(&mut self, row: &Row<'_>, addresses: AddressSpec) {
        let state = match (row.action, addresses) {
            (Action::Allow, AddressSpec::All) => self.allow_all.add(row),
            _ => self.add(row.action, addresses, row.period),
        };
        self.find_deny_all(row.action, addresses, row.period);
        self.record(row.line, row.action, addresses, row.period, state);
        self.history.add_text(row, state);
        if state == RowState::Active {
            self.keep(row, row.rules());
        }
    }

    /// Adds a rule of a list or of the common CSV.
    fn add_other(&mut self, row: &Row<'_>, rule: &RowRule) {
        let RowRule {
            addresses, period, ..
        } = *rule;
        self.find_deny_all(row.action, addresses, period);
        let state = match (row.action, addresses) {
            // The row is neither counted nor rejected, because a site may deny everybody whom the common CSV
            // allows.
            (Action::Allow, AddressSpec::All) => {
                self.allow_all.rules.add(row.action, addresses, period)
            }
            _ => self.rules.add(row.action, addresses, period),
        };
        if state == RowState::Active {
            let place = row.place_of(rule);
            self.history.add_other(place, row.action, addresses);
            self.keep(row, std::iter::once(*rule));
        } else {
            self.history.add_inactive(row.action);
        }
    }

    fn find_deny_all(&mut self, action: Action, addresses: AddressSpec, period: Period) {
        self.allow_all.is_contradicted |=
            (action, addresses) == (Action::Deny, AddressSpec::All) && period.is_always();
    }

    /// Keeps the rules of an active row for a template that lists them.
    fn keep(&mut self, row: &Row<'_>, rules: impl Iterator<Item = RowRule>) {
        if !self.keep_rows || self.row_bytes > self.max_output_bytes {
            return;
        }
        for rule in rules {
            let mut kept = OwnedRow::of(row, &rule);
            if rule.line.is_some() {
                // A template may print the address as a directive, and servers do not know the name of the
                // list.
                kept.address = rule.addresses.to_string();
            }
            let text_bytes = kept.address.len() + kept.comment.len();
            self.row_bytes += text_bytes as u64 + ROW_BYTES;
            self.rows.push(kept);
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
        self.record_period(line, action, period);
    }

    #[inline]
    fn record_period(&mut self, line: u64, action: Action, period: Period) {
        if !period.is_always() {
            let as_of = self.rules.as_of();
            self.history.add_period(line, action, period, as_of);
        }
    }

    /// Accepts or rejects the `all,Allow` rows, after all rows were read. Deny wins, whichever row is first,
    /// because the order of rows must not matter. The result does not depend on the instant, because time
    /// alone never rejects a row.
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
        self.history.reject_allow_all();
        self.rows
            .retain(|row| row.action != Action::Allow || row.addresses != AddressSpec::All);
    }

    pub(super) fn report_to(&mut self, answer: &mut Answer) {
        self.tally.report_to(answer);
        answer.next_change = self.rules.next_change();
    }
}
