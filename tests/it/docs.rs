//! What the documents show is what comes out.

use htaccess_generator::generate::generate;
use htaccess_generator::render::Source;
use htaccess_generator::settings::Settings;
use htaccess_generator::template::Template;

const README: &str = include_str!("../../README.md");
const OPERATIONS: &str = include_str!("../../docs/operations.md");
const TEMPLATE_YAML: &str = include_str!("../../template.yaml");
const OBSERVABILITY: &str = include_str!("../../infra/observability.yaml");
const TEMPLATES: &str = include_str!("../../docs/templates.md");

/// The text of the first fenced block of a language.
fn block<'a>(document: &'a str, language: &str) -> &'a str {
    let start = format!("```{language}\n");
    let (_, from_block) = document.split_once(&start).unwrap();
    from_block.split_once("```\n").unwrap().0
}

fn source() -> Source {
    Source {
        key: "clients/acme.csv".to_owned(),
        ..Source::default()
    }
}

#[test]
fn the_readme_shows_what_its_csv_becomes() {
    let csv = block(README, "csv").as_bytes();
    let template = Template::built_in("apache24").unwrap();
    let outcome = generate(csv, &Settings::default(), &template, &source());
    assert_eq!(outcome.file.unwrap(), block(README, "apache"));
    let shown: serde_json::Value = serde_json::from_str(block(README, "json")).unwrap();
    assert_eq!(
        shown["results"][0],
        serde_json::to_value(&outcome.answer).unwrap()
    );
}

#[test]
fn the_example_template_compiles_and_prints() {
    let template = Template::compile(block(TEMPLATES, "jinja")).unwrap();
    let csv = b"IP,Rule,Comment\n10.0.0.1,Allow,a \"quoted\" # comment\nx,Deny,\n";
    let file = generate(csv, &Settings::default(), &template, &source())
        .file
        .unwrap();
    assert_eq!(
        file,
        "# acme.csv: 1 rules, 1 rows rejected\n\
         # line 2: allow 10.0.0.1 a %22quoted%22 %23 comment\n\
         <RequireAny>\n  Require ip 127.0.0.1\n  Require ip 10.0.0.1\n</RequireAny>\n"
    );
}

#[test]
fn the_readme_names_every_code_and_setting() {
    for name in [
        "invalid-address",
        "host-bits-set",
        "reversed-range",
        "unknown-rule",
        "missing-field",
        "conflicting-default",
        "not-csv",
        "missing-column",
        "no-rules",
        "too-large",
        "rows-rejected",
        "unsafe-key",
        "bad-template",
        "blocks-everybody",
        "wide-allow",
        "private-range",
        "overridden-rows",
        "duplicate-rows",
        "TEMPLATE",
        "DEFAULT_POLICY",
        "STRICT",
        "OUTPUT_KEY",
        "MAX_CSV_BYTES",
        "OUTPUT_BUCKET",
        "REPORT_BUCKET",
        "ON_DELETE",
        "AWS_ENDPOINT_URL_S3",
        "POWERTOOLS_METRICS_NAMESPACE",
        "POWERTOOLS_SERVICE_NAME",
    ] {
        assert!(
            README.contains(&format!("| `{name}` |")),
            "README.md does not list {name}"
        );
    }
}

/// The names indented by two spaces between two lines of a YAML file.
fn names_between<'a>(yaml: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    let (_, from) = yaml.split_once(start).unwrap();
    let (section, _) = from.split_once(end).unwrap();
    let lines = section.lines().filter_map(|line| line.strip_prefix("  "));
    let lines = lines.filter(|line| line.starts_with(|sign: char| sign.is_ascii_uppercase()));
    lines.filter_map(|line| line.strip_suffix(':')).collect()
}

#[test]
fn every_parameter_has_its_row_and_its_place_in_the_console() {
    let parameters = names_between(TEMPLATE_YAML, "\nParameters:\n", "\nMappings:\n");
    assert!(parameters.len() > 20, "{parameters:?}");
    let (interface, _) = TEMPLATE_YAML.split_once("\nParameters:\n").unwrap();
    for name in parameters {
        let is_in_a_row = README
            .lines()
            .any(|line| line.starts_with("| ") && line.contains(&format!("`{name}`")));
        assert!(is_in_a_row, "README.md has no row for {name}");
        assert!(
            interface.contains(&format!("          - {name}\n")),
            "{name}"
        );
        assert!(interface.contains(&format!("      {name}: {{")), "{name}");
    }
}

#[test]
fn the_operations_guide_tells_of_every_alarm() {
    let resources = names_between(OBSERVABILITY, "\nResources:\n", "\nOutputs:\n");
    let alarms: Vec<&str> = resources
        .into_iter()
        .filter(|name| name.ends_with("Alarm"))
        .collect();
    assert!(alarms.len() >= 9, "{alarms:?}");
    for name in alarms {
        let row = format!("| `{name}` |");
        assert!(OPERATIONS.contains(&row), "docs/operations.md: {name}");
        let hint = format!("docs/operations.md: {name}");
        assert!(OBSERVABILITY.contains(&hint), "{name} names no guide");
    }
}
