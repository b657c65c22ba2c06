//! Uploads that are refused because of their key, their size or their content: the answer, the report, and
//! the output of the previous upload, which stays.

use htaccess_generator::function::ErrorKind;

use crate::function::handler::{ACME, handle, handle_with, put_event, statuses};
use crate::function::memory_store::MemoryStore;

#[test]
fn nothing_is_written_for_a_refused_key() {
    let long = format!(
        "{}/{}.csv",
        ["d".repeat(255).as_str(); 3].join("/"),
        "f".repeat(249)
    );
    assert_eq!(long.len(), 1021);
    for key in ["../acme.csv", "acme//b.csv", &long] {
        for entries in [
            [("OUTPUT_KEY", "{{ path }}.c"), ("TEMPLATE", "apache24")],
            [
                ("OUTPUT_KEY", "{{ path }}.c"),
                ("TEMPLATE", "s3://templates/gone"),
            ],
        ] {
            let store = MemoryStore::default();
            store.upload("uploads", key, ACME);
            let answer = handle_with(&store, &entries, put_event(&[key])).unwrap();
            assert_eq!(answer["results"][0]["code"], "unsafe-key", "{key}");
            let calls = store.take_calls();
            assert!(
                !calls.iter().any(|call| call.contains("reports")),
                "{calls:?}"
            );
        }
    }
    let entries = [("OUTPUT_KEY", "{{ path }}.c"), ("REPORT_BUCKET", "")];
    let store = MemoryStore::default();
    store.upload("uploads", &long, ACME);
    let answer = handle_with(&store, &entries, put_event(&[&long])).unwrap();
    assert_eq!(
        statuses(&answer),
        ["written"],
        "no report needs room for its key"
    );
}

/// The workbook was not saved as CSV. Its report explains how to save it, and the output of the CSV stays.
#[test]
fn a_workbook_next_to_its_csv_is_refused_in_its_own_report() {
    const WORKBOOK: &[u8] = include_bytes!("../../spreadsheets/libreoffice-xlsx/rules.xlsx");
    let store = MemoryStore::default();
    store.upload("uploads", "acme.csv", ACME);
    handle(&store, put_event(&["acme.csv"]));
    let before = store.object("sites", "acme/.htaccess").unwrap().head;
    store.upload("uploads", "acme.xlsx", WORKBOOK);
    let answer = handle(&store, put_event(&["acme.xlsx"]));
    assert_eq!(statuses(&answer), ["refused"]);
    let report = store.text("reports", "acme.xlsx.html").unwrap();
    assert!(report.contains("an Excel workbook (.xlsx): save the sheet as CSV"));
    let after = store.object("sites", "acme/.htaccess").unwrap().head;
    assert_eq!(after.etag, before.etag);
}

#[test]
fn a_refused_file_and_a_failed_call_keep_the_previous_output() {
    let store = MemoryStore::default();
    store.upload("uploads", "acme.csv", ACME);
    handle(&store, put_event(&["acme.csv"]));
    let before = store.object("sites", "acme/.htaccess").unwrap().head;
    for bad in [
        &b""[..],
        b"\0\0\0\0",
        b"IP,Rule\n",
        b"a,b\n1,2\n",
        b"IP,Rule\n\"1.1.1.1,Allow\n",
    ] {
        store.upload("uploads", "acme.csv", bad);
        let answer = handle(&store, put_event(&["acme.csv"]));
        assert_eq!(statuses(&answer), ["refused"], "{bad:?}");
        assert!(
            store
                .text("reports", "acme.csv.html")
                .unwrap()
                .contains("Refused")
        );
    }
    store.upload("uploads", "acme.csv", b"IP,Rule\n9.9.9.9,Allow\n");
    for call in ["HEAD", "GET", "PUT s3://sites"] {
        store.fail(call, ErrorKind::Unavailable);
        assert!(
            handle_with(&store, &[], put_event(&["acme.csv"])).is_err(),
            "{call}"
        );
    }
    assert_eq!(
        store.object("sites", "acme/.htaccess").unwrap().head,
        before
    );
}

#[test]
fn a_file_that_is_too_large_is_refused_before_it_is_read() {
    let store = MemoryStore::default();
    store.upload("uploads", "acme.csv", ACME);
    let answer = handle_with(&store, &[("MAX_CSV_BYTES", "10")], put_event(&["acme.csv"])).unwrap();
    assert_eq!(answer["results"][0]["code"], "too-large");
    assert_eq!(store.pieces_read.get(), 0);
    handle(&store, put_event(&["acme.csv"]));
    assert!(store.pieces_read.get() > 0);
}
