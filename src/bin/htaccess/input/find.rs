//! Finds the files that are given on the command line.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use htaccess_generator::csv::CsvKind;

use crate::error::CliError;
use crate::input::file::{Input, Origin};
use crate::input::glob::{folder_of_pattern, matches, pattern};
use crate::input::layout::{Named, keys, text};
use crate::input::nearby::help_for_folder;
use crate::input::paths::{cannot_read, is_csv, shown};
use crate::input::shared::{Scope, SharedPlaces};

/// No `--root`: the root follows from the paths on the command line (see `layout.rs`).
pub(crate) const DEFAULT_ROOT: Option<&Path> = None;

/// Returns the files that are given on the command line and the CSVs below the given folders, in order. They
/// can be CSVs of sites, lists and the common CSV. `root` is the folder to which keys are relative, as in
/// `--root`.
pub(crate) fn find(
    named: &[PathBuf],
    places: &SharedPlaces,
    root: Option<&Path>,
) -> Result<Vec<Input>, CliError> {
    let mut found = Found::default();
    let mut stdin = None;
    for path in named {
        if path == Path::new("-") {
            if stdin.replace(found.files.len()).is_some() {
                return Err(CliError::new(
                    "standard input can be read only once: write - only once".to_owned(),
                ));
            }
        } else if path.is_dir() {
            found.add_folder(path, &places.scope_of(path))?;
        } else if let Some(pattern) = pattern(path) {
            found.add_matches(pattern, places)?;
        } else {
            found.add_file(path, places)?;
        }
    }
    let mut inputs = found.inputs(root)?;
    if let Some(place) = stdin {
        let scope = places.scope_of(Path::new(""));
        let input = Input::new(None, "stdin".to_owned(), Origin::Named, &scope);
        inputs.insert(place, input);
    }
    Ok(inputs)
}

/// The files that were found, in the order of the command line.
#[derive(Default)]
struct Found {
    files: Vec<FoundFile>,
    /// The arguments that led to `files`. The files of all arguments, in order, are `files`.
    named: Vec<Named>,
}

struct FoundFile {
    path: PathBuf,
    origin: Origin,
    scope: Rc<Scope>,
}

impl Found {
    /// Adds a file whose path is given on the command line.
    fn add_file(&mut self, path: &Path, places: &SharedPlaces) -> Result<(), CliError> {
        let name = path
            .file_name()
            .ok_or_else(|| CliError::new(format!("{} is not a file", shown(path))))?;
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        self.files.push(FoundFile {
            path: path.to_owned(),
            origin: Origin::Named,
            scope: Rc::new(places.scope_of(folder)),
        });
        self.named.push(Named {
            folder: folder.to_owned(),
            files: vec![PathBuf::from(name)],
            is_file: true,
        });
        Ok(())
    }

    /// Adds the CSVs below a folder.
    fn add_folder(&mut self, folder: &Path, scope: &Scope) -> Result<(), CliError> {
        let mut paths = Vec::new();
        walk(folder, &mut paths)?;
        if paths.is_empty() {
            let message = format!("there is no .csv or .csv.gz file below {}", shown(folder));
            return Err(CliError::new(message).with_help(help_for_folder(folder)));
        }
        self.add_found(folder, paths, scope);
        Ok(())
    }

    /// Adds the files that match a pattern, in order. If the pattern matches only folders, adds the CSVs
    /// below these folders.
    fn add_matches(&mut self, pattern: &str, places: &SharedPlaces) -> Result<(), CliError> {
        let folder = folder_of_pattern(pattern);
        let scope = places.scope_of(&folder);
        let (folders, files): (Vec<_>, Vec<_>) = matches(pattern)?
            .into_iter()
            .partition(|path| path.is_dir());
        match (files.is_empty(), folders.is_empty()) {
            (true, true) => Err(CliError::new(format!(
                "no file matches {}",
                shown(Path::new(pattern))
            ))),
            (true, false) => folders
                .iter()
                .try_for_each(|folder| self.add_folder(folder, &scope)),
            _ => {
                self.add_found(&folder, files, &scope);
                Ok(())
            }
        }
    }

    fn add_found(&mut self, folder: &Path, paths: Vec<PathBuf>, scope: &Scope) {
        let below = |path: &PathBuf| path.strip_prefix(folder).unwrap_or(path).to_owned();
        self.named.push(Named {
            folder: folder.to_owned(),
            files: paths.iter().map(below).collect(),
            is_file: false,
        });
        let scope = Rc::new(scope.clone());
        self.files.extend(paths.into_iter().map(|path| FoundFile {
            path,
            origin: Origin::Found,
            scope: Rc::clone(&scope),
        }));
    }

    fn inputs(self, root: Option<&Path>) -> Result<Vec<Input>, CliError> {
        let keys = keys(&self.named, root)?;
        let files = self.files.into_iter().zip(keys);
        let input = |(file, key): (FoundFile, _)| {
            Input::new(Some(file.path), key, file.origin, &file.scope)
        };
        Ok(files.map(input).collect())
    }
}

/// Returns the only CSV of a site that `named` refers to. Fails if there are several.
pub(crate) fn find_one(named: &Path, places: &SharedPlaces) -> Result<Input, CliError> {
    let mut inputs = find(&[named.to_owned()], places, DEFAULT_ROOT)?;
    check_sites(&inputs)?;
    inputs.retain(|input| input.kind == CsvKind::Site);
    match (inputs.pop(), inputs.as_slice()) {
        (Some(input), []) => Ok(input),
        _ => Err(CliError::new(format!(
            "{} matches more than one file: name one file",
            shown(named)
        ))),
    }
}

/// Returns an error if the inputs are only lists and the common CSV, which have no output of their own.
pub(crate) fn check_sites(inputs: &[Input]) -> Result<(), CliError> {
    if inputs.iter().any(|input| input.kind == CsvKind::Site) {
        return Ok(());
    }
    let Some(input) = inputs.first() else {
        return Ok(());
    };
    let name = input.display_name();
    let what = match input.kind {
        CsvKind::List => "a list, not a site",
        CsvKind::Common | CsvKind::Site => "the common CSV, not a site",
    };
    let message = format!("{name} is {what}: name the CSV of a site");
    let help = format!("htaccess check {name} lists its problems");
    Err(CliError::new(message).with_help(help))
}

/// Returns the CSVs of the lists below a folder, sorted by name.
pub(crate) fn find_lists(folder: &Path) -> Result<Vec<Input>, CliError> {
    let mut paths = Vec::new();
    walk(folder, &mut paths)?;
    let scope = Scope::of_lists(folder);
    let input = |path: PathBuf| {
        let key = text(path.strip_prefix(folder).unwrap_or(&path))?;
        Ok(Input::new(Some(path), key, Origin::Found, &scope))
    };
    paths.into_iter().map(input).collect()
}

/// Returns the common CSV. `None` without `--common`.
pub(crate) fn find_common(places: &SharedPlaces) -> Result<Option<Input>, CliError> {
    let mut found = Found::default();
    if let Some(path) = places.common() {
        found.add_file(path, places)?;
    }
    Ok(found.inputs(DEFAULT_ROOT)?.pop())
}

/// Adds the CSVs below a folder to `paths`, sorted by name. Links to folders are not followed, because they
/// could form a loop.
fn walk(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<(), CliError> {
    let failure = |err: io::Error| cannot_read(folder, &err);
    let mut entries: Vec<_> = fs::read_dir(folder)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(failure)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_type().map_err(failure)?.is_dir() {
            walk(&path, paths)?;
            continue;
        }
        if !is_csv(&path) {
            continue;
        }
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        let is_wanted = match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => false,
            // A special file, such as a FIFO, is also added, so that reading it fails. If it were skipped,
            // its site would be missing without a message.
            Ok(metadata) => metadata.is_file() || !is_hidden,
            // A hidden broken link, such as the lock file of an editor.
            Err(_) if is_hidden => false,
            Err(err) => return Err(cannot_read(&path, &err)),
        };
        if is_wanted {
            paths.push(path);
        }
    }
    Ok(())
}
