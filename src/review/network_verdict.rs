//! Explains how much of a network gets in, and which rows of a CSV decide that.

use crate::csv::{CsvError, OwnedRow, Row, RowContext, RowError, RowSink, read_rows};
use crate::ip::{AddressSpec, IpSet, RangeSet};
use crate::list::Shared;
use crate::policy::PolicyBuilder;
use crate::review::rejected_rows::{RejectedRowFinder, RejectedRows, overlap};
use crate::review::verdict::BearingRow;
use crate::rule::{Action, DefaultPolicy};
use crate::settings::Settings;
use crate::time::{DateReader, Instant, RowState};

/// The part of a network that gets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PermittedPart {
    /// All of its addresses.
    Whole,
    /// Some of its addresses.
    Part,
    /// None of its addresses.
    None,
}

/// The verdict on a network or a range of addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkExplanation {
    /// The addresses in question.
    pub addresses: AddressSpec,
    /// The number of these addresses.
    pub address_count: u128,
    /// The number of these addresses that get in.
    pub permitted_count: u128,
    /// The default policy of the file.
    pub default: DefaultPolicy,
    /// `true` if the default decides on at least one of the addresses.
    pub default_decides: bool,
    /// The rows that contain at least one of the addresses, the most specific first, followed by the `all`
    /// rows. [`BearingRow::decides`] is `true` for a row that decides on at least one of the addresses.
    pub rows: Vec<BearingRow>,
    /// The rejected rows that contain at least one of the addresses, or may contain one.
    pub rejected: RejectedRows,
}

impl NetworkExplanation {
    /// Returns how much of the network gets in.
    #[must_use]
    pub fn permitted(&self) -> PermittedPart {
        match self.permitted_count {
            0 => PermittedPart::None,
            count if count == self.address_count => PermittedPart::Whole,
            _ => PermittedPart::Part,
        }
    }
}

/// Explains the verdict on each network or range at the instant `as_of`, by the rules of
/// [`explain`](crate::review::explain()). [`AddressSpec::All`] in `networks` stands for all addresses.
///
/// # Errors
///
/// A [`CsvError`] if the file cannot be read.
pub fn explain_networks(
    upload: &[u8],
    settings: &Settings,
    networks: &[AddressSpec],
    as_of: Instant,
    shared: &Shared,
) -> Result<Vec<NetworkExplanation>, CsvError> {
    let of = |addresses: &AddressSpec| Question {
        addresses: *addresses,
        matches: Vec::new(),
        rejected: RejectedRows::default(),
    };
    let rows = NetworkCollector {
        as_of,
        rules: PolicyBuilder::default(),
        all_rows: Vec::new(),
        questions: networks.iter().map(of).collect(),
        rejected: RejectedRowFinder::default(),
    };
    let dates = DateReader::new(settings.time_zone.clone(), as_of);
    let context = RowContext::of_site(shared.clone());
    let rows = read_rows(upload, rows, dates, context, settings.max_csv_bytes)?;
    let policy = rows.rules.build(settings.default_policy);
    let permitted = policy.permitted();
    let verdict = |question| verdict(question, &rows.all_rows, &permitted, policy.default, as_of);
    Ok(rows.questions.into_iter().map(verdict).collect())
}

struct Question {
    addresses: AddressSpec,
    matches: Vec<OwnedRow>,
    rejected: RejectedRows,
}

struct NetworkCollector {
    as_of: Instant,
    rules: PolicyBuilder,
    all_rows: Vec<OwnedRow>,
    questions: Vec<Question>,
    rejected: RejectedRowFinder,
}

impl RowSink for NetworkCollector {
    fn accept(&mut self, row: Row<'_>) {
        for rule in row.rules() {
            if rule.period.state(self.as_of) == RowState::Active {
                self.rules.add(row.action, rule.addresses);
            }
            if rule.addresses == AddressSpec::All {
                self.all_rows.push(OwnedRow::of(&row, &rule));
                continue;
            }
            for question in &mut self.questions {
                if overlap(question.addresses, rule.addresses).is_some() {
                    question.matches.push(OwnedRow::of(&row, &rule));
                }
            }
        }
    }

    fn reject(&mut self, line: u64, error: &RowError<'_>) {
        let questions = self.questions.iter_mut();
        let questions = questions.map(|question| (question.addresses, &mut question.rejected));
        self.rejected.add(line, error, questions);
    }
}

fn verdict(
    question: Question,
    all_rows: &[OwnedRow],
    permitted: &IpSet,
    default: DefaultPolicy,
    as_of: Instant,
) -> NetworkExplanation {
    let Question {
        addresses: asked,
        mut matches,
        rejected,
    } = question;
    // A stable sort keeps rows of equal size in the order of the file.
    matches.sort_by_key(|row| size(row.addresses));
    let is_active = |row: &OwnedRow| row.period.state(as_of) == RowState::Active;
    let whole = set_of([asked]);
    let denied = whole.difference(permitted);
    let permitted = whole.difference(&denied);
    let named_by = |actions: &[Action]| {
        let rows = matches.iter().chain(all_rows);
        let rows = rows.filter(|row| {
            let is_default = row.addresses == AddressSpec::All && row.action != Action::Always;
            is_active(row) && actions.contains(&row.action) && !is_default
        });
        set_of(rows.filter_map(|row| overlap(row.addresses, asked)))
    };
    let always = named_by(&[Action::Always]);
    let by_allow = permitted.difference(&always);
    let deciding: &[Action] = match default {
        DefaultPolicy::Deny => &[Action::Always, Action::Deny, Action::Allow],
        DefaultPolicy::Allow => &[Action::Always, Action::Deny],
    };
    let default_decides = !whole.difference(&named_by(deciding)).is_empty();
    let of_default = match default {
        DefaultPolicy::Deny => Action::Deny,
        DefaultPolicy::Allow => Action::Allow,
    };
    let decides = |row: &OwnedRow| match row.action {
        _ if !is_active(row) => false,
        Action::Always => true,
        action if row.addresses == AddressSpec::All => default_decides && action == of_default,
        Action::Deny => denied.has_any_of(row.addresses),
        Action::Allow => default == DefaultPolicy::Deny && by_allow.has_any_of(row.addresses),
    };
    let rows = matches.iter().chain(all_rows).map(|row| BearingRow {
        decides: decides(row),
        state: row.period.state(as_of),
        row: row.clone(),
    });
    NetworkExplanation {
        addresses: asked,
        address_count: count(&whole),
        permitted_count: count(&permitted),
        default,
        default_decides,
        rows: rows.collect(),
        rejected,
    }
}

fn set_of(addresses: impl IntoIterator<Item = AddressSpec>) -> IpSet {
    let (mut ipv4, mut ipv6) = (Vec::new(), Vec::new());
    for addresses in addresses {
        match addresses {
            AddressSpec::Ipv4(range) => ipv4.push(range),
            AddressSpec::Ipv6(range) => ipv6.push(range),
            AddressSpec::All => return IpSet::everybody(),
        }
    }
    IpSet {
        ipv4: RangeSet::from_unsorted(ipv4),
        ipv6: RangeSet::from_unsorted(ipv6),
    }
}

fn count(set: &IpSet) -> u128 {
    let ipv4 = set.ipv4.address_count();
    set.ipv6.address_count().saturating_add(ipv4)
}

/// Returns the number of addresses in a row, minus one, because the number of all IPv6 addresses does not fit
/// in a `u128`.
fn size(addresses: AddressSpec) -> u128 {
    match addresses {
        AddressSpec::Ipv4(range) => (range.last - range.first).into(),
        AddressSpec::Ipv6(range) => range.last - range.first,
        AddressSpec::All => u128::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ip::parse_address;

    /// Checks the part that gets in, the counts, and the lines of the rows. A `!` marks a row that decides,
    /// and `default` means that the default decides.
    #[track_caller]
    fn check(rows: &str, network: &str, part: PermittedPart, counts: (u128, u128), lines: &str) {
        let csv = format!("IP,Rule,Expires\n{rows}");
        let network = parse_address(network).unwrap();
        let explained = explain_networks(
            csv.as_bytes(),
            &Settings::default(),
            &[network],
            Instant::from_seconds(1_795_684_830),
            &Shared::default(),
        )
        .unwrap();
        let explained = &explained[0];
        let mut bearing: Vec<String> = explained
            .rows
            .iter()
            .map(|bearing| {
                let mark = if bearing.decides { "!" } else { "" };
                format!("{}{mark}", bearing.row.place.line)
            })
            .collect();
        if explained.default_decides {
            bearing.push("default".to_owned());
        }
        assert_eq!(
            (
                explained.permitted(),
                (explained.permitted_count, explained.address_count),
                bearing.join(" ").as_str()
            ),
            (part, counts, lines)
        );
    }

    #[test]
    fn a_network_gets_in_wholly_partly_or_not_at_all() {
        let rows = "10.0.0.0/8,Allow,\n10.1.0.0/16,Deny,\n10.2.0.7,Deny,\n";
        check(rows, "10.9.0.0/24", PermittedPart::Whole, (256, 256), "2!");
        check(rows, "10.1.2.0/24", PermittedPart::None, (0, 256), "3! 2");
        check(
            rows,
            "10.2.0.0/24",
            PermittedPart::Part,
            (255, 256),
            "4! 2!",
        );
        check(
            rows,
            "11.0.0.0/24",
            PermittedPart::None,
            (0, 256),
            "default",
        );
        check(
            rows,
            "9.255.255.0-10.0.0.255",
            PermittedPart::Part,
            (256, 512),
            "2! default",
        );
        check(
            rows,
            "2001:db8::/64",
            PermittedPart::None,
            (0, 1 << 64),
            "default",
        );
    }

    #[test]
    fn the_default_of_the_file_decides_on_the_rest() {
        let rows = "all,Allow,\n10.0.0.0/25,Deny,\n10.0.0.0/24,Allow,\n";
        check(
            rows,
            "10.0.0.0/24",
            PermittedPart::Part,
            (128, 256),
            "3! 4 2! default",
        );
        check(rows, "10.0.0.0/25", PermittedPart::None, (0, 128), "3! 4 2");
        let inactive = "all,Allow,2026-01-01\n10.0.0.0/24,Allow,2026-01-01\n";
        check(
            inactive,
            "10.0.0.0/24",
            PermittedPart::None,
            (0, 256),
            "3 2 default",
        );
    }

    /// Compares the verdict on a network with the verdicts on each of its addresses, for random rows.
    #[test]
    fn a_network_gets_in_like_its_addresses() {
        let mut state = 1u64;
        let mut random = |below: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) % below
        };
        for _ in 0..300 {
            let mut csv = "IP,Rule\n".to_owned();
            for _ in 0..=random(6) {
                let (one, other) = (random(16), random(16));
                let address = match random(8) {
                    0 => "all".to_owned(),
                    _ => format!("10.0.0.{}-10.0.0.{}", one.min(other), one.max(other)),
                };
                let rule = if random(2) == 0 { "Allow" } else { "Deny" };
                crate::text::push_fmt(&mut csv, format_args!("{address},{rule}\n"));
            }
            let (settings, as_of) = (Settings::default(), Instant::from_seconds(0));
            let network = parse_address("10.0.0.4/30").unwrap();
            let shared = Shared::default();
            let explained =
                explain_networks(csv.as_bytes(), &settings, &[network], as_of, &shared).unwrap();
            let hosts: Vec<_> = (4..8)
                .map(|host| std::net::Ipv4Addr::new(10, 0, 0, host).into())
                .collect();
            let each =
                crate::review::explain(csv.as_bytes(), &settings, &hosts, as_of, &shared).unwrap();
            let permitted = each.iter().filter(|explained| explained.permitted).count();
            assert_eq!(explained[0].permitted_count, permitted as u128, "{csv}");
            // A row decides on a network if it decides on one of its addresses.
            for bearing in &explained[0].rows {
                let line = bearing.row.place.line;
                let decides = each
                    .iter()
                    .flat_map(|explained| &explained.rows)
                    .any(|row| row.row.place.line == line && row.decides);
                assert_eq!(bearing.decides, decides, "line {line} of\n{csv}");
            }
        }
    }
}
