//! `htaccess explain`: reports whether each address or network gets in, and the rows that match it. For a
//! folder, the command prints one line for each site.

mod json;
mod site;
mod text;

use htaccess_generator::answer::{Answer, Status};
use htaccess_generator::csv::CsvKind;

use crate::cli::ExplainArguments;
use crate::commands::explain::json::{SiteJson, VerdictJson};
use crate::commands::explain::site::{Site, read_site};
use crate::commands::explain::text::{push_site, push_summary, push_verdict};
use crate::error::{CliError, ExitStatus};
use crate::input::{self, DEFAULT_ROOT, Input};
use crate::messages::{counted, exit_status, print_error, print_note, print_problems};
use crate::output::{print_data, print_json};
use crate::run::Circumstances;

/// Runs `htaccess explain`.
pub(crate) fn explain_addresses(arguments: &ExplainArguments) -> Result<ExitStatus, CliError> {
    let settings = arguments.settings.read(None)?;
    let as_of = arguments.settings.as_of(&settings)?;
    let places = arguments.settings.places()?;
    let mut inputs = input::find(std::slice::from_ref(&arguments.file), &places, DEFAULT_ROOT)?;
    input::check_sites(&inputs)?;
    let circumstances = Circumstances::of(&inputs, &places, settings, as_of)?;
    inputs.retain(|input| input.kind == CsvKind::Site);
    if let ([input], false) = (inputs.as_slice(), arguments.file.is_dir()) {
        return explain_site(input, arguments, &circumstances);
    }
    explain_sites(&inputs, arguments, &circumstances)
}

/// Explains one file, and prints all rows that contain the addresses or networks.
fn explain_site(
    input: &Input,
    arguments: &ExplainArguments,
    circumstances: &Circumstances,
) -> Result<ExitStatus, CliError> {
    let site = read_site(input, &arguments.subjects, circumstances)?;
    let inputs = std::slice::from_ref(input);
    if site.answer.status == Status::Refused {
        print_problems(input, &site.answer);
        circumstances.shared.print_problems(inputs, &[&site.answer]);
        return Ok(ExitStatus::Refused);
    }
    print_problems(input, &bearing_problems(&site));
    circumstances.shared.print_problems(inputs, &[&site.answer]);
    if let Some(note) = unreadable_note(&site) {
        print_note(input, &note);
    }
    if arguments.json {
        let json: Vec<VerdictJson<'_>> = site.verdicts.iter().map(VerdictJson::of).collect();
        print_json(&json)?;
    } else {
        let mut text = String::new();
        let zone = &circumstances.settings.time_zone;
        for verdict in &site.verdicts {
            push_verdict(&mut text, verdict, &site.answer, zone);
        }
        print_data(text.as_bytes())?;
    }
    Ok(ExitStatus::Success)
}

/// Returns the answer with only those rejected rows that contain, or may contain, an address in question.
fn bearing_problems(site: &Site<'_>) -> Answer {
    let mut answer = site.answer.clone();
    answer.rejections.retain(|rejection| {
        let mut verdicts = site.verdicts.iter();
        verdicts.any(|verdict| verdict.rejected().lines.contains(&rejection.line))
    });
    answer.rejected = answer.rejections.len() as u64;
    answer
}

fn unreadable_note(site: &Site<'_>) -> Option<String> {
    let unreadable = site.verdicts.first()?.rejected().unreadable;
    let (has, them) = match unreadable {
        0 => return None,
        1 => ("has an address", "shows it"),
        _ => ("have addresses", "lists them"),
    };
    Some(format!(
        "{} {has} that cannot be read and could be any address: htaccess check {} {them}",
        counted(unreadable, "rejected row"),
        site.input.display_name()
    ))
}

/// Explains each site in one line, and prints the number of sites for each result.
fn explain_sites(
    inputs: &[Input],
    arguments: &ExplainArguments,
    circumstances: &Circumstances,
) -> Result<ExitStatus, CliError> {
    let mut sites = Vec::new();
    let mut has_failed = false;
    for input in inputs {
        match read_site(input, &arguments.subjects, circumstances) {
            Ok(site) => sites.push(site),
            Err(err) => {
                print_error(&err);
                has_failed = true;
            }
        }
    }
    for site in &sites {
        // The result has a line for each refused file. `htaccess check` prints the problems of that file.
        if site.answer.status != Status::Refused {
            print_problems(site.input, &bearing_problems(site));
        }
    }
    if arguments.json {
        let json: Vec<SiteJson<'_>> = sites.iter().flat_map(SiteJson::of).collect();
        print_json(&json)?;
    } else {
        let mut text = String::new();
        for (index, subject) in arguments.subjects.iter().enumerate() {
            for site in &sites {
                push_site(&mut text, site, index);
            }
            push_summary(&mut text, &sites, index, subject);
        }
        print_data(text.as_bytes())?;
    }
    let answers: Vec<Answer> = sites.into_iter().map(|site| site.answer).collect();
    Ok(if has_failed {
        ExitStatus::Failed
    } else {
        exit_status(&answers)
    })
}
