//! Events in, objects and answers out, with buckets in memory.

use htaccess_generator::function::FunctionSettings;
use htaccess_generator::function::{ErrorKind, Handler};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};

use crate::function::memory_store::MemoryStore;

pub(crate) const ACME: &[u8] =
    b"IP Address,Rule\n192.168.1.10,Allow\n172.100.2.11,Allow\n2.2.2,Allow\n1.1.1.1,Deny\n";

pub(crate) fn settings(entries: &[(&str, &str)]) -> FunctionSettings {
    FunctionSettings::read(|name| {
        let own = entries
            .iter()
            .find(|(entry, _)| *entry == name)
            .map(|(_, value)| (*value).to_owned());
        own.or(match name {
            "OUTPUT_BUCKET" => Some("sites".to_owned()),
            "REPORT_BUCKET" => Some("reports".to_owned()),
            _ => None,
        })
    })
    .unwrap()
}

pub(crate) fn put_event(keys: &[&str]) -> Value {
    let record = |key: &&str| {
        json!({
            "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": "uploads"}, "object": {"key": key}},
        })
    };
    json!({"Records": keys.iter().map(record).collect::<Vec<_>>()})
}

/// Returns the answer, or the `errorType` and the message.
pub(crate) fn handle_with(
    store: &MemoryStore,
    entries: &[(&str, &str)],
    event: Value,
) -> Result<Value, (ErrorKind, String)> {
    let handler = Handler::new(store, settings(entries)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let event = LambdaEvent::new(event, Context::default());
    match runtime.block_on(handler.handle(event)) {
        Ok(response) => Ok(serde_json::to_value(response).unwrap()),
        Err(err) => Err((err.kind(), err.to_string())),
    }
}

pub(crate) fn handle(store: &MemoryStore, event: Value) -> Value {
    handle_with(store, &[], event).unwrap()
}

/// Returns the result of an event about a key.
pub(crate) fn event(store: &MemoryStore, key: &str, settings: &[(&str, &str)]) -> Value {
    handle_with(store, settings, put_event(&[key])).unwrap()["results"][0].take()
}

pub(crate) fn statuses(answer: &Value) -> Vec<&str> {
    let results = answer["results"].as_array().unwrap();
    results
        .iter()
        .map(|result| result["status"].as_str().unwrap())
        .collect()
}

#[test]
fn publishes_an_upload_and_its_report_in_two_rounds() {
    let store = MemoryStore::default();
    store.upload("uploads", "clients/café 1+1.csv", ACME);
    let answer = handle(&store, put_event(&["clients/caf%C3%A9+1%2B1.csv"]));
    assert_eq!(answer["results"][0]["status"], "written");
    assert_eq!(answer["results"][0]["source"], "clients/café 1+1.csv");
    assert_eq!(answer["results"][0]["rejections"][0]["line"], 4);
    let output = store.text("sites", "clients/café 1+1/.htaccess").unwrap();
    assert!(
        output.ends_with("\nRequire ip 172.100.2.11 192.168.1.10\n"),
        "{output}"
    );
    assert_eq!(answer["results"][0]["bytes"], output.len());
    let report = store.text("reports", "clients/café 1+1.csv.html").unwrap();
    assert!(report.contains("expected 4 octets, found 3"), "{report}");
    for (bucket, key, expected) in [
        (
            "sites",
            "clients/café 1+1/.htaccess",
            "text/plain; charset=utf-8",
        ),
        (
            "reports",
            "clients/café 1+1.csv.html",
            "text/html; charset=utf-8",
        ),
    ] {
        let content_type = store.object(bucket, key).unwrap().content_type;
        assert_eq!(content_type, expected, "{key}");
    }
    assert_eq!(store.take_calls().len(), 5);
}

#[test]
fn warnings_name_the_lines_wherever_they_are_in_the_upload() {
    let store = MemoryStore::default();
    let repeated = "1.1.1.1,Allow\n1.1.1.1,Allow\n";
    let hosts: Vec<String> = (0..20_000u32)
        .map(|index| {
            format!(
                "{},Allow\n",
                std::net::Ipv4Addr::from_bits(index * 2 + (2 << 24))
            )
        })
        .collect();
    let hosts = hosts.concat();
    for (rows, expected) in [
        (repeated.to_owned(), "(line 3 repeats line 2)."),
        (
            format!("{repeated}{hosts}{repeated}"),
            "(line 3 repeats line 2, line 20004 repeats line 2 and line 20005 repeats line 2).",
        ),
        (
            format!("{hosts}{repeated}"),
            "(line 20003 repeats line 20002).",
        ),
    ] {
        store.upload("uploads", "a.csv", format!("IP,Rule\n{rows}").as_bytes());
        handle(&store, put_event(&["a.csv"]));
        let report = store.text("reports", "a.csv.html").unwrap();
        assert!(report.contains(expected), "{expected}: {report}");
    }
}

#[test]
fn answer_and_report_show_warnings() {
    let store = MemoryStore::default();
    store.upload(
        "uploads",
        "a.csv",
        b"IP,Rule\n10.0.0.0/7,Allow\n10.9.0.1,Deny\n",
    );
    let answer = handle(&store, put_event(&["a.csv"]));
    let warning = &answer["results"][0]["warnings"][0];
    assert_eq!(
        (&warning["code"], &warning["line"]),
        (&json!("wide-allow"), &json!(2))
    );
    let report = store.text("reports", "a.csv.html").unwrap();
    for part in [
        "<strong>A very large network is allowed.</strong> 10.0.0.0/7 is allowed and larger",
        "<code>10.0.0.0/7</code> gets in, except <code>10.9.0.1</code>.",
        "11.0.0.0/8: all 16,777,216 addresses allowed",
    ] {
        assert!(report.contains(part), "{part}: {report}");
    }
    let writes = store.take_calls().split_off(3);
    assert!(writes[0].starts_with("PUT s3://sites/"), "{writes:?}");
    assert!(writes[1].starts_with("PUT s3://reports/"), "{writes:?}");
}

#[test]
fn remembers_the_input_in_ascii_metadata() {
    let store = MemoryStore::default();
    store.upload("uploads", "é à.csv", ACME);
    handle(&store, put_event(&["%C3%A9+%C3%A0.csv"]));
    let metadata = store
        .object("sites", "é à/.htaccess")
        .unwrap()
        .head
        .metadata;
    assert_eq!(metadata["source-key"], "%C3%A9%20%C3%A0.csv");
    let etag = store.object("uploads", "é à.csv").unwrap().head.etag;
    assert_eq!(metadata["source-etag"], etag);
    assert_eq!(metadata["source-version"], "v1");
    assert_eq!(metadata["source-last-modified"], "0");
    assert_eq!(
        metadata["generator"],
        concat!("htaccess-generator/", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(metadata["settings"].len(), 32);
}

#[test]
fn a_duplicate_event_writes_nothing() {
    let store = MemoryStore::default();
    store.upload("uploads", "acme.csv", ACME);
    handle(&store, put_event(&["acme.csv"]));
    store.take_calls();
    let answer = handle(&store, put_event(&["acme.csv"]));
    assert_eq!(statuses(&answer), ["unchanged"]);
    assert_eq!(
        store.take_calls(),
        [
            "HEAD s3://sites/acme/.htaccess",
            "HEAD s3://reports/acme.csv.html",
            "GET s3://uploads/acme.csv"
        ]
    );
}

#[test]
fn changed_settings_write_the_output_again() {
    let store = MemoryStore::default();
    store.upload("uploads", "acme.csv", ACME);
    handle(&store, put_event(&["acme.csv"]));
    for setting in [("DEFAULT_POLICY", "allow"), ("TEMPLATE", "apache22")] {
        let answer = handle_with(&store, &[setting], put_event(&["acme.csv"])).unwrap();
        assert_eq!(statuses(&answer), ["written"], "{setting:?}");
    }
}

fn count_gets(store: &MemoryStore) -> usize {
    let calls = store.take_calls();
    calls.iter().filter(|call| call.starts_with("GET")).count()
}

#[test]
fn the_csv_is_read_again_if_the_order_of_two_uploads_in_one_second_is_uncertain() {
    let store = MemoryStore::default();
    store.upload("uploads", "acme.csv", ACME);
    handle(&store, put_event(&["acme.csv"]));
    store.upload("uploads", "acme.csv", b"IP,Rule\n9.9.9.9,Allow\n");
    store.take_calls();
    assert_eq!(
        statuses(&handle(&store, put_event(&["acme.csv"]))),
        ["written"]
    );
    // The last of these GETs reads the published version.
    assert_eq!(count_gets(&store), 3);
    store.tick();
    store.upload("uploads", "acme.csv", b"IP,Rule\n8.8.8.8,Allow\n");
    assert_eq!(
        statuses(&handle(&store, put_event(&["acme.csv"]))),
        ["written"]
    );
    assert_eq!(count_gets(&store), 2);
}

#[test]
fn publishing_starts_again_after_a_write_in_between() {
    for has_an_output in [false, true] {
        let store = MemoryStore::default();
        if has_an_output {
            store.upload("uploads", "acme.csv", b"IP,Rule\n8.8.8.8,Allow\n");
            handle(&store, put_event(&["acme.csv"]));
            store.tick();
        }
        store.upload("uploads", "acme.csv", ACME);
        store.upload_before_next_write("uploads", "acme.csv", b"IP,Rule\n9.9.9.9,Allow\n");
        store.upload_before_next_write("sites", "acme/.htaccess", b"another writer's");
        assert_eq!(
            statuses(&handle(&store, put_event(&["acme.csv"]))),
            ["written"]
        );
        let output = store.text("sites", "acme/.htaccess").unwrap();
        assert!(output.ends_with("Require ip 9.9.9.9\n"), "{output}");
    }
}

#[test]
fn every_record_is_processed_and_answers_keep_their_order() {
    let store = MemoryStore::default();
    store.upload("uploads", "a.csv", ACME);
    store.upload("uploads", "c.csv", b"no,such,column\n");
    let answer = handle(
        &store,
        put_event(&["a.csv", "b.csv", "c.csv", "..%2Fd.csv"]),
    );
    assert_eq!(statuses(&answer), ["written", "kept", "refused", "refused"]);
    assert_eq!(answer["results"][3]["code"], "unsafe-key");
}

#[test]
fn a_failed_record_does_not_affect_the_others() {
    let store = MemoryStore::default();
    store.upload("uploads", "a.csv", ACME);
    store.upload("uploads", "b.csv", ACME);
    store.fail("PUT s3://sites/a/", ErrorKind::Throttled);
    let (kind, message) = handle_with(&store, &[], put_event(&["a.csv", "b.csv"])).unwrap_err();
    assert_eq!(kind, ErrorKind::Throttled);
    assert_eq!(
        message,
        "PUT s3://sites/a/.htaccess: retrying may help (Throttled)"
    );
    assert!(store.text("sites", "b/.htaccess").is_some());
    store.mend();
    assert_eq!(
        statuses(&handle(&store, put_event(&["a.csv", "b.csv"]))),
        ["written", "unchanged"]
    );
}

#[test]
fn the_test_event_is_answered_without_a_call() {
    let store = MemoryStore::default();
    let test = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "uploads"});
    assert_eq!(statuses(&handle(&store, test)), ["ignored"]);
    assert!(store.take_calls().is_empty());
}

#[test]
fn the_bucket_that_is_read_is_never_written() {
    let store = MemoryStore::default();
    store.upload("uploads", "acme.csv", ACME);
    for bucket in ["OUTPUT_BUCKET", "REPORT_BUCKET"] {
        let (kind, _) =
            handle_with(&store, &[(bucket, "uploads")], put_event(&["acme.csv"])).unwrap_err();
        assert_eq!(kind, ErrorKind::SameBucket);
    }
    assert!(store.take_calls().is_empty());
}

#[test]
fn a_custom_template_is_read_once_and_checked_by_its_etag() {
    let store = MemoryStore::default();
    let handler =
        Handler::new(&store, settings(&[("TEMPLATE", "s3://templates/own.tera")])).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let publish = || {
        store.tick();
        store.upload("uploads", "acme.csv", ACME);
        let event = LambdaEvent::new(put_event(&["acme.csv"]), Context::default());
        serde_json::to_value(runtime.block_on(handler.handle(event)).unwrap()).unwrap()
    };
    let output = || store.text("sites", "acme/.htaccess");
    let missing = publish();
    assert_eq!(
        missing["results"][0]["message"],
        "the template s3://templates/own.tera does not exist"
    );
    store.upload("templates", "own.tera", b"one {{ allow.count }}");
    publish();
    assert_eq!(output().unwrap(), "one 2\n");
    publish();
    store.upload("templates", "own.tera", b"{% if");
    let broken = publish();
    assert_eq!(broken["results"][0]["code"], "bad-template");
    assert_eq!(output().unwrap(), "one 2\n");
    store.upload("templates", "own.tera", b"two {{ allow.count }}");
    publish();
    assert_eq!(output().unwrap(), "two 2\n");
    store.delete_object("templates", "own.tera");
    assert_eq!(publish()["results"][0]["status"], "refused");
}

#[test]
fn a_bad_setting_is_reported_with_its_name_its_value_and_the_allowed_values() {
    let cases = [
        (
            "DEFAULT_POLICY",
            "Deny!",
            "DEFAULT_POLICY is \"Deny!\": expected deny or allow",
        ),
        (
            "STRICT",
            "yes",
            "STRICT is \"yes\": expected deny, all or none",
        ),
        (
            "MAX_CSV_BYTES",
            "1MB",
            "MAX_CSV_BYTES is \"1MB\": expected a number of bytes, at least 1",
        ),
        (
            "TEMPLATE",
            "apache",
            "TEMPLATE is \"apache\": expected apache24, apache22, nginx, nginx-geo, haproxy, caddy, \
             nftables, aws-waf, plain, json or s3://bucket/key",
        ),
        (
            "OUTPUT_KEY",
            "{{ path }}",
            "OUTPUT_KEY is \"{{ path }}\": one output could be a folder of another output; end the key with a \
             file name or an extension, such as {{ path }}/.htaccess or {{ path }}.conf",
        ),
        (
            "AWS_ENDPOINT_URL_S3",
            "localhost:4566",
            "AWS_ENDPOINT_URL_S3 is \"localhost:4566\": expected a URL that starts with http:// or https://",
        ),
    ];
    for (name, value, expected) in cases {
        let lookup = |asked: &str| match asked {
            "OUTPUT_BUCKET" => Some("sites".to_owned()),
            asked => (asked == name).then(|| value.to_owned()),
        };
        assert_eq!(
            FunctionSettings::read(lookup).unwrap_err().to_string(),
            expected
        );
    }
    let unset = FunctionSettings::read(|_| None).unwrap_err().to_string();
    assert_eq!(
        unset,
        "OUTPUT_BUCKET is not set: expected the name of the bucket for outputs"
    );
}

/// A panic is a bug. It gets a stable `errorType`, and does not prevent the other
/// records from being published.
#[test]
fn a_panic_fails_its_record_alone() {
    let store = MemoryStore::default();
    for key in ["a.csv", "b.csv", "c.csv"] {
        store.upload("uploads", key, ACME);
    }
    store.fail("GET s3://uploads/b.csv", ErrorKind::Panic);
    let (kind, message) =
        handle_with(&store, &[], put_event(&["a.csv", "b.csv", "c.csv"])).unwrap_err();
    assert_eq!((kind, kind.code()), (ErrorKind::Panic, "Panic"));
    assert!(
        message.starts_with("publish s3://uploads/b.csv: "),
        "{message}"
    );
    assert!(!message.contains("GET"), "{message}");
    for (key, is_published) in [("a", true), ("b", false), ("c", true)] {
        let output = store.text("sites", &format!("{key}/.htaccess"));
        assert_eq!(output.is_some(), is_published, "{key}");
    }
    let own = [("TEMPLATE", "s3://templates/own.tera")];
    store.fail("GET s3://templates/own.tera", ErrorKind::Panic);
    let (kind, _) = handle_with(&store, &own, put_event(&["a.csv"])).unwrap_err();
    assert_eq!(kind, ErrorKind::Panic);
}
