//! `htaccess render`: prints the `.htaccess` of one CSV, or writes the `.htaccess` of each CSV to a folder.

use std::path::Path;

use htaccess_generator::answer::{Answer, Status};
use htaccess_generator::csv::CsvKind;
use htaccess_generator::generate::{Keep, Outcome};
use htaccess_generator::render::Template;
use htaccess_generator::report::Occasion;

use crate::cli::RenderArguments;
use crate::error::{CliError, ExitStatus};
use crate::input::{self, Input, SharedPlaces, shown};
use crate::messages::{
    CheckedJson, Done, Printed, Progress, exit_status, print, print_problems, print_results,
    print_summary,
};
use crate::messages::{HELP, WARNING};
use crate::output::{Reports, Stdout, cannot_print, print_data, print_json, write_file};
use crate::run::{Circumstances, in_parallel, read, render_with_warnings};
use crate::templates::{find_template, suggested_output_key};

/// Runs `htaccess render`.
pub(crate) fn render(arguments: &RenderArguments) -> Result<ExitStatus, CliError> {
    let template = find_template(&arguments.template)?;
    let places = arguments.files.settings.places()?;
    let mut inputs = input::find(
        &arguments.files.inputs,
        &places,
        arguments.files.root.as_deref(),
    )?;
    input::check_sites(&inputs)?;
    // Without `-o`, the output is only printed and nothing is published.
    let occasion = match arguments.output {
        Some(_) => Occasion::Publish,
        None => Occasion::Check,
    };
    let reports = Reports::from_arguments(&arguments.files, &inputs, occasion)?;
    if let Some(folder) = &arguments.output {
        return write_all(
            arguments,
            &inputs,
            &places,
            &template,
            folder,
            reports.as_ref(),
        );
    }
    inputs.retain(|input| input.kind == CsvKind::Site);
    let [input] = inputs.as_slice() else {
        return Err(CliError::new(format!(
            "{} files need a folder to write to: add -o DIR",
            inputs.len()
        )));
    };
    let (settings, as_of) = arguments.files.settings()?;
    let circumstances = Circumstances::of(&inputs, &places, settings, as_of)?;
    let progress = Progress::of(&inputs);
    let keep = Keep::for_template(&template);
    // Warnings that compare rows need more memory, so they are computed only for JSON and report pages.
    let answer = if arguments.files.json || reports.is_some() {
        let mut decision = read(input, &circumstances, keep.with_history(), &progress)?;
        drop(progress);
        let Outcome { answer, file } = render_with_warnings(&mut decision, &template);
        if let Some(reports) = reports {
            reports.write(input, &answer, file.as_deref(), &decision)?;
        }
        if !arguments.files.json {
            print_data(file.unwrap_or_default().as_bytes())?;
        }
        answer
    } else {
        let decision = read(input, &circumstances, keep, &progress)?;
        drop(progress);
        let answer = decision.write(&template, Stdout::new());
        answer.map_err(|err| cannot_print(&err))?
    };
    let answers = [answer];
    let [answer] = &answers;
    if arguments.files.quiet {
        print_summary(&answers, Done::Rendered);
    } else {
        if print_problems(input, answer) {
            print_summary(&answers, Done::Rendered);
        }
        circumstances.shared.print_problems(&inputs, &[answer]);
    }
    if arguments.files.json {
        print_json(&[CheckedJson::with_output(answer)])?;
    }
    Ok(exit_status(&answers))
}

fn write_all(
    arguments: &RenderArguments,
    inputs: &[Input],
    places: &SharedPlaces,
    template: &Template,
    folder: &Path,
    reports: Option<&Reports>,
) -> Result<ExitStatus, CliError> {
    let (settings, as_of) = arguments.files.settings()?;
    check_folder(folder, inputs)?;
    let sites = inputs.iter().filter(|input| input.kind == CsvKind::Site);
    input::check_outputs(
        inputs,
        folder,
        sites.map(|input| (input, settings.output_key.of(&input.key).ok())),
    )?;
    let circumstances = Circumstances::of(inputs, places, settings, as_of)?;
    let answers = in_parallel(inputs, &arguments.files, |input, progress| {
        let keep = Keep::for_template(template);
        if let Some(mut answer) = circumstances.shared_answer(input, reports)? {
            if answer.status != Status::Refused {
                // Lists and the common CSV have no output of their own.
                answer.status = Status::Ignored;
            }
            return Ok(answer);
        }
        if !arguments.files.json && reports.is_none() {
            let mut decision = read(input, &circumstances, keep, progress)?;
            let Outcome { mut answer, file } = decision.render(template);
            publish(&mut answer, file.as_deref(), folder)?;
            return Ok(answer);
        }
        let mut decision = read(input, &circumstances, keep.with_history(), progress)?;
        let Outcome { mut answer, file } = render_with_warnings(&mut decision, template);
        publish(&mut answer, file.as_deref(), folder)?;
        if let Some(reports) = reports {
            reports.write(input, &answer, file.as_deref(), &decision)?;
        }
        Ok(answer)
    });
    if arguments.files.output_key.is_none()
        && let Some(key) = suggested_output_key(&arguments.template)
    {
        print(&format!(
            "{WARNING}warning{WARNING:#}: --template {} is not for Apache, but only Apache reads files named \
             .htaccess\n  \
             = {HELP}help{HELP:#}: add --output-key '{key}'\n\n",
            arguments.template
        ));
    }
    if !arguments.files.quiet {
        let written: Vec<&Answer> = answers.iter().flatten().collect();
        circumstances.shared.print_problems(inputs, &written);
    }
    print_results(
        inputs,
        answers,
        Printed::of(&arguments.files),
        Done::Written,
    )
}

/// The file name endings of outputs, CSVs and report pages.
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

/// Returns an error if the value of `-o` looks like a file. The value must be a folder, and a folder named
/// `.htaccess` would make Apache deny everybody access to the site.
fn check_folder(folder: &Path, inputs: &[Input]) -> Result<(), CliError> {
    if folder == Path::new("-") {
        return Err(CliError::new(
            "-o needs a folder: to print one file on standard output, leave out -o; for a folder with the \
             name -, write ./-",
        ));
    }
    let name = shown(folder);
    let problem = match folder.exists() {
        true if folder.is_dir() => return Ok(()),
        true => "is not a folder",
        false if FILE_ENDINGS.iter().any(|ending| name.ends_with(ending)) => "looks like a file",
        false => return Ok(()),
    };
    let suggestion = match inputs {
        // The suggestion never redirects to a CSV, because the shell would empty the CSV before the program
        // reads it.
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
    Err(CliError::new(format!(
        "-o {name} {problem}, but -o needs a folder{suggestion}"
    )))
}

fn publish(answer: &mut Answer, file: Option<&str>, folder: &Path) -> Result<(), CliError> {
    if let (Some(file), Some(output)) = (file, &answer.output) {
        answer.status = write_file(&folder.join(output), file.as_bytes())?;
    }
    Ok(())
}
