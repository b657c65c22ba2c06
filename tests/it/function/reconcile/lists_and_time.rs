//! Runs after a list was published, and after rows started or ended.

use serde_json::json;

use super::{MemoryStore, ON_DELETE, Run, changes, csv, handle_with, last_line, output, put_event};

/// Lists and the common CSV are published like sites, but their outputs are not in the output bucket.
#[test]
fn lists_are_checked_too() {
    let store = MemoryStore::default();
    store.upload("uploads", "lists/office.csv", b"IP\n192.0.2.1\n");
    store.upload("uploads", "lists/bad.csv", b"IP\n192.0.2.2\n");
    store.upload("uploads", "_common.csv", b"IP,Rule\n192.0.2.3,Allow\n");
    store.upload("uploads", "site.csv", b"IP,Rule\n@office,Allow\n");
    let run = |name| {
        Run::new(&store, name)
            .with("COMMON_CSV", "_common.csv")
            .all()
    };
    // The first run may publish the lists before or after the site. The second run reads the published lists.
    run("first");
    run("second");
    let site = store.text("sites", "site/.htaccess").unwrap();
    assert!(site.ends_with("Require ip 192.0.2.1 192.0.2.3\n"), "{site}");
    assert_eq!(store.keys("sites", ""), ["site/.htaccess"]);
    store.take_calls();
    assert_eq!(run("third")["states"], json!({"in-force": 4}));
    assert_eq!(changes(&store.take_calls()), Vec::<&String>::new());
    let table = store.text("reports", "sites.csv").unwrap();
    for end in [
        "\"_common.csv.html\",\"common\",,,,\r\n",
        "\"lists/office.csv.html\",\"list\",,,,\r\n",
        "\"site.csv.html\",\"site\",\"office\",,,\r\n",
    ] {
        assert!(table.contains(end), "{end}: {table}");
    }
    let page = store.text("reports", "index.html").unwrap();
    let row =
        ">@office</bdi></a></th><td><bdi>Published</bdi></td><td class=\"number\"><bdi>1</bdi>";
    assert!(page.contains(row), "{page}");
    store.upload("uploads", "lists/bad.csv", b"no,such,column\n");
    store.upload("uploads", "lists/new.csv", b"no,such,column\n");
    let states = run("fourth")["states"].clone();
    assert_eq!(
        states,
        json!({"in-force": 3, "refused": 1, "never-published": 1})
    );
    store.take_calls();
    run("fifth");
    assert_eq!(changes(&store.take_calls()), Vec::<&String>::new());
}

/// When a list is published, a run starts.
#[test]
fn a_new_list_comes_to_its_sites_and_to_no_others() {
    let store = MemoryStore::default();
    let of_list = |index: usize| index.is_multiple_of(5);
    let office = "lists/office.csv";
    let upload_list = |csv: &[u8]| {
        store.tick();
        store.upload("uploads", office, csv);
        handle_with(&store, &[], put_event(&[office])).unwrap()
    };
    upload_list(b"IP\n192.0.2.1\n");
    for index in 0..30 {
        let key = format!("clients/{index:03}.csv");
        let list = if of_list(index) {
            "@office,Allow\n"
        } else {
            ""
        };
        store.upload("uploads", &key, (csv(index) + list).as_bytes());
        handle_with(&store, &[], put_event(&[&key])).unwrap();
    }
    Run::new(&store, "before").all();
    for on_delete in ON_DELETE {
        let run = |name| Run::new(&store, name).with("ON_DELETE", on_delete).all();
        let member = ON_DELETE
            .iter()
            .position(|value| *value == on_delete)
            .unwrap()
            + 2;
        upload_list(format!("IP\n192.0.2.{member}\n").as_bytes());
        store.take_calls();
        run("new");
        let calls = store.take_calls();
        let written: Vec<usize> = (0..30)
            .filter(|index| calls.contains(&format!("PUT s3://sites/{}", output(*index))))
            .collect();
        assert!(
            written
                .iter()
                .copied()
                .eq((0..30).filter(|index| of_list(*index)))
        );
        let expected = format!("Require ip 10.0.5.1 192.0.2.{member}");
        assert_eq!(last_line(&store, &output(5)), Some(expected));
        // If a list is refused or deleted, its last version stays published.
        let refused = upload_list(b"IP,Rule\n1.1.1.1,Allow\n1.1.1.2,Deny\n");
        assert_eq!(refused["results"][0]["code"], "mixed-rules");
        store.take_calls();
        run("refused");
        store.delete_object("uploads", office);
        run("deleted");
        let calls = store.take_calls();
        assert!(!calls.iter().any(|call| call.starts_with("PUT s3://sites/")));
        assert!(
            !calls
                .iter()
                .any(|call| call.starts_with("PUT s3://reports/compiled/"))
        );
        let page = store.text("reports", "index.html").unwrap();
        assert!(
            page.contains("Published, but its CSV was deleted"),
            "{page}"
        );
    }
}

/// The compiled list contains the periods of its members, so the member ends when the
/// sites are generated again.
#[test]
fn a_member_that_has_ended_is_taken_out() {
    let store = MemoryStore::default();
    let office = b"IP,Expires\n192.0.2.1,\n192.0.2.2,1970-01-01T00:00:02Z\n";
    store.upload("uploads", "lists/office.csv", office);
    store.upload("uploads", "site.csv", b"IP,Rule\n@office,Allow\n");
    handle_with(&store, &[], put_event(&["lists/office.csv", "site.csv"])).unwrap();
    Run::new(&store, "first").all();
    assert_eq!(
        last_line(&store, "site/.htaccess").as_deref(),
        Some("Require ip 192.0.2.1 192.0.2.2")
    );
    store.wait(3);
    assert_eq!(
        Run::new(&store, "second").all()["counts"],
        json!({"written": 1, "unchanged": 1})
    );
    assert_eq!(
        last_line(&store, "site/.htaccess").as_deref(),
        Some("Require ip 192.0.2.1")
    );
    store.take_calls();
    Run::new(&store, "third").all();
    assert_eq!(changes(&store.take_calls()), Vec::<&String>::new());
}

/// A run on a machine whose clock is behind does not publish a row again that has ended.
#[test]
fn a_clock_that_is_behind_brings_nothing_back() {
    let store = MemoryStore::default();
    let csv = b"IP,Rule,Expires\n192.0.2.1,Allow,\n192.0.2.2,Allow,1970-01-01T00:00:20Z\n";
    store.upload("uploads", "site.csv", csv);
    store.wait(30);
    Run::new(&store, "first").all();
    store.wait(-20);
    store.take_calls();
    Run::new(&store, "second").all();
    assert_eq!(changes(&store.take_calls()), Vec::<&String>::new());
    // The same is true if the function handles the CSV again because its report is missing.
    store.delete_object("reports", "site.csv.html");
    Run::new(&store, "third").all();
    assert_eq!(
        last_line(&store, "site/.htaccess").as_deref(),
        Some("Require ip 192.0.2.1")
    );
}

/// If the CSV of a site becomes a list, the old output is an orphan, and the run applies `ON_DELETE` to it.
#[test]
fn the_output_of_a_csv_that_became_a_list_is_an_orphan() {
    let store = MemoryStore::default();
    store.upload("uploads", "lists/office.csv", b"IP,Rule\n192.0.2.1,Allow\n");
    let settings = [("REPORT_BUCKET", "")];
    handle_with(&store, &settings, put_event(&["lists/office.csv"])).unwrap();
    assert_eq!(store.keys("sites", ""), ["lists/office/.htaccess"]);
    let run = Run::new(&store, "run").with("ON_DELETE", "remove").all();
    assert_eq!(run["states"], json!({"in-force": 1, "orphan": 1}));
    assert_eq!(store.keys("sites", ""), Vec::<String>::new());
}

/// The schedule of the change was lost. The run publishes the rules of the current time, and
/// creates the next schedule.
#[test]
fn a_row_that_has_ended_is_taken_out() {
    let store = MemoryStore::default();
    let csv = b"IP,Rule,Expires\n192.0.2.1,Allow,\n192.0.2.2,Allow,1970-01-01T00:00:02Z\n";
    store.upload("uploads", "site.csv", csv);
    Run::new(&store, "first").all();
    for _ in 0..3 {
        store.tick();
    }
    assert_eq!(
        Run::new(&store, "second").all()["counts"],
        json!({"written": 1})
    );
    let site = store.text("sites", "site/.htaccess").unwrap();
    assert!(site.ends_with("Require ip 192.0.2.1\n"), "{site}");
    store.take_calls();
    Run::new(&store, "third").all();
    assert_eq!(changes(&store.take_calls()), Vec::<&String>::new());
}
