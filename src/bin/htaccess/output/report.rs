//! `--report`: the page that the function writes to its `ReportBucket`, as files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use htaccess_generator::answer::Answer;
use htaccess_generator::policy::Policy;
use htaccess_generator::report::{Facts, Occasion, RequestCost, report_page};
use htaccess_generator::source::report_key;

use crate::cli::FileArguments;
use crate::error::CliError;
use crate::input::{Input, Originals, is_csv};
use crate::output::file::write_file;

/// Where the pages go.
pub(crate) struct Reports {
    place: Place,
    occasion: Occasion,
}

enum Place {
    File(PathBuf),
    Folder(PathBuf),
}

impl Reports {
    /// What `--report` asks for.
    pub(crate) fn asked_for(
        files: &FileArguments,
        inputs: &[Input],
        occasion: Occasion,
    ) -> Result<Option<Self>, CliError> {
        let path = files.report.as_deref();
        path.map(|path| Self::new(path, &files.inputs, inputs, occasion))
            .transpose()
    }

    /// One file has its page at `path`; several files, a named folder of them, and a `path` that is
    /// a folder or ends in a slash have theirs below it, as `clients/acme.csv.html`.
    fn new(
        path: &Path,
        named: &[PathBuf],
        inputs: &[Input],
        occasion: Occasion,
    ) -> Result<Self, CliError> {
        let ends_in_slash = path.as_os_str().as_encoded_bytes().ends_with(b"/");
        let is_folder = ends_in_slash || path.is_dir();
        let takes_several = inputs.len() != 1 || named.iter().any(|path| path.is_dir());
        if takes_several && path.is_file() {
            return Err(CliError::new(format!(
                "{} is a file, and the reports need a folder: choose another --report",
                path.display()
            )));
        }
        // Who takes `--report` for a flag without a value names a CSV.
        if !is_folder && is_csv(path) {
            return Err(CliError::new(format!(
                "--report is {}, a CSV: name the page to write, such as {}",
                path.display(),
                path.with_extension("html").display()
            )));
        }
        let place = if is_folder || takes_several {
            check_names(inputs)?;
            Place::Folder(path.to_owned())
        } else {
            Place::File(path.to_owned())
        };
        let reports = Self { place, occasion };
        let originals = Originals::of(inputs);
        inputs
            .iter()
            .try_for_each(|input| originals.spare(&reports.path_of(input), "--report"))?;
        Ok(reports)
    }

    /// Writes the page of one file; `output` is its text, if it was not refused.
    pub(crate) fn write(
        &self,
        input: &Input,
        answer: &Answer,
        output: Option<&str>,
        policy: Option<&Policy>,
    ) -> Result<(), CliError> {
        let facts = Facts {
            policy,
            cost: output.map(RequestCost::of),
            occasion: self.occasion,
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

/// Two files of one name overwrite each other's page: that is wrong usage.
fn check_names(inputs: &[Input]) -> Result<(), CliError> {
    let mut seen: BTreeMap<&str, &Input> = BTreeMap::new();
    for input in inputs {
        if let Some(other) = seen.insert(&input.key, input) {
            return Err(CliError::new(format!(
                "{} and {} would both have the report {}.html: name one at a time",
                other.display_name(),
                input.display_name(),
                input.key
            )));
        }
    }
    Ok(())
}
