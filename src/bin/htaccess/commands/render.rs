//! `htaccess render`: the `.htaccess` of each CSV, to standard output or below a folder.

use std::path::Path;

use htaccess_generator::answer::Answer;
use htaccess_generator::generate::{Generation, Outcome};
use htaccess_generator::render::Template;
use htaccess_generator::report::Occasion;

use crate::cli::RenderArguments;
use crate::error::{CliError, ExitStatus};
use crate::input::{self, Input};
use crate::messages::{HELP, WARNING};
use crate::messages::{Progress, conclude, print, print_problems, print_summary, verdict};
use crate::output::{Reports, Stdout, cannot_print, print_data, print_json, write_file};
use crate::run::{finish, in_parallel, read, source_of, use_flag_names};
use crate::templates::{find_template, key_in_place_of_htaccess};

/// `htaccess render`.
pub(crate) fn render(arguments: &RenderArguments) -> Result<ExitStatus, CliError> {
    let template = find_template(&arguments.template)?;
    let inputs = input::find(&arguments.files.inputs)?;
    let reports = Reports::asked_for(&arguments.files, &inputs, Occasion::Publish)?;
    if let Some(folder) = &arguments.output {
        return write_all(arguments, &inputs, &template, folder, reports.as_ref());
    }
    let [input] = inputs.as_slice() else {
        return Err(CliError(format!(
            "{} files need a folder to write to: add -o DIR",
            inputs.len()
        )));
    };
    let settings = arguments.files.settings()?;
    let source = source_of(input);
    let progress = Progress::of(&inputs);
    // Warnings are looked for only where somebody reads them.
    let answer = if arguments.files.json || reports.is_some() {
        let generation = Generation::watching(&settings, &template, &source);
        let read = read(input, generation, &progress)?;
        drop(progress);
        let (Outcome { answer, file }, review) = finish(input, read, &arguments.template);
        if let Some(reports) = reports {
            reports.write(input, &answer, file.as_deref(), &review)?;
        }
        if !arguments.files.json {
            print_data(file.unwrap_or_default().as_bytes())?;
        }
        answer
    } else {
        let generation = Generation::new(&settings, &template, &source);
        let read = read(input, generation, &progress)?;
        drop(progress);
        let answer = read.finish_into(Stdout::new());
        let mut answer = answer.map_err(|err| cannot_print(&err))?;
        use_flag_names(&mut answer, &arguments.template);
        answer
    };
    let answers = [answer];
    if let [answer] = &answers
        && print_problems(input, answer)
    {
        print_summary(&answers, "rendered");
    }
    if arguments.files.json {
        print_json(&answers)?;
    }
    Ok(verdict(&answers))
}

fn write_all(
    arguments: &RenderArguments,
    inputs: &[Input],
    template: &Template,
    folder: &Path,
    reports: Option<&Reports>,
) -> Result<ExitStatus, CliError> {
    let settings = arguments.files.settings()?;
    check_folder(folder, inputs)?;
    input::check_outputs(
        inputs,
        folder,
        inputs
            .iter()
            .map(|input| (input, settings.output_key.of(&input.key).ok())),
    )?;
    let answers = in_parallel(inputs, &arguments.files, |input, progress| {
        let source = source_of(input);
        if !arguments.files.json && reports.is_none() {
            let generation = Generation::new(&settings, template, &source);
            let Outcome { mut answer, file } = read(input, generation, progress)?.finish();
            use_flag_names(&mut answer, &arguments.template);
            publish(&mut answer, file.as_deref(), folder)?;
            return Ok(answer);
        }
        let generation = Generation::watching(&settings, template, &source);
        let read = read(input, generation, progress)?;
        let (Outcome { mut answer, file }, review) = finish(input, read, &arguments.template);
        publish(&mut answer, file.as_deref(), folder)?;
        if let Some(reports) = reports {
            reports.write(input, &answer, file.as_deref(), &review)?;
        }
        Ok(answer)
    })?;
    if arguments.files.output_key.is_none()
        && let Some(key) = key_in_place_of_htaccess(&arguments.template)
    {
        print(&format!(
            "{WARNING}warning{WARNING:#}: --template {} is not for Apache, which alone reads files named .htaccess\n  \
             = {HELP}help{HELP:#}: add --output-key '{key}'\n\n",
            arguments.template
        ));
    }
    conclude(inputs, &answers, arguments.files.json, "published")
}

/// What a file's name ends in that a template makes, or that is read to make it.
const FILE_ENDINGS: [&str; 10] = [
    ".htaccess",
    ".conf",
    ".geo",
    ".lst",
    ".caddy",
    ".nft",
    ".json",
    ".txt",
    ".csv",
    ".html",
];

/// `-o` names a folder. Who takes it for the file would find a folder by the file's name, and a
/// folder named `.htaccess` keeps everybody out of a site.
fn check_folder(folder: &Path, inputs: &[Input]) -> Result<(), CliError> {
    let name = folder.to_string_lossy();
    let what = match folder.exists() {
        true if folder.is_dir() => return Ok(()),
        true => "is no folder",
        false if FILE_ENDINGS.iter().any(|ending| name.ends_with(ending)) => "looks like a file",
        false => return Ok(()),
    };
    let way_out = match inputs {
        // The shell would empty a CSV before it is read.
        [input] => {
            let file = if input::is_csv(folder) {
                ".htaccess"
            } else {
                &name
            };
            format!(
                ": for one file, htaccess render {} > {file}",
                input.display_name()
            )
        }
        _ => String::new(),
    };
    Err(CliError(format!(
        "-o {name} {what}, and -o takes the folder to write below{way_out}"
    )))
}

fn publish(answer: &mut Answer, file: Option<&str>, folder: &Path) -> Result<(), CliError> {
    if let (Some(file), Some(output)) = (file, &answer.output) {
        answer.status = write_file(&folder.join(output), file.as_bytes())?;
    }
    Ok(())
}
