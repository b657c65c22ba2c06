//! The places of lists and of the common CSV, the kinds of inputs that follow from them, and the sheet of workbooks.
//!
//! Lists are in the folder that `--lists` names or, without it, in the nearest folder `lists` in the folder
//! that is processed, or above it as far as its path is typed. A CSV in that folder is a list. The CSV that
//! `--common` names is the common CSV. Every other CSV is that of a site.

use std::fs;
use std::path::{Component, Path, PathBuf};

use htaccess_generator::csv::CsvKind;

use crate::error::CliError;
use crate::input::paths::{cannot_read, here_if_empty, is_csv, kind_of_file, shown};

/// The name of the folder of lists.
const LISTS: &str = "lists";

/// The values of `--lists`, `--common` and `--sheet`.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedPlaces {
    lists: Option<PathBuf>,
    common: Option<PathBuf>,
    sheet: Option<String>,
}

/// The shared CSVs for the inputs of one folder.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    /// The folder of lists.
    pub(crate) lists: Option<PathBuf>,
    real_lists: Option<PathBuf>,
    real_common: Option<PathBuf>,
    /// The sheet to read of a workbook.
    pub(crate) sheet: Option<String>,
}

impl SharedPlaces {
    /// Checks the values of the flags.
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

    /// Sets the sheet to read of each workbook.
    pub(crate) fn with_sheet(self, sheet: Option<&str>) -> Self {
        Self {
            sheet: sheet.map(str::to_owned),
            ..self
        }
    }

    /// Returns the sheet to read of each workbook.
    pub(crate) fn sheet(&self) -> Option<&str> {
        self.sheet.as_deref()
    }

    /// Returns the common CSV.
    pub(crate) fn common(&self) -> Option<&Path> {
        self.common.as_deref()
    }

    /// Returns the shared CSVs for the inputs of a folder.
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

/// Returns the nearest folder of lists, in a folder or above it.
fn nearest_lists(folder: &Path) -> Option<PathBuf> {
    let is_above = folder.components().next() == Some(Component::ParentDir);
    let mut folders = folder
        .ancestors()
        // The end of `../sites` is not the folder above it.
        .filter(|folder| !is_above || *folder != Path::new(""));
    folders.find_map(|folder| {
        let lists = folder.join(LISTS);
        lists.is_dir().then_some(lists)
    })
}

impl Scope {
    /// Returns the scope of the files in a folder of lists.
    pub(super) fn of_lists(folder: &Path) -> Self {
        Self {
            lists: Some(folder.to_owned()),
            real_lists: fs::canonicalize(folder).ok(),
            real_common: None,
            sheet: None,
        }
    }

    /// Returns the kind of a file.
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
