//! Which files were meant, and how they are read.

mod glob;
mod paths;

pub(crate) use self::glob::pattern;
pub(crate) use self::paths::folder_of;

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::Mutex;

use htaccess_generator::csv::UploadStart;
use htaccess_generator::csv::{Field, Snippet, SnippetFinder};
use htaccess_generator::source::is_csv_name;
use htaccess_generator::text::escape_invisible;

use crate::error::CliError;
use crate::input::glob::matches;
use crate::input::paths::cannot_read;
use crate::io_threads::{read_ahead, read_piece};

/// How much of a small file is read at a time.
const PIECE_BYTES: usize = 256 * 1024;
const MIN_PIECE_BYTES: usize = 64 * 1024;
/// From this size on a file is read beside the work.
const READ_AHEAD_FROM_BYTES: u64 = 2 * 1024 * 1024;
/// How much is kept of what cannot be read again.
const MAX_START_BYTES: usize = 1024 * 1024;
/// How the failure starts of a folder without CSVs.
pub(crate) const NO_CSV_BELOW: &str = "there is no .csv or .csv.gz file below";

/// One CSV.
pub(crate) struct Input {
    /// Where it is; `None` for standard input.
    pub(crate) path: Option<PathBuf>,
    /// What its key would be in a bucket.
    pub(crate) key: String,
    /// The first bytes of what cannot be read again: standard input, a pipe.
    start: Mutex<UploadStart>,
}

impl Input {
    fn new(path: Option<PathBuf>, key: String) -> Self {
        Self {
            path,
            key,
            start: Mutex::new(UploadStart::of_at_most(MAX_START_BYTES)),
        }
    }

    /// How messages name it. A name may have anything in it that a terminal would act on.
    pub(crate) fn display_name(&self) -> String {
        match &self.path {
            Some(path) => escape_invisible(&path.to_string_lossy(), None),
            None => "<stdin>".to_owned(),
        }
    }

    /// Its size, where that is known before it is read.
    pub(crate) fn bytes(&self) -> Option<u64> {
        let metadata = fs::metadata(self.path.as_ref()?).ok()?;
        metadata.is_file().then_some(metadata.len())
    }

    /// Hands its bytes over piece by piece, until `each` says to stop. `bytes` is what [`Self::bytes`]
    /// told: a large file is read beside the work.
    pub(crate) fn read(
        &self,
        bytes: Option<u64>,
        mut each: impl FnMut(&[u8]) -> std::ops::ControlFlow<()>,
    ) -> Result<(), CliError> {
        let failure = |err: io::Error| match &self.path {
            Some(path) => cannot_read(path, &err),
            None => CliError(format!("cannot read standard input: {err}")),
        };
        let mut source: Box<dyn Read + Send> = match &self.path {
            Some(path) => Box::new(File::open(path).map_err(failure)?),
            None => Box::new(io::stdin()),
        };
        if bytes.is_some_and(|bytes| bytes >= READ_AHEAD_FROM_BYTES) {
            return read_ahead(source, each).map_err(failure);
        }
        // Hardly larger than the file, for it is filled with zeros first; some files have a length of 0.
        let room = bytes.and_then(|bytes| usize::try_from(bytes).ok());
        let mut piece =
            vec![0; room.map_or(PIECE_BYTES, |room| room.clamp(MIN_PIECE_BYTES, PIECE_BYTES))];
        loop {
            let bytes = read_piece(&mut source, &mut piece).map_err(failure)?;
            if bytes == 0 || each(piece.get(..bytes).unwrap_or_default()).is_break() {
                return Ok(());
            }
        }
    }
}

impl Input {
    /// Keeps the start of what cannot be read again, for the rows that messages show.
    pub(crate) fn keep_start(&self, piece: &[u8]) {
        if let Ok(mut start) = self.start.lock() {
            start.keep(piece);
        }
    }

    /// Whether it turned out to have no bytes.
    pub(crate) fn was_empty(&self) -> bool {
        match self.bytes() {
            Some(bytes) => bytes == 0,
            None => self.start.lock().is_ok_and(|start| start.is_empty()),
        }
    }

    /// Hands the rows at these lines over, each with its index in `lines`, as far as they can be
    /// read once more.
    pub(crate) fn read_again(&self, lines: &[(u64, Field)], found: impl FnMut(usize, Snippet)) {
        if lines.is_empty() {
            return;
        }
        let mut excerpts = SnippetFinder::new(lines, u64::MAX, found);
        self.read_once_more(&mut |piece| excerpts.push(piece));
        excerpts.finish();
    }

    /// Hands its bytes over once more, as far as they can be had. Whether those were all.
    pub(crate) fn read_once_more(
        &self,
        each: &mut dyn FnMut(&[u8]) -> std::ops::ControlFlow<()>,
    ) -> bool {
        let bytes = self.bytes();
        if bytes.is_some() {
            return self.read(bytes, each).is_ok();
        }
        self.start.lock().is_ok_and(|start| start.hand_over(each))
    }
}

/// The files that were named, and the CSVs below the folders that were, in order.
pub(crate) fn find(named: &[PathBuf]) -> Result<Vec<Input>, CliError> {
    let mut inputs = Vec::new();
    for path in named {
        if path == Path::new("-") {
            if inputs.iter().any(|input: &Input| input.path.is_none()) {
                return Err(CliError(
                    "standard input can be read once: name - once".to_owned(),
                ));
            }
            inputs.push(Input::new(None, "stdin".to_owned()));
        } else if path.is_dir() {
            find_below(path, &mut inputs)?;
        } else if let Some(pattern) = pattern(path) {
            find_matches(pattern, &mut inputs)?;
        } else {
            inputs.push(Input::new(Some(path.clone()), key_of_file(path)?));
        }
    }
    Ok(inputs)
}

/// The only file that is meant.
pub(crate) fn one(named: &Path) -> Result<Input, CliError> {
    let mut inputs = find(&[named.to_owned()])?;
    match (inputs.pop(), inputs.as_slice()) {
        (Some(input), []) => Ok(input),
        _ => Err(CliError(format!(
            "{} is more than one file: name one",
            named.display()
        ))),
    }
}

/// The files that are read, which no output may replace.
pub(crate) struct Originals<'a> {
    by_name: HashMap<&'a OsStr, Vec<&'a Path>>,
}

impl<'a> Originals<'a> {
    pub(crate) fn of(inputs: &'a [Input]) -> Self {
        let mut by_name: HashMap<&OsStr, Vec<&Path>> = HashMap::new();
        for path in inputs.iter().filter_map(|input| input.path.as_deref()) {
            if let Some(name) = path.file_name() {
                by_name.entry(name).or_default().push(path);
            }
        }
        Self { by_name }
    }

    /// Writing to the path of an input is wrong usage; `flag` says where to write.
    pub(crate) fn spare(&self, output: &Path, flag: &str) -> Result<(), CliError> {
        let alike = output.file_name().and_then(|name| self.by_name.get(name));
        let is_same = |input: &&&Path| {
            let both = (fs::canonicalize(input), fs::canonicalize(output));
            matches!(both, (Ok(input), Ok(output)) if input == output)
        };
        match alike.into_iter().flatten().find(is_same) {
            None => Ok(()),
            Some(input) => Err(CliError(format!(
                "{} would be replaced by what is made of it: choose another {flag}",
                input.display()
            ))),
        }
    }
}

/// Two CSVs that would have the same output below `folder` overwrite each other, and an output may
/// be one of the CSVs: that is wrong usage.
pub(crate) fn check_outputs<'a>(
    inputs: &[Input],
    folder: &Path,
    outputs: impl Iterator<Item = (&'a Input, Option<String>)>,
) -> Result<(), CliError> {
    let originals = Originals::of(inputs);
    let mut seen: BTreeMap<String, &Input> = BTreeMap::new();
    for (input, output) in outputs {
        let Some(output) = output else { continue };
        originals.spare(&folder.join(&output), "-o or --output-key")?;
        if let Some(other) = seen.get(&output) {
            return Err(CliError(format!(
                "{} and {} would both become {output}: rename one, or choose another --output-key",
                other.display_name(),
                input.display_name()
            )));
        }
        seen.insert(output, input);
    }
    Ok(())
}

/// The files that match, in order, with their own keys; or the CSVs below the folders that match,
/// where no file does.
fn find_matches(pattern: &str, inputs: &mut Vec<Input>) -> Result<(), CliError> {
    let (folders, files): (Vec<_>, Vec<_>) = matches(pattern)?
        .into_iter()
        .partition(|path| path.is_dir());
    for path in &files {
        let key = key_of_file(path)?;
        inputs.push(Input::new(Some(path.clone()), key));
    }
    match (files.is_empty(), folders.is_empty()) {
        (true, true) => Err(CliError(format!("no file matches {pattern}"))),
        (true, false) => folders
            .iter()
            .try_for_each(|folder| find_below(folder, inputs)),
        _ => Ok(()),
    }
}

fn find_below(folder: &Path, inputs: &mut Vec<Input>) -> Result<(), CliError> {
    let before = inputs.len();
    walk(folder, folder, inputs)?;
    if inputs.len() > before {
        return Ok(());
    }
    Err(CliError(format!("{NO_CSV_BELOW} {}", folder.display())))
}

/// Adds the CSVs below a folder, by name. Folders behind links are left out: they may loop.
fn walk(root: &Path, folder: &Path, inputs: &mut Vec<Input>) -> Result<(), CliError> {
    let failure = |err: io::Error| cannot_read(folder, &err);
    let mut entries: Vec<_> = fs::read_dir(folder)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(failure)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_type().map_err(failure)?.is_dir() {
            walk(root, &path, inputs)?;
            continue;
        }
        if !is_csv(&path) {
            continue;
        }
        if let Err(err) = fs::metadata(&path)
            && !entry.file_name().as_encoded_bytes().starts_with(b".")
        {
            // A link to nothing: who named it so misses the site.
            return Err(cannot_read(&path, &err));
        }
        if path.is_file() {
            let below = path.strip_prefix(root).unwrap_or(&path);
            let key = text(below)?;
            inputs.push(Input::new(Some(path), key));
        }
    }
    Ok(())
}

/// Returns whether a file's name is that of a CSV.
pub(crate) fn is_csv(path: &Path) -> bool {
    is_csv_name(&path.file_name().unwrap_or_default().to_string_lossy())
}

/// The key of a file by itself: its path as typed, or its name alone where that path is absolute
/// or climbs.
fn key_of_file(path: &Path) -> Result<String, CliError> {
    let mut key = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => key.push(name),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) | Component::ParentDir => {
                let name = path
                    .file_name()
                    .ok_or_else(|| CliError(format!("{} is not a file", path.display())))?;
                return text(Path::new(name));
            }
        }
    }
    text(&key)
}

fn text(path: &Path) -> Result<String, CliError> {
    match path.to_str() {
        Some(text) => Ok(text.to_owned()),
        None => Err(CliError(format!(
            "the name {} is not UTF-8, as a key must be: rename the file",
            path.display()
        ))),
    }
}
