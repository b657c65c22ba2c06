//! Reads files and passes them to the library, one file at a time or several in parallel.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use htaccess_generator::answer::Answer;
use htaccess_generator::generate::{Decision, Keep, Outcome, Upload};
use htaccess_generator::render::Template;
use htaccess_generator::settings::Settings;
use htaccess_generator::source::Source;
use htaccess_generator::text::quote;
use htaccess_generator::time::Instant;

use crate::cli::FileArguments;
use crate::error::CliError;
use crate::input::{Input, SharedPlaces, is_workbook_name};
use crate::messages::Progress;
use crate::output::Reports;
use crate::shared::SharedFiles;

fn source_of(input: &Input) -> Source {
    Source {
        key: input.key.clone(),
        ..Source::default()
    }
}

/// The settings, the time and the shared rules that apply to the CSVs of all sites.
pub(crate) struct Circumstances {
    pub(crate) settings: Settings,
    pub(crate) as_of: Instant,
    pub(crate) shared: SharedFiles,
}

impl Circumstances {
    /// Reads the lists and the common CSV that the inputs can use.
    pub(crate) fn of(
        inputs: &[Input],
        places: &SharedPlaces,
        settings: Settings,
        as_of: Instant,
    ) -> Result<Self, CliError> {
        check_sheet(inputs, places)?;
        let shared = SharedFiles::read(inputs, places, &settings, as_of)?;
        Ok(Self {
            settings,
            as_of,
            shared,
        })
    }

    /// Returns the answer for a list or the common CSV, and writes the report page if `reports` is set.
    /// `None` for the CSV of a site.
    pub(crate) fn shared_answer(
        &self,
        input: &Input,
        reports: Option<&Reports>,
    ) -> Result<Option<Answer>, CliError> {
        let Some(file) = self.shared.file(input) else {
            return Ok(None);
        };
        let answer = file.answer_as(input);
        if let Some(reports) = reports {
            reports.write_shared(input, &answer, file.list.as_deref(), self.as_of)?;
        }
        Ok(Some(answer))
    }

    /// Creates the [`Upload`] that receives the bytes of a site's CSV.
    pub(crate) fn start(&self, input: &Input, keep: Keep) -> Upload {
        let shared = self.shared.of(input);
        Upload::new(&self.settings, source_of(input), keep, self.as_of, shared)
    }

    /// Reads the CSV of a site into memory, and returns the bytes and the decision. If the CSV is refused,
    /// reading stops early and the bytes are incomplete.
    pub(crate) fn read_whole(&self, input: &Input) -> Result<(Vec<u8>, Decision), CliError> {
        let mut upload = self.start(input, Keep::default());
        let mut bytes = Vec::new();
        input.read(input.bytes(), |piece| {
            input.keep_start(piece);
            bytes.extend_from_slice(piece);
            // `push` returns `Break` at the size limit, so a CSV that is too large is never completely in
            // memory.
            upload.push(piece)
        })?;
        Ok((bytes, upload.finish()))
    }
}

/// Returns an error if `--sheet` is given, but neither an input nor the common CSV can be a workbook.
fn check_sheet(inputs: &[Input], places: &SharedPlaces) -> Result<(), CliError> {
    let Some(sheet) = places.sheet() else {
        return Ok(());
    };
    let common = places.common().is_some_and(is_workbook_name);
    if common || inputs.iter().any(Input::may_be_workbook) {
        return Ok(());
    }
    Err(CliError::new(format!(
        "--sheet {} names the sheet of a workbook, but no input is a workbook: leave out --sheet",
        quote(sheet)
    )))
}

/// Reads the CSV of a site. Stops as soon as the CSV is refused, because the remaining rows cannot change the
/// decision.
pub(crate) fn read(
    input: &Input,
    circumstances: &Circumstances,
    keep: Keep,
    progress: &Progress,
) -> Result<Decision, CliError> {
    let mut upload = circumstances.start(input, keep);
    input.read_into(&mut upload, Upload::expect_bytes, |upload, piece| {
        progress.add_bytes(piece.len());
        upload.push(piece)
    })?;
    Ok(upload.finish())
}

/// Renders a decision, and adds the warnings that compare rows to the answer.
pub(crate) fn render_with_warnings(decision: &mut Decision, template: &Template) -> Outcome {
    let mut outcome = decision.render(template);
    outcome.answer.warnings.extend(decision.warnings());
    outcome
}

/// Calls `work` for each input, in up to `--jobs` threads. The default is one thread for each core. Returns
/// the results in the order of the inputs. If one input fails, the others are still processed.
pub(crate) fn in_parallel<T: Send>(
    inputs: &[Input],
    arguments: &FileArguments,
    work: impl Fn(&Input, &Progress) -> Result<T, CliError> + Sync,
) -> Vec<Result<T, CliError>> {
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    let jobs = arguments
        .jobs
        .map_or_else(cores, usize::from)
        .min(inputs.len());
    let progress = Progress::of(inputs);
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Result<T, CliError>)>> = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some((index, input)) = take_next(inputs, &next) {
                    let result = work(input, &progress);
                    progress.add_file();
                    if let Ok(mut done) = done.lock() {
                        done.push((index, result));
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

fn take_next<'a>(inputs: &'a [Input], next: &AtomicUsize) -> Option<(usize, &'a Input)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    inputs.get(index).map(|input| (index, input))
}
