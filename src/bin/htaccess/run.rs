//! Reads files and passes them to the library, one file at a time or several in parallel.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use htaccess_generator::answer::Answer;
use htaccess_generator::generate::{Decision, Keep, Outcome, Upload};
use htaccess_generator::render::Template;
use htaccess_generator::settings::Settings;
use htaccess_generator::source::Source;
use htaccess_generator::time::Instant;

use crate::cli::FileArguments;
use crate::error::CliError;
use crate::input::Input;
use crate::messages::Progress;

fn source_of(input: &Input) -> Source {
    Source {
        key: input.key.clone(),
        ..Source::default()
    }
}

/// Reads an input. Stops at the first refusal, because the rest would change nothing.
pub(crate) fn read(
    input: &Input,
    settings: &Settings,
    as_of: Instant,
    keep: Keep,
    progress: &Progress,
) -> Result<Decision, CliError> {
    let mut upload = Upload::new(settings, source_of(input), keep, as_of);
    let bytes = input.bytes();
    if upload.expect_bytes(bytes.unwrap_or(0)).is_continue() {
        input.read(bytes, |piece| {
            if bytes.is_none() {
                input.keep_start(piece);
            }
            progress.add_bytes(piece.len());
            upload.push(piece)
        })?;
    }
    Ok(upload.finish())
}

/// Reads an input and keeps its bytes, for a command that reads the rows a second time.
pub(crate) fn read_whole(
    input: &Input,
    settings: &Settings,
    as_of: Instant,
) -> Result<(Answer, Vec<u8>), CliError> {
    let mut upload = Upload::new(settings, source_of(input), Keep::default(), as_of);
    let mut bytes = Vec::new();
    input.read(input.bytes(), |piece| {
        input.keep_start(piece);
        bytes.extend_from_slice(piece);
        // Stops an upload that is too large before all of it is in memory.
        upload.push(piece)
    })?;
    Ok((upload.finish().answer(), bytes))
}

/// Renders a decision, and adds the warnings to its answer.
pub(crate) fn render_with_warnings(decision: &mut Decision, template: &Template) -> Outcome {
    let mut outcome = decision.render(template);
    outcome.answer.warnings.extend(decision.warnings());
    outcome
}

/// Passes each input to `work`, in as many threads as `--jobs` allows. Returns the results in the
/// order of the inputs. A failure does not keep the other inputs from being processed.
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
