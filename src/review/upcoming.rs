//! Finds the rows that start or end after an instant, and the effect of each on who gets in.

use std::ops::ControlFlow;

use crate::csv::{CsvError, OwnedRow, Row, RowError, RowSink, read_rows};
use crate::ip::{AddressSpec, IpSet};
use crate::policy::{Policy, PolicyBuilder, UnsortedRanges};
use crate::review::diff::{Diff, diff};
use crate::rule::{Action, DefaultPolicy};
use crate::settings::Settings;
use crate::time::{Bound, DateReader, Instant, RowState};

/// The maximum number of instants of a file that are examined. Each takes a look at every row.
const MAX_INSTANTS: usize = 1000;

/// The changes of a file by time.
#[derive(Clone, Debug, Default)]
pub struct Upcoming {
    /// The rows that start or end, by instant, then by line. A row that starts and ends is listed twice.
    pub changes: Vec<RowChange>,
    /// The number of further changes, which are not listed because they are at too many instants.
    pub more: usize,
}

/// A row that starts or ends.
#[derive(Clone, Debug)]
pub struct RowChange {
    /// The instant.
    pub at: Instant,
    /// The row starts, or ends (`Expires`).
    pub bound: Bound,
    /// The row.
    pub row: OwnedRow,
    /// The addresses of the row that gain or lose access at this instant, also because of other rows.
    pub effect: Diff,
}

/// Lists the changes after `as_of` and until `until`, both as instants at which a row starts or ends. Does
/// not check whether the file would be published.
///
/// # Errors
///
/// A [`CsvError`] if the file cannot be read.
pub fn upcoming(
    upload: &[u8],
    settings: &Settings,
    as_of: Instant,
    until: Instant,
) -> Result<Upcoming, CsvError> {
    let dates = DateReader::new(settings.time_zone.clone(), as_of);
    let rows = RowCollector::default();
    let mut rows = read_rows(upload, rows, dates, settings.max_csv_bytes)?.rows;
    remove_contradicted(&mut rows);
    let mut events: Vec<(Instant, Bound, &OwnedRow)> = rows.iter().flat_map(bounds).collect();
    events.retain(|(at, _, _)| as_of < *at && *at <= until);
    events.sort_by_key(|(at, _, row)| (*at, row.line));

    let mut upcoming = Upcoming::default();
    let together = events.chunk_by(|(one, ..), (next, ..)| one == next);
    let _ = together.enumerate().try_for_each(|(index, events)| {
        if index == MAX_INSTANTS {
            return ControlFlow::Break(());
        }
        add_changes(
            events,
            &rows,
            settings.default_policy,
            &mut upcoming.changes,
        );
        ControlFlow::Continue(())
    });
    upcoming.more = events.len() - upcoming.changes.len();
    Ok(upcoming)
}

/// Adds the changes of one instant. Looks only at rows that name the same addresses.
fn add_changes(
    events: &[(Instant, Bound, &OwnedRow)],
    rows: &[OwnedRow],
    default: DefaultPolicy,
    changes: &mut Vec<RowChange>,
) {
    let Some((at, ..)) = events.first() else {
        return;
    };
    let touched = addresses_of(events.iter().map(|(_, _, row)| row.addresses));
    let related: Vec<&OwnedRow> = rows
        .iter()
        .filter(|row| touched.has_any_of(row.addresses))
        .collect();
    let effect = diff(
        &policy_at(&related, at.plus_seconds(-1), default),
        &policy_at(&related, *at, default),
    );
    changes.extend(events.iter().map(|(at, bound, row)| {
        let own = addresses_of([row.addresses]);
        RowChange {
            at: *at,
            bound: *bound,
            row: (*row).clone(),
            effect: Diff {
                gained: intersection(&effect.gained, &own),
                lost: intersection(&effect.lost, &own),
            },
        }
    }));
}

/// The rows, in the order of the file.
#[derive(Default)]
struct RowCollector {
    rows: Vec<OwnedRow>,
}

impl RowSink for RowCollector {
    fn accept(&mut self, row: Row<'_>) {
        self.rows.push(OwnedRow::of(&row));
    }

    fn reject(&mut self, _line: u64, _error: &RowError<'_>) {}
}

/// Removes the `all,Allow` rows if an `all,Deny` row without a period contradicts them.
fn remove_contradicted(rows: &mut Vec<OwnedRow>) {
    let is_all = |row: &OwnedRow, action| (row.action, row.addresses) == (action, AddressSpec::All);
    if rows
        .iter()
        .any(|row| is_all(row, Action::Deny) && row.period.is_always())
    {
        rows.retain(|row| !is_all(row, Action::Allow));
    }
}

fn bounds(row: &OwnedRow) -> impl Iterator<Item = (Instant, Bound, &OwnedRow)> {
    let bounds = [
        (row.period.starts, Bound::Starts),
        (row.period.expires, Bound::Expires),
    ];
    bounds
        .into_iter()
        .filter_map(move |(at, bound)| Some((at?, bound, row)))
}

fn addresses_of(rows: impl IntoIterator<Item = AddressSpec>) -> IpSet {
    let mut named = UnsortedRanges::default();
    for addresses in rows {
        if addresses == AddressSpec::All {
            return IpSet::everybody();
        }
        named.add(addresses);
    }
    named.into_set()
}

fn intersection(one: &IpSet, other: &IpSet) -> IpSet {
    one.difference(&one.difference(other))
}

fn policy_at(rows: &[&OwnedRow], at: Instant, default: DefaultPolicy) -> Policy {
    let mut active = PolicyBuilder::default();
    for row in rows {
        if row.period.state(at) == RowState::Active {
            active.add(row.action, row.addresses);
        }
    }
    active.build(default)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::samples::text;

    /// Lists the changes as `at line starts/ends +gained -lost`.
    fn list(csv: &[u8], as_of: i64, until: i64) -> Vec<String> {
        let [as_of, until] = [as_of, until].map(Instant::from_seconds);
        let found = upcoming(csv, &Settings::default(), as_of, until).unwrap();
        assert_eq!(found.more, 0);
        let change = |change: &RowChange| {
            let verb = match change.bound {
                Bound::Starts => "starts",
                Bound::Expires => "ends",
            };
            let (gained, lost) = (text(&change.effect.gained), text(&change.effect.lost));
            format!(
                "{} {} {verb} +{gained} -{lost}",
                change.at.seconds(),
                change.row.line
            )
        };
        found.changes.iter().map(change).collect()
    }

    #[test]
    fn lists_rows_by_instant_with_their_effect() {
        let csv = b"IP,Rule,Starts,Expires\n\
            10.0.0.1,Allow,,1970-01-01T00:01:00Z\n\
            10.0.0.0/30,Allow,1970-01-01T00:00:30Z,1970-01-01T00:01:00Z\n\
            10.0.0.2,Deny,,1970-01-01T00:00:40Z\n\
            10.0.0.1,Allow,1970-01-01T00:00:10Z,\n\
            x,Allow,,1970-01-01T00:00:20Z\n";
        let all = [
            "10 5 starts + -",
            "30 3 starts +10.0.0.0 10.0.0.3 -",
            "40 4 ends +10.0.0.2 -",
            "60 2 ends + -",
            "60 3 ends + -10.0.0.0 10.0.0.2/31",
        ];
        assert_eq!(list(csv, 0, 1000), all);
        assert_eq!(list(csv, 10, 40), all[1..3]);
        assert_eq!(list(csv, 60, 1000), [""; 0]);
    }

    #[test]
    fn an_all_row_changes_everybody_else() {
        let csv = b"IP,Rule,Starts,Expires\n\
            all,Allow,,\nall,Deny,1970-01-01T00:00:10Z,1970-01-01T00:00:20Z\n10.0.0.1,Allow,,\n";
        let found = list(csv, 0, 1000);
        assert!(found[0].starts_with("10 3 starts + -0.0.0.0/5 8.0.0.0/7 10.0.0.0 10.0.0.2/31"));
        assert!(found[1].starts_with("20 3 ends +0.0.0.0/5"));
        let contradicted = b"IP,Rule,Expires\nall,Allow,1970-01-01T00:00:10Z\nall,Deny,\n";
        assert_eq!(list(contradicted, 0, 1000), [""; 0]);
    }

    #[test]
    fn counts_the_changes_at_too_many_instants() {
        use std::fmt::Write as _;
        let mut csv = "IP,Rule,Expires\n".to_owned();
        for second in 0..1500 {
            let at = Instant::from_seconds(second + 1);
            writeln!(csv, "10.0.0.1,Allow,{at}").unwrap();
        }
        let (as_of, until) = (Instant::from_seconds(0), Instant::MAX);
        let found = upcoming(csv.as_bytes(), &Settings::default(), as_of, until).unwrap();
        assert_eq!((found.changes.len(), found.more), (1000, 500));
    }
}
