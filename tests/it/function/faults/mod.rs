//! The real clients against a server that fails. Retries fix some failures, other failures are
//! reported, and no failure loses the previous output.

/// The checksum of an upload without a checksum from its client.
mod checksum;
pub(crate) mod http;
mod race;
mod schedules;
pub(crate) mod server;
mod versions;

use std::time::Duration;

use aws_sdk_s3::config::Credentials;
use htaccess_generator::function::store::{ObjectName, S3, Store};
use htaccess_generator::function::{ErrorKind, Handler};
use htaccess_generator::function::{FunctionSettings, TrustRoots, check_roots};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::Value;

use crate::function::handler::{ACME, put_event, settings};
use http::{Fault, Request};
use server::Server;

const OLD: &[u8] = b"IP,Rule\n9.9.9.9,Allow\n";

fn store(server: &Server) -> S3 {
    store_at(&server.url, TrustRoots::System)
}

fn store_at(url: &str, roots: TrustRoots) -> S3 {
    let settings = FunctionSettings {
        roots,
        ..settings(&[("AWS_ENDPOINT_URL_S3", url)])
    };
    S3::with_credentials(
        &settings,
        Credentials::new("test", "test", None, None, "tests"),
    )
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn handle(server: &Server, event: Value) -> Result<Value, ErrorKind> {
    handle_until(server, event, Context::default())
}

fn handle_until(server: &Server, event: Value, context: Context) -> Result<Value, ErrorKind> {
    let handler = Handler::new(store(server), settings(&[])).unwrap();
    let response = runtime().block_on(handler.handle(LambdaEvent::new(event, context)));
    match response {
        Ok(response) => Ok(serde_json::to_value(response).unwrap()),
        Err(err) => Err(err.kind()),
    }
}

/// Returns a server with a site whose output was generated from [`OLD`], and whose CSV is now [`ACME`].
fn site() -> Server {
    let server = Server::start();
    server.upload("uploads/acme.csv", OLD);
    handle(&server, put_event(&["acme.csv"])).unwrap();
    server.upload("uploads/acme.csv", ACME);
    server
}

fn output(server: &Server) -> String {
    let text = server.text("sites/acme/.htaccess").unwrap();
    text.trim_end().lines().last().unwrap().to_owned()
}

const CALLS: [(&str, &str); 5] = [
    ("HEAD", "sites/acme/.htaccess"),
    ("HEAD", "reports/acme.csv.html"),
    ("GET", "uploads/acme.csv"),
    ("PUT", "sites/acme/.htaccess"),
    ("PUT", "reports/acme.csv.html"),
];

fn is_call(request: &Request, (method, path): (&str, &str)) -> bool {
    request.method == method && request.path == path
}

#[test]
fn temporary_failures_are_fixed_by_retries() {
    let faults = [
        Fault::Status(503, "SlowDown"),
        Fault::Status(500, "InternalError"),
        Fault::ClosedBefore,
        Fault::ClosedAfter,
    ];
    for call in CALLS {
        for fault in faults {
            let server = site();
            let first = std::sync::atomic::AtomicBool::new(true);
            server.plan(move |request, _| {
                let hit = is_call(request, call)
                    && first.swap(false, std::sync::atomic::Ordering::SeqCst);
                if hit { fault } else { Fault::None }
            });
            let answer = handle(&server, put_event(&["acme.csv"]));
            assert!(answer.is_ok(), "{call:?} {fault:?}: {answer:?}");
            assert_eq!(
                output(&server),
                "Require ip 172.100.2.11 192.168.1.10",
                "{call:?} {fault:?}"
            );
            let report = server.text("reports/acme.csv.html").unwrap();
            assert!(
                report.contains("found 3"),
                "{call:?} {fault:?}: the report is not that of the new CSV"
            );
        }
    }
}

#[test]
fn an_input_that_arrived_damaged_is_read_again() {
    for fault in [Fault::Truncated, Fault::Corrupted] {
        let server = site();
        let gets = std::sync::atomic::AtomicU32::new(0);
        server.plan(move |request, _| {
            let is_get = is_call(request, ("GET", "uploads/acme.csv"));
            // The fault affects two rounds. The protocol reads twice in each round, because the order
            // of the uploads is uncertain.
            if is_get && gets.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 4 {
                fault
            } else {
                Fault::None
            }
        });
        handle(&server, put_event(&["acme.csv"])).unwrap();
        assert_eq!(
            output(&server),
            "Require ip 172.100.2.11 192.168.1.10",
            "{fault:?}"
        );
    }
}

/// These are the responses of S3 if a condition is not met, if the object is being written, or if
/// the object does not exist.
#[test]
fn a_write_that_meets_another_one_starts_again() {
    for call in [CALLS[3], CALLS[4]] {
        for (status, code) in [
            (412, "PreconditionFailed"),
            (409, "ConditionalRequestConflict"),
            (404, "NoSuchKey"),
        ] {
            let server = site();
            let first = std::sync::atomic::AtomicBool::new(true);
            server.plan(move |request, _| {
                let hit = is_call(request, call)
                    && first.swap(false, std::sync::atomic::Ordering::SeqCst);
                if hit {
                    Fault::Status(status, code)
                } else {
                    Fault::None
                }
            });
            let answer = handle(&server, put_event(&["acme.csv"]));
            assert!(answer.is_ok(), "{call:?} {code}: {answer:?}");
            assert_eq!(output(&server), "Require ip 172.100.2.11 192.168.1.10");
            let report = server.text("reports/acme.csv.html").unwrap();
            assert!(report.contains("found 3"), "{call:?} {code}");
        }
    }
}

#[test]
fn lasting_failures_are_reported_with_their_kind_and_keep_the_previous_output() {
    let faults = [
        (Fault::Status(503, "SlowDown"), ErrorKind::Throttled),
        (Fault::Status(500, "InternalError"), ErrorKind::Unavailable),
        (Fault::Status(403, "AccessDenied"), ErrorKind::AccessDenied),
        (Fault::Status(400, "InvalidRequest"), ErrorKind::BadRequest),
        (Fault::ClosedBefore, ErrorKind::Connection),
    ];
    let mut checks = Vec::new();
    for call in CALLS {
        for (fault, kind) in faults {
            checks.push((call, fault, kind));
        }
    }
    checks.push((CALLS[2], Fault::Truncated, ErrorKind::Damaged));
    checks.push((CALLS[2], Fault::Corrupted, ErrorKind::Damaged));
    checks.push((
        CALLS[2],
        Fault::Status(404, "NoSuchBucket"),
        ErrorKind::NoSuchBucket,
    ));
    checks.push((
        CALLS[3],
        Fault::Status(404, "NoSuchBucket"),
        ErrorKind::NoSuchBucket,
    ));
    std::thread::scope(|scope| {
        for (call, fault, kind) in checks {
            scope.spawn(move || {
                let server = site();
                server.plan(move |request, _| {
                    if is_call(request, call) {
                        fault
                    } else {
                        Fault::None
                    }
                });
                let answer = handle(&server, put_event(&["acme.csv"]));
                assert_eq!(answer, Err(kind), "{call:?} {fault:?}");
                let kept = output(&server) == "Require ip 9.9.9.9";
                // If the report cannot be written, the output is published anyway.
                let is_report = call == CALLS[4];
                assert!(kept != is_report, "{call:?} {fault:?}");
                server.plan(|_, _| Fault::None);
                handle(&server, put_event(&["acme.csv"])).unwrap();
                assert_eq!(output(&server), "Require ip 172.100.2.11 192.168.1.10");
                assert!(
                    server
                        .text("reports/acme.csv.html")
                        .unwrap()
                        .contains("found 3"),
                    "{call:?} {fault:?}"
                );
            });
        }
    });
}

#[test]
fn a_connection_that_stalls_is_closed_and_tried_again() {
    let server = site();
    let first = std::sync::atomic::AtomicBool::new(true);
    server.plan(move |request, _| {
        let hit =
            is_call(request, CALLS[3]) && first.swap(false, std::sync::atomic::Ordering::SeqCst);
        if hit {
            Fault::Silent(Duration::from_mins(1))
        } else {
            Fault::None
        }
    });
    handle(&server, put_event(&["acme.csv"])).unwrap();
    assert_eq!(output(&server), "Require ip 172.100.2.11 192.168.1.10");
}

/// The real client sends the checksum and requests it, for both forms of a write.
#[test]
fn an_output_that_was_edited_by_hand_is_written_again() {
    let server = site();
    let status = || {
        let answer = handle(&server, put_event(&["acme.csv"])).unwrap();
        answer["results"][0]["status"].clone()
    };
    assert_eq!(status(), "written");
    for _ in 0..3 {
        assert_eq!(status(), "unchanged");
        server.edit("sites/acme/.htaccess", b"Require all granted\n");
        assert_eq!(status(), "written");
        assert_eq!(output(&server), "Require ip 172.100.2.11 192.168.1.10");
    }
    assert!(server.counts().1 > 0, "no write used the other form");
}

#[test]
fn a_bucket_without_versions_is_noticed_by_the_missing_header() {
    let server = site();
    server.without_versions();
    let answer = handle(&server, put_event(&["acme.csv"]));
    assert_eq!(answer, Err(ErrorKind::UnversionedBucket));
    assert_eq!(output(&server), "Require ip 9.9.9.9");
}

#[test]
fn the_function_stops_before_lambda_would_end_it() {
    let server = site();
    server.plan(|request, _| {
        let is_output = is_call(request, CALLS[0]);
        if is_output {
            Fault::Silent(Duration::from_mins(1))
        } else {
            Fault::None
        }
    });
    let mut context = Context::default();
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    context.deadline = u64::try_from(now.as_millis()).unwrap() + 1500;
    let answer = handle_until(&server, put_event(&["acme.csv"]), context);
    assert_eq!(answer, Err(ErrorKind::OutOfTime));
    assert_eq!(output(&server), "Require ip 9.9.9.9");
}

#[test]
fn invalid_trust_roots_are_reported_before_a_call_is_made() {
    const PEM: &str = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/function/aws/amazon_roots.pem"
    );
    const TEXT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let check = |entries: &[(&str, &str)]| {
        let value = |asked: &str| {
            let own = entries.iter().find(|(name, _)| *name == asked);
            own.map(|(_, value)| (*value).to_owned())
        };
        check_roots(&settings(entries), value).map_err(|err| err.to_string())
    };
    assert_eq!(check(&[]), Ok(()), "Amazon's are built in");
    assert_eq!(check(&[("SSL_CERT_FILE", PEM)]), Ok(()));
    let without_tls = [
        ("AWS_ENDPOINT_URL_S3", "http://localhost:1"),
        ("SSL_CERT_FILE", TEXT),
    ];
    assert_eq!(check(&without_tls), Ok(()));
    for (name, value) in [
        ("SSL_CERT_FILE", "/nowhere.pem"),
        ("SSL_CERT_FILE", TEXT),
        ("SSL_CERT_DIR", "/nowhere"),
    ] {
        let said = check(&[(name, value)]).unwrap_err();
        let expected = format!("{name} is \"{}", value.chars().take(20).collect::<String>());
        assert!(said.starts_with(&expected), "{said}");
        assert!(
            said.contains("no certificate authority was found"),
            "{said}"
        );
        assert!(said.ends_with(": expected PEM text"), "{said}");
    }
}

/// The roots are parsed when the first connection is made. Invalid roots would cause a panic.
#[test]
fn trust_roots_of_any_source_are_read() {
    for roots in [TrustRoots::Amazon, TrustRoots::System] {
        let store = store_at("https://127.0.0.1:1", roots);
        let name = ObjectName {
            bucket: "sites".to_owned(),
            key: "a".to_owned(),
        };
        let err = runtime().block_on(store.head(&name)).unwrap_err();
        assert_eq!(err.kind(), ErrorKind::Connection);
    }
}
