//! `htaccess upcoming`: lists upcoming starts and ends of rows, and the addresses that gain or lose access.

use htaccess_generator::answer::{Answer, Status};
use htaccess_generator::csv::CsvKind;
use htaccess_generator::ip::IpSet;
use htaccess_generator::review::{RowChange, Upcoming, upcoming};
use htaccess_generator::text::{escape, push_fmt};
use htaccess_generator::time::{Bound, Instant, TimeZone};
use serde::Serialize;

use crate::cli::UpcomingArguments;
use crate::commands::member_json::MemberJson;
use crate::commands::networks::for_each_network;
use crate::commands::rows::row_text;
use crate::error::{CliError, ExitStatus};
use crate::input::{self, DEFAULT_ROOT, Input};
use crate::messages::{Done, Printed, counted, print_line, print_note, print_results};
use crate::output::{print_data, print_json};
use crate::run::Circumstances;

/// The maximum number of networks that a line lists. A line about more networks contains only their number.
const MAX_NAMED: usize = 3;

/// Runs `htaccess upcoming`.
pub(crate) fn upcoming_changes(arguments: &UpcomingArguments) -> Result<ExitStatus, CliError> {
    let settings = arguments.settings.read(None)?;
    let as_of = arguments.settings.as_of(&settings)?;
    let until = arguments
        .within
        .map_or(Instant::MAX, |seconds| as_of.plus_seconds(seconds));
    let places = arguments.settings.places()?;
    let mut inputs = input::find(&arguments.inputs, &places, DEFAULT_ROOT)?;
    input::check_sites(&inputs)?;
    let circumstances = Circumstances::of(&inputs, &places, settings, as_of)?;
    // Lists are not read separately: the start or end of a member is reported for each site that uses the
    // list.
    inputs.retain(|input| input.kind == CsvKind::Site);
    let mut results = Vec::new();
    let mut changes: Vec<(&Input, RowChange)> = Vec::new();
    for input in &inputs {
        let read = read(input, &circumstances, until);
        results.push(read.map(|(answer, found)| {
            if found.more > 0 {
                let more = counted(found.more, "later change");
                print_note(input, &format!("{more} are not listed: use --within"));
            }
            changes.extend(found.changes.into_iter().map(|change| (input, change)));
            answer
        }));
    }
    // The sort is stable, so changes at the same time keep the order of the files and lines.
    changes.sort_by_key(|(_, change)| change.at);
    let zone = &circumstances.settings.time_zone;
    if changes.is_empty() {
        print_line(&match arguments.within {
            Some(_) => format!("no row starts or ends until {}", zone.show(until)),
            None => "no row starts or ends".to_owned(),
        });
    }
    let answers: Vec<&Answer> = results.iter().flatten().collect();
    circumstances.shared.print_problems(&inputs, &answers);
    let status = print_results(&inputs, results, Printed::default(), Done::Read)?;
    if arguments.json {
        let json: Vec<ChangeJson<'_>> = changes
            .iter()
            .map(|(input, change)| ChangeJson::of(input, change))
            .collect();
        print_json(&json)?;
    } else {
        let mut text = String::new();
        for (input, change) in &changes {
            push_change(&mut text, input, change, zone);
        }
        print_data(text.as_bytes())?;
    }
    Ok(status)
}

/// Reads a file and finds its changes up to `until`. A refused file has no changes, because it is not
/// published.
fn read(
    input: &Input,
    circumstances: &Circumstances,
    until: Instant,
) -> Result<(Answer, Upcoming), CliError> {
    let (bytes, decision) = circumstances.read_whole(input)?;
    let answer = decision.answer();
    // Most files have no dates, so a second pass over their rows is not necessary.
    if answer.status == Status::Refused || answer.next_change.is_none() {
        return Ok((answer, Upcoming::default()));
    }
    let Circumstances {
        settings,
        as_of,
        shared,
    } = circumstances;
    let found = upcoming(&bytes, settings, *as_of, until, shared.of(input));
    let found = found.map_err(|err| CliError::new(err.to_string()))?;
    Ok((answer, found))
}

/// Appends a line such as
/// `31 December 2026, 23:59 UTC: acme.csv:4: 192.0.2.7,Allow ends: 192.0.2.7 loses access`.
fn push_change(text: &mut String, input: &Input, change: &RowChange, zone: &TimeZone) {
    let (at, verb) = match change.bound {
        Bound::Starts => (zone.show(change.at), "starts"),
        Bound::Expires => (zone.show_end(change.at), "ends"),
    };
    let file = input.display_name();
    let place = match change.place.own_line() {
        Some(line) => format!("{file}:{line}"),
        None => format!("{file}: {}", change.place.row()),
    };
    let member = match &change.place.member {
        None => String::new(),
        Some(member) => format!(" ({}, line {})", escape(&member.list.source), member.line),
    };
    push_fmt(
        text,
        format_args!(
            "{at}: {place}: {}{member} {verb}: {}\n",
            row_text(&change.address, change.action, &change.comment),
            effect_text(change)
        ),
    );
}

fn effect_text(change: &RowChange) -> String {
    let parts = [
        (&change.effect.lost, "lose"),
        (&change.effect.gained, "gain"),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(addresses, _)| !addresses.is_empty())
        .map(|(addresses, verb)| access_text(addresses, verb))
        .collect();
    if parts.is_empty() {
        return "nobody gains or loses access".to_owned();
    }
    parts.join(", ")
}

/// Returns text such as `192.0.2.7 loses access` or `12 networks lose access`.
fn access_text(addresses: &IpSet, verb: &str) -> String {
    let count = addresses.network_count();
    let ending = if count == 1 { "s" } else { "" };
    if count > MAX_NAMED {
        return format!("{} {verb}{ending} access", counted(count, "network"));
    }
    let names = networks_of(addresses).join(", ");
    format!("{names} {verb}{ending} access")
}

fn networks_of(addresses: &IpSet) -> Vec<String> {
    let mut networks = Vec::new();
    for_each_network(addresses, |network| networks.push(network.to_owned()));
    networks
}

#[derive(Serialize)]
struct ChangeJson<'a> {
    at: Instant,
    /// The path of the CSV, or `-` for standard input.
    file: String,
    line: u64,
    /// The common CSV that contains the row. Omitted if the row is in the site's own CSV.
    #[serde(skip_serializing_if = "Option::is_none")]
    common: Option<&'a str>,
    /// The list member that starts or ends. Omitted if the row itself starts or ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    list: Option<MemberJson<'a>>,
    rule: &'static str,
    address: &'a str,
    comment: &'a str,
    /// `starts` or `expires`.
    event: &'static str,
    gained: Vec<String>,
    lost: Vec<String>,
}

impl<'a> ChangeJson<'a> {
    fn of(input: &Input, change: &'a RowChange) -> Self {
        let path = input.path.as_ref().map(|path| path.display().to_string());
        Self {
            at: change.at,
            file: path.unwrap_or("-".to_owned()),
            line: change.place.line,
            common: change.place.common.as_deref(),
            list: change.place.member.as_ref().map(MemberJson::of),
            rule: change.action.name(),
            address: &change.address,
            comment: &change.comment,
            event: match change.bound {
                Bound::Starts => "starts",
                Bound::Expires => "expires",
            },
            gained: networks_of(&change.effect.gained),
            lost: networks_of(&change.effect.lost),
        }
    }
}
