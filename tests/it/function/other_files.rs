//! Uploads whose names are not those of CSVs: each gets an answer and a report, and nothing is published.

use std::io::Write;

use htaccess_generator::function::ErrorKind;
use serde_json::{Value, json};

use crate::function::handler::{ACME, handle, handle_with, put_event, statuses};
use crate::function::memory_store::MemoryStore;

const XLSX: &[u8] = include_bytes!("../../spreadsheets/libreoffice-xlsx/rules.xlsx");

fn gzipped(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// Checks that an upload is refused as `not-csv`, that its report gives the same reason, and that no
/// output changes. Returns the message of the answer.
#[track_caller]
fn refused(key: &str, bytes: &[u8]) -> String {
    let store = MemoryStore::default();
    store.upload("uploads", key, bytes);
    let answer = handle(&store, put_event(&[key]));
    let answer = &answer["results"][0];
    assert_eq!(
        (&answer["status"], &answer["code"], &answer["output"]),
        (&json!("refused"), &json!("not-csv"), &Value::Null),
        "{key}"
    );
    let calls = store.take_calls();
    assert!(
        !calls.iter().any(|call| call.contains("s3://sites/")),
        "{calls:?}"
    );
    let report = store.text("reports", &format!("{key}.html")).unwrap();
    assert!(report.contains("Nothing was published"), "{report}");
    let message = answer["message"].as_str().unwrap();
    let end = message.rsplit_once(": ").unwrap().1.replace('>', "&gt;");
    assert!(report.contains(&end), "{end}: {report}");
    message.to_owned()
}

#[test]
fn a_csv_with_another_ending_is_refused_with_the_advice_to_rename_it() {
    let long = [b"IP,Rule\n".to_vec(), b"1.1.1.1,Allow\n".repeat(10_000)].concat();
    for (key, bytes) in [
        ("rules.txt", ACME),
        ("rules.csv.txt", ACME),
        ("clients/www.acme.fr", ACME),
        ("no-extension", ACME),
        ("acmecsv", ACME),
        (".htaccess", ACME),
        ("header.txt", b"IP,Rule\n"),
        ("long.txt", &long),
        ("rules.gz", &gzipped(ACME)),
        ("long.gz", &gzipped(&long)),
        ("utf16.txt", b"\xff\xfeI\0P\0,\0R\0u\0l\0e\0\n\0"),
    ] {
        let expected = format!(
            "\"{key}\" is a CSV, but its name does not end in .csv: rename it so that its name ends in \
             .csv (or .csv.gz if it is compressed) and upload it again"
        );
        assert_eq!(refused(key, bytes), expected);
    }
}

#[test]
fn a_known_format_is_named_and_anything_else_is_told_the_name_that_is_expected() {
    for (key, bytes, expected) in [
        (
            "acme.xlsx",
            XLSX,
            "the file is an Excel workbook (.xlsx): save the sheet as CSV",
        ),
        ("acme.pdf", b"%PDF-1.7\n", "the file is a PDF document: "),
        (
            "rules.json",
            b"[{\"ip\": \"1.1.1.1\"}]",
            "the file is JSON: ",
        ),
        (
            "acme/.htaccess",
            b"\n  Require ip 1.1.1.1\n",
            "the file is an Apache configuration: ",
        ),
        ("page.html", b"<!DOCTYPE html>", "the file is a web page"),
        (
            "photo.jpg",
            b"\xff\xd8\xff\xe0\0\x10JFIF\0",
            "the file is not text",
        ),
        (
            "acme.xlsx.gz",
            &gzipped(XLSX),
            "the file is an Excel workbook",
        ),
    ] {
        let message = refused(key, bytes);
        assert!(message.starts_with(expected), "{key}: {message}");
    }
    for (key, bytes) in [
        ("empty.txt", &b""[..]),
        ("notes.txt", b"call the hosting provider\n"),
        ("quote.txt", b"\"to be or not to be\n"),
        ("rows.txt", b"1.1.1.1,Allow\n"),
        ("one-line.txt", &b"x".repeat(2 * 1024 * 1024)),
    ] {
        let expected = format!(
            "the name \"{key}\" does not end in .csv or .csv.gz, so nothing is published: if the \
             file is a CSV, rename it; otherwise, save the rules as CSV and upload the CSV"
        );
        assert_eq!(refused(key, bytes), expected);
    }
}

/// The function reads only the first bytes of a large object, so its size and its end do not matter.
#[test]
fn a_limit_on_csvs_is_not_applied_to_other_files() {
    let store = MemoryStore::default();
    store.upload("uploads", "video.mp4", b"\0\0\0\x20ftypisom");
    let mut event = put_event(&["video.mp4"]);
    event["Records"][0]["s3"]["object"]["size"] = 5_000_000_000_u64.into();
    let answer = handle_with(&store, &[("MAX_CSV_BYTES", "10")], event).unwrap();
    assert_eq!(answer["results"][0]["code"], "not-csv");
}

#[test]
fn the_output_and_the_report_of_the_csv_next_to_it_stay() {
    let store = MemoryStore::default();
    store.upload("uploads", "acme.csv", ACME);
    handle(&store, put_event(&["acme.csv"]));
    let published = || {
        let output = store.object("sites", "acme/.htaccess").unwrap().head;
        (
            output,
            store.object("reports", "acme.csv.html").unwrap().head,
        )
    };
    let before = published();
    for key in [
        "acme.txt",
        "acme",
        "acme.xlsx",
        "acme.csv.html",
        "acme.csv/",
    ] {
        store.upload("uploads", key, b"IP,Rule\n9.9.9.9,Allow\n");
        for on_delete in ["keep", "remove", "deny"] {
            handle_with(&store, &[("ON_DELETE", on_delete)], put_event(&[key])).unwrap();
        }
        assert_eq!(published(), before, "{key}");
    }
    assert!(store.text("reports", "acme.csv.html.html").is_some());
}

/// If the report bucket sent events, each report would cause another report.
#[test]
fn an_event_about_a_report_fails_and_writes_nothing() {
    let store = MemoryStore::default();
    store.upload("uploads", "acme.csv", ACME);
    handle(&store, put_event(&["acme.csv"]));
    store.take_calls();
    for (bucket, key) in [
        ("reports", "acme.csv.html"),
        ("sites", "acme/.htaccess"),
        ("sites", "acme/"),
    ] {
        let mut event = put_event(&[key]);
        event["Records"][0]["s3"]["bucket"]["name"] = bucket.into();
        let (kind, _) = handle_with(&store, &[], event).unwrap_err();
        assert_eq!(kind, ErrorKind::SameBucket, "{bucket}/{key}");
    }
    assert!(store.take_calls().is_empty());
}

#[test]
fn a_duplicate_event_about_another_file_writes_nothing() {
    let store = MemoryStore::default();
    store.upload("uploads", "acme.txt", ACME);
    handle(&store, put_event(&["acme.txt"]));
    store.take_calls();
    let answer = handle(&store, put_event(&["acme.txt"]));
    assert_eq!(statuses(&answer), ["refused"]);
    assert_eq!(
        store.take_calls(),
        [
            "HEAD s3://reports/acme.txt.html",
            "GET s3://uploads/acme.txt"
        ]
    );
}

#[test]
fn a_report_on_another_file_is_about_its_newest_version() {
    let store = MemoryStore::default();
    let report = || store.text("reports", "acme.txt.html").unwrap();
    store.upload("uploads", "acme.txt", ACME);
    store.upload_before_next_write("uploads", "acme.txt", b"%PDF-1.7\n");
    store.upload_before_next_write("reports", "acme.txt.html", b"another writer's");
    handle(&store, put_event(&["acme.txt"]));
    assert!(report().contains("PDF document"), "{}", report());
    store.upload("uploads", "acme.txt", ACME);
    handle(&store, put_event(&["acme.txt"]));
    assert!(report().contains("rename it"), "{}", report());
}

/// The S3 console creates such an object when somebody adds a folder.
#[test]
fn a_folder_marker_is_ignored() {
    let store = MemoryStore::default();
    store.upload("uploads", "clients/", b"");
    for (key, on_delete) in [
        ("clients/", "keep"),
        ("clients/", "deny"),
        ("a//", "remove"),
    ] {
        let answer = handle_with(&store, &[("ON_DELETE", on_delete)], put_event(&[key])).unwrap();
        assert_eq!(statuses(&answer), ["ignored"], "{key}");
        assert_eq!(answer["results"][0]["source"], key);
    }
    assert!(store.take_calls().is_empty());
}

#[test]
fn an_unsafe_key_of_another_file_gets_no_report() {
    let store = MemoryStore::default();
    let long = [["d".repeat(255).as_str(); 3].join("/"), "f".repeat(253)].join("/");
    for key in ["../acme.txt", "acme//b.txt", &long] {
        store.upload("uploads", key, ACME);
        let answer = handle(&store, put_event(&[key]));
        assert_eq!(answer["results"][0]["code"], "unsafe-key", "{key}");
        assert!(store.take_calls().is_empty(), "{key}");
    }
}

#[test]
fn another_file_is_answered_the_same_without_reports_and_with_a_broken_template() {
    for settings in [("REPORT_BUCKET", ""), ("TEMPLATE", "s3://templates/gone")] {
        let store = MemoryStore::default();
        store.upload("uploads", "acme.txt", ACME);
        let answer = handle_with(&store, &[settings], put_event(&["acme.txt"])).unwrap();
        assert_eq!(answer["results"][0]["code"], "not-csv", "{settings:?}");
        let has_report = store.text("reports", "acme.txt.html").is_some();
        assert_eq!(has_report, settings.0 == "TEMPLATE");
    }
}

#[test]
fn a_failed_call_fails_the_record() {
    for call in ["HEAD s3://reports", "GET s3://uploads", "PUT s3://reports"] {
        let store = MemoryStore::default();
        store.upload("uploads", "acme.txt", ACME);
        store.fail(call, ErrorKind::Unavailable);
        let (kind, _) = handle_with(&store, &[], put_event(&["acme.txt"])).unwrap_err();
        assert_eq!(kind, ErrorKind::Unavailable, "{call}");
    }
}
