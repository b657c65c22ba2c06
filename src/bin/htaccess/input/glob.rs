//! Expands patterns such as `sites/**/*.csv`, for shells that do not expand them.
//!
//! The `glob` crate is used only to match names. This module reads the folders, because the crate's own walk
//! panics at a name that is not UTF-8 if hidden names are excluded, and otherwise skips such a name silently.

use std::fs;
use std::path::{Component, Path, PathBuf};

use glob::{MatchOptions, Pattern};

use crate::error::CliError;
use crate::input::paths::{cannot_read, here_if_empty, shown};

const WILDCARDS: [char; 3] = ['*', '?', '['];
const ANY_DEPTH: &str = "**";

/// Returns a path as a pattern, if it contains wildcards and no file has exactly this name.
pub(crate) fn pattern(path: &Path) -> Option<&str> {
    let text = path.to_str()?;
    (text.contains(WILDCARDS) && !path.exists()).then_some(text)
}

/// Returns the folder of a pattern: the components before the first one with a wildcard.
pub(crate) fn folder_of_pattern(pattern: &str) -> PathBuf {
    let components = Path::new(pattern).components();
    components
        .take_while(|component| !component.as_os_str().to_string_lossy().contains(WILDCARDS))
        .collect()
}

/// Returns the files and folders that match a pattern, sorted by path. Hidden names match only a pattern that
/// starts with a dot. `**` does not follow links to folders, because they could form a loop.
pub(crate) fn matches(pattern: &str) -> Result<Vec<PathBuf>, CliError> {
    let mut folder = PathBuf::new();
    let mut names = Vec::new();
    for component in Path::new(pattern).components() {
        let name = component.as_os_str().to_string_lossy().into_owned();
        match component {
            Component::Normal(_) => names.push(Name::new(name, pattern)?),
            _ if names.is_empty() => folder.push(component),
            _ => names.push(Name::Literal(name)),
        }
    }
    let mut found = Vec::new();
    find(&folder, &names, &mut found)?;
    found.sort();
    found.dedup();
    Ok(found)
}

/// A component of a pattern.
enum Name {
    Literal(String),
    Wildcard(Pattern),
    AnyDepth,
}

impl Name {
    fn new(name: String, whole: &str) -> Result<Self, CliError> {
        if name == ANY_DEPTH {
            return Ok(Self::AnyDepth);
        }
        if !name.contains(WILDCARDS) {
            return Ok(Self::Literal(name));
        }
        Pattern::new(&name).map(Self::Wildcard).map_err(|err| {
            CliError::new(format!(
                "there is no file {}, and the name is not a valid pattern: {}",
                shown(Path::new(whole)),
                err.msg
            ))
        })
    }
}

fn find(folder: &Path, names: &[Name], found: &mut Vec<PathBuf>) -> Result<(), CliError> {
    let Some((name, rest)) = names.split_first() else {
        found.push(folder.to_owned());
        return Ok(());
    };
    let options = MatchOptions {
        require_literal_leading_dot: true,
        ..MatchOptions::new()
    };
    match name {
        Name::Literal(name) => {
            let path = folder.join(name);
            if path.exists() {
                find(&path, rest, found)?;
            }
        }
        Name::Wildcard(pattern) => each_entry(folder, |name, path, _| {
            if pattern.matches_with(name, options) && (rest.is_empty() || path.is_dir()) {
                find(path, rest, found)?;
            }
            Ok(())
        })?,
        Name::AnyDepth => {
            find(folder, rest, found)?;
            each_entry(folder, |name, path, is_folder| {
                if is_folder && !name.starts_with('.') {
                    find(path, names, found)?;
                }
                Ok(())
            })?;
        }
    }
    Ok(())
}

/// Calls `each` for each entry of a folder, with its name, its path, and whether it is a folder. A link to a
/// folder does not count as a folder.
fn each_entry(
    folder: &Path,
    mut each: impl FnMut(&str, &Path, bool) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let read = here_if_empty(folder);
    let failure = |err| cannot_read(read, &err);
    for entry in fs::read_dir(read).map_err(failure)? {
        let entry = entry.map_err(failure)?;
        let name = entry.file_name();
        let is_folder = entry.file_type().map_err(failure)?.is_dir();
        each(&name.to_string_lossy(), &folder.join(&name), is_folder)?;
    }
    Ok(())
}
