//! Records the rules of accepted rows, so that warnings can count, compare and find them. The unit type `()`
//! records nothing.

use crate::csv::Row;
use crate::ip::{AddrRange, AddressSpec, Family};
use crate::list::Place;
use crate::review::first_rows::FirstRows;
use crate::review::places::Places;
use crate::review::warned_lines::WarnedLines;
use crate::rule::Action;
use crate::text::thousands;
use crate::time::{Instant, Period, RowState};

/// The maximum number of recorded rows. They take 1.5 MiB if all of them are IPv4. Warnings count only these
/// rows.
pub(crate) const MAX_ROWS: usize = 1 << 17;

/// The number of days within which a row ends soon.
pub(crate) const SOON_DAYS: i64 = 14;
/// The maximum number of rows that end soon whose lines are kept.
const MAX_ENDING_LISTED: usize = 5;

/// Receives the accepted rows.
pub trait RowRecorder: Default {
    /// Receives an active row, in the order of the file.
    fn add(&mut self, line: u64, action: Action, addresses: AddressSpec);
    /// Receives an active rule of a list or of the common CSV.
    fn add_other(&mut self, place: Place, action: Action, addresses: AddressSpec);
    /// Receives a row with a period, whether it is active or not.
    fn add_period(&mut self, line: u64, action: Action, period: Period, as_of: Instant);
    /// Receives the action of a pending or expired rule of a list or of the common CSV.
    fn add_inactive(&mut self, action: Action);
    /// Returns whether the next row is wanted with its text. Without its text, a row takes a fraction of the
    /// time.
    fn wants_text(&self) -> bool {
        false
    }
    /// Receives a row with its text, whether it is active or not. Rows of the common CSV are included.
    fn add_text(&mut self, _row: &Row<'_>, _state: RowState) {}
    /// Rejects the `all,Allow` rows of the file itself, which were accepted at first.
    fn reject_allow_all(&mut self) {}
    /// Returns the recorded rows.
    fn into_rows(self) -> RecordedRows;
}

/// Records nothing, at no cost.
impl RowRecorder for () {
    #[inline]
    fn add(&mut self, _line: u64, _action: Action, _addresses: AddressSpec) {}

    #[inline]
    fn add_other(&mut self, _place: Place, _action: Action, _addresses: AddressSpec) {}

    #[inline]
    fn add_period(&mut self, _line: u64, _action: Action, _period: Period, _as_of: Instant) {}

    #[inline]
    fn add_inactive(&mut self, _action: Action) {}

    fn into_rows(self) -> RecordedRows {
        RecordedRows::default()
    }
}

/// The addresses and the places of the first 131,072 rules, and what else the warnings need.
#[derive(Clone, Debug, Default)]
pub struct RecordedRows {
    pub(crate) allow: RecordedRanges,
    pub(crate) deny: RecordedRanges,
    pub(crate) always: RecordedRanges,
    pub(crate) places: Places,
    /// Set if any row allows addresses, even if the row is not recorded.
    pub(crate) has_allow: bool,
    /// The line of the first `all,Allow` row of the file itself.
    pub(crate) allow_all: Option<u64>,
    /// The number of Allow rows that are pending or expired.
    pub(crate) inactive_allows: u64,
    /// The number of Deny rows that are pending or expired.
    pub(crate) inactive_denies: u64,
    /// The rows that have ended.
    pub(crate) expired: WarnedLines<()>,
    /// The rows that end soon.
    pub(crate) ending: EndingRows,
    /// The first rows with their texts.
    pub(crate) first: FirstRows,
    rows: usize,
    is_full: bool,
}

/// The rows that end within [`SOON_DAYS`] days. All of them are counted, and those that end first are kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct EndingRows {
    pub(crate) count: u64,
    /// The rows that end first, in the order of their ends, each with its line.
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
    /// Returns the place number and the addresses of each row, IPv4 first.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (u64, AddressSpec)> {
        let ipv4 = self.ipv4.iter();
        let ipv6 = self.ipv6.iter();
        ipv4.map(|row| (row.place.into(), AddressSpec::Ipv4(row.range)))
            .chain(ipv6.map(|row| (row.place.into(), AddressSpec::Ipv6(row.range))))
    }

    /// Returns the place number of the first row that contains all addresses of another row.
    pub(crate) fn first_that_covers(&self, row: AddressSpec) -> Option<u32> {
        fn covers<T: Family>(row: AddrRange<T>, range: AddrRange<T>) -> bool {
            row.first <= range.first && range.last <= row.last
        }
        match row {
            AddressSpec::Ipv4(range) => first(&self.ipv4, |row| covers(row, range)),
            AddressSpec::Ipv6(range) => first(&self.ipv6, |row| covers(row, range)),
            AddressSpec::All => None,
        }
    }

    /// Returns the place number of the first row that has an address in common with another row.
    pub(crate) fn first_that_overlaps(&self, row: AddressSpec) -> Option<u32> {
        fn overlaps<T: Family>(row: AddrRange<T>, range: AddrRange<T>) -> bool {
            row.first <= range.last && range.first <= row.last
        }
        match row {
            AddressSpec::Ipv4(range) => first(&self.ipv4, |row| overlaps(row, range)),
            AddressSpec::Ipv6(range) => first(&self.ipv6, |row| overlaps(row, range)),
            AddressSpec::All => None,
        }
    }
}

fn first<T: Family>(rows: &[RecordedRow<T>], is_one: impl Fn(AddrRange<T>) -> bool) -> Option<u32> {
    let found = rows.iter().filter(|row| is_one(row.range));
    found.map(|row| row.place).min()
}

/// A recorded rule. Rules are ordered by their addresses, then by their places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RecordedRow<T> {
    pub(crate) range: AddrRange<T>,
    /// The number of the rule's place (`places.rs`). For a row of the file itself, it is the line.
    pub(crate) place: u32,
}

impl RowRecorder for RecordedRows {
    #[inline]
    fn add(&mut self, line: u64, action: Action, addresses: AddressSpec) {
        if (action, addresses) == (Action::Allow, AddressSpec::All) {
            self.allow_all.get_or_insert(line);
        }
        self.record(Places::of_line(line), action, addresses);
    }

    fn add_other(&mut self, place: Place, action: Action, addresses: AddressSpec) {
        let place = if self.rows < MAX_ROWS {
            self.places.add(place)
        } else {
            None
        };
        self.record(place, action, addresses);
    }

    fn add_period(&mut self, line: u64, action: Action, period: Period, as_of: Instant) {
        let state = period.state(as_of);
        if state != RowState::Active {
            self.add_inactive(action);
        }
        match (state, period.expires) {
            (RowState::Expired, _) => self.expired.add(line, ()),
            (_, Some(expires)) if expires <= as_of.plus_days(SOON_DAYS) => {
                self.ending.add(expires, line);
            }
            _ => {}
        }
    }

    fn add_inactive(&mut self, action: Action) {
        match action {
            Action::Allow => self.inactive_allows += 1,
            Action::Deny => self.inactive_denies += 1,
            Action::Always => {}
        }
    }

    #[inline]
    fn wants_text(&self) -> bool {
        self.first.has_room()
    }

    fn add_text(&mut self, row: &Row<'_>, state: RowState) {
        self.first.add(row, state);
    }

    fn reject_allow_all(&mut self) {
        self.first.remove_allow_all();
    }

    fn into_rows(self) -> RecordedRows {
        self
    }
}

impl RecordedRows {
    #[inline]
    fn record(&mut self, place: Option<u32>, action: Action, addresses: AddressSpec) {
        self.has_allow |= action == Action::Allow && addresses != AddressSpec::All;
        let Some(place) = place.filter(|_| self.rows < MAX_ROWS) else {
            self.is_full = true;
            return;
        };
        self.rows += 1;
        let ranges = match action {
            Action::Allow => &mut self.allow,
            Action::Deny => &mut self.deny,
            Action::Always => &mut self.always,
        };
        match addresses {
            AddressSpec::Ipv4(range) => ranges.ipv4.push(RecordedRow { range, place }),
            AddressSpec::Ipv6(range) => ranges.ipv6.push(RecordedRow { range, place }),
            AddressSpec::All => {}
        }
    }

    /// Returns whether another row, at this line, would be recorded.
    pub(crate) fn has_room_for(&self, line: u64) -> bool {
        self.rows < MAX_ROWS && Places::of_line(line).is_some()
    }

    /// Returns whether no row is recorded.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Returns the number of recorded rows. `None` if all rows of the file are recorded.
    pub(crate) fn limit(&self) -> Option<usize> {
        self.is_full.then_some(self.rows)
    }

    /// Returns the note for the warnings about a file with more rows than are recorded.
    pub(crate) fn note_of_limit(&self) -> Option<String> {
        let limit = self.limit()?;
        Some(format!("among the first {} rows", thousands(limit as u64)))
    }

    pub(crate) fn sort(&mut self) {
        for ranges in [&mut self.allow, &mut self.deny, &mut self.always] {
            ranges.ipv4.sort_unstable();
            ranges.ipv6.sort_unstable();
        }
    }
}

/// Returns the rows of the file itself that repeat an earlier row, each with the line of the first row that
/// it repeats. Members of lists are not included, because a site cannot change them. `rows` must be sorted.
pub(crate) fn repeated<T: Family>(
    rows: &[RecordedRow<T>],
) -> impl Iterator<Item = (RecordedRow<T>, u32)> {
    rows.chunk_by(|one, next| one.range == next.range)
        .filter_map(|alike| alike.split_first())
        .flat_map(|(first, others)| {
            // The numbers of own rows are the lowest, so `first` is an own row if any of `others` is.
            let own = others.iter().filter(|other| Places::is_own(other.place));
            own.map(|other| (*other, first.place))
        })
}
