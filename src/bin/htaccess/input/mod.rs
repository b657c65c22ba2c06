//! The inputs: finds the files that the command line names, and reads them.
//!
//! An input is a file, standard input, or a CSV below a named folder or pattern. This folder also
//! checks that no output overwrites an input. It does not parse CSVs, and it does not write anything.

mod glob;
mod nearby;
mod paths;
mod shared;

pub(crate) use self::nearby::{nearest, nearest_file};
pub(crate) use self::paths::{folder_of, is_csv, kind_of_file, shown};
pub(crate) use self::shared::SharedPlaces;

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Component, Path, PathBuf};
use std::sync::Mutex;

use htaccess_generator::csv::{CsvKind, Field, Snippet, SnippetFinder};
use htaccess_generator::text::escape_invisible;

use crate::error::CliError;
use crate::input::glob::{folder_of_pattern, matches, pattern};
use crate::input::nearby::{help_for_folder, help_for_missing_file};
use crate::input::paths::cannot_read;
use crate::input::shared::Scope;
use crate::io_threads::{read_ahead, read_piece};

/// The maximum number of bytes of a small file that are read at a time.
const PIECE_BYTES: usize = 256 * 1024;
const MIN_PIECE_BYTES: usize = 64 * 1024;
/// Files of at least this size are read by a separate thread.
const READ_AHEAD_FROM_BYTES: u64 = 2 * 1024 * 1024;
/// The maximum number of bytes that are kept of an input that cannot be read again.
const MAX_START_BYTES: usize = 1024 * 1024;

/// One CSV.
pub(crate) struct Input {
    /// The path; `None` for standard input.
    pub(crate) path: Option<PathBuf>,
    /// The key that the file would have in a bucket.
    pub(crate) key: String,
    /// What its rows may state.
    pub(crate) kind: CsvKind,
    /// The folder of the lists that its rows may name.
    pub(crate) lists: Option<PathBuf>,
    origin: Origin,
    /// The first bytes of an input that cannot be read again: standard input or a pipe.
    start: Mutex<Vec<u8>>,
}

/// The way in which an input was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// The user named it, so it may be anything that can be read, such as a pipe.
    Named,
    /// It was found in a folder or by a pattern, so it must be a regular file. Reading a FIFO would wait
    /// for its writer.
    Found,
}

impl Input {
    fn new(path: Option<PathBuf>, key: String, origin: Origin, scope: &Scope) -> Self {
        let kind = path.as_deref().map(|path| scope.kind_of(path));
        Self {
            path,
            key,
            kind: kind.unwrap_or_default(),
            lists: scope.lists.clone(),
            origin,
            start: Mutex::default(),
        }
    }

    /// The name in messages. It is escaped, because a file name may contain control sequences for
    /// terminals.
    pub(crate) fn display_name(&self) -> String {
        match &self.path {
            Some(path) => shown(path),
            None => "<stdin>".to_owned(),
        }
    }

    /// The size in bytes, if it is known before the input is read.
    pub(crate) fn bytes(&self) -> Option<u64> {
        let metadata = fs::metadata(self.path.as_ref()?).ok()?;
        metadata.is_file().then_some(metadata.len())
    }

    /// Pushes the bytes into an upload, until it is refused: by their number with `expect_bytes`, or by `push`. Keeps
    /// the start of an input that can be read only once.
    pub(crate) fn read_into<U>(
        &self,
        upload: &mut U,
        expect_bytes: impl FnOnce(&mut U, u64) -> ControlFlow<()>,
        mut push: impl FnMut(&mut U, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), CliError> {
        let bytes = self.bytes();
        if expect_bytes(upload, bytes.unwrap_or(0)).is_break() {
            return Ok(());
        }
        self.read(bytes, |piece| {
            if bytes.is_none() {
                self.keep_start(piece);
            }
            push(upload, piece)
        })
    }

    /// Passes the bytes to `each` piece by piece until it returns `Break`. `bytes` is the result of
    /// [`Self::bytes`]: a large file is read by a separate thread.
    pub(crate) fn read(
        &self,
        bytes: Option<u64>,
        mut each: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<(), CliError> {
        let failure = |err: io::Error| match &self.path {
            Some(path) if err.kind() == io::ErrorKind::NotFound => {
                cannot_read(path, &err).with_help(help_for_missing_file(path))
            }
            Some(path) => cannot_read(path, &err),
            None => CliError::new(format!("cannot read standard input: {err}")),
        };
        if self.origin == Origin::Found {
            self.refuse_other_files()?;
        }
        let mut source: Box<dyn Read + Send> = match &self.path {
            Some(path) => Box::new(File::open(path).map_err(failure)?),
            None => Box::new(io::stdin()),
        };
        if bytes.is_some_and(|bytes| bytes >= READ_AHEAD_FROM_BYTES) {
            return read_ahead(source, each).map_err(failure);
        }
        // Not much larger than the file, because the buffer is filled with zeros first. Some files, such as
        // those in /proc, have a length of 0.
        let size = bytes.and_then(|bytes| usize::try_from(bytes).ok());
        let mut piece =
            vec![0; size.map_or(PIECE_BYTES, |size| size.clamp(MIN_PIECE_BYTES, PIECE_BYTES))];
        loop {
            let bytes = read_piece(&mut source, &mut piece).map_err(failure)?;
            if bytes == 0 || each(piece.get(..bytes).unwrap_or_default()).is_break() {
                return Ok(());
            }
        }
    }
}

impl Input {
    fn refuse_other_files(&self) -> Result<(), CliError> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        match fs::metadata(path) {
            Ok(metadata) if !metadata.is_file() => Err(CliError::new(format!(
                "cannot read {}: it is {}, which is only read if it is named itself",
                shown(path),
                kind_of_file(metadata.file_type())
            ))),
            _ => Ok(()),
        }
    }

    /// Keeps the start of an input that cannot be read again, for the rows that messages show.
    pub(crate) fn keep_start(&self, piece: &[u8]) {
        if let Ok(mut start) = self.start.lock() {
            let room = MAX_START_BYTES - start.len();
            start.extend_from_slice(piece.get(..room).unwrap_or(piece));
        }
    }

    /// Returns whether the input had no bytes.
    pub(crate) fn was_empty(&self) -> bool {
        match self.bytes() {
            Some(bytes) => bytes == 0,
            None => self.start.lock().is_ok_and(|start| start.is_empty()),
        }
    }

    /// Reads the input again and passes the rows at these lines to `found`, each with its index in
    /// `lines`. Rows that cannot be read again are left out.
    pub(crate) fn read_again(&self, lines: &[(u64, Field)], found: impl FnMut(usize, Snippet)) {
        if lines.is_empty() {
            return;
        }
        let mut finder = SnippetFinder::new(self.kind, lines, u64::MAX, found);
        let bytes = self.bytes();
        if bytes.is_some() {
            // A file that cannot be read any more shows no rows.
            let _ = self.read(bytes, |piece| finder.push(piece));
        } else if let Ok(start) = self.start.lock() {
            let _ = finder.push(&start);
        }
        finder.finish();
    }
}

/// Returns the named files and the CSVs below the named folders, in order: those of sites, lists and the
/// common CSV.
pub(crate) fn find(named: &[PathBuf], places: &SharedPlaces) -> Result<Vec<Input>, CliError> {
    let mut inputs = Vec::new();
    for path in named {
        if path == Path::new("-") {
            if inputs.iter().any(|input: &Input| input.path.is_none()) {
                return Err(CliError::new(
                    "standard input can be read once: name - once".to_owned(),
                ));
            }
            let scope = places.scope_of(Path::new(""));
            let key = "stdin".to_owned();
            inputs.push(Input::new(None, key, Origin::Named, &scope));
        } else if path.is_dir() {
            find_below(path, &places.scope_of(path), &mut inputs)?;
        } else if let Some(pattern) = pattern(path) {
            let scope = places.scope_of(&folder_of_pattern(pattern));
            find_matches(pattern, &scope, &mut inputs)?;
        } else {
            inputs.push(named_file(path, places)?);
        }
    }
    Ok(inputs)
}

/// Returns a file that is named itself.
fn named_file(path: &Path, places: &SharedPlaces) -> Result<Input, CliError> {
    let key = key_of_file(path)?;
    let scope = places.scope_of(path.parent().unwrap_or_else(|| Path::new("")));
    Ok(Input::new(
        Some(path.to_owned()),
        key,
        Origin::Named,
        &scope,
    ))
}

/// Returns the CSV of the site that is named, and fails if there is more than one.
pub(crate) fn find_one(named: &Path, places: &SharedPlaces) -> Result<Input, CliError> {
    let mut inputs = find(&[named.to_owned()], places)?;
    check_sites(&inputs)?;
    inputs.retain(|input| input.kind == CsvKind::Site);
    match (inputs.pop(), inputs.as_slice()) {
        (Some(input), []) => Ok(input),
        _ => Err(CliError::new(format!(
            "{} is more than one file: name one",
            shown(named)
        ))),
    }
}

/// Fails if there are only lists and the common CSV, which have no output of their own.
pub(crate) fn check_sites(inputs: &[Input]) -> Result<(), CliError> {
    if inputs.iter().any(|input| input.kind == CsvKind::Site) {
        return Ok(());
    }
    let Some(input) = inputs.first() else {
        return Ok(());
    };
    let name = input.display_name();
    let what = match input.kind {
        CsvKind::List => "a list, which is used by the CSVs of sites",
        CsvKind::Common | CsvKind::Site => "the common CSV, which is used by those of sites",
    };
    let message = format!("{name} is {what}: name the CSV of a site");
    let help = format!("htaccess check {name} says what is wrong with it");
    Err(CliError::new(message).with_help(help))
}

/// Returns the CSVs of the lists in a folder, in order.
pub(crate) fn find_lists(folder: &Path) -> Result<Vec<Input>, CliError> {
    let mut inputs = Vec::new();
    walk(folder, folder, &Scope::of_lists(folder), &mut inputs)?;
    Ok(inputs)
}

/// Returns the common CSV.
pub(crate) fn find_common(places: &SharedPlaces) -> Result<Option<Input>, CliError> {
    let common = places.common().map(|path| named_file(path, places));
    common.transpose()
}

/// The files that are read, which no output may overwrite.
pub(crate) struct InputPaths<'a> {
    by_name: HashMap<&'a OsStr, Vec<&'a Path>>,
}

impl<'a> InputPaths<'a> {
    pub(crate) fn of(inputs: &'a [Input]) -> Self {
        let mut by_name: HashMap<&OsStr, Vec<&Path>> = HashMap::new();
        for path in inputs.iter().filter_map(|input| input.path.as_deref()) {
            if let Some(name) = path.file_name() {
                by_name.entry(name).or_default().push(path);
            }
        }
        Self { by_name }
    }

    /// Refuses an output whose path is that of an input. `flag` is the one that sets the path.
    pub(crate) fn refuse_overwrite(&self, output: &Path, flag: &str) -> Result<(), CliError> {
        let same_name = output.file_name().and_then(|name| self.by_name.get(name));
        let is_same = |input: &&&Path| {
            let both = (fs::canonicalize(input), fs::canonicalize(output));
            matches!(both, (Ok(input), Ok(output)) if input == output)
        };
        match same_name.into_iter().flatten().find(is_same) {
            None => Ok(()),
            Some(input) => Err(CliError::new(format!(
                "{} would be replaced by what is made of it: choose another {flag}",
                shown(input)
            ))),
        }
    }
}

/// Refuses outputs below `folder` that would overwrite each other or one of the CSVs.
pub(crate) fn check_outputs<'a>(
    inputs: &[Input],
    folder: &Path,
    outputs: impl Iterator<Item = (&'a Input, Option<String>)>,
) -> Result<(), CliError> {
    let input_paths = InputPaths::of(inputs);
    let mut seen: BTreeMap<String, &Input> = BTreeMap::new();
    for (input, output) in outputs {
        let Some(output) = output else { continue };
        input_paths.refuse_overwrite(&folder.join(&output), "-o or --output-key")?;
        if let Some(other) = seen.get(&output) {
            return Err(CliError::new(format!(
                "{} and {} would both become {}: rename one, or choose another --output-key",
                other.display_name(),
                input.display_name(),
                escape_invisible(&output, None)
            )));
        }
        seen.insert(output, input);
    }
    Ok(())
}

/// Adds the files that match, in order, each with its own key. If no file matches, adds the CSVs below
/// the folders that match.
fn find_matches(pattern: &str, scope: &Scope, inputs: &mut Vec<Input>) -> Result<(), CliError> {
    let (folders, files): (Vec<_>, Vec<_>) = matches(pattern)?
        .into_iter()
        .partition(|path| path.is_dir());
    for path in &files {
        let key = key_of_file(path)?;
        inputs.push(Input::new(Some(path.clone()), key, Origin::Found, scope));
    }
    match (files.is_empty(), folders.is_empty()) {
        (true, true) => Err(CliError::new(format!(
            "no file matches {}",
            shown(Path::new(pattern))
        ))),
        (true, false) => folders
            .iter()
            .try_for_each(|folder| find_below(folder, scope, inputs)),
        _ => Ok(()),
    }
}

fn find_below(folder: &Path, scope: &Scope, inputs: &mut Vec<Input>) -> Result<(), CliError> {
    let before = inputs.len();
    walk(folder, folder, scope, inputs)?;
    if inputs.len() > before {
        return Ok(());
    }
    let message = format!("there is no .csv or .csv.gz file below {}", shown(folder));
    Err(CliError::new(message).with_help(help_for_folder(folder)))
}

/// Adds the CSVs below a folder, sorted by name. Links to folders are not followed, because they may
/// form a loop.
fn walk(
    root: &Path,
    folder: &Path,
    scope: &Scope,
    inputs: &mut Vec<Input>,
) -> Result<(), CliError> {
    let failure = |err: io::Error| cannot_read(folder, &err);
    let mut entries: Vec<_> = fs::read_dir(folder)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(failure)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_type().map_err(failure)?.is_dir() {
            walk(root, &path, scope, inputs)?;
            continue;
        }
        if !is_csv(&path) {
            continue;
        }
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        let is_wanted = match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => false,
            // Anything else fails when it is read, because the site that it stands for would be missing.
            Ok(metadata) => metadata.is_file() || !is_hidden,
            // A broken link, such as those that editors make.
            Err(_) if is_hidden => false,
            Err(err) => return Err(cannot_read(&path, &err)),
        };
        if is_wanted {
            let below = path.strip_prefix(root).unwrap_or(&path);
            let key = text(below)?;
            inputs.push(Input::new(Some(path), key, Origin::Found, scope));
        }
    }
    Ok(())
}

/// Returns the key of a file that is named itself: its path as typed, or only its name if the path is
/// absolute or contains `..`.
fn key_of_file(path: &Path) -> Result<String, CliError> {
    let mut key = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => key.push(name),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) | Component::ParentDir => {
                let name = path
                    .file_name()
                    .ok_or_else(|| CliError::new(format!("{} is not a file", shown(path))))?;
                return text(Path::new(name));
            }
        }
    }
    text(&key)
}

fn text(path: &Path) -> Result<String, CliError> {
    match path.to_str() {
        Some(text) => Ok(text.to_owned()),
        None => Err(CliError::new(format!(
            "the name {} is not UTF-8, as a key must be: rename the file",
            shown(path)
        ))),
    }
}
