//! Explains whether an address gets in, and which rows of a CSV decide that.

use std::net::IpAddr;

use crate::csv::{CsvError, OwnedRow, Row, RowContext, RowError, RowSink, read_rows};
use crate::ip::{AddrRange, AddressSpec};
use crate::list::Shared;
use crate::policy::{PolicyBuilder, deciding_action};
use crate::review::rejected_rows::{RejectedRowFinder, RejectedRows};
use crate::rule::{Action, DefaultPolicy};
use crate::settings::Settings;
use crate::time::{DateReader, Instant, RowState};

/// The verdict on an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The address in question.
    pub address: IpAddr,
    /// `true` if a client with this address gets in.
    pub permitted: bool,
    /// The default policy of the file. It decides if no row does.
    pub default: DefaultPolicy,
    /// The rows that contain the address, the most specific first, followed by the `all` rows, which choose
    /// the default. Equally specific rows are in the order of the file.
    pub rows: Vec<BearingRow>,
    /// The rejected rows that contain the address, or may contain it.
    pub rejected: RejectedRows,
}

/// A row that contains addresses in question, or a member of the list in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BearingRow {
    /// The row.
    pub row: OwnedRow,
    /// The state of the row at the instant in question. Only active rows decide.
    pub state: RowState,
    /// `true` if the row decides. If there are Always rows, they decide, otherwise the Deny rows. If there
    /// are neither, the Allow rows decide under default deny. If no row decides in this way, the `all` rows
    /// that chose the default decide. The other rows have no effect.
    pub decides: bool,
}

/// Explains the verdict on each address at the instant `as_of`. The function does not check whether the file
/// would be published, so rejected rows and strict mode have no effect. `shared` contains the lists and the
/// common CSV.
///
/// # Errors
///
/// A [`CsvError`] if the file cannot be read.
pub fn explain(
    upload: &[u8],
    settings: &Settings,
    addresses: &[IpAddr],
    as_of: Instant,
    shared: &Shared,
) -> Result<Vec<Explanation>, CsvError> {
    let rows = RowCollector {
        as_of,
        rules: PolicyBuilder::default(),
        all_rows: Vec::new(),
        questions: addresses.iter().copied().map(Question::new).collect(),
        rejected: RejectedRowFinder::default(),
    };
    let dates = DateReader::new(settings.time_zone.clone(), as_of);
    let context = RowContext::of_site(shared.clone());
    let rows = read_rows(upload, rows, dates, context, settings.max_csv_bytes)?;
    let default = rows.rules.default_policy(settings.default_policy);
    let explained = |question| verdict(question, &rows.all_rows, default, as_of);
    Ok(rows.questions.into_iter().map(explained).collect())
}

struct Question {
    address: IpAddr,
    matches: Vec<Match>,
    rejected: RejectedRows,
}

impl Question {
    fn new(address: IpAddr) -> Self {
        Self {
            address,
            matches: Vec::new(),
            rejected: RejectedRows::default(),
        }
    }
}

struct Match {
    addresses: u128,
    row: OwnedRow,
}

struct RowCollector {
    as_of: Instant,
    rules: PolicyBuilder,
    all_rows: Vec<OwnedRow>,
    questions: Vec<Question>,
    rejected: RejectedRowFinder,
}

impl RowSink for RowCollector {
    fn accept(&mut self, row: Row<'_>) {
        for rule in row.rules() {
            if rule.addresses == AddressSpec::All {
                if rule.period.state(self.as_of) == RowState::Active {
                    self.rules.add(row.action, rule.addresses);
                }
                self.all_rows.push(OwnedRow::of(&row, &rule));
            }
            for question in &mut self.questions {
                if let Some(addresses) = size_if_within(question.address, rule.addresses) {
                    let row = OwnedRow::of(&row, &rule);
                    question.matches.push(Match { addresses, row });
                }
            }
        }
    }

    fn reject(&mut self, line: u64, error: &RowError<'_>) {
        let questions = self.questions.iter_mut();
        let questions =
            questions.map(|question| (single(question.address), &mut question.rejected));
        self.rejected.add(line, error, questions);
    }
}

fn single(address: IpAddr) -> AddressSpec {
    match address.to_canonical() {
        IpAddr::V4(address) => AddressSpec::Ipv4(AddrRange {
            first: address.to_bits(),
            last: address.to_bits(),
        }),
        IpAddr::V6(address) => AddressSpec::Ipv6(AddrRange {
            first: address.to_bits(),
            last: address.to_bits(),
        }),
    }
}

/// Returns the number of addresses in a rule, minus one. `None` if the rule does not contain the address.
/// `all` contains no address, because it only sets the default.
fn size_if_within(address: IpAddr, addresses: AddressSpec) -> Option<u128> {
    fn within<T: Ord>(address: &T, range: &AddrRange<T>) -> bool {
        range.first <= *address && *address <= range.last
    }
    match (address.to_canonical(), addresses) {
        (IpAddr::V4(address), AddressSpec::Ipv4(range)) => {
            within(&address.to_bits(), &range).then(|| (range.last - range.first).into())
        }
        (IpAddr::V6(address), AddressSpec::Ipv6(range)) => {
            within(&address.to_bits(), &range).then(|| range.last - range.first)
        }
        _ => None,
    }
}

fn verdict(
    question: Question,
    all_rows: &[OwnedRow],
    default: DefaultPolicy,
    as_of: Instant,
) -> Explanation {
    let Question {
        address,
        mut matches,
        rejected,
    } = question;
    let is_active = |row: &OwnedRow| row.period.state(as_of) == RowState::Active;
    // A stable sort keeps equally specific rows in the order of the file.
    matches.sort_by_key(|matching| matching.addresses);
    // An `all,Always` row is more than a default, because no Deny row overrides it.
    let is_always = |row: &&OwnedRow| row.action == Action::Always && is_active(row);
    let always_all = all_rows.iter().any(|row| is_always(&row));
    let is_named_by = |action| {
        let mut active = matches.iter().filter(|matching| is_active(&matching.row));
        active.any(|matching| matching.row.action == action)
            || (action == Action::Always && always_all)
    };
    let decided = deciding_action(default, is_named_by);
    let permitted = decided != Action::Deny;
    let of_default = match default {
        DefaultPolicy::Deny => Action::Deny,
        DefaultPolicy::Allow => Action::Allow,
    };
    let by_default =
        decided == of_default && (default == DefaultPolicy::Allow || !is_named_by(Action::Deny));
    let matching_rows = matches.into_iter().map(|matching| BearingRow {
        decides: !by_default && is_active(&matching.row) && matching.row.action == decided,
        state: matching.row.period.state(as_of),
        row: matching.row,
    });
    let all = all_rows.iter().map(|row| BearingRow {
        decides: is_active(row)
            && row.action == decided
            && (by_default || decided == Action::Always),
        state: row.period.state(as_of),
        row: row.clone(),
    });
    Explanation {
        address,
        permitted,
        default,
        rows: matching_rows.chain(all).collect(),
        rejected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSV: &[u8] =
        b"IP,Rule\n10.0.0.0/8,Allow\n10.1.0.0/16,Deny\n10.1.2.3,Deny\n10.1.2.3,Allow\n::/0,Allow\n";

    const AS_OF: Instant = Instant::from_seconds(1_795_684_830);

    /// Checks whether the address gets in, and the lines of the rows. A `!` marks a row that decides.
    #[track_caller]
    fn check(csv: &[u8], address: &str, permitted: bool, lines: &str) {
        let address: IpAddr = address.parse().unwrap();
        let explained = explain(
            csv,
            &Settings::default(),
            &[address],
            AS_OF,
            &Shared::default(),
        )
        .unwrap();
        let explanation = &explained[0];
        let bearing: Vec<String> = explanation
            .rows
            .iter()
            .map(|bearing| {
                let mark = if bearing.decides { "!" } else { "" };
                format!("{}{mark}", bearing.row.place.line)
            })
            .collect();
        assert_eq!(
            (explanation.permitted, bearing.join(" ").as_str()),
            (permitted, lines)
        );
    }

    #[test]
    fn names_the_rows_the_most_specific_first() {
        check(CSV, "10.1.2.3", false, "4! 5 3! 2");
        check(CSV, "10.9.9.9", true, "2!");
        check(CSV, "::ffff:10.9.9.9", true, "2!");
        check(CSV, "11.0.0.1", false, "");
        check(CSV, "2001:db8::1", true, "6!");
    }

    #[test]
    fn names_the_rows_that_choose_the_default() {
        let csv = b"IP,Rule\nall,Allow\n1.1.1.1,Allow\n3.3.3.3,Deny\n";
        check(csv, "1.1.1.1", true, "3 2!");
        check(csv, "2.2.2.2", true, "2!");
        check(csv, "3.3.3.3", false, "4! 2");
        let conflicting = b"IP,Rule\nall,Allow\nany,Deny\n1.1.1.1,Allow\n";
        check(conflicting, "2.2.2.2", false, "2 3!");
        check(conflicting, "1.1.1.1", true, "4! 2 3");
    }

    #[test]
    fn only_active_rows_decide() {
        // `AS_OF` is in November 2026.
        let csv = b"IP,Rule,Starts,Expires\n1.1.1.1,Allow,,2026-11-25\n1.1.1.1,Allow,2026-11-26,2026-12-31\n\
            1.1.1.1,Deny,2026-12-01,\n2.2.2.2,Deny,,2026-11-01\nall,Allow,2027-01-01,\n2.2.2.2,Allow,,\n";
        check(csv, "1.1.1.1", true, "2 3! 4 6");
        check(csv, "2.2.2.2", true, "5 7! 6");
        check(csv, "3.3.3.3", false, "6");
    }
}
