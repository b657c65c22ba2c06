//! Paths in the form that the system accepts and that messages show, and errors about them.

use std::fs::FileType;
use std::io;
use std::path::Path;

use htaccess_generator::source::is_csv_name;
use htaccess_generator::text::escape_invisible;

use crate::error::CliError;

/// Returns the folder that contains a path. `.` if the path is only a name.
pub(crate) fn folder_of(path: &Path) -> &Path {
    here_if_empty(path.parent().unwrap_or_else(|| Path::new("")))
}

/// Returns the folder, or `.` for an empty path, because the system does not accept an empty path.
pub(crate) fn here_if_empty(folder: &Path) -> &Path {
    if folder == Path::new("") {
        Path::new(".")
    } else {
        folder
    }
}

/// Returns a path for messages. The path is escaped, because a file name can contain line breaks and terminal
/// control sequences.
pub(crate) fn shown(path: &Path) -> String {
    escape_invisible(&path.to_string_lossy(), None)
}

/// Returns whether a file has the name of a CSV, which ends in `.csv` or `.csv.gz`.
pub(crate) fn is_csv(path: &Path) -> bool {
    is_csv_name(&path.file_name().unwrap_or_default().to_string_lossy())
}

/// Returns the kind of a file for messages, with its article.
pub(crate) fn kind_of_file(kind: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        if kind.is_fifo() {
            return "a FIFO";
        }
        if kind.is_socket() {
            return "a socket";
        }
        if kind.is_char_device() || kind.is_block_device() {
            return "a device";
        }
    }
    if kind.is_dir() {
        "a folder"
    } else if kind.is_file() {
        "a file"
    } else {
        "a special file"
    }
}

/// Returns the error for a file or folder that cannot be read, with the reason.
pub(crate) fn cannot_read(path: &Path, err: &io::Error) -> CliError {
    CliError::new(format!("cannot read {}: {err}", shown(path)))
}
