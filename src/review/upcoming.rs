//! Finds the rows that start or end after an instant, and the effect of each row on who gets in.

use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use crate::csv::{CsvError, OwnedRow, Row, RowContext, RowError, RowRule, RowSink, read_rows};
use crate::ip::{AddressSpec, IpSet};
use crate::list::{ListId, MemberPlace, Place, Shared};
use crate::policy::{Policy, PolicyBuilder, UnsortedRanges};
use crate::review::diff::{Diff, diff};
use crate::rule::{Action, DefaultPolicy};
use crate::settings::Settings;
use crate::time::{Bound, DateReader, Instant, Period, RowState};

/// The maximum number of instants of a file that are examined. Each instant needs a pass over all rows.
const MAX_INSTANTS: usize = 1000;

/// The changes of a file over time.
#[derive(Clone, Debug, Default)]
pub struct Upcoming {
    /// The rows that start or end, ordered by instant, then by line. A row that starts and ends is listed
    /// twice. A member of a list is listed separately only if it does not start or end together with the row
    /// that contains the list.
    pub changes: Vec<RowChange>,
    /// The number of further changes. They are not listed because the file changes at too many instants.
    pub more: usize,
}

/// The start or end of a row, or of a member of the list in a row.
#[derive(Clone, Debug)]
pub struct RowChange {
    /// The instant of the start or end.
    pub at: Instant,
    /// The kind of change: a start (`Starts`) or an end (`Expires`).
    pub bound: Bound,
    /// The place of the row. If only a member starts or ends, the place of this member.
    pub place: Place,
    /// The action of the row.
    pub action: Action,
    /// The address of the row as written.
    pub address: String,
    /// The comment of the row.
    pub comment: String,
    /// The addresses of the row or the member that gain or lose access at this instant, even if other rows
    /// contribute to the change.
    pub effect: Diff,
}

/// Lists the starts and ends of rows after `as_of` and until `until` (included). The function does not check
/// whether the file would be published. `shared` contains the lists and the common CSV.
///
/// # Errors
///
/// A [`CsvError`] if the file cannot be read.
pub fn upcoming(
    upload: &[u8],
    settings: &Settings,
    as_of: Instant,
    until: Instant,
    shared: &Shared,
) -> Result<Upcoming, CsvError> {
    let dates = DateReader::new(settings.time_zone.clone(), as_of);
    let context = RowContext::of_site(shared.clone());
    let rules = RuleCollector::default();
    let mut collected = read_rows(upload, rules, dates, context, settings.max_csv_bytes)?;
    collected.remove_contradicted();
    let mut events = collected.events();
    events.retain(|event| as_of < event.at && event.at <= until);
    events.sort_by_key(|event| (event.at, event.row, event.rules.start));

    let mut upcoming = Upcoming::default();
    let together = events.chunk_by(|one, next| one.at == next.at);
    let _ = together.enumerate().try_for_each(|(index, events)| {
        if index == MAX_INSTANTS {
            return ControlFlow::Break(());
        }
        collected.add_changes(events, settings.default_policy, &mut upcoming.changes);
        ControlFlow::Continue(())
    });
    upcoming.more = events.len() - upcoming.changes.len();
    Ok(upcoming)
}

/// Collects the rows and their rules, in the order of the file.
#[derive(Default)]
struct RuleCollector {
    rows: Vec<CollectedRow>,
    rules: Vec<CollectedRule>,
}

struct CollectedRow {
    row: OwnedRow,
    /// The period of the row itself.
    period: Period,
    /// The indexes of the row's rules.
    rules: Range<usize>,
}

struct CollectedRule {
    action: Action,
    rule: RowRule,
}

/// The start or end of a row or of a member.
struct Event {
    at: Instant,
    bound: Bound,
    /// The index of the row.
    row: usize,
    /// The indexes of the rules that start or end.
    rules: Range<usize>,
    /// The member. `None` if the whole row starts or ends.
    member: Option<MemberPlace>,
}

impl RowSink for RuleCollector {
    fn accept(&mut self, row: Row<'_>) {
        let first = self.rules.len();
        let action = row.action;
        self.rules
            .extend(row.rules().map(|rule| CollectedRule { action, rule }));
        let rules = first..self.rules.len();
        // A row without rules changes nothing. It has no rules if no member is ever active together with it.
        if let Some(CollectedRule { rule, .. }) = self.rules.get(first) {
            let (row, period) = (OwnedRow::of(&row, rule), row.period);
            self.rows.push(CollectedRow { row, period, rules });
        }
    }

    fn reject(&mut self, _line: u64, _error: &RowError<'_>) {}
}

impl RuleCollector {
    /// Removes the `all,Allow` rows if an `all,Deny` row without a period contradicts them.
    fn remove_contradicted(&mut self) {
        let is_all = |row: &CollectedRow, action| {
            (row.row.action, row.row.addresses) == (action, AddressSpec::All)
        };
        let mut rows = self.rows.iter();
        if !rows.any(|row| is_all(row, Action::Deny) && row.period.is_always()) {
            return;
        }
        self.rows.retain(|row| !is_all(row, Action::Allow));
        // The rules of these rows stay, so that the indexes of other rules remain valid. As Deny rules they
        // change nothing, because the other row already denies everybody by default.
        self.rules.iter_mut().for_each(|rule| {
            if (rule.action, rule.rule.addresses) == (Action::Allow, AddressSpec::All) {
                rule.action = Action::Deny;
            }
        });
    }

    fn events(&self) -> Vec<Event> {
        let rows = self.rows.iter().enumerate();
        rows.flat_map(|(index, row)| self.events_of(index, row))
            .collect()
    }

    /// Returns the starts and ends of a row, and those of its members that differ from the row's own.
    fn events_of(&self, index: usize, row: &CollectedRow) -> Vec<Event> {
        let own = bounds(row.period).map(|(at, bound)| Event {
            at,
            bound,
            row: index,
            rules: row.rules.clone(),
            member: None,
        });
        let list = row.row.place.member.as_ref().map(|member| &member.list);
        let of_member = |(rule, line): (usize, u64), list: &Arc<ListId>| {
            let period = self.rules.get(rule).map(|rule| rule.rule.period);
            let period = period.unwrap_or_default();
            let list = Arc::clone(list);
            bounds(period)
                .filter(|bound| !bounds(row.period).any(|of_row| of_row == *bound))
                .map(move |(at, bound)| Event {
                    at,
                    bound,
                    row: index,
                    rules: rule..rule + 1,
                    member: Some(MemberPlace {
                        list: Arc::clone(&list),
                        line,
                    }),
                })
        };
        let members = row.rules.clone().filter_map(|rule| {
            let line = self.rules.get(rule)?.rule.line?;
            Some(of_member((rule, line), list?))
        });
        own.chain(members.flatten()).collect()
    }

    /// Adds the changes at one instant. Examines only the rules that have addresses in common with them.
    fn add_changes(&self, events: &[Event], default: DefaultPolicy, changes: &mut Vec<RowChange>) {
        let Some(Event { at, .. }) = events.first() else {
            return;
        };
        let of_events = events.iter().flat_map(|event| event.rules.clone());
        let touched = addresses_of(of_events.filter_map(|rule| self.addresses(rule)));
        let rules = self.rules.iter();
        let related: Vec<&CollectedRule> = rules
            .filter(|rule| touched.has_any_of(rule.rule.addresses))
            .collect();
        let effect = diff(
            &policy_at(&related, at.plus_seconds(-1), default),
            &policy_at(&related, *at, default),
        );
        for event in events {
            let Some(CollectedRow { row, .. }) = self.rows.get(event.row) else {
                continue;
            };
            let own = addresses_of(event.rules.clone().filter_map(|rule| self.addresses(rule)));
            changes.push(RowChange {
                at: event.at,
                bound: event.bound,
                place: Place {
                    member: event.member.clone(),
                    ..row.place.clone()
                },
                action: row.action,
                address: row.address.clone(),
                comment: row.comment.clone(),
                effect: Diff {
                    gained: intersection(&effect.gained, &own),
                    lost: intersection(&effect.lost, &own),
                },
            });
        }
    }

    fn addresses(&self, rule: usize) -> Option<AddressSpec> {
        self.rules.get(rule).map(|rule| rule.rule.addresses)
    }
}

fn bounds(period: Period) -> impl Iterator<Item = (Instant, Bound)> {
    let bounds = [
        (period.starts, Bound::Starts),
        (period.expires, Bound::Expires),
    ];
    bounds
        .into_iter()
        .filter_map(|(at, bound)| Some((at?, bound)))
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

fn policy_at(rules: &[&CollectedRule], at: Instant, default: DefaultPolicy) -> Policy {
    let mut active = PolicyBuilder::default();
    for CollectedRule { action, rule } in rules {
        if rule.period.state(at) == RowState::Active {
            active.add(*action, rule.addresses);
        }
    }
    active.build(default)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::samples::text;

    /// Lists the changes in the form `at line starts/ends +gained -lost`.
    fn list(csv: &[u8], as_of: i64, until: i64) -> Vec<String> {
        let [as_of, until] = [as_of, until].map(Instant::from_seconds);
        let found = upcoming(csv, &Settings::default(), as_of, until, &Shared::default()).unwrap();
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
                change.place.line
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
        let found = upcoming(
            csv.as_bytes(),
            &Settings::default(),
            as_of,
            until,
            &Shared::default(),
        )
        .unwrap();
        assert_eq!((found.changes.len(), found.more), (1000, 500));
    }
}
