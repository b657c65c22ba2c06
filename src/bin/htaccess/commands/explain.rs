//! `htaccess explain`: reports for each address whether it gets in, and the rows that match it.

use std::net::IpAddr;

use htaccess_generator::answer::Status;
use htaccess_generator::ip::AddressSpec;
use htaccess_generator::review::{BearingRow, Explanation, explain};
use htaccess_generator::rule::Action;
use htaccess_generator::rule::DefaultPolicy;
use htaccess_generator::text::escape;
use htaccess_generator::time::{Instant, Period, RowState, TimeZone};
use serde::Serialize;

use crate::cli::ExplainArguments;
use crate::commands::member_json::MemberJson;
use crate::commands::rows::row_text;
use crate::error::{CliError, ExitStatus};
use crate::input;
use crate::messages::print_problems;
use crate::output::{print_data, print_json};
use crate::run::Circumstances;

/// Runs `htaccess explain`.
pub(crate) fn explain_addresses(arguments: &ExplainArguments) -> Result<ExitStatus, CliError> {
    let settings = arguments.settings.read(None)?;
    let as_of = arguments.settings.as_of(&settings)?;
    let places = arguments.settings.places()?;
    let inputs = [input::find_one(&arguments.file, &places)?];
    let circumstances = Circumstances::of(&inputs, &places, settings, as_of)?;
    let [input] = &inputs;
    let (bytes, answer) = circumstances.read_whole(input)?;
    print_problems(input, &answer);
    circumstances.shared.print_problems(&inputs, &[&answer]);
    if answer.status == Status::Refused {
        return Ok(ExitStatus::Refused);
    }
    let settings = &circumstances.settings;
    let shared = circumstances.shared.of(input);
    let explanations = explain(&bytes, settings, &arguments.addresses, as_of, shared)
        .map_err(|err| CliError::new(err.to_string()))?;
    if arguments.json {
        let explained: Vec<ExplanationJson> =
            explanations.iter().map(ExplanationJson::of).collect();
        print_json(&explained)?;
    } else {
        let texts: Vec<String> = explanations
            .iter()
            .map(|explanation| explanation_text(explanation, &settings.time_zone))
            .collect();
        print_data(texts.concat().as_bytes())?;
    }
    Ok(ExitStatus::Success)
}

fn explanation_text(explanation: &Explanation, zone: &TimeZone) -> String {
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
    let mut text = format!("{address}{known_as} {result}: {}\n", reason(explanation));
    for bearing in &explanation.rows {
        text.push_str(&bearing_text(bearing, zone));
    }
    text
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

/// Says when a row starts or ends: ` (pending: from 1 December 2026, 00:00 UTC)`.
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

#[derive(Serialize)]
struct ExplanationJson<'a> {
    address: IpAddr,
    permitted: bool,
    default_policy: DefaultPolicy,
    rows: Vec<RowJson<'a>>,
}

#[derive(Serialize)]
struct RowJson<'a> {
    line: u64,
    /// The common CSV, if the row is in it. Omitted otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    common: Option<&'a str>,
    /// The member, if the row names a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    list: Option<MemberJson<'a>>,
    rule: &'static str,
    address: &'a str,
    comment: &'a str,
    starts: Option<Instant>,
    expires: Option<Instant>,
    state: &'static str,
    decides: bool,
}

impl<'a> ExplanationJson<'a> {
    fn of(explanation: &'a Explanation) -> Self {
        let rows = explanation.rows.iter().map(|bearing| RowJson {
            line: bearing.row.place.line,
            common: bearing.row.place.common.as_deref(),
            list: bearing.row.place.member.as_ref().map(MemberJson::of),
            rule: bearing.row.action.name(),
            address: &bearing.row.address,
            comment: &bearing.row.comment,
            starts: bearing.row.period.starts,
            expires: bearing.row.period.expires,
            state: bearing.state.name(),
            decides: bearing.decides,
        });
        Self {
            address: explanation.address,
            permitted: explanation.permitted,
            default_policy: explanation.default,
            rows: rows.collect(),
        }
    }
}
