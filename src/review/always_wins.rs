//! Finds Deny rows that do not apply to all of their addresses, because the common CSV always lets some in.

use crate::answer::{Warning, WarningCode};
use crate::ip::{AddrRange, AddressSpec, Family, RangeSet};
use crate::review::row_log::{RecordedRow, RecordedRows};
use crate::review::warned_lines::WarnedLines;
use crate::text::{FirstFew, thousands};

/// The maximum number of addresses and networks that the warning lists.
const MAX_NAMED: usize = 3;

/// Warns about Deny rows that contain addresses that always get in. Such a row still denies its other
/// addresses. `rows` must be sorted.
pub(crate) fn always_wins(rows: &RecordedRows) -> Option<Warning> {
    let RecordedRows { deny, always, .. } = rows;
    let mut named = FirstFew::new(MAX_NAMED);
    let mut denied: WarnedLines<AddressSpec> = WarnedLines::default();
    add_overlaps(
        &deny.ipv4,
        &always.ipv4,
        AddressSpec::Ipv4,
        &mut named,
        &mut denied,
    );
    add_overlaps(
        &deny.ipv6,
        &always.ipv6,
        AddressSpec::Ipv6,
        &mut named,
        &mut denied,
    );
    let rows_do = match denied.count {
        0 => return None,
        1 => "1 Deny row does".to_owned(),
        count => format!("{} Deny rows do", thousands(count)),
    };
    let by = denied.describe(|number, row| {
        let place = rows.places.name(number);
        match always.first_that_overlaps(*row) {
            Some(by) => format!("{place} is overridden by {}", rows.places.name(by.into())),
            None => place,
        }
    });
    Some(Warning {
        code: WarningCode::AlwaysWins,
        line: rows.places.first_line(&denied),
        message: format!(
            "{rows_do} not apply to addresses that always get in: {named} ({})",
            by.unwrap_or_default()
        )
        .into(),
    })
}

/// Adds the Deny rows that overlap an Always row to `denied`, and the addresses that both contain to `named`.
fn add_overlaps<T: Family>(
    deny: &[RecordedRow<T>],
    always: &[RecordedRow<T>],
    addresses: impl Fn(AddrRange<T>) -> AddressSpec,
    named: &mut FirstFew,
    denied: &mut WarnedLines<AddressSpec>,
) {
    if always.is_empty() {
        return;
    }
    let set_of = |rows: &[RecordedRow<T>]| {
        RangeSet::from_unsorted(rows.iter().map(|row| row.range).collect())
    };
    let always_set = set_of(always);
    let both = always_set.difference(&always_set.difference(&set_of(deny)));
    both.ranges()
        .iter()
        .for_each(|range| named.add(|| range.text()));
    for row in deny {
        if !always_set.overlapping(row.range).is_empty() {
            denied.add(row.place.into(), addresses(row.range));
        }
    }
}
