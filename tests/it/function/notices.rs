//! The notice about files that need attention.

use htaccess_generator::answer::{Answer, Status};
use htaccess_generator::function::Notice;
use serde_json::{Value, json};

use crate::function::handler::{ACME, handle_with, put_event, settings};
use crate::function::memory_store::MemoryStore;

const NO_RULE_COLUMN: &[u8] = b"IP,Name\n192.0.2.1,office\n";

/// Uploads the files, and returns the notice of one event about all of them.
fn notice(files: &[(&str, &[u8])], settings: &[(&str, &str)]) -> Value {
    let store = MemoryStore::default();
    for (key, csv) in files {
        store.upload("uploads", key, csv);
    }
    let keys: Vec<&str> = files.iter().map(|(key, _)| *key).collect();
    handle_with(&store, settings, put_event(&keys)).unwrap()["notice"].take()
}

#[test]
fn a_published_file_has_none() {
    assert_eq!(notice(&[("acme.csv", ACME)], &[]), Value::Null);
}

#[test]
fn a_refused_file_is_named_with_the_reason_and_its_report() {
    let found = notice(&[("clients/acme.csv", NO_RULE_COLUMN)], &[]);
    let text = found["text"].as_str().unwrap();
    let start = "clients/acme.csv was refused, so its output did not change: ";
    assert!(text.starts_with(start), "{text}");
    assert!(text.contains("column"), "{text}");
    assert_eq!(
        found["report"],
        "clients/acme.csv.html in the bucket reports, \
         https://s3.console.aws.amazon.com/s3/object/reports?prefix=clients/acme.csv.html"
    );
}

#[test]
fn a_published_file_without_rows_that_may_have_denied_somebody_has_one() {
    let csv = b"IP,Rule\nall,Allow\n203.0.113.7,Deny\n203.0.113.9/24,Deny\n";
    let found = notice(&[("acme.csv", csv)], &[("STRICT", "none")]);
    let text = found["text"].as_str().unwrap();
    assert!(text.starts_with("acme.csv was published, but "), "{text}");
    assert!(text.contains("203.0.113.9/24"), "{text}");
    assert!(text.ends_with('.'), "{text}");
}

#[test]
fn a_held_file_has_one_and_a_preview_has_none() {
    let about = |status| {
        let answer = Answer {
            message: Some("nobody gets in any more".into()),
            ..Answer::new("acme.csv", status)
        };
        Notice::about(&[answer], &settings(&[])).map(|notice| notice.text)
    };
    assert_eq!(
        about(Status::Held).as_deref(),
        Some(
            "acme.csv is held until it is approved, so its output did not change: nobody gets in any more."
        )
    );
    assert_eq!(about(Status::Previewed), None);
}

#[test]
fn five_files_are_named_and_the_others_counted() {
    let keys: Vec<String> = (0..7).map(|number| format!("{number}.csv")).collect();
    let files: Vec<(&str, &[u8])> = keys
        .iter()
        .map(|key| (key.as_str(), NO_RULE_COLUMN))
        .collect();
    let text = notice(&files, &[])["text"].to_string();
    assert_eq!(text.matches(" was refused").count(), 5, "{text}");
    assert!(
        text.contains(" Other files that need attention in the same invocation: 2."),
        "{text}"
    );
}

/// EventBridge copies the fields into a JSON string without escaping them.
#[test]
fn it_has_nothing_that_ends_a_string_of_json() {
    let key = "a%22%5C%0A%3Cb%3E.csv";
    let store = MemoryStore::default();
    store.upload(
        "uploads",
        "a\"\\\n<b>.csv",
        b"IP,\"a\"\"b\\\"\n1.1.1.1,Allow\n",
    );
    let answer = handle_with(&store, &[], put_event(&[key])).unwrap();
    assert_eq!(answer["results"][0]["status"], "refused");
    for field in ["text", "report"] {
        let value = answer["notice"][field].as_str().unwrap();
        let copied: Value = serde_json::from_str(&format!("\"{value}\"")).unwrap();
        assert_eq!(copied, json!(value));
    }
}

#[test]
fn a_long_reason_is_cut() {
    let header = format!("IP,{}\n", "column,".repeat(900));
    let text = notice(
        &[(&format!("{}.csv", "k".repeat(900)), header.as_bytes())],
        &[],
    );
    let text = text["text"].as_str().unwrap();
    assert!(text.ends_with('…') && text.chars().count() == 601, "{text}");
}
