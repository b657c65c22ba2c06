//! `htaccess explain`: reports for each address whether it gets in, and the rows that match it.

use std::net::IpAddr;

use htaccess_generator::answer::Status;
use htaccess_generator::generate::{Keep, Upload};
use htaccess_generator::ip::AddressSpec;
use htaccess_generator::review::{BearingRow, Explanation, explain};
use htaccess_generator::rule::Action;
use htaccess_generator::rule::DefaultPolicy;
use htaccess_generator::text::escape;
use serde::Serialize;

use crate::cli::ExplainArguments;
use crate::error::{CliError, ExitStatus};
use crate::input;
use crate::messages::print_problems;
use crate::output::{print_data, print_json};
use crate::run::source_of;

/// Runs `htaccess explain`.
pub(crate) fn explain_addresses(arguments: &ExplainArguments) -> Result<ExitStatus, CliError> {
    let settings = arguments.settings.read(None)?;
    let input = input::find_one(&arguments.file)?;
    let mut upload = Upload::new(&settings, source_of(&input), Keep::default());
    let mut bytes = Vec::new();
    input.read(input.bytes(), |piece| {
        input.keep_start(piece);
        bytes.extend_from_slice(piece);
        // Stops an upload that is too large before all of it is in memory.
        upload.push(piece)
    })?;
    let answer = upload.finish().answer();
    print_problems(&input, &answer);
    if answer.status == Status::Refused {
        return Ok(ExitStatus::Refused);
    }
    let explanations = explain(&bytes, &settings, &arguments.addresses)
        .map_err(|err| CliError::new(err.to_string()))?;
    if arguments.json {
        let explained: Vec<ExplanationJson> =
            explanations.iter().map(ExplanationJson::of).collect();
        print_json(&explained)?;
    } else {
        let texts: Vec<String> = explanations.iter().map(explanation_text).collect();
        print_data(texts.concat().as_bytes())?;
    }
    Ok(ExitStatus::Success)
}

fn explanation_text(explanation: &Explanation) -> String {
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
        text.push_str(&row_text(bearing));
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
        Some(BearingRow { row, .. }) if row.addresses == AddressSpec::All => {
            let line = row.line;
            format!("no row {named} it, and line {line} makes {default} the default")
        }
        Some(BearingRow { row, .. }) => {
            let verb = match row.action {
                Action::Allow => "allows",
                Action::Deny => "denies",
            };
            format!("line {} {verb} it", row.line)
        }
        None => format!("no row {named} it, and the default is {default}"),
    }
}

fn row_text(bearing: &BearingRow) -> String {
    let BearingRow { row, decides } = bearing;
    let action = match row.action {
        Action::Allow => "Allow",
        Action::Deny => "Deny",
    };
    let comment = match row.comment.as_str() {
        "" => String::new(),
        comment => format!(" {}", escape(comment)),
    };
    let note = if *decides { "" } else { " (changes nothing)" };
    format!(
        "  line {}: {},{action}{comment}{note}\n",
        row.line,
        escape(&row.address)
    )
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
    rule: &'static str,
    address: &'a str,
    comment: &'a str,
    decides: bool,
}

impl<'a> ExplanationJson<'a> {
    fn of(explanation: &'a Explanation) -> Self {
        let rows = explanation
            .rows
            .iter()
            .map(|BearingRow { row, decides }| RowJson {
                line: row.line,
                rule: row.action.name(),
                address: &row.address,
                comment: &row.comment,
                decides: *decides,
            });
        Self {
            address: explanation.address,
            permitted: explanation.permitted,
            default_policy: explanation.default,
            rows: rows.collect(),
        }
    }
}
