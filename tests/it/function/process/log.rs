//! The log contains no text from a CSV, whatever happens to the CSV.

use std::process::Command;

use htaccess_generator::function::{init_logging, log_panics};

use super::{Function, Told};
use crate::function::faults::server::Server;
use crate::function::handler::put_event;

/// A text that is part of every cell.
const MARKER: &str = "zebra";
const KEY: &str = "clients/acme.csv";
/// The errors and the output of this template quote cells.
const OWN_TEMPLATE: &str = r#"{% for rule in rules %}
{%- if rule.comment is containing(pat="throw") %}{{ throw(message=rule.comment) }}{% endif %}
{%- if rule.comment is containing(pat="fail") %}{{ rule.comment | int }}{% endif %}
# {{ rule.comment }}
{% endfor %}"#;

/// Publishes a CSV with this log level and this log format.
fn invoke(
    csv: &[u8],
    variables: &[(&str, &str)],
    level: &str,
    format: &str,
) -> (Told, Vec<String>) {
    let server = Server::start();
    server.upload(&format!("uploads/{KEY}"), csv);
    server.upload("templates/own.tera", OWN_TEMPLATE.as_bytes());
    let common = [
        ("OUTPUT_BUCKET", "sites"),
        ("REPORT_BUCKET", "reports"),
        ("AWS_ENDPOINT_URL_S3", &*server.url),
        ("AWS_LAMBDA_LOG_FORMAT", format),
        ("AWS_LAMBDA_LOG_LEVEL", level),
    ];
    let variables = [&common[..], variables].concat();
    let told = Function::start(&variables, &put_event(&[KEY])).first_told(false);
    let report = server.text(&format!("reports/{KEY}.html")).unwrap();
    assert!(report.contains("acme"), "{report}");
    told
}

/// Checks the code of the answer, and that no line of the log contains the marker, at every log level of the
/// stack and in both formats. `code` is empty for a CSV that is published. Returns the message of the answer.
#[track_caller]
fn check(csv: impl AsRef<[u8]>, code: &str, variables: &[(&str, &str)]) -> String {
    let mut message = String::new();
    for (level, format) in [("INFO", "JSON"), ("DEBUG", "JSON"), ("DEBUG", "Text")] {
        let (told, log) = invoke(csv.as_ref(), variables, level, format);
        let answer = &told.body["results"][0];
        assert_eq!(
            answer["code"].as_str().unwrap_or_default(),
            code,
            "{answer}"
        );
        let log = log.concat();
        assert!(log.contains(KEY) && log.contains(code), "{log}");
        assert!(!log.to_lowercase().contains(MARKER), "{code}: {log}");
        message = answer["message"]
            .as_str()
            .unwrap_or_default()
            .to_lowercase();
    }
    message
}

#[test]
fn no_cell_of_a_refused_csv_is_logged() {
    let rows = "zebra-1,Allow,zebra-2\n1.2.3.4,zebra-3,zebra-4\n";
    let header = "IP Address,Rule,Comment,Zebra-0\n";
    let csv = format!("{header}{rows}");
    let allowed = "192.0.2.1,Allow,zebra-7\n";
    let strict = [("STRICT", "true")];
    let own = [("TEMPLATE", "s3://templates/own.tera")];
    let message = check("Zebra-0,Zebra-00\nzebra-1,zebra-2\n", "missing-column", &[]);
    assert!(message.contains(MARKER), "{message}");
    check("zebra-1 zebra-2\n", "missing-column", &[]);
    check("1.2.3.4,Allow,zebra-1\n", "missing-column", &[]);
    check("IP Adress,Zebra\n", "missing-column", &[]);
    check(&csv, "no-rules", &[]);
    check(format!("{csv}{allowed}"), "rows-rejected", &strict);
    check(format!("{csv}\"zebra-5,zebra-6\n"), "not-csv", &[]);
    check(format!("{csv}zebra-5\0,zebra-6\n"), "not-csv", &[]);
    check("%PDF-1.7 zebra\n", "not-csv", &[]);
    check("<html><title>zebra</title></html>", "not-csv", &[]);
    check("{\"zebra\": \"zebra\"}", "not-csv", &[]);
    check(&csv, "too-large", &[("MAX_CSV_BYTES", "40")]);
    check(
        format!("{csv}{}\n", "zebra,".repeat(20_000)),
        "too-large",
        &[],
    );
    check(
        format!("{csv}{}\n", "zebra".repeat(300_000)),
        "too-large",
        &[],
    );
    for word in ["fail", "throw"] {
        let rows = format!("192.0.2.1,Allow,zebra {word}\n");
        let message = check(format!("{header}{rows}"), "bad-template", &own);
        assert!(message.contains(MARKER), "{message}");
    }
}

#[test]
fn no_cell_of_a_published_csv_is_logged() {
    let csv = "IP Address,Rule,Comment,Zebra-0\n192.0.2.1,Allow,zebra-1\n192.0.2.1,Allow,zebra-2\n\
        zebra-3,Allow,zebra-4\n192.0.2.2,zebra-5,zebra-6\n";
    check(csv, "", &[]);
    check(csv, "", &[("TEMPLATE", "s3://templates/own.tera")]);
    check(
        csv,
        "",
        &[("TEMPLATE", "json"), ("OUTPUT_KEY", "{{ path }}.json")],
    );
}

#[test]
fn the_line_of_a_refusal_is_logged() {
    for (csv, line) in [
        ("IP Address,Rule\nx,Allow\n", 2),
        ("# comment\nIP,Colour\n", 2),
        ("IP,Rule\n1.1.1.1,Allow\n\"open\n", 3),
    ] {
        let (_, log) = invoke(csv.as_bytes(), &[], "INFO", "JSON");
        let logged: serde_json::Value = serde_json::from_str(&log[0]).unwrap();
        assert_eq!(logged["fields"]["line"], line, "{csv:?}: {logged}");
        assert_eq!(logged["fields"]["reason"], serde_json::Value::Null);
    }
}

const CHILD: &str = "HTACCESS_TEST_PANICS";

/// The test runs itself again in another process, because a panic hook applies to a whole process.
#[test]
fn a_panic_is_logged_with_its_place_and_without_its_message() {
    if std::env::var_os(CHILD).is_some() {
        init_logging(|name| (name == "AWS_LAMBDA_LOG_FORMAT").then(|| "JSON".to_owned()));
        log_panics();
        panic!("about {MARKER}");
    }
    let test = "function::process::log::a_panic_is_logged_with_its_place_and_without_its_message";
    let output = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let log = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    let line = log.lines().find(|line| line.contains("ERROR")).unwrap();
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["fields"]["error_type"], "Panic");
    let place = line["fields"]["place"].as_str().unwrap();
    assert!(
        place.starts_with("tests/it/function/process/log.rs:"),
        "{place}"
    );
    assert!(!log.contains(MARKER), "{log}");
}
