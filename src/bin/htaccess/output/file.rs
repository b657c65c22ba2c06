//! Files replaced in one step, so that a web server never reads half of one.
//!
//! The new file is written beside the old one and renamed over it. It is not waited for until the
//! disk has it, for a thousand files would take seconds: after a power loss run the command again,
//! which compares what is there byte by byte.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use htaccess_generator::answer::Status;
use tempfile::{Builder, NamedTempFile};

use crate::error::CliError;
use crate::input::folder_of;
use crate::output::signals;

/// Writes a file. One that is already the same is left alone, with its times; one that is
/// replaced hands its permissions on; one that is a symbolic link stays one, and what it points
/// to is replaced.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<Status, CliError> {
    let failure = |err: io::Error| {
        // tempfile adds the name of the file beside it, which would only confuse.
        let reason = err.to_string();
        let reason = reason.split(" at path ").next().unwrap_or_default();
        CliError::new(format!("cannot write {}: {reason}", path.display()))
    };
    let _written_whole = signals::defer_signals();
    write(path, bytes).map_err(failure)
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<Status> {
    match fs::read(path) {
        Ok(current) if current == bytes => return Ok(Status::Unchanged),
        Err(err) if err.kind() == io::ErrorKind::NotFound => match fs::read_link(path) {
            // Its file is not there yet.
            Ok(target) => return write(&folder_of(path).join(target), bytes),
            Err(_) => create(path, bytes)?,
        },
        Ok(_) | Err(_) => replace(path, bytes)?,
    }
    Ok(Status::Written)
}

fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder_of(path))?;
    write_beside(path, bytes)?.persist(path)?;
    Ok(())
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let behind_links = fs::canonicalize(path)?;
    let permissions = fs::metadata(&behind_links)?.permissions();
    let file = write_beside(&behind_links, bytes)?;
    file.as_file().set_permissions(permissions)?;
    file.persist(&behind_links)?;
    Ok(())
}

/// In the same folder, for a rename does not cross file systems, and by a name that starts as the
/// file's own, for Apache shows no file whose name starts with `.ht`.
fn write_beside(path: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    let mut prefix = path.file_name().unwrap_or_default().to_owned();
    prefix.push(".");
    let mut builder = Builder::new();
    builder.prefix(&prefix).suffix(".tmp");
    // As for any new file; by default it would be for its owner alone.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder_of(path))?;
    file.write_all(bytes)?;
    Ok(file)
}
