//! The locations of the lists and of the common CSV, the kind of each input, which depends on them, and the
//! sheet to read from workbooks.
//!
//! Lists are in the folder that `--lists` sets. Without `--lists`, they are in the nearest folder with the
//! name `lists`: in the folder that is processed, or in one of its parent folders that the typed path
//! contains. A CSV in the lists folder is a list. The CSV that `--common` sets is the common CSV. Every other
//! CSV is that of a site.

use std::fs;
use std::path::{Component, Path, PathBuf};

use htaccess_generator::csv::CsvKind;

use crate::error::CliError;
use crate::input::paths::{cannot_read, here_if_empty, is_csv, kind_of_file, shown};

/// The name of the lists folder if `--lists` is not given.
const LISTS: &str = "lists";

/// The values of `--lists`, `--common` and `--sheet`.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedPlaces {
    lists: Option<PathBuf>,
    common: Option<PathBuf>,
    sheet: Option<String>,
}

/// The locations of the shared CSVs, and the sheet to read, for the inputs of one folder.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    /// The lists folder.
    pub(crate) lists: Option<PathBuf>,
    real_lists: Option<PathBuf>,
    real_common: Option<PathBuf>,
    /// The sheet to read from a workbook. `None` for the first visible sheet.
    pub(crate) sheet: Option<String>,
}

impl SharedPlaces {
    /// Checks the values of `--lists` and `--common`.
    pub(crate) fn new(lists: Option<&Path>, common: Option<&Path>) -> Result<Self, CliError> {
        if let Some(lists) = lists {
            let metadata = fs::metadata(lists).map_err(|err| cannot_read(lists, &err))?;
            if !metadata.is_dir() {
                return Err(CliError::new(format!(
                    "--lists {} is {}: name the folder with the lists",
                    shown(lists),
                    kind_of_file(metadata.file_type())
                )));
            }
        }
        if let Some(common) = common {
            let metadata = fs::metadata(common).map_err(|err| cannot_read(common, &err))?;
            if metadata.is_dir() {
                return Err(CliError::new(format!(
                    "--common {} is a folder: name the CSV whose rows apply to every file",
                    shown(common)
                )));
            }
        }
        Ok(Self {
            lists: lists.map(Path::to_owned),
            common: common.map(Path::to_owned),
            sheet: None,
        })
    }

    /// Sets the sheet to read from each workbook.
    pub(crate) fn with_sheet(self, sheet: Option<&str>) -> Self {
        Self {
            sheet: sheet.map(str::to_owned),
            ..self
        }
    }

    /// Returns the sheet to read from each workbook.
    pub(crate) fn sheet(&self) -> Option<&str> {
        self.sheet.as_deref()
    }

    /// Returns the path of the common CSV.
    pub(crate) fn common(&self) -> Option<&Path> {
        self.common.as_deref()
    }

    /// Returns the locations of the shared CSVs, and the sheet to read, for the inputs of a folder.
    pub(super) fn scope_of(&self, folder: &Path) -> Scope {
        let lists = self.lists.clone().or_else(|| nearest_lists(folder));
        let real = |path: &Path| fs::canonicalize(path).ok();
        Scope {
            real_lists: lists.as_deref().and_then(real),
            real_common: self.common.as_deref().and_then(real),
            lists,
            sheet: self.sheet.clone(),
        }
    }
}

/// Returns the nearest lists folder, in a folder or in one of its parent folders.
fn nearest_lists(folder: &Path) -> Option<PathBuf> {
    let is_above = folder.components().next() == Some(Component::ParentDir);
    let mut folders = folder
        .ancestors()
        // The last ancestor of `../sites` is an empty path. It means the current folder, which is not a
        // parent of `..`.
        .filter(|folder| !is_above || *folder != Path::new(""));
    folders.find_map(|folder| {
        let lists = folder.join(LISTS);
        lists.is_dir().then_some(lists)
    })
}

impl Scope {
    /// Returns the scope of the files in a lists folder.
    pub(super) fn of_lists(folder: &Path) -> Self {
        Self {
            lists: Some(folder.to_owned()),
            real_lists: fs::canonicalize(folder).ok(),
            real_common: None,
            sheet: None,
        }
    }

    /// Returns the kind of the CSV at a path.
    pub(super) fn kind_of(&self, path: &Path) -> CsvKind {
        if self.real_lists.is_none() && self.real_common.is_none() {
            return CsvKind::Site;
        }
        let Ok(path) = fs::canonicalize(here_if_empty(path)) else {
            return CsvKind::Site;
        };
        if self.real_common.as_ref() == Some(&path) {
            return CsvKind::Common;
        }
        match &self.real_lists {
            Some(lists) if path.starts_with(lists) && is_csv(&path) => CsvKind::List,
            _ => CsvKind::Site,
        }
    }
}
