//! The documents, compared with the output of the code.

/// The first words of the doc comments in `src/`.
mod doc_comments;
/// The imports between the files of `src/`, compared with `ARCHITECTURE.md`.
mod layout;
/// The guide for users of the Python script.
mod migration;

use htaccess_generator::render::{BUILT_IN, BuiltIn, Template};
use htaccess_generator::time::{Bound, DateReader, TimeZone};

use crate::support::{AS_OF, Setup};

#[cfg(feature = "command-line")]
const COMMAND_LINE: &str = include_str!("../../../docs/command-line.md");
const ANSWER: &str = include_str!("../../../docs/answer.md");
const CONFIGURATION: &str = include_str!("../../../docs/configuration.md");
const CSV: &str = include_str!("../../../docs/csv.md");
#[cfg(feature = "command-line")]
const LISTS: &str = include_str!("../../../docs/lists.md");
const DATES: &str = include_str!("../../../docs/dates.md");
const README: &str = include_str!("../../../README.md");
const REPORT: &str = include_str!("../../../docs/report.md");
const OPERATIONS: &str = include_str!("../../../docs/operations.md");
const TEMPLATE_YAML: &str = include_str!("../../../template.yaml");
const WEB_SERVER: &str = include_str!("../../../infra/web-server.yaml");
const OBSERVABILITY: &str = include_str!("../../../infra/observability.yaml");
const RECONCILE: &str = include_str!("../../../infra/reconcile.yaml");
const TEMPLATES: &str = include_str!("../../../docs/templates.md");

/// Returns the text of the first fenced block in a language.
fn block<'a>(document: &'a str, language: &str) -> &'a str {
    let start = format!("```{language}\n");
    let (_, from_block) = document.split_once(&start).unwrap();
    from_block.split_once("```\n").unwrap().0
}

#[test]
fn the_readme_shows_the_output_of_its_csv() {
    let csv = block(README, "csv").as_bytes();
    let outcome = Setup::default().run(csv);
    assert_eq!(outcome.file.unwrap(), block(README, "apache"));
    let shown: serde_json::Value = serde_json::from_str(block(ANSWER, "json")).unwrap();
    assert_eq!(
        shown["results"][0],
        serde_json::to_value(&outcome.answer).unwrap()
    );
}

#[test]
fn the_readme_is_short() {
    assert!(README.lines().count() <= 150);
}

/// When the benchmarks are measured again, these sentences must be updated.
#[test]
fn the_figures_of_sentences_are_those_of_the_benchmarks() {
    const FIGURES: [(&str, &str); 5] = [
        ("21 times as many requests", "| 21.36 x |"),
        ("A million rows take 0.05 seconds", "| 49.26 ms "),
        ("70 times as fast as a Python script", "| 69.71 x |"),
        ("12 times as fast as\n  `iprange`", "| 11.88 x |"),
        (
            "The function starts in 10 ms",
            "| exec → first answer | 10.30 ms ",
        ),
    ];
    const BENCHMARKS: &str = include_str!("../../../docs/benchmarks.md");
    const COMPARISON: &str = include_str!("../../../docs/comparison.md");
    for (sentence, cell) in FIGURES {
        assert!(README.contains(sentence), "README.md: {sentence}");
        assert!(BENCHMARKS.contains(cell), "docs/benchmarks.md: {cell}");
    }
    for sentence in [
        "12 times as fast as `iprange`",
        "70 times as fast as a Python script",
    ] {
        assert!(
            COMPARISON.contains(sentence),
            "docs/comparison.md: {sentence}"
        );
    }
}

/// Runs the commands in a document on its files. Compares both streams of each command together.
#[cfg(feature = "command-line")]
#[track_caller]
fn check_commands(document: &str, expected_commands: usize) {
    let mut folder = crate::cli::Folder::new();
    let mut rest = document;
    let mut commands = 0;
    while let Some((text, from_block)) = rest.split_once("```") {
        let (fenced, behind) = from_block.split_once("\n```\n").unwrap();
        let (language, content) = fenced.split_once('\n').unwrap();
        let last_line = text.trim_end().lines().last().unwrap_or_default();
        match (language, last_line.strip_prefix('`')) {
            ("csv", Some(name)) => folder = folder.with(name.trim_end_matches('`'), content),
            ("console", _) => {
                let (command, shown) = content.split_once('\n').unwrap();
                let command = command.strip_prefix("$ htaccess ").unwrap();
                let (command, hides_errors) = match command.split_once(" 2> ") {
                    Some((command, _)) => (command, true),
                    None => (command, false),
                };
                let arguments: Vec<&str> = command.split(' ').collect();
                let ran = folder.run(&arguments);
                let errors = if hides_errors { "" } else { &ran.stderr };
                assert_eq!(format!("{errors}{}", ran.stdout).trim_end(), shown);
                commands += 1;
            }
            _ => {}
        }
        rest = behind;
    }
    assert_eq!(commands, expected_commands);
}

#[cfg(feature = "command-line")]
#[test]
fn the_command_line_guide_shows_what_the_commands_print() {
    check_commands(COMMAND_LINE, 4);
}

#[cfg(feature = "command-line")]
#[test]
fn the_guide_to_dates_shows_what_the_commands_print() {
    check_commands(DATES, 3);
}

#[cfg(feature = "command-line")]
#[test]
fn the_guide_to_lists_shows_what_the_commands_print() {
    check_commands(LISTS, 3);
}

/// Returns the rows of a table. Each cell is given as its texts in backticks.
fn table_below<'a>(document: &'a str, header: &str) -> Vec<Vec<Vec<&'a str>>> {
    let (_, below) = document.split_once(header).unwrap();
    let rows = below.trim_start().lines().skip(1);
    let rows = rows.take_while(|line| line.starts_with('|'));
    let cell = |cell: &'a str| cell.split('`').skip(1).step_by(2).collect();
    rows.map(|row| row.trim_matches('|').split('|').map(cell).collect())
        .collect()
}

#[test]
fn the_guide_to_dates_suggests_what_rejections_suggest() {
    let rows = table_below(DATES, "| written | suggested |\n");
    let fixes_of = |column: &str, cell: &str| {
        let csv = format!("IP,Rule,{column}\n192.0.2.1,Allow,\"{cell}\"\n192.0.2.2,Allow,\n");
        let answer = Setup::with("TIME_ZONE", "Europe/Paris")
            .run(csv.as_bytes())
            .answer;
        assert_eq!(answer.rejected, 1, "{cell}");
        answer.rejections[0].fixes.clone()
    };
    let mut compared = 0;
    for row in &rows {
        let [written, suggested] = row.as_slice() else {
            panic!("{row:?}")
        };
        for cell in written {
            let fixes = fixes_of("Expires", cell);
            assert!(!fixes.is_empty(), "{cell}");
            let suggested: Vec<&&str> = suggested
                .iter()
                .filter(|text| !["Expires", "Starts"].contains(text))
                .collect();
            if !suggested.is_empty() {
                assert!(suggested.contains(&&&*fixes[0]), "{cell}: {fixes:?}");
                compared += 1;
            }
        }
    }
    assert_eq!(fixes_of("Starts", "2026-02-30"), ["2026-03-01"]);
    assert_eq!(
        fixes_of("Expires", "03/04/2027"),
        ["2027-04-03", "2027-03-04"]
    );
    assert!(rows.len() == 10 && compared >= 17, "{compared}");
}

#[test]
fn the_guide_to_dates_shows_the_instants_of_clock_changes() {
    let zone = TimeZone::named("Europe/Paris").unwrap();
    let mut dates = DateReader::new(zone, AS_OF);
    let rows = table_below(DATES, "| cell | what the clock does | time in UTC |\n");
    assert_eq!(rows.len(), 2);
    for row in &rows {
        let instant = dates.read(Bound::Expires, row[0][0]).unwrap().unwrap();
        assert_eq!(instant.to_string(), row[2][0]);
    }
}

#[test]
fn the_example_template_compiles_and_prints() {
    let setup = Setup::with_template(block(TEMPLATES, "jinja"));
    let csv = b"IP,Rule,Comment\n10.0.0.1,Allow,a \"quoted\" # comment\nx,Allow,\n";
    let file = setup.run(csv).file.unwrap();
    assert_eq!(
        file,
        "# acme.csv: 1 rules, 1 rows rejected\n\
         # line 2: allow 10.0.0.1 a %22quoted%22 %23 comment\n\
         <RequireAny>\n  Require ip 127.0.0.1\n  Require ip 10.0.0.1\n</RequireAny>\n"
    );
}

/// Returns all template blocks in `docs/templates.md`, each with the heading above it.
fn examples() -> Vec<(&'static str, &'static str)> {
    let sections = TEMPLATES.split("\n### ").skip(1);
    let named = sections.map(|section| {
        let (heading, rest) = section.split_once('\n').unwrap();
        (heading, block(rest, "jinja"))
    });
    named.collect()
}

#[test]
fn every_example_template_prints_the_output_shown_with_it() {
    let blocklist = "IP,Rule\nall,Allow\n192.0.2.7,Deny\n2001:db8::/32,Deny\n";
    let expected = [
        (
            "The rows as comments, and an address that always gets in",
            "IP,Rule\n10.0.0.1,Deny\n",
            "# acme.csv: 1 rules, 0 rows rejected\n# line 2: deny 10.0.0.1 \n<RequireAny>\n  Require ip 127.0.0.1\n</RequireAny>\n",
        ),
        (
            "A blocklist as a plain list",
            blocklist,
            "192.0.2.7/32\n2001:db8::/32\n",
        ),
        (
            "Postfix",
            "IP,Rule\n192.0.2.0/24,Allow\n192.0.2.7,Deny\n",
            "# Generated from clients/acme.csv.\n192.0.2.7 REJECT\n192.0.2.0/24 OK\n0.0.0.0/0 REJECT\n::/0 REJECT\n",
        ),
        (
            "HAProxy with a map",
            blocklist,
            "# Generated from clients/acme.csv.\n::/0 allow\n::ffff:192.0.2.7 deny\n2001:db8::/32 deny\n",
        ),
        (
            "A newer Caddy behind a proxy",
            "IP,Rule\n192.0.2.0/24,Allow\n",
            "\n@outside_clients__acme {\n\tnot {\n\t\tclient_ip 192.0.2.0/24\n\t}\n}\nrespond @outside_clients__acme 403\n",
        ),
        (
            "A line that is written once",
            "IP,Rule\n192.0.2.0/24,Allow\n",
            "<RequireAny>\n  Require ip 127.0.0.1\n  Require ip 192.0.2.0/24\n</RequireAny>\n",
        ),
    ];
    let examples = examples();
    assert_eq!(examples.len(), TEMPLATES.matches("```jinja").count());
    assert_eq!(examples.len(), expected.len());
    for ((heading, source_text), (expected_heading, csv, file)) in examples.iter().zip(expected) {
        assert_eq!(*heading, expected_heading);
        let outcome = Setup::with_template(source_text).run(csv.as_bytes());
        assert_eq!(outcome.file.as_deref(), Some(file), "{heading}");
    }
    let (_, blocklists) = examples[1];
    let outcome = Setup::with_template(blocklists).run(b"IP,Rule\n10.0.0.1,Allow\n");
    let message = outcome.answer.message.unwrap();
    assert!(
        message.to_string().contains("add the row all,Allow"),
        "{message}"
    );
}

#[test]
fn the_template_guide_lists_every_template_and_filter() {
    for BuiltIn { name, .. } in BUILT_IN {
        assert!(README.contains(&format!("`{name}`")), "README.md: {name}");
        assert!(TEMPLATES.contains(&format!("\n| `{name}` | ")), "{name}");
        assert!(
            CONFIGURATION.contains(&format!("`{name}`")),
            "docs/configuration.md: {name}"
        );
    }
    let (_, listed) = TEMPLATES.split_once("\nTera's filters: ").unwrap();
    let (listed, _) = listed.split_once(".\n").unwrap();
    let names = listed.split_whitespace().map(|name| name.trim_matches('`'));
    assert_eq!(names.clone().count(), 37);
    for name in names.chain(["cidr", "identifier", "json"]) {
        let used = format!("{{{{ source.key | {name} }}}}");
        assert!(
            Template::compile(&used).is_ok(),
            "there is no filter {name}"
        );
        let is_told = TEMPLATES.contains(&format!("`{name}`"));
        assert!(is_told, "docs/templates.md does not tell of {name}");
    }
}

/// Checks that a table has a row for each name.
#[track_caller]
fn check_rows(document: &str, names: &[&str]) {
    for name in names {
        let row = format!("\n| `{name}` |");
        assert!(document.contains(&row), "there is no row for {name}");
    }
}

#[test]
fn the_guides_list_every_code_and_setting() {
    check_rows(CSV, &REJECTION_AND_REFUSAL_CODES);
    check_rows(REPORT, &WARNING_CODES);
    check_rows(CONFIGURATION, &SETTINGS);
}

const REJECTION_AND_REFUSAL_CODES: [&str; 23] = [
    "invalid-address",
    "host-bits-set",
    "reversed-range",
    "unknown-rule",
    "missing-field",
    "conflicting-default",
    "invalid-date",
    "reversed-period",
    "unknown-list",
    "contradicts-list",
    "nested-list",
    "not-csv",
    "unusable-list",
    "mixed-rules",
    "missing-column",
    "no-rules",
    "too-large",
    "deny-rejected",
    "rows-rejected",
    "unsafe-key",
    "bad-template",
    "output-taken",
    "change-held",
];

const WARNING_CODES: [&str; 16] = [
    "allows-everybody",
    "always-wins",
    "blocks-everybody",
    "deny-rejected",
    "duplicate-rows",
    "ends-soon",
    "expired-rows",
    "guessed",
    "hidden-rows",
    "ignored-column",
    "matches-nobody",
    "nobody-left",
    "overridden-rows",
    "private-range",
    "unscheduled-change",
    "wide-allow",
];

const SETTINGS: [&str; 20] = [
    "HOLD_ABOVE",
    "COMMON_CSV",
    "TEMPLATE",
    "DEFAULT_POLICY",
    "STRICT",
    "OUTPUT_KEY",
    "TIME_ZONE",
    "MAX_CSV_BYTES",
    "UPLOAD_BUCKET",
    "MAX_OUTPUT_BYTES",
    "OUTPUT_BUCKET",
    "REPORT_BUCKET",
    "ON_DELETE",
    "SCHEDULE_GROUP",
    "SCHEDULE_ROLE_ARN",
    "SCHEDULE_FAILURE_QUEUE_ARN",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_SCHEDULER",
    "POWERTOOLS_METRICS_NAMESPACE",
    "POWERTOOLS_SERVICE_NAME",
];

/// Returns the keys that are indented by two spaces between two lines of a YAML file.
fn names_between<'a>(yaml: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    let (_, from) = yaml.split_once(start).unwrap();
    let (section, _) = from.split_once(end).unwrap();
    let lines = section.lines().filter_map(|line| line.strip_prefix("  "));
    let lines = lines.filter(|line| line.starts_with(|sign: char| sign.is_ascii_uppercase()));
    lines.filter_map(|line| line.strip_suffix(':')).collect()
}

#[test]
fn every_parameter_has_its_row_and_its_place_in_the_console() {
    let parameters = names_between(TEMPLATE_YAML, "\nParameters:\n", "\nRules:\n");
    assert!(parameters.len() > 20, "{parameters:?}");
    let (interface, _) = TEMPLATE_YAML.split_once("\nParameters:\n").unwrap();
    for name in parameters {
        let is_in_a_row = CONFIGURATION
            .lines()
            .any(|line| line.starts_with("| ") && line.contains(&format!("`{name}`")));
        assert!(is_in_a_row, "docs/configuration.md has no row for {name}");
        assert!(
            interface.contains(&format!("          - {name}\n")),
            "{name}"
        );
        assert!(interface.contains(&format!("      {name}: {{")), "{name}");
    }
}

#[test]
fn the_operations_guide_mentions_every_alarm() {
    for (template, at_least) in [(OBSERVABILITY, 9), (WEB_SERVER, 2), (RECONCILE, 3)] {
        let resources = names_between(template, "\nResources:\n", "\nOutputs:\n");
        let alarms: Vec<&str> = resources
            .into_iter()
            .filter(|name| name.ends_with("Alarm"))
            .collect();
        assert!(alarms.len() >= at_least, "{alarms:?}");
        for name in alarms {
            let row = format!("| `{name}` |");
            assert!(OPERATIONS.contains(&row), "docs/operations.md: {name}");
            let hint = format!("docs/operations.md: {name}");
            assert!(template.contains(&hint), "{name} names no guide");
        }
    }
}

/// The stack's own bucket has no filter. The filter for an existing bucket must not depend on case,
/// because an upload that does not match the filter gets no answer at all.
#[test]
fn uploads_are_reported_in_any_case_of_their_ending() {
    let (_, own_bucket) = TEMPLATE_YAML
        .split_once("NotificationConfiguration:")
        .unwrap();
    let (own_bucket, _) = own_bucket.split_once("VersioningConfiguration:").unwrap();
    assert_eq!(own_bucket.matches("- Event: s3:Object").count(), 4);
    assert!(!own_bucket.contains("Filter:"), "{own_bucket}");
    let rule =
        "key: [{suffix: {equals-ignore-case: .csv}}, {suffix: {equals-ignore-case: .csv.gz}}]";
    assert!(TEMPLATE_YAML.contains(rule));
}

/// `aws s3 sync` follows symbolic links in a web root, and does not detect changes that
/// keep the size of a file.
#[test]
fn no_document_installs_outputs_with_a_plain_sync() {
    const DOCUMENTS: [&str; 4] = [
        README,
        OPERATIONS,
        TEMPLATE_YAML,
        include_str!("../../../docs/web-servers.md"),
    ];
    for document in DOCUMENTS {
        let mentions = document.lines().filter(|line| line.contains("s3 sync"));
        for line in mentions {
            assert!(line.starts_with("Do not use `aws s3 sync`"), "{line}");
        }
        let copies = document.lines().filter(|line| line.contains("aws s3 cp"));
        for line in copies {
            assert!(!line.contains("/var/www"), "{line}");
        }
    }
    assert!(README.contains("\npython3 infra/operate/sync/htaccess-sync htaccess-generator-site-"));
}

/// The error types that Lambda itself reports.
const ERROR_TYPES_OF_LAMBDA: [&str; 3] = [
    "Sandbox.Timedout",
    "Runtime.ExitError",
    "Runtime.OutOfMemory",
];

#[cfg(feature = "function")]
#[test]
fn the_operations_guide_lists_every_error_type_and_no_other() {
    let source = include_str!("../../../src/function/error.rs");
    let (_, codes) = source.split_once("fn code(self)").unwrap();
    let (codes, _) = codes.split_once("\n    }\n").unwrap();
    let mut expected: Vec<&str> = codes.split('"').skip(1).step_by(2).collect();
    assert!(
        expected.len() > 10 && expected.contains(&"UnknownEvent"),
        "{expected:?}"
    );
    expected.push(htaccess_generator::function::INIT_ERROR_TYPE);
    expected.extend(ERROR_TYPES_OF_LAMBDA);
    let (_, table) = OPERATIONS.split_once("| `errorType` |").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let names = rows.map(|line| line.split(" | ").next().unwrap());
    let mut listed: Vec<&str> = names
        .flat_map(|names| names.split('`').skip(1).step_by(2))
        .collect();
    expected.sort_unstable();
    listed.sort_unstable();
    assert_eq!(listed, expected);
}
