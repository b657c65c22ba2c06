//! Records accepted rows, so that warnings can count, compare and find them. The unit type records
//! nothing.

use crate::ip::{AddrRange, AddressSpec, Family};
use crate::review::warned_lines::WarnedLines;
use crate::rule::Action;
use crate::time::{Instant, Period, RowState};

/// The maximum number of recorded rows, which are 1.5 MiB of IPv4. Warnings count only these rows.
pub(crate) const MAX_ROWS: usize = 1 << 17;

/// The number of days before its end in which a row ends soon.
pub(crate) const SOON_DAYS: i64 = 14;
/// The maximum number of rows that end soon whose lines are kept.
const MAX_ENDING_LISTED: usize = 5;

/// Receives each accepted row.
pub trait RowRecorder: Default {
    /// Receives an active row, in the order of the file.
    fn add(&mut self, line: u64, action: Action, addresses: AddressSpec);
    /// Receives a row that has a period, active or not.
    fn add_period(&mut self, line: u64, action: Action, period: Period, as_of: Instant);
    /// Returns the recorded rows.
    fn into_rows(self) -> RecordedRows;
}

/// Records nothing, at no cost.
impl RowRecorder for () {
    #[inline]
    fn add(&mut self, _line: u64, _action: Action, _addresses: AddressSpec) {}

    #[inline]
    fn add_period(&mut self, _line: u64, _action: Action, _period: Period, _as_of: Instant) {}

    fn into_rows(self) -> RecordedRows {
        RecordedRows::default()
    }
}

/// The addresses and the lines of the first 131,072 rows.
#[derive(Clone, Debug, Default)]
pub struct RecordedRows {
    pub(crate) allow: RecordedRanges,
    pub(crate) deny: RecordedRanges,
    /// Set if any row allows addresses, even if it is not recorded.
    pub(crate) has_allow: bool,
    /// The line of the first `all,Allow` row.
    pub(crate) allow_all: Option<u64>,
    /// The number of Allow rows that are pending or expired.
    pub(crate) inactive_allows: u64,
    /// The number of Deny rows that are pending or expired.
    pub(crate) inactive_denies: u64,
    /// The rows that have ended.
    pub(crate) expired: WarnedLines<()>,
    /// The rows that end soon.
    pub(crate) ending: EndingRows,
    rows: usize,
    is_full: bool,
}

/// The rows that end within [`SOON_DAYS`]. All are counted, and the first few are kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct EndingRows {
    pub(crate) count: u64,
    /// The first rows by their ends, each with its line.
    pub(crate) first: Vec<(Instant, u64)>,
}

impl EndingRows {
    fn add(&mut self, expires: Instant, line: u64) {
        self.count += 1;
        let place = self.first.partition_point(|row| *row < (expires, line));
        if place < MAX_ENDING_LISTED {
            self.first.insert(place, (expires, line));
            self.first.truncate(MAX_ENDING_LISTED);
        }
    }
}

/// The recorded rows of one action.
#[derive(Clone, Debug, Default)]
pub(crate) struct RecordedRanges {
    pub(crate) ipv4: Vec<RecordedRow<u32>>,
    pub(crate) ipv6: Vec<RecordedRow<u128>>,
}

impl RecordedRanges {
    /// Returns the line and the addresses of each row, IPv4 first.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (u64, AddressSpec)> {
        let ipv4 = self.ipv4.iter();
        let ipv6 = self.ipv6.iter();
        ipv4.map(|row| (row.line.into(), AddressSpec::Ipv4(row.range)))
            .chain(ipv6.map(|row| (row.line.into(), AddressSpec::Ipv6(row.range))))
    }

    /// Returns the line of the first row that covers all addresses of another row.
    pub(crate) fn first_that_covers(&self, row: AddressSpec) -> Option<u32> {
        fn first<T: Family>(rows: &[RecordedRow<T>], range: AddrRange<T>) -> Option<u32> {
            let covers = |row: &&RecordedRow<T>| {
                row.range.first <= range.first && range.last <= row.range.last
            };
            rows.iter().filter(covers).map(|row| row.line).min()
        }
        match row {
            AddressSpec::Ipv4(range) => first(&self.ipv4, range),
            AddressSpec::Ipv6(range) => first(&self.ipv6, range),
            AddressSpec::All => None,
        }
    }
}

/// A recorded row. Rows are ordered by their addresses, then by their lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RecordedRow<T> {
    pub(crate) range: AddrRange<T>,
    /// The line where the row starts. Rows after line 2^32 are not recorded.
    pub(crate) line: u32,
}

impl RowRecorder for RecordedRows {
    #[inline]
    fn add(&mut self, line: u64, action: Action, addresses: AddressSpec) {
        match (action, addresses) {
            (Action::Allow, AddressSpec::All) => {
                self.allow_all.get_or_insert(line);
            }
            (Action::Allow, _) => self.has_allow = true,
            (Action::Deny, _) => {}
        }
        let Some(line) = u32::try_from(line).ok().filter(|_| self.rows < MAX_ROWS) else {
            self.is_full = true;
            return;
        };
        self.rows += 1;
        let ranges = match action {
            Action::Allow => &mut self.allow,
            Action::Deny => &mut self.deny,
        };
        match addresses {
            AddressSpec::Ipv4(range) => ranges.ipv4.push(RecordedRow { range, line }),
            AddressSpec::Ipv6(range) => ranges.ipv6.push(RecordedRow { range, line }),
            AddressSpec::All => {}
        }
    }

    fn add_period(&mut self, line: u64, action: Action, period: Period, as_of: Instant) {
        let state = period.state(as_of);
        if state != RowState::Active {
            match action {
                Action::Allow => self.inactive_allows += 1,
                Action::Deny => self.inactive_denies += 1,
            }
        }
        match (state, period.expires) {
            (RowState::Expired, _) => self.expired.add(line, ()),
            (_, Some(expires)) if expires <= as_of.plus_days(SOON_DAYS) => {
                self.ending.add(expires, line);
            }
            _ => {}
        }
    }

    fn into_rows(self) -> RecordedRows {
        self
    }
}

impl RecordedRows {
    /// Returns whether a row in this line would be recorded.
    pub(crate) fn has_room_for(&self, line: u64) -> bool {
        self.rows < MAX_ROWS && u32::try_from(line).is_ok()
    }

    /// Returns whether no row is recorded.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Returns the number of recorded rows if the file has more rows.
    pub(crate) fn limit(&self) -> Option<usize> {
        self.is_full.then_some(self.rows)
    }

    pub(crate) fn sort(&mut self) {
        for ranges in [&mut self.allow, &mut self.deny] {
            ranges.ipv4.sort_unstable();
            ranges.ipv6.sort_unstable();
        }
    }
}

/// Returns the rows that repeat an earlier row, each with the line of the first such row. `rows`
/// must be sorted.
pub(crate) fn repeated<T: Family>(
    rows: &[RecordedRow<T>],
) -> impl Iterator<Item = (RecordedRow<T>, u32)> {
    rows.chunk_by(|one, next| one.range == next.range)
        .filter_map(|alike| alike.split_first())
        .flat_map(|(first, others)| others.iter().map(|other| (*other, first.line)))
}
