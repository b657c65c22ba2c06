//! The commands.

use std::fs;
use std::io::{self, BufWriter, StdoutLock, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use htaccess_generator::cost::RequestCost;
use htaccess_generator::explain::{Explanation, explain};
use htaccess_generator::generate::{Generation, Outcome};
use htaccess_generator::parse::Action;
use htaccess_generator::quote::bare;
use htaccess_generator::render::{RuleRow, Source};
use htaccess_generator::report::{Answer, Status};
use htaccess_generator::report_page::Occasion;
use htaccess_generator::row_log::Log;
use htaccess_generator::settings::{Settings, TEMPLATE_DEFAULT};
use htaccess_generator::template::{BUILT_IN, Template, built_in_names};

use crate::arguments::{CheckArguments, ExplainArguments, FileArguments, RenderArguments};
use crate::inputs::{self, Input};
use crate::reports::Reports;
use crate::{Failure, Verdict};

/// `htaccess render`.
pub(crate) fn render(arguments: &RenderArguments) -> Result<Verdict, Failure> {
    let template = find_template(&arguments.template)?;
    let inputs = inputs::find(&arguments.files.inputs)?;
    let reports = reports(&arguments.files, &inputs, Occasion::Publish)?;
    if let Some(folder) = &arguments.output {
        return write_all(arguments, &inputs, &template, folder, reports.as_ref());
    }
    let [input] = inputs.as_slice() else {
        return Err(Failure(format!(
            "{} files need a folder to write to: add -o DIR",
            inputs.len()
        )));
    };
    let settings = settings(&arguments.files)?;
    let source = source_of(input);
    let answer = if arguments.files.json || reports.is_some() {
        let generation = Generation::watching(&settings, &template, &source);
        let (Outcome { answer, file }, review) = read(input, generation)?.finish_with_warnings();
        if let Some(reports) = reports {
            reports.write(input, &answer, file.as_deref(), &review)?;
        }
        if !arguments.files.json {
            print_data(file.unwrap_or_default().as_bytes())?;
        }
        answer
    } else {
        let generation = Generation::new(&settings, &template, &source);
        let answer = read(input, generation)?.finish_into(Stdout::new());
        answer.map_err(|err| cannot_print(&err))?
    };
    print_problems(input, &answer);
    let verdict = verdict([&answer]);
    if arguments.files.json {
        print_json(&[answer])?;
    }
    Ok(verdict)
}

/// `htaccess check`.
pub(crate) fn check(arguments: &CheckArguments) -> Result<Verdict, Failure> {
    let template = find_template(TEMPLATE_DEFAULT)?;
    let inputs = inputs::find(&arguments.files.inputs)?;
    let settings = settings(&arguments.files)?;
    let reports = reports(&arguments.files, &inputs, Occasion::Check)?;
    let checked = in_parallel(&inputs, &arguments.files, |input| {
        let source = source_of(input);
        let generation = Generation::watching(&settings, &template, &source);
        let (Outcome { answer, file }, review) = read(input, generation)?.finish_with_warnings();
        if let Some(reports) = &reports {
            reports.write(input, &answer, file.as_deref(), &review)?;
        }
        let advice = file.and_then(|file| RequestCost::of(&file).advice());
        Ok((answer, advice))
    })?;
    let (answers, advice): (Vec<_>, Vec<_>) = checked.into_iter().unzip();
    for (input, advice) in inputs.iter().zip(advice) {
        if let Some(advice) = advice {
            eprintln!("{}: {advice}", input.shown());
        }
    }
    conclude(&inputs, &answers, arguments.files.json, "fine")
}

/// `htaccess explain`.
pub(crate) fn explain_addresses(arguments: &ExplainArguments) -> Result<Verdict, Failure> {
    let settings = arguments
        .settings
        .read(false, None)
        .map_err(|err| Failure(err.to_string()))?;
    let inputs = inputs::find(std::slice::from_ref(&arguments.file))?;
    let [input] = inputs.as_slice() else {
        return Err(Failure("explain takes one file".to_owned()));
    };
    let mut upload = Vec::new();
    input.read(|piece| {
        upload.extend_from_slice(piece);
        std::ops::ControlFlow::Continue(())
    })?;
    match explain(&upload, &settings, &arguments.addresses) {
        Ok(explanations) => {
            let texts: Vec<String> = explanations.iter().map(explanation_text).collect();
            print_data(texts.concat().as_bytes())?;
            Ok(Verdict::Fine)
        }
        Err(refusal) => {
            eprintln!("{}: refused: {refusal}", input.shown());
            Ok(Verdict::Refused)
        }
    }
}

fn write_all(
    arguments: &RenderArguments,
    inputs: &[Input],
    template: &Template,
    folder: &Path,
    reports: Option<&Reports>,
) -> Result<Verdict, Failure> {
    let settings = settings(&arguments.files)?;
    inputs::check_outputs(
        inputs
            .iter()
            .map(|input| (input, settings.output_key.of(&input.key).ok())),
    )?;
    let answers = in_parallel(inputs, &arguments.files, |input| {
        let source = source_of(input);
        if !arguments.files.json && reports.is_none() {
            let generation = Generation::new(&settings, template, &source);
            let Outcome { mut answer, file } = read(input, generation)?.finish();
            publish(&mut answer, file.as_deref(), folder)?;
            return Ok(answer);
        }
        let generation = Generation::watching(&settings, template, &source);
        let (outcome, review) = read(input, generation)?.finish_with_warnings();
        let Outcome { mut answer, file } = outcome;
        publish(&mut answer, file.as_deref(), folder)?;
        if let Some(reports) = reports {
            reports.write(input, &answer, file.as_deref(), &review)?;
        }
        Ok(answer)
    })?;
    conclude(inputs, &answers, arguments.files.json, "published")
}

fn publish(answer: &mut Answer, file: Option<&str>, folder: &Path) -> Result<(), Failure> {
    if let (Some(file), Some(output)) = (file, &answer.output) {
        answer.status = write_file(&folder.join(output), file.as_bytes())?;
    }
    Ok(())
}

fn reports(
    files: &FileArguments,
    inputs: &[Input],
    occasion: Occasion,
) -> Result<Option<Reports>, Failure> {
    let path = files.report.as_deref();
    path.map(|path| Reports::new(path, &files.inputs, inputs, occasion))
        .transpose()
}

fn settings(files: &FileArguments) -> Result<Settings, Failure> {
    files.settings().map_err(|err| Failure(err.to_string()))
}

fn find_template(name_or_path: &str) -> Result<Template, Failure> {
    let failure = |message: &dyn std::fmt::Display| {
        Failure(format!("template {}: {message}", bare(name_or_path)))
    };
    if BUILT_IN.iter().any(|(name, _)| *name == name_or_path) {
        return Template::built_in(name_or_path).map_err(|refusal| failure(&refusal.message));
    }
    match fs::read_to_string(name_or_path) {
        Ok(source) => Template::compile(&source).map_err(|refusal| failure(&refusal.message)),
        Err(err) => Err(failure(&format!(
            "neither a built-in template ({}) nor a file that can be read: {err}",
            built_in_names()
        ))),
    }
}

fn source_of(input: &Input) -> Source {
    Source {
        key: input.key.clone(),
        ..Source::default()
    }
}

/// Reads an input, as far as that is of use.
fn read<'a, L: Log>(
    input: &Input,
    mut generation: Generation<'a, L>,
) -> Result<Generation<'a, L>, Failure> {
    if generation
        .expect_bytes(input.bytes().unwrap_or(0))
        .is_continue()
    {
        input.read(|piece| generation.push(piece))?;
    }
    Ok(generation)
}

/// Works on the inputs with as many threads as asked for; results come in the inputs' order. The
/// first failure ends the work.
fn in_parallel<T: Send>(
    inputs: &[Input],
    arguments: &FileArguments,
    work: impl Fn(&Input) -> Result<T, Failure> + Sync,
) -> Result<Vec<T>, Failure> {
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    let jobs = arguments
        .jobs
        .map_or_else(cores, usize::from)
        .min(inputs.len());
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Result<T, Failure>)>> = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some((index, input)) = take_next(inputs, &next) {
                    let result = work(input);
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

fn conclude(
    inputs: &[Input],
    answers: &[Answer],
    json: bool,
    fine: &str,
) -> Result<Verdict, Failure> {
    for (input, answer) in inputs.iter().zip(answers) {
        print_problems(input, answer);
    }
    let verdict = verdict(answers);
    let refused = answers
        .iter()
        .filter(|answer| answer.status == Status::Refused)
        .count();
    let rejected: u64 = answers.iter().map(|answer| answer.rejected).sum();
    eprintln!(
        "{} {fine}, {refused} refused; {rejected} rows rejected",
        answers.len() - refused
    );
    if json {
        print_json(answers)?;
    }
    Ok(verdict)
}

fn verdict<'a>(answers: impl IntoIterator<Item = &'a Answer>) -> Verdict {
    if answers
        .into_iter()
        .any(|answer| answer.status == Status::Refused)
    {
        Verdict::Refused
    } else {
        Verdict::Fine
    }
}

/// `file:line: what is wrong`, as compilers say it.
fn print_problems(input: &Input, answer: &Answer) {
    let file = input.shown();
    for rejection in &answer.rejections {
        eprintln!("{file}:{}: {}", rejection.line, rejection.reason());
    }
    let listed = answer.rejections.len() as u64;
    if listed < answer.rejected {
        eprintln!(
            "{file}: {} more rows were rejected",
            answer.rejected - listed
        );
    }
    for warning in &answer.warnings {
        let line = warning
            .line
            .map_or(String::new(), |line| format!(":{line}"));
        eprintln!("{file}{line}: warning: {}", warning.message);
    }
    if let (Some(code), Some(message)) = (answer.code, &answer.message) {
        eprintln!("{file}: refused: {message} ({code})");
    }
}

fn print_json(answers: &[Answer]) -> Result<(), Failure> {
    let mut text = serde_json::to_string_pretty(answers)
        .map_err(|err| Failure(format!("cannot write the answers as JSON: {err}")))?;
    text.push('\n');
    print_data(text.as_bytes())
}

fn print_data(data: &[u8]) -> Result<(), Failure> {
    let mut stdout = Stdout::new();
    stdout
        .write_all(data)
        .and_then(|()| stdout.flush())
        .map_err(|err| cannot_print(&err))
}

fn cannot_print(err: &io::Error) -> Failure {
    Failure(format!("cannot write to standard output: {err}"))
}

/// Standard output in large pieces. A reader that went away, as in `htaccess … | head`, is no
/// failure.
struct Stdout(BufWriter<StdoutLock<'static>>);

impl Stdout {
    fn new() -> Self {
        Self(BufWriter::with_capacity(64 * 1024, io::stdout().lock()))
    }
}

impl Write for Stdout {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        match self.0.write(data) {
            Err(err) if err.kind() == io::ErrorKind::BrokenPipe => Ok(data.len()),
            result => result,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0.flush() {
            Err(err) if err.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }
}

/// Replaces a file in one step, so that a web server never reads half of it. A file that is
/// already the same is left alone, with its times.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<Status, Failure> {
    let failure = |err: io::Error| Failure(format!("cannot write {}: {err}", path.display()));
    if fs::read(path).is_ok_and(|current| current == bytes) {
        return Ok(Status::Unchanged);
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failure)?;
    }
    let temporary = temporary_path(path);
    let written = fs::write(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    if let Err(err) = written {
        let _ = fs::remove_file(&temporary);
        return Err(failure(err));
    }
    Ok(Status::Written)
}

/// In the same folder, for a rename does not cross file systems.
fn temporary_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    path.with_file_name(name)
}

fn explanation_text(explanation: &Explanation) -> String {
    let verdict = if explanation.permitted {
        "gets in"
    } else {
        "is kept out"
    };
    let mut text = format!("{} {verdict}\n", explanation.address);
    for row in &explanation.deciding {
        text.push_str(&row_text(row, ""));
    }
    if explanation.deciding.is_empty() {
        text.push_str("  no row decides, and the default is ");
        text.push_str(explanation.default.name());
        text.push('\n');
    }
    for row in &explanation.overruled {
        text.push_str(&row_text(row, " (changes nothing)"));
    }
    text
}

fn row_text(row: &RuleRow, note: &str) -> String {
    let action = match row.action {
        Action::Allow => "Allow",
        Action::Deny => "Deny",
    };
    let comment = match row.comment.as_str() {
        "" => String::new(),
        comment => format!(" {}", bare(comment)),
    };
    format!(
        "  line {}: {},{action}{comment}{note}\n",
        row.line,
        bare(&row.address)
    )
}
