//! Big changes are held until somebody approves exactly these changes, with buckets in memory.

use serde_json::Value;

use crate::function::handler::{event, handle_with, put_event};
use crate::function::memory_store::MemoryStore;

const SITE: &str = "clients/acme.csv";
const OUTPUT: &str = "clients/acme/.htaccess";
const REPORT: &str = "clients/acme.csv.html";
const APPROVAL: &str = "approvals/clients/acme.csv";
const HOLD: [(&str, &str); 1] = [("HOLD_ABOVE", "30")];

/// Returns a CSV with networks that are not adjacent.
fn networks(numbers: std::ops::Range<u32>) -> String {
    let rows = numbers.map(|number| format!("10.0.{number}.0/25,Allow\n"));
    format!("IP,Rule\n{}", rows.collect::<String>())
}

fn publish_as(store: &MemoryStore, key: &str, csv: &str, settings: &[(&str, &str)]) -> Value {
    store.tick();
    store.upload("uploads", key, csv.as_bytes());
    event(store, key, settings)
}

fn publish(store: &MemoryStore, csv: &str) -> Value {
    publish_as(store, SITE, csv, &HOLD)
}

/// Uploads an approval, and returns the answer of its event.
fn approve(store: &MemoryStore, content: &[u8]) -> Value {
    store.tick();
    store.upload("uploads", APPROVAL, content);
    event(store, APPROVAL, &HOLD)
}

fn output(store: &MemoryStore) -> (String, String) {
    let object = store.object("sites", OUTPUT).unwrap();
    (
        String::from_utf8(object.bytes).unwrap(),
        object.head.version_id,
    )
}

/// Returns a store with a site of 20 networks.
fn published() -> MemoryStore {
    let store = MemoryStore::default();
    assert_eq!(publish(&store, &networks(0..20))["status"], "written");
    store
}

#[track_caller]
fn held(store: &MemoryStore, answer: &Value, before: &(String, String)) -> String {
    assert_eq!(answer["status"], "held", "{answer}");
    assert_eq!(answer["code"], "change-held");
    assert_eq!(output(store), *before);
    let code = answer["approval"].as_str().unwrap().to_owned();
    assert_eq!(code.len(), 8);
    let report = store.text("reports", REPORT).unwrap();
    assert!(
        report.contains(&code) && report.contains("Held"),
        "{report}"
    );
    code
}

#[test]
fn ordinary_changes_are_published_at_once() {
    let store = published();
    for csv in [
        networks(0..21),
        networks(0..16),
        networks(0..16).replace("IP,Rule\n", "IP,Rule,Comment\n# a comment\n"),
        networks(0..12),
        networks(0..12),
    ] {
        let answer = publish(&store, &csv);
        assert_eq!(answer["status"], "written", "{answer}");
        assert!(answer.get("approval").is_none() && answer["code"].is_null());
    }
    let small = MemoryStore::default();
    publish(&small, "IP,Rule\n192.0.2.1,Allow\n");
    let answer = publish(&small, "IP,Rule\n192.0.2.7,Allow\n192.0.2.9,Allow\n");
    assert_eq!(answer["status"], "written", "{answer}");
}

#[test]
fn a_big_change_is_held_and_the_old_output_stays() {
    for (csv, reason) in [
        (networks(0..2), "lose access are 90%"),
        (
            format!("{}all,Allow\n", networks(0..20)),
            "opens to everybody",
        ),
        (
            format!("{}192.0.2.9,Deny\nall,Allow\n", networks(0..20)),
            "opens to everybody",
        ),
        ("IP,Rule\n192.0.2.1,Deny\n".to_owned(), "nobody gets in"),
        (networks(0..60), "gain access are 200%"),
    ] {
        let store = published();
        let before = output(&store);
        let answer = publish(&store, &csv);
        held(&store, &answer, &before);
        let message = answer["message"].as_str().unwrap();
        assert!(
            message.contains(reason) && message.contains(APPROVAL),
            "{message}"
        );
        assert!(
            answer["change"]["gained"]["addresses"].is_string(),
            "{answer}"
        );
    }
}

#[test]
fn the_right_code_releases_exactly_its_change() {
    let store = published();
    let before = output(&store);
    let small = networks(0..2);
    let code = held(&store, &publish(&store, &small), &before);
    for wrong in [b"".as_slice(), b"00000000", &[0xff; 5000], b"\xff\xfe\0"] {
        let answer = approve(&store, wrong);
        assert_eq!(held(&store, &answer, &before), code);
        let message = answer["message"].as_str().unwrap();
        assert!(
            message.ends_with("(that file now contains a different code)"),
            "{message}"
        );
    }
    let answer = approve(&store, format!("\u{feff}\"{code}\"\r\n").as_bytes());
    assert_eq!(
        (&answer["status"], &answer["source"]),
        (&"written".into(), &SITE.into())
    );
    assert_eq!(answer["change"]["lost"]["networks"], 18);
    assert_eq!(
        store.last_line(OUTPUT),
        "Require ip 10.0.0.0/25 10.0.1.0/25"
    );
    assert!(store.text("reports", REPORT).unwrap().contains("Published"));
    let released = output(&store);
    for key in [APPROVAL, SITE] {
        assert_eq!(event(&store, key, &HOLD)["status"], "unchanged");
    }
    assert_eq!(output(&store), released);
}

#[test]
fn the_code_of_another_change_releases_nothing() {
    let store = published();
    let before = output(&store);
    let older = held(&store, &publish(&store, &networks(0..2)), &before);
    let newer = held(&store, &publish(&store, &networks(0..3)), &before);
    assert_ne!(older, newer);
    held(&store, &approve(&store, older.as_bytes()), &before);
    // An upload with the same rules is a different change.
    let again = held(&store, &publish(&store, &networks(0..2)), &before);
    assert_ne!(older, again);
    held(&store, &event(&store, SITE, &HOLD), &before);
}

/// In between, other rules are published. After that, the output has its earlier bytes and the CSV
/// its earlier version again.
#[test]
fn the_code_of_the_same_change_releases_nothing_after_another_publication() {
    let store = published();
    let before = output(&store);
    let code = held(&store, &publish(&store, &networks(0..2)), &before);
    let upload = store.object("uploads", SITE).unwrap();
    assert_eq!(publish(&store, &networks(0..19))["status"], "written");
    assert_eq!(publish(&store, &networks(0..20))["status"], "written");
    let now = output(&store);
    store.upload("uploads", SITE, &upload.bytes);
    store.set_version("uploads", SITE, &upload.head.version_id);
    let other = held(&store, &approve(&store, code.as_bytes()), &now);
    assert_ne!(code, other);
}

#[test]
fn an_approval_that_comes_before_its_change_waits_for_it() {
    let store = published();
    let before = output(&store);
    store.tick();
    store.upload("uploads", SITE, networks(0..2).as_bytes());
    let code = held(&store, &event(&store, SITE, &HOLD), &before);
    store.upload("uploads", APPROVAL, code.as_bytes());
    // The event about the approval is lost, and the event about the upload is repeated.
    assert_eq!(event(&store, SITE, &HOLD)["status"], "written");
}

#[test]
fn an_event_about_a_held_change_writes_nothing_again() {
    let store = published();
    publish(&store, &networks(0..2));
    store.take_calls();
    assert_eq!(event(&store, SITE, &HOLD)["status"], "held");
    let calls = store.take_calls();
    assert!(
        !calls.iter().any(|call| call.starts_with("PUT")),
        "{calls:?}"
    );
}

#[test]
fn rows_that_end_are_held_and_looked_at_again() {
    let store = MemoryStore::default();
    let rows = (0..20).map(|number| format!("10.0.{number}.0/25,Allow,1970-01-01T01:00:00Z\n"));
    let csv = format!(
        "IP,Rule,Expires\n192.0.2.1,Allow,\n192.0.2.3,Allow,1970-01-02\n{}",
        rows.collect::<String>()
    );
    let answer = publish(&store, &csv);
    assert_eq!(answer["next_change"], "1970-01-01T01:00:00Z");
    let before = output(&store);
    store.wait(2 * 3600);
    let answer = event(&store, SITE, &HOLD);
    let code = held(&store, &answer, &before);
    assert_eq!(answer["next_change"], "1970-01-03T00:00:00Z");
    assert_eq!(approve(&store, code.as_bytes())["status"], "written");
    assert_eq!(store.last_line(OUTPUT), "Require ip 192.0.2.1 192.0.2.3");
}

#[test]
fn a_changed_list_is_held_for_each_site() {
    let store = MemoryStore::default();
    let members = |numbers: std::ops::Range<u32>| {
        networks(numbers).replace(",Allow", "").replace(",Rule", "")
    };
    publish_as(&store, "lists/office.csv", &members(0..20), &HOLD);
    let csv = "IP,Rule\n192.0.2.1,Allow\n@office,Allow\n";
    assert_eq!(publish(&store, csv)["status"], "written");
    let before = output(&store);
    let answer = publish_as(&store, "lists/office.csv", &members(0..1), &HOLD);
    assert_eq!(answer["status"], "written", "a list itself is not held");
    let answer = event(&store, SITE, &HOLD);
    let code = held(&store, &answer, &before);
    assert_eq!(answer["change"]["lost"]["networks"], 19);
    assert_eq!(approve(&store, code.as_bytes())["status"], "written");
    assert_eq!(store.last_line(OUTPUT), "Require ip 10.0.0.0/25 192.0.2.1");
}

#[test]
fn a_change_of_the_default_policy_is_held() {
    let store = published();
    let before = output(&store);
    let settings = [HOLD[0], ("DEFAULT_POLICY", "allow")];
    held(&store, &event(&store, SITE, &settings), &before);
}

#[test]
fn a_change_that_nobody_can_compare_is_held() {
    let store = published();
    let before = output(&store);
    store.forget_versions("uploads", SITE);
    let answer = publish(&store, &networks(0..20));
    let code = held(&store, &answer, &before);
    let message = answer["message"].as_str().unwrap();
    assert!(
        message.contains("previous version cannot be read"),
        "{message}"
    );
    assert!(answer.get("change").is_none(), "{answer}");
    assert_eq!(approve(&store, code.as_bytes())["status"], "written");
    store.set_metadata("sites", OUTPUT, "source-key", "");
    assert_eq!(publish(&store, &networks(0..20))["status"], "held");
}

#[test]
fn an_approval_without_the_setting_only_looks_at_the_site() {
    let store = published();
    store.tick();
    store.upload("uploads", APPROVAL, b"x");
    let answer = event(&store, APPROVAL, &[]);
    assert_eq!(
        (&answer["status"], &answer["source"]),
        (&"unchanged".into(), &SITE.into())
    );
    assert!(store.keys("sites", "approvals").is_empty());
    let none = event(&store, "approvals/approvals/x.csv", &[]);
    assert_eq!(none["status"], "ignored");
    store.upload("uploads", "approvals/acme", b"x");
    assert_eq!(event(&store, "approvals/acme", &[])["code"], "not-csv");
}

/// A published version that cannot be read must not be treated like a version that no longer exists.
#[test]
fn a_hold_fails_if_the_version_in_force_cannot_be_read() {
    let store = published();
    let before = output(&store);
    store.upload("uploads", SITE, networks(0..19).as_bytes());
    let kind = htaccess_generator::function::ErrorKind::Unavailable;
    store.fail("GET v", kind);
    let (found, _) = handle_with(&store, &HOLD, put_event(&[SITE])).unwrap_err();
    assert_eq!(found, kind);
    assert_eq!(output(&store), before);
    store.mend();
    assert_eq!(event(&store, SITE, &HOLD)["status"], "written");
}

#[test]
fn a_hold_asks_for_the_version_in_force_while_the_new_one_arrives() {
    let store = published();
    store.tick();
    store.upload("uploads", SITE, networks(0..19).as_bytes());
    store.take_calls();
    event(&store, SITE, &HOLD);
    let calls = store.take_calls();
    let gets = calls.iter().filter(|call| call.starts_with("GET"));
    assert_eq!(gets.count(), 2, "{calls:?}");
    assert!(calls[3].starts_with("GET v"), "{calls:?}");
    assert_eq!(calls.len(), 6, "{calls:?}");
}
