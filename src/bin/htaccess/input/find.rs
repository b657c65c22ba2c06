//! Finds the files that the command line names.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use htaccess_generator::csv::CsvKind;

use crate::error::CliError;
use crate::input::file::{Input, Origin};
use crate::input::glob::{folder_of_pattern, matches, pattern};
use crate::input::nearby::help_for_folder;
use crate::input::paths::{cannot_read, is_csv, shown};
use crate::input::shared::{Scope, SharedPlaces};

/// Returns the named files and the CSVs below the named folders, in order: those of sites, lists and the
/// common CSV.
pub(crate) fn find(named: &[PathBuf], places: &SharedPlaces) -> Result<Vec<Input>, CliError> {
    let mut inputs = Vec::new();
    for path in named {
        if path == Path::new("-") {
            if inputs.iter().any(|input: &Input| input.path.is_none()) {
                return Err(CliError::new(
                    "standard input can be read once: name - once".to_owned(),
                ));
            }
            let scope = places.scope_of(Path::new(""));
            let key = "stdin".to_owned();
            inputs.push(Input::new(None, key, Origin::Named, &scope));
        } else if path.is_dir() {
            find_below(path, &places.scope_of(path), &mut inputs)?;
        } else if let Some(pattern) = pattern(path) {
            let scope = places.scope_of(&folder_of_pattern(pattern));
            find_matches(pattern, &scope, &mut inputs)?;
        } else {
            inputs.push(named_file(path, places)?);
        }
    }
    Ok(inputs)
}

/// Returns a file that is named itself.
fn named_file(path: &Path, places: &SharedPlaces) -> Result<Input, CliError> {
    let key = key_of_file(path)?;
    let scope = places.scope_of(path.parent().unwrap_or_else(|| Path::new("")));
    Ok(Input::new(
        Some(path.to_owned()),
        key,
        Origin::Named,
        &scope,
    ))
}

/// Returns the CSV of the site that is named, and fails if there is more than one.
pub(crate) fn find_one(named: &Path, places: &SharedPlaces) -> Result<Input, CliError> {
    let mut inputs = find(&[named.to_owned()], places)?;
    check_sites(&inputs)?;
    inputs.retain(|input| input.kind == CsvKind::Site);
    match (inputs.pop(), inputs.as_slice()) {
        (Some(input), []) => Ok(input),
        _ => Err(CliError::new(format!(
            "{} is more than one file: name one",
            shown(named)
        ))),
    }
}

/// Fails if there are only lists and the common CSV, which have no output of their own.
pub(crate) fn check_sites(inputs: &[Input]) -> Result<(), CliError> {
    if inputs.iter().any(|input| input.kind == CsvKind::Site) {
        return Ok(());
    }
    let Some(input) = inputs.first() else {
        return Ok(());
    };
    let name = input.display_name();
    let what = match input.kind {
        CsvKind::List => "a list, which is used by the CSVs of sites",
        CsvKind::Common | CsvKind::Site => "the common CSV, which is used by those of sites",
    };
    let message = format!("{name} is {what}: name the CSV of a site");
    let help = format!("htaccess check {name} says what is wrong with it");
    Err(CliError::new(message).with_help(help))
}

/// Returns the CSVs of the lists in a folder, in order.
pub(crate) fn find_lists(folder: &Path) -> Result<Vec<Input>, CliError> {
    let mut inputs = Vec::new();
    walk(folder, folder, &Scope::of_lists(folder), &mut inputs)?;
    Ok(inputs)
}

/// Returns the common CSV.
pub(crate) fn find_common(places: &SharedPlaces) -> Result<Option<Input>, CliError> {
    let common = places.common().map(|path| named_file(path, places));
    common.transpose()
}

/// Adds the files that match, in order, each with its own key. If no file matches, adds the CSVs below
/// the folders that match.
fn find_matches(pattern: &str, scope: &Scope, inputs: &mut Vec<Input>) -> Result<(), CliError> {
    let (folders, files): (Vec<_>, Vec<_>) = matches(pattern)?
        .into_iter()
        .partition(|path| path.is_dir());
    for path in &files {
        let key = key_of_file(path)?;
        inputs.push(Input::new(Some(path.clone()), key, Origin::Found, scope));
    }
    match (files.is_empty(), folders.is_empty()) {
        (true, true) => Err(CliError::new(format!(
            "no file matches {}",
            shown(Path::new(pattern))
        ))),
        (true, false) => folders
            .iter()
            .try_for_each(|folder| find_below(folder, scope, inputs)),
        _ => Ok(()),
    }
}

fn find_below(folder: &Path, scope: &Scope, inputs: &mut Vec<Input>) -> Result<(), CliError> {
    let before = inputs.len();
    walk(folder, folder, scope, inputs)?;
    if inputs.len() > before {
        return Ok(());
    }
    let message = format!("there is no .csv or .csv.gz file below {}", shown(folder));
    Err(CliError::new(message).with_help(help_for_folder(folder)))
}

/// Adds the CSVs below a folder, sorted by name. Links to folders are not followed, because they may
/// form a loop.
fn walk(
    root: &Path,
    folder: &Path,
    scope: &Scope,
    inputs: &mut Vec<Input>,
) -> Result<(), CliError> {
    let failure = |err: io::Error| cannot_read(folder, &err);
    let mut entries: Vec<_> = fs::read_dir(folder)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(failure)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_type().map_err(failure)?.is_dir() {
            walk(root, &path, scope, inputs)?;
            continue;
        }
        if !is_csv(&path) {
            continue;
        }
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        let is_wanted = match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => false,
            // Anything else fails when it is read, because the site that it stands for would be missing.
            Ok(metadata) => metadata.is_file() || !is_hidden,
            // A broken link, such as those that editors make.
            Err(_) if is_hidden => false,
            Err(err) => return Err(cannot_read(&path, &err)),
        };
        if is_wanted {
            let below = path.strip_prefix(root).unwrap_or(&path);
            let key = text(below)?;
            inputs.push(Input::new(Some(path), key, Origin::Found, scope));
        }
    }
    Ok(())
}

/// Returns the key of a file that is named itself: its path as typed, or only its name if the path is
/// absolute or contains `..`.
fn key_of_file(path: &Path) -> Result<String, CliError> {
    let mut key = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => key.push(name),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) | Component::ParentDir => {
                let name = path
                    .file_name()
                    .ok_or_else(|| CliError::new(format!("{} is not a file", shown(path))))?;
                return text(Path::new(name));
            }
        }
    }
    text(&key)
}

fn text(path: &Path) -> Result<String, CliError> {
    match path.to_str() {
        Some(text) => Ok(text.to_owned()),
        None => Err(CliError::new(format!(
            "the name {} is not UTF-8, as a key must be: rename the file",
            shown(path)
        ))),
    }
}
