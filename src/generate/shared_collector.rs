//! Collects the rows of a list or of the common CSV.

use crate::answer::{Answer, Warning};
use crate::csv::{CsvError, HiddenRow, MemberRow, Named, Row, RowError, RowSink};
use crate::generate::collector::max_ranges;
use crate::generate::tally::Tally;
use crate::list::{CommonAddresses, CommonRow, ListBuilder, ListName};
use crate::review::{RecordedRows, RowRecorder as _, WarnedLines};
use crate::rule::Action;
use crate::time::{Instant, Period, RowState};

/// The maximum number of rows in the common CSV. Every site reads all of these rows.
const MAX_COMMON_ROWS: usize = 100_000;
/// The maximum number of bytes kept from an address cell or a comment of the common CSV.
const MAX_TEXT_BYTES: usize = 256;

/// Collects the members of a list or the rows of the common CSV, with the counts and the rejections.
pub(super) struct SharedCollector {
    pub(super) members: ListBuilder,
    pub(super) common: Vec<CommonRow>,
    pub(super) history: RecordedRows,
    pub(super) tally: Tally,
    /// The line of the first Allow row of a list.
    pub(super) first_allow: Option<u64>,
    /// The line of the first Deny row of a list.
    pub(super) first_deny: Option<u64>,
    /// The rejected rows whose rule is Deny or cannot be read.
    pub(super) rejected_denies: WarnedLines<()>,
    /// The rejected rows of a list that have no rule.
    pub(super) rejected_without_rule: WarnedLines<()>,
    as_of: Instant,
    next_change: Option<Instant>,
    max_ranges: usize,
    has_too_many_rows: bool,
}

impl SharedCollector {
    /// Creates a collector. It keeps only as many members as fit in an output of `max_output_bytes`.
    pub(super) fn new(as_of: Instant, max_output_bytes: u64) -> Self {
        let max_ranges = max_ranges(max_output_bytes);
        Self {
            members: ListBuilder::with_max_members(max_ranges),
            common: Vec::new(),
            history: RecordedRows::default(),
            tally: Tally::default(),
            first_allow: None,
            first_deny: None,
            rejected_denies: WarnedLines::default(),
            rejected_without_rule: WarnedLines::default(),
            as_of,
            next_change: None,
            max_ranges,
            has_too_many_rows: false,
        }
    }

    pub(super) fn report_to(&mut self, answer: &mut Answer) {
        self.tally.report_to(answer);
        answer.next_change = self.next_change;
    }

    /// Counts a row, and returns its state.
    fn count(&mut self, line: u64, action: Action, period: Period) -> RowState {
        let state = period.state(self.as_of);
        self.tally.accepted.add(state);
        let bounds = [self.next_change, period.next_bound(self.as_of)];
        self.next_change = bounds.into_iter().flatten().min();
        if !period.is_always() {
            self.history.add_period(line, action, period, self.as_of);
        }
        state
    }
}

impl RowSink for SharedCollector {
    fn accept(&mut self, row: Row<'_>) {
        let state = self.count(row.line, row.action, row.period);
        if let (Named::Addresses(addresses), RowState::Active) = (row.named, state) {
            self.history.add(row.line, row.action, addresses);
        }
        if self.common.len() == MAX_COMMON_ROWS {
            self.has_too_many_rows = true;
            return;
        }
        self.common.push(CommonRow {
            line: row.line,
            action: row.action,
            addresses: match row.named {
                Named::Addresses(addresses) => CommonAddresses::Spec(addresses),
                Named::List(list) => CommonAddresses::List(list.id().name.clone()),
            },
            period: row.period,
            address: start_of(&row.address()),
            comment: start_of(&row.comment()),
        });
    }

    fn accept_member(&mut self, MemberRow { member, action }: MemberRow) {
        // Members may have no rule, so all members are recorded as Allow and compared with each other.
        let state = self.count(member.line, Action::Allow, member.period);
        if state == RowState::Active {
            self.history
                .add(member.line, Action::Allow, member.addresses);
        }
        let first = match action {
            Some(Action::Deny) => &mut self.first_deny,
            Some(_) => &mut self.first_allow,
            None => &mut None,
        };
        first.get_or_insert(member.line);
        self.members.add(member);
    }

    fn reject(&mut self, line: u64, error: &RowError<'_>) {
        match error.action() {
            Some(Action::Allow | Action::Always) => {}
            None if error.states_no_rule() => self.rejected_without_rule.add(line, ()),
            None | Some(Action::Deny) => self.rejected_denies.add(line, ()),
        }
        self.tally.reject(line, error);
    }

    fn find_hidden_row(&mut self, row: HiddenRow) {
        match row.action {
            Some(Action::Allow | Action::Always) => {}
            None => self.rejected_without_rule.add(row.line, ()),
            Some(Action::Deny) => self.rejected_denies.add(row.line, ()),
        }
        self.tally.find_hidden_row(row);
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
        if self.members.has_too_many() {
            let max_ranges = self.max_ranges;
            return Err(CsvError::TooManyRanges { max_ranges });
        }
        if self.has_too_many_rows {
            return Err(CsvError::TooManyCommonRows {
                max_rows: MAX_COMMON_ROWS,
            });
        }
        Ok(())
    }

    fn warn(&mut self, warning: Warning) {
        self.tally.warnings.push(warning);
    }
}

fn start_of(text: &str) -> String {
    let end = text.floor_char_boundary(MAX_TEXT_BYTES);
    text.get(..end).unwrap_or_default().to_owned()
}
