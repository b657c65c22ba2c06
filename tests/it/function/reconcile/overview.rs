//! The content of the overview after a run.

use serde_json::json;

use super::{ACME, MemoryStore, Run, fleet, handle_with, last_line, output, put_event};

/// The figures of sites that a run did not change come from the metadata of their reports.
#[test]
fn the_overview_has_every_site_and_its_numbers() {
    let store = MemoryStore::default();
    let rows: Vec<String> = (0..2_000)
        .map(|index| format!("10.{}.{}.1,Allow,\n", index / 250, index % 250))
        .collect();
    let rows = rows.concat();
    let csvs = [
        ("large.csv", format!("IP,Rule,Expires\n{rows}")),
        (
            "soon.csv",
            "IP,Rule,Expires\n192.0.2.1,Allow,1970-01-09\n".to_owned(),
        ),
        (
            "=1+1.csv",
            "IP,Rule\n192.0.2.1,Allow\n2.2.2,Allow\n".to_owned(),
        ),
        ("first/refused.csv", "no,such,column\n".to_owned()),
    ];
    for (key, csv) in &csvs {
        store.upload("uploads", key, csv.as_bytes());
    }
    store.upload("uploads", "old/refused.csv", ACME);
    Run::new(&store, "first").all();
    store.upload("uploads", "old/refused.csv", b"no,such,column\n");
    store.upload(
        "uploads",
        "=1+1.csv",
        b"IP,Rule\n192.0.2.7,Allow\n2.2.2,Allow\n",
    );
    Run::new(&store, "changed").all();
    Run::new(&store, "second").all();
    let table = store.text("reports", "sites.csv").unwrap();
    let rows: Vec<&str> = table.lines().collect();
    assert_eq!(rows.len(), 6, "{table}");
    assert_eq!(
        rows[1],
        "\"'=1+1.csv\",\"'=1+1/.htaccess\",\"in-force\",\"unchanged\",,2,1,1,107,10,,\"%3D1%2B1.csv.html\",\"site\",,1970-01-01T00:00:00Z,1,1"
    );
    assert!(rows[2].starts_with("\"first/refused.csv\",\"first/refused/.htaccess\",\"never-published\",\"refused\",\"missing-column\","));
    assert!(
        rows[3].starts_with(
            "\"large.csv\",\"large/.htaccess\",\"in-force\",\"unchanged\",,2000,0,2000,"
        )
    );
    assert!(rows[4].starts_with("\"old/refused.csv\",\"old/refused/.htaccess\",\"refused\","));
    assert!(rows[5].contains("1970-01-10T00:00:00Z"), "{table}");
    let page = store.text("reports", "index.html").unwrap();
    for words in [
        "2 sites need attention",
        "href=\"first/refused.csv.html\"",
        "Changes within 14 days",
        "10 January 1970, 00:00 UTC",
        "Slowest for Apache",
        "Changed in the last 7 days",
        "<dt>Never published</dt><dd>1</dd>",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert_eq!(
        store.object("reports", "sites.csv").unwrap().content_type,
        "text/csv; charset=utf-8"
    );
}

/// The comparison with the previous version happens while the output is written.
#[test]
fn the_overview_has_the_changes_that_its_own_run_published() {
    let store = MemoryStore::default();
    store.upload("uploads", "a.csv", ACME);
    Run::new(&store, "first").all();
    store.upload("uploads", "a.csv", b"IP,Rule\n192.0.2.7,Allow\n");
    assert_eq!(
        Run::new(&store, "second").all()["counts"],
        json!({"written": 1})
    );
    let table = store.text("reports", "sites.csv").unwrap();
    let row = table.lines().nth(1).unwrap();
    assert!(row.contains("\"written\""), "{table}");
    assert!(row.ends_with("T00:00:00Z,1,2"), "{table}");
}

#[test]
fn a_run_over_a_prefix_repairs_its_part_and_leaves_the_overview() {
    let store = MemoryStore::default();
    fleet(&store, 2);
    store.upload("uploads", "other/a.csv", ACME);
    Run::new(&store, "all").all();
    let overview = store.object("reports", "index.html").unwrap().head;
    store.delete_object("sites", &output(0));
    store.delete_object("sites", "other/a/.htaccess");
    let run = Run {
        prefix: "clients/",
        ..Run::new(&store, "part")
    };
    assert_eq!(run.all()["counts"], json!({"written": 1, "unchanged": 1}));
    assert!(last_line(&store, &output(0)).is_some());
    assert_eq!(last_line(&store, "other/a/.htaccess"), None);
    assert_eq!(
        store.object("reports", "index.html").unwrap().head,
        overview
    );
}

/// The report of such an upload would replace the overview.
#[test]
fn an_upload_whose_report_would_be_the_overview_is_refused() {
    let store = MemoryStore::default();
    store.upload("uploads", "index", ACME);
    let answer = handle_with(&store, &[], put_event(&["index"])).unwrap();
    assert_eq!(answer["results"][0]["code"], "unsafe-key");
    assert_eq!(store.text("reports", "index.html"), None);
}
