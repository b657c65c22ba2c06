//! What is remembered of the accepted rows one by one, so that warnings can count rows. Whoever
//! wants no warnings remembers nothing: [`NoLog`] costs nothing.

use crate::ip::{AddrRange, AddressSpec, Family};
use crate::rule::Action;

/// Rows that are remembered at most, 1 MiB of IPv4. What is counted is counted among them.
pub(crate) const MAX_ROWS: usize = 1 << 17;

/// Takes each accepted row.
pub trait RowRecorder: Default + Into<RecordedRows> {
    /// Takes a row, in the order of the file.
    fn add(&mut self, action: Action, addresses: AddressSpec);
}

/// Remembers nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoLog;

impl RowRecorder for NoLog {
    #[inline]
    fn add(&mut self, _action: Action, _addresses: AddressSpec) {}
}

impl From<NoLog> for RecordedRows {
    fn from(_: NoLog) -> Self {
        Self::default()
    }
}

/// Remembers what each row names, the first 131,072 of them.
#[derive(Clone, Debug, Default)]
pub struct RecordedRows {
    pub(crate) allow: Spans,
    pub(crate) deny: Spans,
    /// Whether any row, remembered or not, allows addresses.
    pub(crate) has_allow: bool,
    rows: usize,
    is_full: bool,
}

/// The rows of one action.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spans {
    pub(crate) ipv4: Vec<AddrRange<u32>>,
    pub(crate) ipv6: Vec<AddrRange<u128>>,
}

impl RowRecorder for RecordedRows {
    #[inline]
    fn add(&mut self, action: Action, addresses: AddressSpec) {
        self.has_allow |= action == Action::Allow && addresses != AddressSpec::All;
        if self.rows == MAX_ROWS {
            self.is_full = true;
            return;
        }
        self.rows += 1;
        let ranges = match action {
            Action::Allow => &mut self.allow,
            Action::Deny => &mut self.deny,
        };
        match addresses {
            AddressSpec::Ipv4(range) => ranges.ipv4.push(range),
            AddressSpec::Ipv6(range) => ranges.ipv6.push(range),
            AddressSpec::All => {}
        }
    }
}

impl RecordedRows {
    /// How many rows are remembered, if there were more.
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

/// How many rows repeat one before them, and what the first of those names. Sorted rows are wanted.
pub(crate) fn repeated<T: Family>(ranges: &[AddrRange<T>]) -> (u64, Option<AddrRange<T>>) {
    let pairs = || ranges.iter().zip(ranges.iter().skip(1));
    let mut repeated = pairs().filter(|(one, next)| one == next);
    let first = repeated.next().map(|(range, _)| *range);
    (u64::from(first.is_some()) + repeated.count() as u64, first)
}
