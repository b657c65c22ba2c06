//! Paths in the form that the system accepts, and the error of one that cannot be read.

use std::io;
use std::path::Path;

use crate::error::CliError;

/// Returns the folder that contains a path.
pub(crate) fn folder_of(path: &Path) -> &Path {
    here_if_empty(path.parent().unwrap_or_else(|| Path::new("")))
}

/// Returns `.` for an empty path, which the system does not accept.
pub(crate) fn here_if_empty(folder: &Path) -> &Path {
    if folder == Path::new("") {
        Path::new(".")
    } else {
        folder
    }
}

/// The error of a file or folder that cannot be read, with the reason.
pub(crate) fn cannot_read(path: &Path, err: &io::Error) -> CliError {
    CliError::new(format!("cannot read {}: {err}", path.display()))
}
