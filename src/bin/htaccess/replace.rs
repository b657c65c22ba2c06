//! Files replaced in one step, so that a web server never reads half of one.
//!
//! The new file is written beside the old one and renamed over it. It is not waited for until the
//! disk has it, for a thousand files would take seconds: after a power loss run the command again,
//! which compares what is there byte by byte.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use htaccess_generator::report::Status;
use tempfile::Builder;

use crate::Failure;

/// Writes a file. One that is already the same is left alone, with its times; one that is
/// replaced hands its permissions on; one that is a symbolic link stays one, and what it points
/// to is replaced.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<Status, Failure> {
    let failure = |err: io::Error| Failure(format!("cannot write {}: {err}", path.display()));
    if fs::read(path).is_ok_and(|current| current == bytes) {
        return Ok(Status::Unchanged);
    }
    let path = behind_link(path);
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    fs::create_dir_all(folder).map_err(failure)?;
    replace(&path, folder, bytes).map_err(failure)?;
    Ok(Status::Written)
}

/// In the same folder, for a rename does not cross file systems, and by a name that starts as the
/// file's own, for Apache shows no file whose name starts with `.ht`.
fn replace(path: &Path, folder: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut prefix = path.file_name().unwrap_or_default().to_owned();
    prefix.push(".");
    let mut builder = Builder::new();
    builder.prefix(&prefix).suffix(".tmp");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    if let Ok(replaced) = fs::metadata(path) {
        file.as_file().set_permissions(replaced.permissions())?;
    }
    file.persist(path)?;
    Ok(())
}

/// Where a symbolic link leads to, also if nothing is there yet; other paths as they are.
fn behind_link(path: &Path) -> PathBuf {
    match fs::read_link(path) {
        Ok(target) => match fs::canonicalize(path) {
            Ok(target) => target,
            Err(_) => path.parent().unwrap_or(path).join(target),
        },
        Err(_) => path.to_owned(),
    }
}
