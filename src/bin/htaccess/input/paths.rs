//! Paths as the system takes them, and the failure of one that cannot be read.

use std::io;
use std::path::Path;

use crate::error::CliError;

/// The folder that a path is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    here_if_empty(path.parent().unwrap_or_else(|| Path::new("")))
}

/// A folder by a name that the system takes.
pub(crate) fn here_if_empty(folder: &Path) -> &Path {
    if folder == Path::new("") {
        Path::new(".")
    } else {
        folder
    }
}

/// A file or folder that cannot be read, and why.
pub(crate) fn cannot_read(path: &Path, err: &io::Error) -> CliError {
    CliError::new(format!("cannot read {}: {err}", path.display()))
}
