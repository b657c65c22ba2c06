//! `--report`: writes the report pages as files. The Lambda function writes the same pages to its
//! `ReportBucket`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use htaccess_generator::answer::Answer;
use htaccess_generator::generate::Decision;
use htaccess_generator::list::CompiledList;
use htaccess_generator::report::{Facts, Occasion, RequestCost, report_page};
use htaccess_generator::source::report_key;
use htaccess_generator::time::Instant;

use crate::cli::FileArguments;
use crate::error::CliError;
use crate::input::{Input, InputPaths, is_csv, shown};
use crate::output::file::write_file;

/// The location and the purpose of the report pages.
pub(crate) struct Reports {
    place: Place,
    occasion: Occasion,
}

enum Place {
    File(PathBuf),
    Folder(PathBuf),
}

impl Reports {
    /// Reads `--report`. Returns `None` if the option is not given.
    pub(crate) fn from_arguments(
        files: &FileArguments,
        inputs: &[Input],
        occasion: Occasion,
    ) -> Result<Option<Self>, CliError> {
        let path = files.report.as_deref();
        path.map(|path| Self::new(path, &files.inputs, inputs, occasion))
            .transpose()
    }

    /// Chooses the location of the pages. The page of a single file is written to `path`. `path` is a folder,
    /// with pages such as `clients/acme.csv.html`, in three cases: there are several files, the user
    /// specified a folder of CSVs, or `path` is an existing folder or ends in a slash. If a new folder would
    /// be needed but `path` has the name of a page, an error is returned, because the user expects a single
    /// page.
    fn new(
        path: &Path,
        named: &[PathBuf],
        inputs: &[Input],
        occasion: Occasion,
    ) -> Result<Self, CliError> {
        let ends_in_slash = path.as_os_str().as_encoded_bytes().ends_with(b"/");
        let is_folder = ends_in_slash || path.is_dir();
        if path == Path::new("-") {
            return Err(CliError::new(
                "--report needs the name of a file, such as report.html, because standard output contains \
                 other data",
            ));
        }
        let takes_several = inputs.len() != 1 || named.iter().any(|path| path.is_dir());
        if takes_several && path.is_file() {
            return Err(CliError::new(format!(
                "{} is a file, but the reports need a folder: choose another --report",
                shown(path)
            )));
        }
        if takes_several && !is_folder && is_page_name(path) {
            return Err(CliError::new(format!(
                "--report {} is one page, but each CSV needs a separate page: name a folder, such as {}/",
                shown(path),
                shown(&path.with_extension(""))
            )));
        }
        // The user probably typed `--report` without a value, so the parser took the next CSV as its value.
        if !is_folder && is_csv(path) {
            return Err(CliError::new(format!(
                "--report {} is a CSV: name the page to write, such as {}",
                shown(path),
                shown(&path.with_extension("html"))
            )));
        }
        let place = if is_folder || takes_several {
            check_names(inputs)?;
            Place::Folder(path.to_owned())
        } else {
            Place::File(path.to_owned())
        };
        let reports = Self { place, occasion };
        let input_paths = InputPaths::of(inputs);
        inputs.iter().try_for_each(|input| {
            input_paths.refuse_overwrite(&reports.path_of(input), "--report")
        })?;
        Ok(reports)
    }

    /// Writes the page of one file. `output` is the text of the file's output, or `None` if the file was
    /// refused.
    pub(crate) fn write(
        &self,
        input: &Input,
        answer: &Answer,
        output: Option<&str>,
        decision: &Decision,
    ) -> Result<(), CliError> {
        let facts = Facts {
            policy: decision.policy(),
            next_change: decision.next_change(),
            cost: output.map(RequestCost::of),
            occasion: self.occasion,
            list: None,
            publication: None,
            as_of: Some(decision.as_of()),
            first_rows: Some(decision.first_rows()),
            first_lines: decision.first_lines(),
        };
        let page = report_page(answer, facts);
        write_file(&self.path_of(input), page.as_bytes()).map(|_| ())
    }

    /// Writes the page of a list or of the common CSV. `list` is the compiled list. `None` for the common CSV
    /// and for a refused list.
    pub(crate) fn write_shared(
        &self,
        input: &Input,
        answer: &Answer,
        list: Option<&CompiledList>,
        as_of: Instant,
    ) -> Result<(), CliError> {
        let facts = Facts {
            list: list.map(|list| (list, as_of)),
            // A list or the common CSV has no output to publish.
            occasion: Occasion::Check,
            ..Facts::default()
        };
        let page = report_page(answer, facts);
        write_file(&self.path_of(input), page.as_bytes()).map(|_| ())
    }

    fn path_of(&self, input: &Input) -> PathBuf {
        match &self.place {
            Place::File(path) => path.clone(),
            Place::Folder(folder) => folder.join(report_key(&input.key)),
        }
    }
}

fn is_page_name(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    extension == "html" || extension == "htm"
}

/// Returns an error if two inputs have the same key, because their pages would overwrite each other.
fn check_names(inputs: &[Input]) -> Result<(), CliError> {
    let mut seen: BTreeMap<&str, &Input> = BTreeMap::new();
    for input in inputs {
        if let Some(other) = seen.insert(&input.key, input) {
            return Err(CliError::new(format!(
                "{} and {} would both have the report {}.html: write one report at a time",
                other.display_name(),
                input.display_name(),
                shown(Path::new(&input.key))
            )));
        }
    }
    Ok(())
}
