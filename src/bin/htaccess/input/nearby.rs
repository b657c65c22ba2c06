//! Finds existing files to suggest for a path that does not exist, or for a folder without CSVs.

use std::fs;
use std::path::Path;

use htaccess_generator::source::is_csv_name;
use htaccess_generator::text::is_unprintable;

use crate::input::paths::{folder_of, shown};
use crate::input::workbook::is_workbook_name;

/// The Jaro similarity, from 0 to 1, above which a name counts as a misspelling of another name.
const MIN_SIMILARITY: f64 = 0.75;
/// The maximum number of files of a folder that a message lists.
const MAX_NAMED: usize = 3;

/// Returns the file in the same folder whose name is most similar to the name of a missing file.
pub(crate) fn nearest_file(path: &Path) -> Option<String> {
    let names = names(folder_of(path))?;
    let name = path.file_name()?.to_string_lossy();
    let meant = nearest(&name, names.iter().map(String::as_str))?;
    Some(shown(&path.with_file_name(meant)))
}

/// Returns the help for a folder without CSVs.
pub(super) fn help_for_folder(folder: &Path) -> String {
    let names = names(folder).unwrap_or_default();
    let workbook = names.iter().find(|name| is_workbook_name(Path::new(name)));
    let other = names
        .iter()
        .find(|name| ends_in_one_of(name, &[".xls", ".ods", ".numbers"]));
    match (workbook.or(other), names.first()) {
        (Some(name), _) if workbook.is_some() => {
            let name = shown(&folder.join(name));
            format!("to read a workbook, name it: htaccess check {name}")
        }
        (Some(name), _) => format!("save {} as CSV first", shown(&folder.join(name))),
        (None, Some(name)) => format!(
            "to read a file with another extension, name the file, such as {}",
            shown(&folder.join(name))
        ),
        (None, None) => "name the file, or the folder above it".to_owned(),
    }
}

/// Returns the help for a missing file: the file that was probably meant, or the CSVs in the same folder.
pub(super) fn help_for_missing_file(path: &Path) -> String {
    let folder = folder_of(path);
    let Some(names) = names(folder) else {
        return format!(
            "the folder {} does not exist or cannot be read",
            shown(folder)
        );
    };
    if let Some(meant) = nearest_file(path) {
        return format!("did you mean {meant}?");
    }
    let csvs: Vec<_> = names
        .iter()
        .filter(|name| is_csv_name(name))
        .map(String::as_str)
        .collect();
    let whose = format!("the folder {}", shown(folder));
    match csvs.get(..MAX_NAMED) {
        _ if csvs.is_empty() => format!("{whose} contains no CSVs"),
        Some(first) if csvs.len() > MAX_NAMED => {
            let more = csvs.len() - MAX_NAMED;
            format!("{whose} contains {} and {more} more CSVs", first.join(", "))
        }
        _ => format!("{whose} contains {}", csvs.join(", ")),
    }
}

/// Returns the sorted names of the files in a folder, without names that a terminal cannot show. `None` if
/// the folder cannot be read.
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

/// Returns the name that is most similar to `typed`. `None` if no name is similar enough.
pub(crate) fn nearest<'a>(
    typed: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    names
        .into_iter()
        .map(|name| (strsim::jaro(typed, name), name))
        .filter(|(similarity, _)| *similarity > MIN_SIMILARITY)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, name)| name)
}
