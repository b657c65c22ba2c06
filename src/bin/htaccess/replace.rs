//! Files replaced in one step.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use htaccess_generator::report::Status;

use crate::Failure;

/// Replaces a file in one step, so that a web server never reads half of it. A file that is
/// already the same is left alone, with its times.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<Status, Failure> {
    let failure = |err: io::Error| Failure(format!("cannot write {}: {err}", path.display()));
    if fs::read(path).is_ok_and(|current| current == bytes) {
        return Ok(Status::Unchanged);
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failure)?;
    }
    let temporary = temporary_path(path);
    let written = fs::write(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    if let Err(err) = written {
        let _ = fs::remove_file(&temporary);
        return Err(failure(err));
    }
    Ok(Status::Written)
}

/// In the same folder, for a rename does not cross file systems.
fn temporary_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    path.with_file_name(name)
}
