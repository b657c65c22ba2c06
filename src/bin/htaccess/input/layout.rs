//! Determines the keys of the inputs: the paths that the files would have in a bucket. The path of an output
//! depends on the key.
//!
//! A key is a path relative to the *root*, which `--root` sets. Without `--root`, the root is
//!
//! - the given folder, or the folder of a pattern before its first wildcard, if there is no other argument,
//! - the current folder, if all arguments are files with paths below it,
//! - otherwise the deepest folder that contains all arguments.

use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::error::CliError;
use crate::input::paths::{here_if_empty, shown};

/// A file, a folder or a pattern on the command line, with the folder to which its files are relative.
pub(super) struct Named {
    /// The path of the folder, as typed.
    pub(super) folder: PathBuf,
    /// The paths of the files, relative to the folder.
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

/// Returns the absolute path of a folder. Symbolic links are resolved only if the path contains `..`.
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

/// Returns a path as text, because a key must be UTF-8.
pub(super) fn text(path: &Path) -> Result<String, CliError> {
    match path.to_str() {
        Some(text) => Ok(text.to_owned()),
        None => Err(CliError::new(format!(
            "the name {} is not UTF-8, but a key must be UTF-8: rename the file",
            shown(path)
        ))),
    }
}
