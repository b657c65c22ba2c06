//! Replaces files in one step, so that a web server never reads a partial file.
//!
//! The new file is written next to the old one and renamed over it. The data is not flushed to the
//! disk (`fsync`), because a thousand files would take seconds. After a power loss, run the command
//! again: it compares existing files byte by byte.
//!
//! Only regular files are opened or replaced. Opening a FIFO would wait for its writer, and opening a
//! device may have an effect.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use htaccess_generator::answer::Status;
use tempfile::{Builder, NamedTempFile};

use crate::error::CliError;
use crate::input::{folder_of, kind_of_file, shown};
use crate::output::signals;

/// Writes a file. A file with the same content is left unchanged and keeps its timestamps. A replaced file
/// keeps its permissions. If `path` is a symbolic link, the link is kept and its target is replaced.
///
/// # Errors
///
/// Returns an error if the file cannot be written, or if `path` exists and is not a regular file.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<Status, CliError> {
    let failure = |err: io::Error| {
        // The tempfile crate appends the name of the temporary file, which would confuse users.
        let reason = err.to_string();
        let reason = reason.split(" at path ").next().unwrap_or_default();
        CliError::new(format!("cannot write {}: {reason}", shown(path)))
    };
    if let Ok(metadata) = fs::metadata(path)
        && !metadata.is_file()
    {
        return Err(CliError::new(format!(
            "cannot write {}: {} is in its place: delete or rename it, or choose another output",
            shown(path),
            kind_of_file(metadata.file_type())
        )));
    }
    write(path, bytes).map_err(failure)
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<Status> {
    // Signals are not deferred during this read, because it may take a long time on a network file system.
    match fs::read(path) {
        Ok(current) if current == bytes => return Ok(Status::Unchanged),
        Err(err) if err.kind() == io::ErrorKind::NotFound => match fs::read_link(path) {
            // The path is a symbolic link to a file that does not exist yet.
            Ok(target) => return write(&folder_of(path).join(target), bytes),
            Err(_) => create(path, bytes)?,
        },
        Ok(_) | Err(_) => replace(path, bytes)?,
    }
    Ok(Status::Written)
}

fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let _deferred = signals::defer_signals();
    fs::create_dir_all(folder_of(path))?;
    write_temporary(path, bytes)?.persist(path)?;
    Ok(())
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let target = fs::canonicalize(path)?;
    let permissions = fs::metadata(&target)?.permissions();
    let _deferred = signals::defer_signals();
    let file = write_temporary(&target, bytes)?;
    file.as_file().set_permissions(permissions)?;
    file.persist(&target)?;
    Ok(())
}

/// Writes a temporary file in the folder of `path`, because a rename cannot cross file systems. The temporary
/// name starts with the name of the file, because Apache does not serve files whose names start with `.ht`.
fn write_temporary(path: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    let mut prefix = path.file_name().unwrap_or_default().to_owned();
    prefix.push(".");
    let mut builder = Builder::new();
    builder.prefix(&prefix).suffix(".tmp");
    // These are the usual permissions of a new file. By default, only the owner can read a temporary file.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder_of(path))?;
    file.write_all(bytes)?;
    Ok(file)
}
