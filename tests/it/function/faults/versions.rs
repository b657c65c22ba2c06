//! Reads of the published version by its id: the requests that the client sends, and the
//! meaning of the responses.

use std::sync::{Arc, Mutex};

use super::*;

/// Publishes the new CSV of a [`site`] while reads of the published version have this fault. Returns
/// the result and the report.
fn publish(fault: Fault, settings_of: &[(&str, &str)]) -> (Result<Value, ErrorKind>, String) {
    let server = site();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    server.plan(move |request, _| {
        if !request.query.contains("versionId=") {
            return Fault::None;
        }
        let call = format!("{} {}", request.method, request.path);
        log.lock().unwrap().push((call, request.query.clone()));
        fault
    });
    let handler = Handler::new(store(&server), settings(settings_of)).unwrap();
    let event = LambdaEvent::new(put_event(&["acme.csv"]), Context::default());
    let response = runtime().block_on(handler.handle(event));
    let seen = seen.lock().unwrap();
    assert!(!seen.is_empty(), "nothing asked for a version");
    for (call, query) in seen.iter() {
        assert_eq!(call, "GET uploads/acme.csv");
        assert!(query.contains("versionId=v0"), "{query}");
    }
    let answer = response.map(|response| serde_json::to_value(response).unwrap());
    let report = server.text("reports/acme.csv.html").unwrap();
    (answer.map_err(|err| err.kind()), report)
}

#[test]
fn a_version_that_is_gone_is_told_from_one_that_cannot_be_read() {
    let gone = "the previous version of the CSV no longer exists";
    let failed = "the previous version of the CSV could not be read";
    for (fault, expected) in [
        (Fault::Status(404, "NoSuchVersion"), gone),
        (Fault::Status(400, "InvalidArgument"), gone),
        (Fault::Status(403, "AccessDenied"), failed),
        (Fault::Status(500, "InternalError"), failed),
    ] {
        let (answer, report) = publish(fault, &[]);
        assert_eq!(answer.unwrap()["results"][0]["status"], "written");
        assert!(report.contains(expected), "{expected}: {report}");
    }
}

#[test]
fn a_hold_needs_the_version_that_cannot_be_read() {
    let hold = [("HOLD_ABOVE", "30")];
    let (answer, _) = publish(Fault::Status(404, "NoSuchVersion"), &hold);
    assert_eq!(answer.unwrap()["results"][0]["status"], "held");
    let (answer, _) = publish(Fault::Status(403, "AccessDenied"), &hold);
    assert_eq!(answer, Err(ErrorKind::AccessDenied));
}
