//! Files read, one after the other or several at a time.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use htaccess_generator::answer::{Answer, RefusalCode};
use htaccess_generator::generate::{Generation, Outcome};
use htaccess_generator::review::{RecordedRows, Review, RowRecorder, name_lines};
use htaccess_generator::source::Source;

use crate::cli::FileArguments;
use crate::error::CliError;
use crate::input::Input;
use crate::messages::Progress;
use crate::templates::with_template_name;

pub(crate) fn source_of(input: &Input) -> Source {
    Source {
        key: input.key.clone(),
        ..Source::default()
    }
}

/// A refusal as those know it who typed the command: the limit by its flag, and the template, which
/// the library has without a name, by its own.
pub(crate) fn use_flag_names(answer: &mut Answer, template: &str) {
    let Some(message) = &mut answer.message else {
        return;
    };
    match answer.code {
        Some(RefusalCode::TooLarge) => {
            *message = message.replace("MAX_CSV_BYTES", "--max-csv-bytes");
        }
        Some(RefusalCode::BadTemplate) => *message = with_template_name(message, template),
        _ => {}
    }
}

/// Reads an input, as far as that is of use.
pub(crate) fn read<'a, L: RowRecorder>(
    input: &Input,
    mut generation: Generation<'a, L>,
    progress: &Progress,
) -> Result<Generation<'a, L>, CliError> {
    let bytes = input.bytes();
    if generation.expect_bytes(bytes.unwrap_or(0)).is_continue() {
        input.read(bytes, |piece| {
            if bytes.is_none() {
                input.keep_start(piece);
            }
            progress.add_bytes(piece.len());
            generation.push(piece)
        })?;
    }
    Ok(generation)
}

/// Ends a generation, warnings and all, and looks up where the rows are that they are about;
/// `template` is how it was named.
pub(crate) fn finish(
    input: &Input,
    generation: Generation<'_, RecordedRows>,
    template: &str,
) -> (Outcome, Review) {
    let (mut outcome, review) = generation.finish_with_warnings();
    name_lines(&review, &mut outcome.answer.warnings, |take| {
        input.read_once_more(take)
    });
    use_flag_names(&mut outcome.answer, template);
    (outcome, review)
}

/// Works on the inputs with as many threads as asked for; results come in the inputs' order. The
/// first failure ends the work.
pub(crate) fn in_parallel<T: Send>(
    inputs: &[Input],
    arguments: &FileArguments,
    work: impl Fn(&Input, &Progress) -> Result<T, CliError> + Sync,
) -> Result<Vec<T>, CliError> {
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
                    if result.is_err() {
                        next.store(inputs.len(), Ordering::Relaxed);
                    }
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
