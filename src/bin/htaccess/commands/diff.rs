//! `htaccess diff`: compares the policies of two CSVs and prints the addresses that gain or lose access.

use std::path::Path;

use htaccess_generator::answer::{Answer, Status};
use htaccess_generator::generate::Keep;
use htaccess_generator::ip::IpSet;
use htaccess_generator::policy::{Policy, PolicyBuilder};
use htaccess_generator::review::{Diff, diff};
use htaccess_generator::rule::DefaultPolicy;
use htaccess_generator::settings::Settings;
use htaccess_generator::text::push_fmt;
use serde::Serialize;

use crate::cli::DiffArguments;
use crate::commands::networks::for_each_network;
use crate::error::{CliError, ExitStatus};
use crate::input::{self, Input};
use crate::messages::{Progress, counted, counted_ipv6};
use crate::messages::{exit_status, print_problems};
use crate::output::{print_data, print_json};
use crate::run::{Circumstances, read};

/// Runs `htaccess diff`.
pub(crate) fn diff_files(arguments: &DiffArguments) -> Result<ExitStatus, CliError> {
    let settings = arguments.settings.read(None)?;
    let as_of = arguments.settings.as_of(&settings)?;
    let stdin = Path::new("-");
    if arguments.old == stdin && arguments.new == stdin {
        return Err(CliError::new(
            "standard input cannot be both files: name one of them".to_owned(),
        ));
    }
    let places = arguments.settings.places()?;
    let inputs = [
        input::find_one(&arguments.old, &places)?,
        input::find_one(&arguments.new, &places)?,
    ];
    let circumstances = Circumstances::of(&inputs, &places, settings, as_of)?;
    let [old, new] = &inputs;
    let (mut old_answer, mut old_policy) = policy_of(old, &circumstances)?;
    if old.was_empty() {
        (old_answer, old_policy) = without_rules(old, &circumstances.settings);
    }
    let (new_answer, new_policy) = policy_of(new, &circumstances)?;
    // The rejected rows of the old file are not shown, because they are known already.
    if old_policy.is_none() {
        print_problems(old, &old_answer);
    }
    print_problems(new, &new_answer);
    let shared = &circumstances.shared;
    shared.print_problems(&inputs, &[&old_answer, &new_answer]);
    let answers = [old_answer, new_answer];
    let changed = match (&old_policy, &new_policy) {
        (Some(old), Some(new)) => Some(diff(old, new)),
        _ => None,
    };
    if arguments.json {
        print_json(&DiffJson::of(&answers, changed.as_ref()))?;
    }
    let Some(changed) = changed else {
        return Ok(exit_status(&answers));
    };
    if !arguments.json {
        let text = text(old, new, &answers, &changed);
        print_data(text.as_bytes())?;
    }
    if arguments.exit_code && !changed.is_empty() {
        Ok(ExitStatus::Changed)
    } else {
        Ok(ExitStatus::Success)
    }
}

/// Returns the policy of a site without a CSV: no rules, only the default.
fn without_rules(input: &Input, settings: &Settings) -> (Answer, Option<Policy>) {
    let mut answer = Answer::new(&input.key, Status::Written);
    answer.default_policy = settings.default_policy;
    let policy = PolicyBuilder::default().build(settings.default_policy);
    (answer, Some(policy))
}

fn policy_of(
    input: &Input,
    circumstances: &Circumstances,
) -> Result<(Answer, Option<Policy>), CliError> {
    let progress = Progress::of(std::slice::from_ref(input));
    let decision = read(input, circumstances, Keep::default(), &progress)?;
    let answer = decision.answer();
    Ok((answer, decision.into_policy()))
}

fn text(old: &Input, new: &Input, answers: &[Answer; 2], changed: &Diff) -> String {
    let mut text = format!("{} -> {}\n", old.display_name(), new.display_name());
    let [old, new] = answers;
    let default = match (old.default_policy, new.default_policy) {
        (DefaultPolicy::Deny, DefaultPolicy::Allow) => {
            "The default changes from deny to allow: everybody who is not denied gets in.\n"
        }
        (DefaultPolicy::Allow, DefaultPolicy::Deny) => {
            "The default changes from allow to deny: only who is allowed gets in.\n"
        }
        _ => "",
    };
    text.push_str(default);
    if old.rejected != new.rejected {
        push_fmt(
            &mut text,
            format_args!(
                "Rejected rows: {} before, {} now.\n",
                old.rejected, new.rejected
            ),
        );
    }
    if changed.is_empty() {
        text.push_str("Nobody gains or loses access.\n");
    }
    push_set(&mut text, "Gain access", '+', &changed.gained);
    push_set(&mut text, "Lose access", '-', &changed.lost);
    text
}

fn push_set(text: &mut String, title: &str, sign: char, set: &IpSet) {
    if set.is_empty() {
        return;
    }
    let mut counts = Vec::new();
    if !set.ipv4.is_empty() {
        counts.push(counted(set.ipv4.address_count(), "IPv4 address"));
    }
    if !set.ipv6.is_empty() {
        counts.push(counted_ipv6(set.ipv6.address_count()));
    }
    let counts = counts.join(" and ");
    let networks = counted(set.network_count(), "network");
    push_fmt(text, format_args!("{title}: {counts}, in {networks}\n"));
    for_each_network(set, |network| {
        push_fmt(text, format_args!("  {sign} {network}\n"));
    });
}

/// The output for programs. `changed`, `gained` and `lost` are `null` if one of the files is refused.
#[derive(Serialize)]
struct DiffJson<'a> {
    changed: Option<bool>,
    gained: Option<SetJson>,
    lost: Option<SetJson>,
    old: &'a Answer,
    new: &'a Answer,
}

impl<'a> DiffJson<'a> {
    fn of([old, new]: &'a [Answer; 2], changed: Option<&Diff>) -> Self {
        Self {
            changed: changed.map(|changed| !changed.is_empty()),
            gained: changed.map(|changed| SetJson::of(&changed.gained)),
            lost: changed.map(|changed| SetJson::of(&changed.lost)),
            old,
            new,
        }
    }
}

#[derive(Serialize)]
struct SetJson {
    ipv4_addresses: u128,
    /// A string of digits, because most programs read JSON numbers as floating point.
    ipv6_addresses: String,
    networks: Vec<String>,
}

impl SetJson {
    fn of(set: &IpSet) -> Self {
        let mut networks = Vec::new();
        for_each_network(set, |network| networks.push(network.to_owned()));
        Self {
            ipv4_addresses: set.ipv4.address_count(),
            ipv6_addresses: match set.ipv6.address_count() {
                // `u128::MAX` stands for all of IPv6, which is 2^128 addresses.
                u128::MAX => "340282366920938463463374607431768211456".to_owned(),
                count => count.to_string(),
            },
            networks,
        }
    }
}
