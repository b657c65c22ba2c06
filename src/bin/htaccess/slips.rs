//! Wrong usage whose way out can be told from what was typed.

use std::fs;
use std::path::{Path, PathBuf};
use std::slice;

use clap::Parser;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use htaccess_generator::quote::is_unprintable;
use htaccess_generator::template::BUILT_IN;

use crate::arguments::{Arguments, Command, TemplateCommand};
use crate::inputs;
use crate::patterns::pattern;

/// How much alike two names are, from 0 to 1, of which one is taken for the other's misspelling.
const ALIKE_MIN: f64 = 0.75;
/// How many of a folder's files a message names.
const NAMED_MAX: usize = 3;

/// What was typed; wrong usage ends the program with exit status 2. Who names a file where a
/// command should be is told the command.
pub(crate) fn parse() -> Arguments {
    Arguments::try_parse().unwrap_or_else(|mut err| {
        if let Some(path) = file_in_place_of_command(&err) {
            let tip = format!("to make a .htaccess of it: htaccess render {path}");
            let tips = ContextValue::StyledStrs(vec![StyledStr::from(tip)]);
            err.insert(ContextKind::Suggested, tips);
        }
        err.exit()
    })
}

fn file_in_place_of_command(err: &clap::Error) -> Option<String> {
    if err.kind() != ErrorKind::InvalidSubcommand {
        return None;
    }
    match err.get(ContextKind::InvalidSubcommand)? {
        ContextValue::String(word) if word == "-" || Path::new(word).exists() => Some(word.clone()),
        _ => None,
    }
}

/// The built-in template that was probably meant, as the end of a sentence.
pub(crate) fn did_you_mean(template: &str) -> String {
    match nearest(template, BUILT_IN.map(|(name, _)| name)) {
        Some(name) => format!("; did you mean {name}?"),
        None => String::new(),
    }
}

/// What to do about a failure whose reason is an input: one that is not there, or a folder in which
/// nothing is to be read.
pub(crate) fn way_out(command: &Command, failure: &str) -> Option<String> {
    let named: Vec<&PathBuf> = match command {
        Command::Render(arguments) => arguments.files.inputs.iter().collect(),
        Command::Check(arguments) => arguments.files.inputs.iter().collect(),
        Command::Explain(arguments) => vec![&arguments.file],
        Command::Diff(arguments) => vec![&arguments.old, &arguments.new],
        Command::Template(arguments) => match &arguments.command {
            TemplateCommand::Check(arguments) => arguments.csv.iter().collect(),
            TemplateCommand::List | TemplateCommand::Show(_) => vec![],
        },
        Command::Completions(_) | Command::Man(_) => vec![],
    };
    named.into_iter().find_map(|input| {
        if !failure.contains(&input.display().to_string()) {
            return None;
        }
        // Of other failures the input is not the reason.
        let nothing_found = inputs::find(slice::from_ref(input)).is_err();
        if input.is_dir() {
            let has_no_csv = failure.starts_with(inputs::NO_CSV_BELOW);
            return (nothing_found && has_no_csv).then(|| in_folder(input));
        }
        let is_missing = !input.exists()
            && input != Path::new("-")
            && pattern(input).is_none()
            && !nothing_found;
        is_missing.then(|| in_place_of(input))
    })
}

/// Of a folder without CSVs: what to name in its place.
fn in_folder(folder: &Path) -> String {
    let names = names(folder).unwrap_or_default();
    let workbook = names
        .iter()
        .find(|name| ends_in_one_of(name, &[".xlsx", ".xls", ".ods"]));
    match (workbook, names.first()) {
        (Some(name), _) => format!("save {} as CSV first", folder.join(name).display()),
        (None, Some(name)) => format!(
            "a file that is named itself is read whatever its name ends in, such as {}",
            folder.join(name).display()
        ),
        (None, None) => "name the file, or the folder above it".to_owned(),
    }
}

/// Of a file that is not there: the one that was probably meant, or those that are.
fn in_place_of(path: &Path) -> String {
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let Some(names) = names(folder) else {
        return format!("there is no folder {} that can be read", folder.display());
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if let Some(meant) = nearest(&name, names.iter().map(String::as_str)) {
        return format!("did you mean {}?", path.with_file_name(meant).display());
    }
    let csvs: Vec<_> = names
        .iter()
        .filter(|name| ends_in_one_of(name, &[".csv", ".csv.gz"]))
        .map(String::as_str)
        .collect();
    let whose = format!("the folder {}", folder.display());
    match csvs.get(..NAMED_MAX) {
        _ if csvs.is_empty() => format!("{whose} has no CSVs"),
        Some(first) if csvs.len() > NAMED_MAX => {
            let more = csvs.len() - NAMED_MAX;
            format!("{whose} has {} and {more} more CSVs", first.join(", "))
        }
        _ => format!("{whose} has {}", csvs.join(", ")),
    }
}

/// The names of a folder's files, in order, as far as a terminal can show them.
fn names(folder: &Path) -> Option<Vec<String>> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    let mut names: Vec<_> = entries
        .filter(|entry| entry.path().is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.contains(is_unprintable))
        .collect();
    names.sort();
    Some(names)
}

fn ends_in_one_of(name: &str, ends: &[&str]) -> bool {
    let name = name.to_ascii_lowercase();
    ends.iter().any(|end| name.ends_with(end))
}

/// The name most like what was typed, if any is.
fn nearest<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    names
        .into_iter()
        .map(|name| (strsim::jaro(typed, name), name))
        .filter(|(alike, _)| *alike > ALIKE_MIN)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, name)| name)
}
