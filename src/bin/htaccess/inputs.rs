//! Which files were meant, and how they are read.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use crate::Failure;

/// How much of a file is read at a time.
const PIECE_BYTES: usize = 256 * 1024;

/// One CSV.
pub(crate) struct Input {
    /// Where it is; `None` for standard input.
    pub(crate) path: Option<PathBuf>,
    /// What its key would be in a bucket.
    pub(crate) key: String,
}

impl Input {
    /// How messages name it.
    pub(crate) fn shown(&self) -> String {
        match &self.path {
            Some(path) => path.display().to_string(),
            None => "<stdin>".to_owned(),
        }
    }

    /// Its size, where that is known before it is read.
    pub(crate) fn bytes(&self) -> Option<u64> {
        let metadata = fs::metadata(self.path.as_ref()?).ok()?;
        metadata.is_file().then_some(metadata.len())
    }

    /// Hands its bytes over piece by piece, until `each` says to stop.
    pub(crate) fn read(
        &self,
        mut each: impl FnMut(&[u8]) -> std::ops::ControlFlow<()>,
    ) -> Result<(), Failure> {
        let failure = |err: io::Error| Failure(format!("cannot read {}: {err}", self.shown()));
        let mut source: Box<dyn Read> = match &self.path {
            Some(path) => Box::new(File::open(path).map_err(failure)?),
            None => Box::new(io::stdin().lock()),
        };
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            match source.read(&mut piece) {
                Ok(0) => return Ok(()),
                Ok(bytes) => {
                    if each(piece.get(..bytes).unwrap_or_default()).is_break() {
                        return Ok(());
                    }
                }
                Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
                Err(err) => return Err(failure(err)),
            }
        }
    }
}

/// The files that were named, and the CSVs below the folders that were, in order.
pub(crate) fn find(named: &[PathBuf]) -> Result<Vec<Input>, Failure> {
    let mut inputs = Vec::new();
    for path in named {
        if path == Path::new("-") {
            inputs.push(Input {
                path: None,
                key: "stdin".to_owned(),
            });
        } else if path.is_dir() {
            let before = inputs.len();
            walk(path, path, &mut inputs)?;
            if inputs.len() == before {
                return Err(Failure(format!(
                    "there is no .csv or .csv.gz file below {}",
                    path.display()
                )));
            }
        } else {
            inputs.push(Input {
                key: key_of_file(path)?,
                path: Some(path.clone()),
            });
        }
    }
    Ok(inputs)
}

/// Two CSVs that would have the same output overwrite each other: that is wrong usage.
pub(crate) fn check_outputs<'a>(
    outputs: impl Iterator<Item = (&'a Input, Option<String>)>,
) -> Result<(), Failure> {
    let mut seen: BTreeMap<String, &Input> = BTreeMap::new();
    for (input, output) in outputs {
        let Some(output) = output else { continue };
        if let Some(other) = seen.get(&output) {
            return Err(Failure(format!(
                "{} and {} would both become {output}: rename one, or choose another --output-key",
                other.shown(),
                input.shown()
            )));
        }
        seen.insert(output, input);
    }
    Ok(())
}

/// Adds the CSVs below a folder, by name. Folders behind links are left out: they may loop.
fn walk(root: &Path, folder: &Path, inputs: &mut Vec<Input>) -> Result<(), Failure> {
    let failure = |err: io::Error| Failure(format!("cannot read {}: {err}", folder.display()));
    let mut entries: Vec<_> = fs::read_dir(folder)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(failure)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_type().map_err(failure)?.is_dir() {
            walk(root, &path, inputs)?;
        } else if is_csv(&path) && path.is_file() {
            let below = path.strip_prefix(root).unwrap_or(&path);
            inputs.push(Input {
                key: text(below)?,
                path: Some(path),
            });
        }
    }
    Ok(())
}

fn is_csv(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.to_ascii_lowercase();
    let (stem, extension) = name.rsplit_once('.').unwrap_or_default();
    extension == "csv"
        || (extension == "gz"
            && stem
                .rsplit_once('.')
                .is_some_and(|(_, inner)| inner == "csv"))
}

/// The key of a file by itself: its path as typed, or its name alone where that path is absolute
/// or climbs.
fn key_of_file(path: &Path) -> Result<String, Failure> {
    let mut key = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => key.push(name),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) | Component::ParentDir => {
                let name = path
                    .file_name()
                    .ok_or_else(|| Failure(format!("{} is not a file", path.display())))?;
                return text(Path::new(name));
            }
        }
    }
    text(&key)
}

fn text(path: &Path) -> Result<String, Failure> {
    match path.to_str() {
        Some(text) => Ok(text.to_owned()),
        None => Err(Failure(format!("the path {} is not UTF-8", path.display()))),
    }
}
