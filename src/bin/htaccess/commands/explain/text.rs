//! Formats verdicts as text.

use htaccess_generator::answer::{Answer, RefusalCode, Status};
use htaccess_generator::ip::AddressSpec;
use htaccess_generator::review::{BearingRow, Explanation, NetworkExplanation, PermittedPart};
use htaccess_generator::rule::{Action, DefaultPolicy};
use htaccess_generator::text::{escape, grouped, push_fmt};
use htaccess_generator::time::{Period, RowState, TimeZone};

use crate::cli::Subject;
use crate::commands::explain::site::{Site, Verdict};
use crate::commands::rows::row_text;
use crate::messages::{counted, counted_ipv6};

/// Appends a verdict and the rows that contain the address or network, including rejected rows.
pub(super) fn push_verdict(text: &mut String, verdict: &Verdict, answer: &Answer, zone: &TimeZone) {
    push_fmt(text, format_args!("{}\n", sentence(verdict)));
    let rows = match verdict {
        Verdict::Address(explanation) => &explanation.rows,
        Verdict::Network(explanation) => &explanation.rows,
    };
    for bearing in rows {
        text.push_str(&bearing_text(bearing, zone));
    }
    for line in &verdict.rejected().lines {
        let mut rejections = answer.rejections.iter();
        let reason = rejections
            .find(|rejection| rejection.line == *line)
            .map_or(String::new(), |rejection| format!(": {}", rejection.reason));
        push_fmt(
            text,
            format_args!("  line {line} contains it, but was rejected{reason}\n"),
        );
    }
}

/// Appends one line about a site, for example `sites/acme.csv: 10.0.0.7 is kept out: line 3 denies it`.
pub(super) fn push_site(text: &mut String, site: &Site<'_>, index: usize) {
    let name = site.input.display_name();
    let line = if let Some(verdict) = site.verdicts.get(index) {
        sentence(verdict)
    } else {
        let code = site.answer.code.as_ref().map(RefusalCode::to_string);
        format!(
            "the file is refused ({}), so the site keeps its previous rules",
            code.unwrap_or_default()
        )
    };
    push_fmt(text, format_args!("{name}: {line}\n"));
}

/// Appends a line with the number of sites for each result: gets in, partly, kept out or refused.
pub(super) fn push_summary(text: &mut String, sites: &[Site<'_>], index: usize, subject: &Subject) {
    let count = |wanted: PermittedPart| {
        let verdicts = sites.iter().filter_map(|site| site.verdicts.get(index));
        verdicts
            .filter(|verdict| verdict.permitted() == wanted)
            .count()
    };
    let refused = sites
        .iter()
        .filter(|site| site.answer.status == Status::Refused)
        .count();
    let all = counted(sites.len(), "site");
    let mut parts = vec![
        format!("gets in at {} of {all}", count(PermittedPart::Whole)),
        format!("is kept out at {}", count(PermittedPart::None)),
    ];
    if let Subject::Network(_) = subject {
        parts.insert(1, format!("partly at {}", count(PermittedPart::Part)));
    }
    if refused > 0 {
        parts.push(format!("{refused} refused"));
    }
    push_fmt(text, format_args!("{subject} {}\n", parts.join(", ")));
}

/// The maximum number of deciding rows that a sentence lists.
const MAX_ROWS_NAMED: usize = 4;

/// Joins the names of rows, for example `line 2, line 5 and line 7`.
fn joined(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [name] => name.clone(),
        [names @ .., last] => format!("{} and {last}", names.join(", ")),
    }
}

fn sentence(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Address(explanation) => address_sentence(explanation),
        Verdict::Network(explanation) => network_sentence(explanation),
    }
}

fn address_sentence(explanation: &Explanation) -> String {
    let address = explanation.address;
    let known_as = match address.to_canonical() {
        canonical if canonical == address => String::new(),
        canonical => format!(", which is {canonical},"),
    };
    let result = if explanation.permitted {
        "gets in"
    } else {
        "is kept out"
    };
    format!("{address}{known_as} {result}: {}", reason(explanation))
}

fn network_sentence(explanation: &NetworkExplanation) -> String {
    let network = explanation.addresses;
    let result = match explanation.permitted() {
        PermittedPart::Whole => "gets in as a whole".to_owned(),
        PermittedPart::None => "is kept out as a whole".to_owned(),
        PermittedPart::Part => {
            let NetworkExplanation {
                permitted_count,
                address_count,
                ..
            } = explanation;
            match network {
                AddressSpec::Ipv4(_) => format!(
                    "gets in partly, {} of {}",
                    grouped(&permitted_count.to_string()),
                    counted(address_count, "address")
                ),
                AddressSpec::Ipv6(_) | AddressSpec::All => {
                    format!(
                        "gets in partly, {} of its addresses",
                        counted_ipv6(*permitted_count)
                    )
                }
            }
        }
    };
    let is_default = |bearing: &&BearingRow| {
        bearing.row.addresses == AddressSpec::All && bearing.row.action != Action::Always
    };
    let deciding = explanation.rows.iter().filter(|bearing| bearing.decides);
    let (of_default, deciding): (Vec<&BearingRow>, Vec<&BearingRow>) =
        deciding.partition(is_default);
    let row = |bearing: &&BearingRow| bearing.row.place.row();
    let mut deciding: Vec<String> = deciding.iter().map(row).collect();
    deciding.dedup();
    if deciding.len() > MAX_ROWS_NAMED {
        let more = deciding.len() - (MAX_ROWS_NAMED - 1);
        deciding.truncate(MAX_ROWS_NAMED - 1);
        deciding.push(format!("{more} more rows"));
    }
    if explanation.default_decides {
        let rest = if deciding.is_empty() {
            ""
        } else {
            "for the rest "
        };
        let default = match of_default.first() {
            Some(bearing) => bearing.row.place.row(),
            None => format!("the default ({})", explanation.default.name()),
        };
        deciding.push(format!("{rest}{default}"));
    }
    let verb = if deciding.len() == 1 {
        "decides"
    } else {
        "decide"
    };
    format!("{network} {result}: {} {verb}", joined(&deciding))
}

fn reason(explanation: &Explanation) -> String {
    let named = match explanation.default {
        DefaultPolicy::Deny => "allows",
        DefaultPolicy::Allow => "denies",
    };
    let default = explanation.default.name();
    match explanation.rows.iter().find(|bearing| bearing.decides) {
        Some(BearingRow { row, .. })
            if row.addresses == AddressSpec::All && row.action != Action::Always =>
        {
            let line = row.place.row();
            format!("no row {named} it, and {line} makes {default} the default")
        }
        Some(BearingRow { row, .. }) => {
            let verb = match row.action {
                Action::Allow => "allows",
                Action::Deny => "denies",
                Action::Always => "always allows",
            };
            let member = row.place.member.as_ref();
            let member = member.map_or(String::new(), |member| format!(": {member}"));
            format!("{} {verb} it{member}", row.place.row())
        }
        None => format!("no row {named} it, and the default is {default}"),
    }
}

fn bearing_text(bearing: &BearingRow, zone: &TimeZone) -> String {
    let BearingRow {
        row,
        state,
        decides,
    } = bearing;
    let note = if *decides || *state != RowState::Active {
        ""
    } else {
        " (changes nothing)"
    };
    let period = period_text(row.period, *state, zone);
    let list = match &row.place.member {
        None => String::new(),
        Some(member) => {
            let source = escape(&member.list.source);
            let addresses = row.addresses;
            format!(" ({source}, line {}: {addresses})", member.line)
        }
    };
    format!(
        "  {}: {}{list}{period}{note}\n",
        row.place.row(),
        row_text(&row.address, row.action, &row.comment)
    )
}

/// Returns text about the start or end of a row, for example ` (pending: from 1 December 2026, 00:00 UTC)`.
fn period_text(period: Period, state: RowState, zone: &TimeZone) -> String {
    let from = period.starts.map(|starts| zone.show(starts));
    let until = period.expires.map(|expires| zone.show_end(expires));
    match (state, from, until) {
        (RowState::Pending, Some(from), Some(until)) => {
            format!(" (pending: from {from} until {until})")
        }
        (RowState::Pending, Some(from), None) => format!(" (pending: from {from})"),
        (RowState::Expired, _, Some(until)) => format!(" (expired: until {until})"),
        (RowState::Active, _, Some(until)) => format!(" (until {until})"),
        _ => String::new(),
    }
}
