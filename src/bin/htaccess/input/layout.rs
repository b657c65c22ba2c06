//! The keys of the inputs: the paths that they would have in a bucket, which decide where outputs go.
//!
//! A key is a path below the *root*. `--root` names it. Without it, the root is
//!
//! - the named folder, or the folder of a pattern before its first wildcard,
//! - the current folder, if only files are named, by paths below it,
//! - otherwise the deepest folder that has everything that is named.

use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::error::CliError;
use crate::input::paths::{here_if_empty, shown};

/// A file, a folder or a pattern that the user named, with the folder to which its files are relative.
pub(super) struct Named {
    /// The path of the folder, as it is typed.
    pub(super) folder: PathBuf,
    /// The paths below the folder.
    pub(super) files: Vec<PathBuf>,
    pub(super) is_file: bool,
}

/// Returns the keys of all files, in order.
pub(super) fn keys(named: &[Named], root: Option<&Path>) -> Result<Vec<String>, CliError> {
    if let (
        None,
        [
            Named {
                files,
                is_file: false,
                ..
            },
        ],
    ) = (root, named)
    {
        return files.iter().map(|file| text(file)).collect();
    }
    let folders: Vec<PathBuf> = named.iter().map(|named| absolute(&named.folder)).collect();
    let chosen = match root {
        Some(root) => absolute(root),
        None if named.iter().all(Named::is_file_below_here) => absolute(Path::new("")),
        None => deepest_common(&folders),
    };
    let mut keys = Vec::new();
    for (named, folder) in named.iter().zip(&folders) {
        for file in &named.files {
            let path = folder.join(file);
            let Ok(below) = path.strip_prefix(&chosen) else {
                let root = root.unwrap_or(&chosen);
                return Err(CliError::new(format!(
                    "{} is not below --root {}: choose a folder that contains all files",
                    shown(&named.folder.join(file)),
                    shown(root)
                )));
            };
            keys.push(text(below)?);
        }
    }
    Ok(keys)
}

impl Named {
    fn is_file_below_here(&self) -> bool {
        let is_below = |component| matches!(component, Component::Normal(_) | Component::CurDir);
        self.is_file && self.folder.components().all(is_below)
    }
}

/// Returns the path of a folder from the root of the file system. Links stay as they are typed, unless
/// `..` follows.
fn absolute(folder: &Path) -> PathBuf {
    let folder = here_if_empty(folder);
    let goes_up = folder
        .components()
        .any(|component| component == Component::ParentDir);
    let path = if goes_up {
        fs::canonicalize(folder)
    } else {
        std::path::absolute(folder)
    };
    path.unwrap_or_else(|_| folder.to_owned())
}

fn deepest_common(folders: &[PathBuf]) -> PathBuf {
    let Some((first, others)) = folders.split_first() else {
        return PathBuf::new();
    };
    let has_all = |folder: &&Path| others.iter().all(|other| other.starts_with(folder));
    let common = first.ancestors().find(has_all);
    common.map(Path::to_owned).unwrap_or_default()
}

/// Returns the text of a path. A key is text.
pub(super) fn text(path: &Path) -> Result<String, CliError> {
    match path.to_str() {
        Some(text) => Ok(text.to_owned()),
        None => Err(CliError::new(format!(
            "the name {} is not UTF-8, but a key must be UTF-8: rename the file",
            shown(path)
        ))),
    }
}
