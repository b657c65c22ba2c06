//! What the documents show is what comes out.

use htaccess_generator::generate::generate;
use htaccess_generator::render::Source;
use htaccess_generator::settings::Settings;
use htaccess_generator::template::Template;

const README: &str = include_str!("../../README.md");
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
        "TEMPLATE",
        "DEFAULT_POLICY",
        "STRICT",
        "OUTPUT_KEY",
        "MAX_CSV_BYTES",
        "OUTPUT_BUCKET",
        "REPORT_BUCKET",
        "ON_DELETE",
        "AWS_ENDPOINT_URL_S3",
    ] {
        assert!(
            README.contains(&format!("| `{name}` |")),
            "README.md does not list {name}"
        );
    }
}
