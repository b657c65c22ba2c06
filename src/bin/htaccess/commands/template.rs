//! `htaccess template`: lists and prints the built-in templates, and checks a custom template before it
//! is deployed.
//!
//! A check renders sample policies of every kind. If two different policies have the same output, the
//! template omits a part of the policy. The check reports this as a warning, because it may be intended.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use htaccess_generator::answer::RefusalCode;
use htaccess_generator::generate::{MAX_OUTPUT_LINE_BYTES, Outcome, generate};
use htaccess_generator::list::Shared;
use htaccess_generator::render::{BUILT_IN, BuiltIn, PARTS, Template};
use htaccess_generator::settings::{OutputKey, Settings};
use htaccess_generator::source::Source;
use htaccess_generator::text::push_fmt;

use crate::cli::{TemplateCheckArguments, TemplateCommand, TemplateShowArguments, now};
use crate::error::{CliError, ExitStatus};
use crate::input::{self, SharedPlaces, shown};
use crate::messages::print_line;
use crate::output::print_data;
use crate::shared::SharedFiles;
use crate::templates::{compile_file, output_key_with_ending};

/// Runs `htaccess template`.
pub(crate) fn template(command: &TemplateCommand) -> Result<ExitStatus, CliError> {
    match command {
        TemplateCommand::List => list(),
        TemplateCommand::Show(arguments) => show(arguments),
        TemplateCommand::Check(arguments) => check(arguments),
    }
}

fn list() -> Result<ExitStatus, CliError> {
    let mut text = String::new();
    for built_in in BUILT_IN {
        let BuiltIn { name, about, .. } = built_in;
        let key = output_key_with_ending(built_in.ending);
        push_fmt(&mut text, format_args!("{name:10} {about:64} {key}\n"));
    }
    print_data(text.as_bytes())?;
    Ok(ExitStatus::Success)
}

fn show(arguments: &TemplateShowArguments) -> Result<ExitStatus, CliError> {
    // The argument parser accepts only names of built-in templates, so the template is always found.
    let source = BuiltIn::find(&arguments.name).map_or("", |template| template.source);
    print_data(source.as_bytes()).map(|()| ExitStatus::Success)
}

fn check(arguments: &TemplateCheckArguments) -> Result<ExitStatus, CliError> {
    let name = shown(&arguments.template);
    if input::is_csv(&arguments.template) && arguments.template.is_file() {
        let message = format!("{name} is a CSV, but this command checks templates");
        let help = format!("htaccess check {name} checks the CSV");
        return Err(CliError::new(message).with_help(help));
    }
    let compiled = match BuiltIn::find(&name) {
        Some(_) => Template::built_in(&name),
        None => compile_file(&arguments.template)?,
    };
    let template = match compiled {
        Ok(template) => template,
        Err(err) => {
            print_line(&format!("{name}: {err}"));
            return Ok(ExitStatus::Refused);
        }
    };
    let result = match &arguments.csv {
        Some(csv) => check_with_file(&template, csv)?,
        None => check_with_samples(&template),
    };
    for error in &result.errors {
        print_line(&format!("{name}: {error}"));
    }
    if !result.errors.is_empty() {
        return Ok(ExitStatus::Refused);
    }
    for warning in &result.warnings {
        print_line(&format!("{name}: warning: {warning}"));
    }
    if let Some(note) = note(&template) {
        print_line(&format!("{name}: note: {note}"));
    }
    let warnings = match result.warnings.len() {
        0 => String::new(),
        1 => ", 1 warning".to_owned(),
        count => format!(", {count} warnings"),
    };
    print_line(&format!("{name}: works for {}{warnings}", result.tried));
    Ok(ExitStatus::Success)
}

/// The result of a check.
struct CheckResult {
    /// The reasons why the template cannot be used.
    errors: Vec<String>,
    warnings: Vec<String>,
    /// A description of the file or the samples that were rendered, for a message.
    tried: String,
}

fn check_with_file(template: &Template, csv: &Path) -> Result<CheckResult, CliError> {
    let places = SharedPlaces::default();
    let inputs = [input::find_one(csv, &places)?];
    let shared = SharedFiles::read(&inputs, &places, &Settings::default(), now())?;
    let [input] = &inputs;
    let shown = input.display_name();
    let mut upload = Vec::new();
    input.read(input.bytes(), |piece| {
        upload.extend_from_slice(piece);
        ControlFlow::Continue(())
    })?;
    let Outcome { answer, file } = render(template, &upload, &input.key, shared.of(input));
    let mut result = CheckResult {
        errors: Vec::new(),
        warnings: Vec::new(),
        tried: shown.clone(),
    };
    match (file, answer.code, answer.message) {
        (Some(file), ..) => result.warnings.extend(long_line(&file, &shown)),
        (None, Some(RefusalCode::BadTemplate), Some(message)) => {
            result.errors.push(message.to_string());
        }
        (None, _, message) => {
            let message = message.unwrap_or_default();
            result.errors.push(format!("{shown} is refused: {message}"));
        }
    }
    Ok(result)
}

/// The sample policies, each as a name for messages and the rows.
const SAMPLES: [(&str, &str); 9] = [
    (
        "an allowlist",
        "192.0.2.0/24,Allow\n198.51.100.7,Allow\n2001:db8::/32,Allow\n",
    ),
    (
        "an allowlist with a deny inside",
        "192.0.2.0/24,Allow\n198.51.100.7,Allow\n2001:db8::/32,Allow\n192.0.2.77,Deny\n2001:db8::77,Deny\n",
    ),
    (
        "an allowlist without IPv6",
        "192.0.2.0/24,Allow\n198.51.100.7,Allow\n",
    ),
    ("an allowlist without IPv4", "2001:db8::/32,Allow\n"),
    ("nobody", "192.0.2.7,Deny\n"),
    ("everybody", "all,Allow\n"),
    (
        "a blocklist",
        "all,Allow\n192.0.2.0/24,Deny\n2001:db8::/32,Deny\n",
    ),
    ("all of IPv4", "0.0.0.0/0,Allow\n"),
    (
        "a comment of two lines",
        "192.0.2.0/24,Allow,\"one\nHTACCESS-TEMPLATE-CHECK two\"\n198.51.100.7,Allow\n2001:db8::/32,Allow\n",
    ),
];

/// Pairs of samples whose outputs must differ, each with the advice to print if the outputs are equal.
const MUST_DIFFER: [(&str, &str, &str); 4] = [
    (
        "nobody",
        "everybody",
        "check default_policy, or print permitted",
    ),
    ("everybody", "a blocklist", "print deny, or print permitted"),
    (
        "an allowlist",
        "an allowlist with a deny inside",
        "print deny, or print permitted",
    ),
    ("nobody", "an allowlist", "print allow, or print permitted"),
];

/// Samples whose outputs must differ from the output of "an allowlist", unless the template is meant for one
/// address family. The second element is the family that the output lacks if the outputs are equal.
const ONE_FAMILY: [(&str, &str); 2] = [
    ("an allowlist without IPv6", "IPv6"),
    ("an allowlist without IPv4", "IPv4"),
];

const SAMPLE_KEY: &str = "clients/acme.csv";
const LARGE_SAMPLE: &str = "5,000 networks";

fn check_with_samples(template: &Template) -> CheckResult {
    let mut large = String::new();
    for index in 0..5000u32 {
        let (high, low) = (index / 256, index % 256);
        push_fmt(&mut large, format_args!("10.{high}.{low}.0/25,Allow\n"));
    }
    let mut samples = SAMPLES.to_vec();
    samples.push((LARGE_SAMPLE, &large));
    let mut outputs = BTreeMap::new();
    let mut errors: Vec<(String, &str)> = Vec::new();
    for (name, rows) in &samples {
        let upload = format!("IP Address,Rule,Comment\n{rows}");
        let Outcome { answer, file } =
            render(template, upload.as_bytes(), SAMPLE_KEY, &Shared::default());
        match (file, answer.message) {
            (Some(file), _) => {
                outputs.insert(*name, file);
            }
            (None, message) => {
                let message = message.unwrap_or_default().to_string();
                if errors.iter().all(|(other, _)| *other != message) {
                    errors.push((message, name));
                }
            }
        }
    }
    let errors = errors.into_iter();
    CheckResult {
        errors: errors
            .map(|(message, name)| format!("for {name}: {message}"))
            .collect(),
        warnings: warnings(&outputs),
        tried: format!("{} sample policies", samples.len()),
    }
}

fn warnings(outputs: &BTreeMap<&str, String>) -> Vec<String> {
    let mut warnings = Vec::new();
    let are_equal = |one: &str, other: &str| {
        let one = outputs.get(one);
        one.is_some() && one == outputs.get(other)
    };
    for (one, other, advice) in MUST_DIFFER {
        if are_equal(one, other) {
            warnings.push(format!(
                "the output is the same for {one} and for {other}: {advice}"
            ));
        }
    }
    for (one, family) in ONE_FAMILY {
        if are_equal(one, "an allowlist") {
            warnings.push(format!("the output contains no {family} network"));
        }
    }
    if outputs
        .get("nobody")
        .is_some_and(|file| file.trim().is_empty())
    {
        warnings.push(
            "if nobody gets in, the output is empty, but an empty file keeps nobody out".to_owned(),
        );
    }
    if let Some(file) = outputs.get("a comment of two lines")
        && file
            .lines()
            .any(|line| line.starts_with("HTACCESS-TEMPLATE-CHECK"))
    {
        let what = "the second line of a comment becomes a separate line of the output";
        warnings.push(format!(
            "{what}: do not use `safe`, because it prints text from the CSV unchanged"
        ));
    }
    if let Some(file) = outputs.get(LARGE_SAMPLE) {
        warnings.extend(long_line(file, LARGE_SAMPLE));
    }
    warnings
}

/// Returns advice about memory use. The advice is not a warning, because most output formats do not allow an
/// alternative.
fn note(template: &Template) -> Option<String> {
    let needs = template.needs();
    let has_values = |part: &&str| !["count", "lines"].contains(part) && needs.includes(part);
    let part = PARTS.into_iter().find(has_values)?;
    (!needs.includes("lines")).then(|| {
        format!(
            "{part} creates a value for each network, 22 MB for 1,000,000 networks; lines does not"
        )
    })
}

fn long_line(file: &str, of: &str) -> Option<String> {
    let is_long = |line: &str| line.len() > MAX_OUTPUT_LINE_BYTES;
    let index = file.lines().position(is_long)?;
    Some(format!(
        "for {of}, line {} is longer than {MAX_OUTPUT_LINE_BYTES} bytes, and a file named .htaccess with such \
         a line is refused: print lines, or choose another --output-key",
        index + 1
    ))
}

/// Renders an upload. The output is not named `.htaccess`, because the length of lines is limited in a file
/// of that name, and not every template is for Apache.
fn render(template: &Template, upload: &[u8], key: &str, shared: &Shared) -> Outcome {
    let settings = Settings {
        output_key: OutputKey::new("OUTPUT_KEY", "{{ path }}.out").unwrap_or_default(),
        ..Settings::default()
    };
    let source = Source {
        key: key.to_owned(),
        ..Source::default()
    };
    generate(upload, &settings, template, &source, now(), shared)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_templates_pass_without_a_warning() {
        for BuiltIn { name, .. } in BUILT_IN {
            let result = check_with_samples(&Template::built_in(name).unwrap());
            assert_eq!((result.errors, result.warnings), (vec![], vec![]), "{name}");
        }
    }
}
