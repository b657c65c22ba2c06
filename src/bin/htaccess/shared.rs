//! Compiles the lists and the common CSV that the inputs can use.
//!
//! The command line does not know the last good version of a refused list. Every site that uses such a list
//! is therefore refused.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use htaccess_generator::answer::{Answer, RefusalCode, Status};
use htaccess_generator::csv::CsvKind;
use htaccess_generator::generate::{Compiled, SharedOutcome, SharedUpload};
use htaccess_generator::list::{CompiledList, LISTS_FOLDER, ListId, ListName, Listed, Shared};
use htaccess_generator::settings::Settings;
use htaccess_generator::time::Instant;

use crate::error::CliError;
use crate::input::{self, Input, SharedPlaces};
use crate::messages::print_problems;

/// The lists and the common CSV, compiled once for each lists folder.
pub(crate) struct SharedFiles {
    folders: Vec<SharedFolder>,
    /// The empty set of rules for inputs that have neither lists nor a common CSV.
    none: Shared,
}

struct SharedFolder {
    lists: Option<PathBuf>,
    shared: Shared,
    files: Vec<SharedFile>,
}

/// A list or the common CSV.
pub(crate) struct SharedFile {
    input: Input,
    real_path: Option<PathBuf>,
    /// The answer for this CSV, with the warnings.
    answer: Answer,
    /// The name of the list. `None` for the common CSV.
    name: Option<ListName>,
    /// The compiled list. `None` for a refused list and for the common CSV.
    pub(crate) list: Option<Arc<CompiledList>>,
}

impl SharedFile {
    /// Returns the answer with the key of `input`, which is the same file.
    pub(crate) fn answer_as(&self, input: &Input) -> Answer {
        Answer {
            source: input.key.clone(),
            ..self.answer.clone()
        }
    }
}

impl SharedFiles {
    /// Reads all lists and the common CSV that the inputs can use.
    pub(crate) fn read(
        inputs: &[Input],
        places: &SharedPlaces,
        settings: &Settings,
        as_of: Instant,
    ) -> Result<Self, CliError> {
        let mut folders: Vec<SharedFolder> = Vec::new();
        for input in inputs {
            if folders.iter().any(|folder| folder.lists == input.lists) {
                continue;
            }
            let lists = input.lists.as_deref();
            if lists.is_some() || places.common().is_some() {
                folders.push(SharedFolder::read(lists, places, settings, as_of)?);
            }
        }
        Ok(Self {
            folders,
            none: Shared::default(),
        })
    }

    /// Returns the lists and the common CSV that apply to an input.
    pub(crate) fn of(&self, input: &Input) -> &Shared {
        let mut folders = self.folders.iter();
        let folder = folders.find(|folder| folder.lists == input.lists);
        folder.map_or(&self.none, |folder| &folder.shared)
    }

    /// Returns the list or the common CSV that is the same file as `input`. `None` if `input` is the CSV of a
    /// site.
    pub(crate) fn file(&self, input: &Input) -> Option<&SharedFile> {
        if input.kind == CsvKind::Site {
            return None;
        }
        let path = real_path(input)?;
        let files = self.folders.iter().flat_map(|folder| &folder.files);
        let is_same = |file: &&SharedFile| file.real_path.as_ref() == Some(&path);
        files.into_iter().find(is_same)
    }

    /// Prints the problems of the shared CSVs that the sites use, if such a CSV is refused or has rejected
    /// rows. Skips CSVs that are inputs themselves, because their problems are printed with those of the
    /// other inputs.
    pub(crate) fn print_problems(&self, inputs: &[Input], answers: &[&Answer]) {
        let unusable = Some(RefusalCode::UnusableList);
        let any_unusable = answers.iter().any(|answer| answer.code == unusable);
        let own: Vec<PathBuf> = inputs
            .iter()
            .filter(|input| input.kind != CsvKind::Site)
            .filter_map(real_path)
            .collect();
        let is_used = |file: &SharedFile| match &file.name {
            None => true,
            Some(name) => answers
                .iter()
                .any(|answer| answer.lists.iter().any(|used| used == name.as_str())),
        };
        for file in self.folders.iter().flat_map(|folder| &folder.files) {
            let is_input = file
                .real_path
                .as_ref()
                .is_some_and(|path| own.contains(path));
            let is_refused = file.answer.status == Status::Refused;
            let is_wanted = (is_refused && any_unusable)
                || (!is_refused && file.answer.rejected > 0 && is_used(file));
            if is_wanted && !is_input {
                print_problems(&file.input, &file.answer);
            }
        }
    }
}

fn real_path(input: &Input) -> Option<PathBuf> {
    fs::canonicalize(input.path.as_ref()?).ok()
}

impl SharedFolder {
    fn read(
        lists: Option<&Path>,
        places: &SharedPlaces,
        settings: &Settings,
        as_of: Instant,
    ) -> Result<Self, CliError> {
        let mut folder = Self {
            lists: lists.map(Path::to_owned),
            shared: Shared::default(),
            files: Vec::new(),
        };
        let inputs = lists.map(input::find_lists).transpose()?;
        let mut names: BTreeMap<ListName, String> = BTreeMap::new();
        for input in inputs.unwrap_or_default() {
            let name = list_name(&input)?;
            if let Some(other) = names.insert(name.clone(), input.display_name()) {
                return Err(CliError::new(format!(
                    "{other} and {} would both be the list @{name}: remove one of them",
                    input.display_name()
                )));
            }
            folder.add_list(input, name, settings, as_of)?;
        }
        if let Some(input) = input::find_common(places)? {
            folder.add_common(input, settings, as_of)?;
        }
        Ok(folder)
    }

    fn add_list(
        &mut self,
        input: Input,
        name: ListName,
        settings: &Settings,
        as_of: Instant,
    ) -> Result<(), CliError> {
        let source = path_of(&input);
        let id = ListId {
            name: name.clone(),
            source: source.clone(),
        };
        let upload = SharedUpload::of_list(settings, id, as_of);
        let SharedOutcome {
            answer, compiled, ..
        } = read(&input, upload)?;
        let list = match compiled {
            Some(Compiled::List(list)) => Some(Arc::new(list)),
            _ => None,
        };
        match &list {
            Some(list) => self.shared.add_list(Arc::clone(list)),
            None => self.shared.add_refused_list(name.clone(), source),
        }
        self.files.push(SharedFile {
            real_path: real_path(&input),
            input,
            answer,
            name: Some(name),
            list,
        });
        Ok(())
    }

    fn add_common(
        &mut self,
        input: Input,
        settings: &Settings,
        as_of: Instant,
    ) -> Result<(), CliError> {
        let source = path_of(&input);
        let upload = SharedUpload::of_common(settings, source.clone(), as_of, &self.shared);
        let SharedOutcome {
            answer, compiled, ..
        } = read(&input, upload)?;
        self.shared.set_common(match compiled {
            Some(Compiled::Common(common)) => Listed::InForce(common.into()),
            _ => Listed::Refused(source),
        });
        self.files.push(SharedFile {
            real_path: real_path(&input),
            input,
            answer,
            name: None,
            list: None,
        });
        Ok(())
    }
}

fn read(input: &Input, mut upload: SharedUpload) -> Result<SharedOutcome, CliError> {
    input.read_into(&mut upload, SharedUpload::expect_bytes, SharedUpload::push)?;
    Ok(upload.finish())
}

/// Returns the name of the list that a CSV in the lists folder contains.
fn list_name(input: &Input) -> Result<ListName, CliError> {
    let key = format!("{LISTS_FOLDER}{}", input.key);
    ListName::of_key(&key).ok_or_else(|| {
        CliError::new(format!(
            "{} cannot be a list, because no row can refer to this name: rename the file",
            input.display_name()
        ))
    })
}

fn path_of(input: &Input) -> String {
    let path = input.path.as_deref().unwrap_or_else(|| Path::new("-"));
    path.to_string_lossy().into_owned()
}
