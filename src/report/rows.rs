//! The tables of the rows that decide who gets in. Each row is shown with its own address and comment.

use serde::Serialize;

use crate::answer::Answer;
use crate::ip::AddressSpec;
use crate::report::sizes::addresses_in;
use crate::review::{FirstRow, FirstRows, NamedByRow};
use crate::rule::{Action, DefaultPolicy};
use crate::text::{escape_invisible, thousands, thousands_if_any};
use crate::time::{RowState, TimeZone};

/// The maximum number of rows that are visible at once. The remaining rows are in a `<details>` element.
const MAX_ROWS_UNFOLDED: usize = 20;

/// The first rows of the file, and of the common CSV.
#[derive(Default, Serialize)]
pub(crate) struct RowsView {
    /// The heading of the section.
    title: &'static str,
    has_comments: bool,
    /// The tables that are not empty.
    tables: Vec<RowTable>,
}

#[derive(Serialize)]
struct RowTable {
    /// The name of the common CSV. Empty for the table of the file's own rows.
    source: String,
    /// The rows that are visible at once, followed by the rows that are folded.
    parts: Vec<Vec<RowView>>,
    /// The number of rows that are not listed. Empty if all rows are listed.
    more: String,
}

/// An accepted row, as the page shows it.
#[derive(Serialize)]
struct RowView {
    line: String,
    address: String,
    /// The number of addresses, or the number of members if the row uses a list.
    count: String,
    rule: &'static str,
    /// `is-allowed` or `is-denied`.
    class: &'static str,
    comment: String,
    /// A note about the period of the row. Empty if there is nothing to say.
    when: String,
    is_active: bool,
}

impl RowsView {
    /// Returns the tables. If no row is known, there are no tables.
    pub(crate) fn of(rows: &FirstRows, answer: &Answer, zone: &TimeZone) -> Self {
        let has_note = |row: &FirstRow| !row.comment.is_empty() || !row.period.is_always();
        let source = rows.common_source.as_deref().unwrap_or_default();
        let table = |source: &str, rows: &[FirstRow], all: u64| RowTable {
            source: escape_invisible(source, None),
            parts: parts(rows, zone),
            more: thousands_if_any(all.saturating_sub(rows.len() as u64)),
        };
        let own = table("", &rows.own, answer.accepted);
        let common = table(source, &rows.common, rows.common_count);
        Self {
            title: match answer.default_policy {
                DefaultPolicy::Deny => "Who gets in",
                DefaultPolicy::Allow => "Who gets in, and who is kept out",
            },
            has_comments: rows.own.iter().chain(&rows.common).any(has_note),
            tables: [own, common]
                .into_iter()
                .filter(|table| !table.parts.is_empty())
                .collect(),
        }
    }
}

fn parts(rows: &[FirstRow], zone: &TimeZone) -> Vec<Vec<RowView>> {
    let (seen, others) = rows.split_at(rows.len().min(MAX_ROWS_UNFOLDED));
    let parts = [seen, others].into_iter().filter(|rows| !rows.is_empty());
    parts
        .map(|rows| rows.iter().map(|row| RowView::of(row, zone)).collect())
        .collect()
}

impl RowView {
    fn of(row: &FirstRow, zone: &TimeZone) -> Self {
        Self {
            line: thousands(row.line),
            address: escape_invisible(&row.address, None),
            count: count(row.names),
            rule: match row.action {
                Action::Allow => "Allow",
                Action::Deny => "Deny",
                Action::Always => "Always",
            },
            class: match row.action {
                Action::Deny => "is-denied",
                Action::Allow | Action::Always => "is-allowed",
            },
            comment: escape_invisible(&row.comment, None),
            when: when(row, zone),
            is_active: row.state == RowState::Active,
        }
    }
}

fn count(names: NamedByRow) -> String {
    match names {
        NamedByRow::Addresses(AddressSpec::All) => "everybody".to_owned(),
        NamedByRow::Addresses(AddressSpec::Ipv4(range)) => {
            thousands(u64::from(range.last - range.first) + 1)
        }
        NamedByRow::Addresses(AddressSpec::Ipv6(range)) => {
            match (range.last - range.first).checked_add(1) {
                Some(addresses) if addresses.is_power_of_two() => {
                    addresses_in(addresses.trailing_zeros())
                }
                // A number with 30 digits is of no use to a reader.
                Some(addresses) => u64::try_from(addresses).map_or_else(
                    |_| format!("over {}", addresses_in(addresses.ilog2())),
                    thousands,
                ),
                None => addresses_in(u128::BITS),
            }
        }
        NamedByRow::List { members: 1 } => "1 member".to_owned(),
        NamedByRow::List { members } => format!("{} members", thousands(members)),
    }
}

fn when(row: &FirstRow, zone: &TimeZone) -> String {
    match (row.state, row.period.starts, row.period.expires) {
        (RowState::Pending, Some(starts), None) => {
            format!("not active yet: from {}", zone.show(starts))
        }
        (RowState::Pending, Some(starts), Some(expires)) => format!(
            "not active yet: from {} until {}",
            zone.show(starts),
            zone.show_end(expires)
        ),
        (RowState::Expired, _, Some(expires)) => {
            format!("no longer active: ended at {}", zone.show_end(expires))
        }
        (RowState::Active, _, Some(expires)) => format!("until {}", zone.show_end(expires)),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ip::parse_address;
    use crate::time::{Instant, Period};

    fn row(state: RowState, starts: Option<i64>, expires: Option<i64>) -> FirstRow {
        FirstRow {
            line: 2,
            action: Action::Allow,
            address: "x".to_owned(),
            comment: String::new(),
            names: NamedByRow::List { members: 1 },
            period: Period {
                starts: starts.map(Instant::from_seconds),
                expires: expires.map(Instant::from_seconds),
            },
            state,
        }
    }

    #[test]
    fn says_when_a_row_counts() {
        let zone = TimeZone::default();
        let day = Some(86_400);
        let week = Some(7 * 86_400 + 3600);
        for (row, expected) in [
            (row(RowState::Active, None, None), ""),
            (row(RowState::Active, day, None), ""),
            (
                row(RowState::Active, day, week),
                "until 8 January 1970, 01:00 UTC",
            ),
            (
                row(RowState::Pending, day, None),
                "not active yet: from 2 January 1970, 00:00 UTC",
            ),
            (
                row(RowState::Pending, day, week),
                "not active yet: from 2 January 1970, 00:00 UTC until 8 January 1970, 01:00 UTC",
            ),
            (
                row(RowState::Expired, None, day),
                "no longer active: ended at the end of 1 January 1970 UTC",
            ),
        ] {
            assert_eq!(when(&row, &zone), expected);
        }
    }

    #[test]
    fn counts_the_addresses_of_a_row() {
        for (address, expected) in [
            ("10.0.0.1", "1"),
            ("10.0.0.0/8", "16,777,216"),
            ("10.0.0.1-10.0.0.3", "3"),
            ("0.0.0.0/0", "4,294,967,296"),
            ("2001:db8::1", "1"),
            ("2001:db8::/32", "2⁹⁶"),
            ("::/0", "2¹²⁸"),
            ("2001:db8::1-2001:db8::3", "3"),
            ("2001:db8::-2001:db8:2::", "over 2⁸¹"),
            ("all", "everybody"),
        ] {
            let names = NamedByRow::Addresses(parse_address(address).unwrap());
            assert_eq!(count(names), expected, "{address}");
        }
        assert_eq!(count(NamedByRow::List { members: 1200 }), "1,200 members");
    }
}
