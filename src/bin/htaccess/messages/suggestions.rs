//! Wrong usage whose way out can be told from what was typed.

use std::fs;
use std::path::{Path, PathBuf};
use std::slice;

use clap::Parser;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use htaccess_generator::render::BUILT_IN;
use htaccess_generator::source::is_csv_name;
use htaccess_generator::text::is_unprintable;

use crate::cli::{Arguments, Command, TemplateCommand};
use crate::input::{self, folder_of, pattern};

/// How much alike two names are, from 0 to 1, of which one is taken for the other's misspelling.
const MIN_ALIKE: f64 = 0.75;
/// How many of a folder's files a message names.
const MAX_NAMED: usize = 3;

/// What was typed; wrong usage ends the program with exit status 2. Who names a file where a
/// command should be is told the command.
pub(crate) fn parse() -> Arguments {
    Arguments::try_parse().unwrap_or_else(|mut err| {
        if let Some(tip) = tip(&err) {
            let tips = ContextValue::StyledStrs(vec![StyledStr::from(tip)]);
            err.insert(ContextKind::Suggested, tips);
        }
        err.exit()
    })
}

fn tip(err: &clap::Error) -> Option<String> {
    if let Some(path) = file_in_place_of_command(err) {
        return Some(format!("to make a .htaccess of it: htaccess render {path}"));
    }
    if err.kind() == ErrorKind::UnknownArgument {
        return file_like_an_option().map(|path| format!("to name the file: ./{path}"));
    }
    let Some(ContextValue::String(value)) = err.get(ContextKind::InvalidValue) else {
        return None;
    };
    // `htaccess explain 192.0.2.7 acme.csv`
    let is_address = matches!(
        err.get(ContextKind::InvalidArg),
        Some(ContextValue::String(name)) if name.contains("<ADDRESS>")
    );
    (is_address && Path::new(value).is_file())
        .then(|| format!("the file comes before the addresses: htaccess explain {value} ADDRESS"))
}

/// A file that was typed as it is named, with a dash in front, and taken for options.
fn file_like_an_option() -> Option<String> {
    let typed = std::env::args_os().skip(1);
    typed
        .filter_map(|argument| argument.into_string().ok())
        .find(|argument| argument.starts_with('-') && Path::new(argument).is_file())
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

/// The template that was probably meant, a file beside it or a built-in one, as the end of a
/// sentence.
pub(crate) fn did_you_mean(template: &Path) -> String {
    let built_in = || {
        let typed = template.to_str()?;
        let name = nearest(typed, BUILT_IN.map(|(name, _)| name))?;
        Some(name.to_owned())
    };
    let is_missing = !template.exists();
    let beside = || is_missing.then(|| beside(template)).flatten();
    match beside().or_else(built_in) {
        Some(meant) => format!("; did you mean {meant}?"),
        None => String::new(),
    }
}

/// The file whose name is most like that of one that is not there.
fn beside(path: &Path) -> Option<String> {
    let names = names(folder_of(path))?;
    let name = path.file_name()?.to_string_lossy();
    let meant = nearest(&name, names.iter().map(String::as_str))?;
    Some(path.with_file_name(meant).display().to_string())
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
    named.into_iter().find_map(|path| {
        if !failure.contains(&path.display().to_string()) {
            return None;
        }
        // Of other failures the path is not the reason.
        let nothing_found = input::find(slice::from_ref(path)).is_err();
        if path.is_dir() {
            let has_no_csv = failure.starts_with(input::NO_CSV_BELOW);
            return (nothing_found && has_no_csv).then(|| in_folder(path));
        }
        let is_missing =
            !path.exists() && path != Path::new("-") && pattern(path).is_none() && !nothing_found;
        is_missing.then(|| in_place_of(path))
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
    let folder = folder_of(path);
    let Some(names) = names(folder) else {
        return format!("there is no folder {} that can be read", folder.display());
    };
    if let Some(meant) = beside(path) {
        return format!("did you mean {meant}?");
    }
    let csvs: Vec<_> = names
        .iter()
        .filter(|name| is_csv_name(name))
        .map(String::as_str)
        .collect();
    let whose = format!("the folder {}", folder.display());
    match csvs.get(..MAX_NAMED) {
        _ if csvs.is_empty() => format!("{whose} has no CSVs"),
        Some(first) if csvs.len() > MAX_NAMED => {
            let more = csvs.len() - MAX_NAMED;
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
        .filter(|(alike, _)| *alike > MIN_ALIKE)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, name)| name)
}
