//! Which rows of a CSV bear on an address, and whether it gets in.

use std::net::IpAddr;

use crate::address::Addresses;
use crate::decode::TextDecoder;
use crate::ip_set::Span;
use crate::parse::{Action, Parser, Rows, Rule};
use crate::policy::Rules;
use crate::render::RuleRow;
use crate::report::{DefaultPolicy, Refusal, Rejection};
use crate::settings::Settings;

/// The verdict on one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The address that was asked about.
    pub address: IpAddr,
    /// Whether a client with it gets in.
    pub permitted: bool,
    /// The file's default policy, which decides where no row does.
    pub default: DefaultPolicy,
    /// The rows that name the address and decide: its Deny rows or, if it has none and the
    /// default is deny, its Allow rows. The most specific come first.
    pub deciding: Vec<RuleRow>,
    /// The rows that name it and change nothing.
    pub overruled: Vec<RuleRow>,
}

/// Explains the verdict on each address. An answer is given for a file that would be published
/// with these settings, whatever else is wrong with it.
///
/// # Errors
///
/// The refusal of a file that cannot be read.
pub fn explain(
    upload: &[u8],
    settings: &Settings,
    addresses: &[IpAddr],
) -> Result<Vec<Explanation>, Refusal> {
    let finder = Finder {
        rules: Rules::default(),
        matches: addresses
            .iter()
            .map(|address| (*address, Vec::new()))
            .collect(),
    };
    let mut decoder = TextDecoder::new(Parser::new(finder), settings.csv_bytes_max);
    decoder.push(upload)?;
    let finder = decoder.finish()?.finish()?;
    let default = finder.rules.default_policy(settings.default_policy);
    let explained = |(address, matches)| verdict(address, matches, default);
    Ok(finder.matches.into_iter().map(explained).collect())
}

struct Match {
    addresses: u128,
    row: RuleRow,
}

struct Finder {
    rules: Rules,
    matches: Vec<(IpAddr, Vec<Match>)>,
}

impl Rows for Finder {
    fn accept(&mut self, rule: Rule<'_>) {
        if rule.addresses == Addresses::All {
            self.rules.add(rule.action, rule.addresses);
        }
        for (address, matches) in &mut self.matches {
            if let Some(addresses) = size_if_within(*address, rule.addresses) {
                matches.push(Match {
                    addresses,
                    row: RuleRow::of(&rule),
                });
            }
        }
    }

    fn reject(&mut self, _: Rejection) {}
}

/// How many addresses a rule names, less one, if this is one of them. `all` names none: it is the
/// default.
fn size_if_within(address: IpAddr, addresses: Addresses) -> Option<u128> {
    fn within<T: Ord>(address: &T, span: &Span<T>) -> bool {
        span.first <= *address && *address <= span.last
    }
    match (address.to_canonical(), addresses) {
        (IpAddr::V4(address), Addresses::Ipv4(span)) => {
            within(&address.to_bits(), &span).then(|| (span.last - span.first).into())
        }
        (IpAddr::V6(address), Addresses::Ipv6(span)) => {
            within(&address.to_bits(), &span).then(|| span.last - span.first)
        }
        _ => None,
    }
}

fn verdict(address: IpAddr, mut matches: Vec<Match>, default: DefaultPolicy) -> Explanation {
    matches.sort_by_key(|found| (found.addresses, found.row.line));
    let (denies, allows): (Vec<RuleRow>, Vec<RuleRow>) = matches
        .into_iter()
        .map(|found| found.row)
        .partition(|row| row.action == Action::Deny);
    let permitted = denies.is_empty() && (default == DefaultPolicy::Allow || !allows.is_empty());
    let allows_decide = denies.is_empty() && default == DefaultPolicy::Deny;
    let (deciding, overruled) = if allows_decide {
        (allows, denies)
    } else {
        (denies, allows)
    };
    Explanation {
        address,
        permitted,
        default,
        deciding,
        overruled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSV: &[u8] =
        b"IP,Rule\n10.0.0.0/8,Allow\n10.1.0.0/16,Deny\n10.1.2.3,Deny\n10.1.2.3,Allow\n::/0,Allow\n";

    #[track_caller]
    fn check(csv: &[u8], address: &str, permitted: bool, deciding: &[u64], overruled: &[u64]) {
        let address: IpAddr = address.parse().unwrap();
        let explained = explain(csv, &Settings::default(), &[address]).unwrap();
        let lines = |rows: &[RuleRow]| -> Vec<u64> { rows.iter().map(|row| row.line).collect() };
        let found = &explained[0];
        assert_eq!(
            (
                found.permitted,
                lines(&found.deciding),
                lines(&found.overruled)
            ),
            (permitted, deciding.to_vec(), overruled.to_vec())
        );
    }

    #[test]
    fn names_the_rows_that_decide_the_most_specific_first() {
        check(CSV, "10.1.2.3", false, &[4, 3], &[5, 2]);
        check(CSV, "10.9.9.9", true, &[2], &[]);
        check(CSV, "::ffff:10.9.9.9", true, &[2], &[]);
        check(CSV, "11.0.0.1", false, &[], &[]);
        check(CSV, "2001:db8::1", true, &[6], &[]);
    }

    #[test]
    fn leaves_it_to_the_default_where_no_row_decides() {
        check(
            b"IP,Rule\nall,Allow\n1.1.1.1,Allow\n",
            "1.1.1.1",
            true,
            &[],
            &[3],
        );
        check(
            b"IP,Rule\nall,Allow\n1.1.1.1,Deny\n",
            "2.2.2.2",
            true,
            &[],
            &[],
        );
    }
}
