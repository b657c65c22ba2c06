//! `htaccess check`: reports the problems of each CSV.

use htaccess_generator::answer::Answer;
use htaccess_generator::generate::{Keep, Outcome};
use htaccess_generator::report::{Occasion, RequestCost};
use htaccess_generator::settings::DEFAULT_TEMPLATE;
use htaccess_generator::text::quote;

use crate::cli::CheckArguments;
use crate::error::{CliError, ExitStatus};
use crate::input;
use crate::messages::{Done, Printed, print_note, print_results};
use crate::output::Reports;
use crate::run::{Circumstances, in_parallel, read, render_with_warnings};
use crate::templates::find_template;

/// Runs `htaccess check`.
pub(crate) fn check(arguments: &CheckArguments) -> Result<ExitStatus, CliError> {
    let template = find_template(DEFAULT_TEMPLATE)?;
    let places = arguments.files.settings.places()?;
    let inputs = input::find(
        &arguments.files.inputs,
        &places,
        arguments.files.root.as_deref(),
    )?;
    let (settings, as_of) = arguments.files.settings()?;
    let reports = Reports::from_arguments(&arguments.files, &inputs, Occasion::Check)?;
    let circumstances = Circumstances::of(&inputs, &places, settings, as_of)?;
    let checked = in_parallel(&inputs, &arguments.files, |input, progress| {
        if let Some(answer) = circumstances.shared_answer(input, reports.as_ref())? {
            return Ok((answer, None));
        }
        let keep = Keep::for_template(&template).with_history();
        let mut decision = read(input, &circumstances, keep, progress)?;
        let Outcome { answer, file } = render_with_warnings(&mut decision, &template);
        if let Some(reports) = &reports {
            reports.write(input, &answer, file.as_deref(), &decision)?;
        }
        let advice = file.and_then(|file| RequestCost::of(&file).advice());
        Ok((answer, advice))
    });
    if !arguments.files.quiet {
        for (input, checked) in inputs.iter().zip(&checked) {
            let Ok((answer, advice)) = checked else {
                continue;
            };
            for note in ignored_columns(answer).iter().chain(advice) {
                print_note(input, note);
            }
        }
        let answers: Vec<&Answer> = checked.iter().flatten().map(|(answer, _)| answer).collect();
        circumstances.shared.print_problems(&inputs, &answers);
    }
    let answers = checked
        .into_iter()
        .map(|checked| checked.map(|(answer, _)| answer))
        .collect();
    print_results(
        &inputs,
        answers,
        Printed::of(&arguments.files),
        Done::Checked,
    )
}

/// Returns a note that lists the columns that are not used. `None` if all columns are used.
fn ignored_columns(answer: &Answer) -> Option<String> {
    let names: Vec<String> = answer
        .ignored_columns
        .iter()
        .map(|name| quote(name))
        .collect();
    match names.len() {
        0 => None,
        1 => Some(format!("this column is not used: {}", names.concat())),
        _ => Some(format!("these columns are not used: {}", names.join(", "))),
    }
}
