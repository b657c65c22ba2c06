//! The messages that people read. `tests/cases` has the expected sentences of rejections (case 21 has
//! all of them). `tests/cases` and `bad_files` have those of most refusals. This file tests the other
//! messages, and the rules that apply to all messages.

use htaccess_generator::answer::RefusalCode;
use htaccess_generator::function::FunctionSettings;
use htaccess_generator::settings::{Settings, Spelling};

use crate::library::cases::outcomes;
use crate::support::{Setup, refusal_of};

/// Checks that a message has one line, is short enough for a log and a reader, and contains no
/// characters that control a terminal.
#[track_caller]
fn check_sentence(sentence: &str, case: &str) {
    let is_stopped = sentence.ends_with('.') && !sentence.ends_with(" . or ..");
    assert!(!is_stopped, "{case}: a full stop: {sentence}");
    assert!(
        !sentence.chars().any(char::is_control),
        "{case}: a control character: {sentence:?}"
    );
    assert!(
        sentence.chars().count() <= 400,
        "{case}: too long: {sentence}"
    );
}

#[test]
fn every_rejection_names_its_line_and_says_one_sentence() {
    let mut sentences = 0;
    for (case, outcome) in outcomes() {
        for rejection in &outcome.answer.rejections {
            let place = format!("line {}: ", rejection.line);
            assert!(rejection.message().starts_with(&place), "{case}");
            assert_eq!(
                place + &rejection.sentence().to_string(),
                rejection.message()
            );
            check_sentence(&rejection.message(), &case);
            sentences += 1;
        }
    }
    assert!(sentences > 70, "only {sentences} rejections in the cases");
}

#[test]
fn every_refusal_says_one_sentence() {
    for (case, outcome) in outcomes() {
        // Tera shows the place in the template on separate lines.
        if outcome.answer.code == Some(RefusalCode::BadTemplate) {
            continue;
        }
        let message = outcome.answer.message.unwrap_or_default();
        check_sentence(&message.to_string(), &case);
    }
}

#[test]
fn an_answer_lists_the_first_100_rejections_and_counts_all() {
    let rows = "2.2.2,Allow\n".repeat(250);
    let outcome = Setup::default().run(format!("IP,Rule\n{rows}1.1.1.1,Allow\n").as_bytes());
    let answer = outcome.answer;
    assert_eq!(
        (answer.rows, answer.accepted, answer.rejected),
        (251, 1, 250)
    );
    let lines: Vec<u64> = answer.rejections.iter().map(|one| one.line).collect();
    assert_eq!(lines, (2..102).collect::<Vec<u64>>());
}

#[test]
fn conflicting_defaults_are_listed_among_the_first_100_by_line() {
    let bad = "2.2.2,Allow\n".repeat(98);
    let all = "all,Allow\n".repeat(99);
    let upload = format!("IP,Rule\n*,Deny\n{all}{bad}");
    let answer = Setup::default().run(upload.as_bytes()).answer;
    assert_eq!((answer.accepted, answer.rejected), (1, 99 + 98));
    let lines: Vec<u64> = answer.rejections.iter().map(|one| one.line).collect();
    assert_eq!(lines, (3..103).collect::<Vec<u64>>());
}

#[test]
fn a_rejected_value_is_kept_to_256_bytes_and_shown_to_64_characters() {
    let upload = format!("IP,Rule\n{},Allow\n", "é".repeat(1000));
    let answer = Setup::default().run(upload.as_bytes()).answer;
    let [rejection] = answer.rejections.as_slice() else {
        panic!("expected one rejection");
    };
    assert_eq!(rejection.value, "é".repeat(128));
    assert!(
        rejection
            .message()
            .contains(&format!("\"{}…\"", "é".repeat(64)))
    );
}

/// Checks the refusal of a key. `expected` is the part after `the key "…" cannot be used as a path: `.
#[track_caller]
fn check_unsafe_key(key: &str, shown: &str, expected: &str) {
    let outcome = Setup::with("SOURCE", key).run(b"IP,Rule\n192.0.2.1,Allow\n");
    assert_eq!(
        refusal_of(&outcome),
        format!("unsafe-key: the key \"{shown}\" cannot be used as a path: {expected}")
    );
    assert_eq!(outcome.answer.output, None, "an unsafe key has no output");
}

#[test]
fn unsafe_keys_say_what_is_wrong_with_them() {
    let dots = "it contains the segment . or ..";
    check_unsafe_key("../acme.csv", "../acme.csv", dots);
    check_unsafe_key("a/../b.csv", "a/../b.csv", dots);
    check_unsafe_key("a\\..\\b.csv", "a\\\\..\\\\b.csv", dots);
    let slashes = "it starts or ends with a slash, or contains two slashes in a row";
    check_unsafe_key("/etc/acme.csv", "/etc/acme.csv", slashes);
    check_unsafe_key("a//b.csv", "a//b.csv", slashes);
    check_unsafe_key(
        "a\0b.csv",
        "a\\u{0}b.csv",
        "it contains a control character",
    );
    check_unsafe_key(
        "a\nRequire all granted.csv",
        "a\\nRequire all granted.csv",
        "it contains a control character",
    );
    check_unsafe_key("a/.csv", "a/.csv", "it has no name before its extension");
    let long = "a".repeat(256);
    let shown = format!("{}…", "a".repeat(64));
    check_unsafe_key(&long, &shown, "a segment is longer than 255 bytes");
    check_unsafe_key(&"a".repeat(1025), &shown, "it must have 1 to 1,024 bytes");
}

#[test]
fn an_output_key_that_leaves_its_folder_is_refused_too() {
    let setting = |name: &str| match name {
        "OUTPUT_KEY" => Some("{{ dir }}/{{ stem }}/.htaccess".to_owned()),
        "SOURCE" => Some("acme.csv".to_owned()),
        _ => None,
    };
    let outcome = Setup::new(setting, None).run(b"IP,Rule\n192.0.2.1,Allow\n");
    assert_eq!(
        refusal_of(&outcome),
        "unsafe-key: the key \"/acme/.htaccess\" cannot be used as a path: \
         it starts or ends with a slash, or contains two slashes in a row"
    );
}

#[track_caller]
fn check_setting(name: &str, value: &str, expected: &str) {
    let lookup = |asked: &str| match asked {
        _ if asked == name => Some(value.to_owned()),
        "OUTPUT_BUCKET" => Some("sites".to_owned()),
        _ => None,
    };
    let found = FunctionSettings::read(lookup).unwrap_err().to_string();
    assert_eq!(found, format!("{name} is {expected}"));
}

#[test]
fn bad_settings_name_the_setting_the_value_and_what_is_allowed() {
    check_setting("DEFAULT_POLICY", "Open", "\"Open\": expected deny or allow");
    check_setting("STRICT", "yes", "\"yes\": expected deny, all or none");
    check_setting(
        "TIME_ZONE",
        "Europe/Pariss",
        "\"Europe/Pariss\": no time zone has this name; did you mean Europe/Paris?",
    );
    check_setting(
        "TIME_ZONE",
        "CET-1CEST",
        "\"CET-1CEST\": expected an IANA time zone such as Europe/Paris",
    );
    let bytes = "expected a number of bytes, at least 1";
    check_setting("MAX_CSV_BYTES", "0", &format!("\"0\": {bytes}"));
    check_setting("MAX_CSV_BYTES", "256 MiB", &format!("\"256 MiB\": {bytes}"));
    check_setting(
        "HOLD_ABOVE",
        "101",
        "\"101\": expected a percentage from 1 to 100, or 0 to hold nothing",
    );
    check_setting("MAX_OUTPUT_BYTES", "0", &format!("\"0\": {bytes}"));
    check_setting(
        "TEMPLATE",
        "apache",
        "\"apache\": expected apache24, apache22, nginx, nginx-geo, haproxy, caddy, \
             nftables, aws-waf, plain, json or s3://bucket/key",
    );
    check_setting(
        "TEMPLATE",
        "s3://bucket",
        "\"s3://bucket\": expected apache24, apache22, nginx, nginx-geo, haproxy, caddy, \
             nftables, aws-waf, plain, json or s3://bucket/key",
    );
    check_setting(
        "AWS_ENDPOINT_URL_S3",
        "localhost:4566",
        "\"localhost:4566\": expected a URL that starts with http:// or https://",
    );
    check_setting(
        "OUTPUT_KEY",
        "{{ stem }}/.htaccess",
        "\"{{ stem }}/.htaccess\": some CSVs would have the same output; use path, or both dir and stem, or none \
         of these if there is only one CSV",
    );
    assert_eq!(
        FunctionSettings::read(|_| None).unwrap_err().to_string(),
        "OUTPUT_BUCKET is not set: expected the name of the bucket for outputs"
    );
}

#[test]
fn an_empty_setting_counts_as_unset() {
    let settings = Settings::read(Spelling::Variable, |_| Some(String::new())).unwrap();
    assert_eq!(settings.max_csv_bytes, 256 * 1024 * 1024);
    assert_eq!(settings.max_output_bytes, 16 * 1024 * 1024);
    assert_eq!(settings.output_key.text(), "{{ path }}/.htaccess");
}
