//! `htaccess diff`: compares the policies of two CSVs, or of all CSVs in two folders, and prints the
//! addresses that gain or lose access.

mod compared;
mod json;
mod text;

use std::collections::BTreeMap;
use std::path::Path;

use htaccess_generator::answer::Status;
use htaccess_generator::csv::CsvKind;
use htaccess_generator::settings::{HoldAbove, hold_above};
use htaccess_generator::text::escape_invisible;

use crate::cli::DiffArguments;
use crate::commands::diff::compared::{
    Compared, FileResult, compare, read_if_any, read_side, without_rules,
};
use crate::commands::diff::json::{DiffJson, FileJson};
use crate::commands::diff::text::{Listing, push_diff, push_summary};
use crate::error::{CliError, ExitStatus};
use crate::input::{self, DEFAULT_ROOT, Input, SharedPlaces, shown};
use crate::messages::{print_error, print_notes, print_problems};
use crate::output::{print_data, print_json};
use crate::run::Circumstances;

/// Runs `htaccess diff`.
pub(crate) fn diff_files(arguments: &DiffArguments) -> Result<ExitStatus, CliError> {
    let settings = arguments.settings.read(None)?;
    let as_of = arguments.settings.as_of(&settings)?;
    let stdin = Path::new("-");
    if arguments.old == stdin && arguments.new == stdin {
        return Err(CliError::new(
            "standard input cannot be both files: name a file in place of one -".to_owned(),
        ));
    }
    let limit = arguments.hold_above.as_deref().unwrap_or_default();
    let limit = hold_above("--hold-above", limit).map_err(|err| CliError::new(err.to_string()))?;
    let places = arguments.settings.places()?;
    match (arguments.old.is_dir(), arguments.new.is_dir()) {
        (true, true) => {}
        (false, false) => {
            let inputs = [
                input::find_one(&arguments.old, &places)?,
                input::find_one(&arguments.new, &places)?,
            ];
            let circumstances = Circumstances::of(&inputs, &places, settings, as_of)?;
            return diff_two(arguments, &inputs, &circumstances, limit);
        }
        (old_is_folder, _) => {
            let (folder, other) = if old_is_folder {
                (&arguments.old, &arguments.new)
            } else {
                (&arguments.new, &arguments.old)
            };
            return Err(CliError::new(format!(
                "{} is a folder and {} is not: name two files or two folders",
                shown(folder),
                shown(other)
            )));
        }
    }
    let inputs = [&arguments.old, &arguments.new].map(|folder| sites(folder, &places));
    let [old, new] = inputs;
    let (mut inputs, new) = (old?, new?);
    let old_count = inputs.len();
    inputs.extend(new);
    let circumstances = Circumstances::of(&inputs, &places, settings, as_of)?;
    let (old, new) = inputs.split_at(old_count);
    diff_folders(arguments, old, new, &circumstances, limit)
}

/// Returns the site CSVs in a folder, without lists and the common CSV.
fn sites(folder: &Path, places: &SharedPlaces) -> Result<Vec<Input>, CliError> {
    let mut inputs = input::find(&[folder.to_owned()], places, DEFAULT_ROOT)?;
    inputs.retain(|input| input.kind == CsvKind::Site);
    Ok(inputs)
}

fn diff_two(
    arguments: &DiffArguments,
    inputs: &[Input; 2],
    circumstances: &Circumstances,
    limit: Option<HoldAbove>,
) -> Result<ExitStatus, CliError> {
    let [old, new] = inputs;
    let mut old_side = read_side(old, circumstances)?;
    if old.was_empty() {
        (old_side.answer, old_side.policy) = without_rules(&old.key, &circumstances.settings);
    }
    let new_side = read_side(new, circumstances)?;
    // The rejected rows of the old file are not printed, because they are already known.
    if old_side.policy.is_none() {
        print_problems(old, &old_side.answer);
    } else {
        print_notes(old);
    }
    print_problems(new, &new_side.answer);
    let answers = [&old_side.answer, &new_side.answer];
    circumstances.shared.print_problems(inputs, &answers);
    // An empty old file means that the new file is a first upload, which is never held.
    let limit = limit.filter(|_| !old.was_empty());
    let mut compared = compare(&new.key, Some(old_side), Some(new_side), circumstances);
    compared.held = compared.hold(limit);
    if arguments.json {
        print_json(&DiffJson::of(&compared))?;
    } else if compared.diff.is_some() {
        let title = format!("{} -> {}", old.display_name(), new.display_name());
        let mut text = String::new();
        push_diff(
            &mut text,
            &title,
            &compared,
            circumstances,
            listing(arguments),
        );
        print_data(text.as_bytes())?;
    }
    Ok(status(&[compared], arguments))
}

fn diff_folders(
    arguments: &DiffArguments,
    old: &[Input],
    new: &[Input],
    circumstances: &Circumstances,
    limit: Option<HoldAbove>,
) -> Result<ExitStatus, CliError> {
    let mut pairs: BTreeMap<&str, (Option<&Input>, Option<&Input>)> = BTreeMap::new();
    for input in old {
        pairs.entry(&input.key).or_default().0 = Some(input);
    }
    for input in new {
        pairs.entry(&input.key).or_default().1 = Some(input);
    }
    let mut all = Vec::new();
    let mut has_failed = false;
    let mut text = String::new();
    for (name, (old, new)) in pairs {
        let mut compared = match (
            read_if_any(old, circumstances),
            read_if_any(new, circumstances),
        ) {
            (Ok(old), Ok(new)) => compare(name, old, new, circumstances),
            (Err(err), _) | (_, Err(err)) => {
                print_error(&err);
                has_failed = true;
                continue;
            }
        };
        compared.held = compared.hold(limit);
        for side in [&compared.old, &compared.new].into_iter().flatten() {
            if side.policy.is_none() {
                print_problems(side.input, &side.answer);
            }
        }
        let title = match compared.result() {
            FileResult::Unchanged => None,
            FileResult::Changed => Some(name.to_owned()),
            result => Some(format!("{name} ({})", result.name())),
        };
        if let Some(title) = title {
            let title = escape_invisible(&title, None);
            push_diff(
                &mut text,
                &title,
                &compared,
                circumstances,
                listing(arguments),
            );
        }
        // The bytes and policies are no longer needed, and those of all files might not fit into memory.
        for side in [&mut compared.old, &mut compared.new].into_iter().flatten() {
            side.bytes = Vec::new();
            side.policy = None;
        }
        all.push(compared);
    }
    if arguments.json {
        let json: Vec<FileJson<'_>> = all.iter().map(FileJson::of).collect();
        print_json(&json)?;
    } else {
        push_summary(&mut text, &all);
        print_data(text.as_bytes())?;
    }
    Ok(if has_failed {
        ExitStatus::Failed
    } else {
        status(&all, arguments)
    })
}

fn listing(arguments: &DiffArguments) -> Listing {
    if arguments.all {
        Listing::All
    } else {
        Listing::First
    }
}

fn status(all: &[Compared<'_>], arguments: &DiffArguments) -> ExitStatus {
    let results: Vec<FileResult> = all.iter().map(Compared::result).collect();
    let is_refused = all.iter().any(|compared| {
        let mut sides = [&compared.old, &compared.new].into_iter().flatten();
        sides.any(|side| side.answer.status == Status::Refused)
    });
    if is_refused {
        ExitStatus::Refused
    } else if all.iter().any(|compared| compared.held.is_some()) {
        ExitStatus::Held
    } else if arguments.exit_code
        && results
            .iter()
            .any(|result| *result != FileResult::Unchanged)
    {
        ExitStatus::Changed
    } else {
        ExitStatus::Success
    }
}
