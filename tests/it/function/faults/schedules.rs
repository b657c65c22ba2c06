//! EventBridge Scheduler: the request that the client sends, failures of the service, and outputs that
//! are not written without their schedule.

use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_sdk_s3::config::Credentials;
use futures_util::future::LocalBoxFuture;
use htaccess_generator::function::schedule::{EventBridgeScheduler, Schedule, Scheduler};
use htaccess_generator::function::store::ObjectName;
use htaccess_generator::function::{Error, ErrorKind, Handler};
use htaccess_generator::time::Instant;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};

use super::http::{Fault, Request};
use super::server::Server;
use super::{CALLS, output, runtime, site, store};
use crate::function::handler::{put_event, settings};

const FUNCTION: &str = "arn:aws:lambda:eu-west-3:123456789012:function:htaccess";
const ROLE: &str = "arn:aws:iam::123456789012:role/scheduler";
const QUEUE: &str = "arn:aws:sqs:eu-west-3:123456789012:failures";
/// 2026-12-31T23:00:00Z.
const CHANGE: i64 = 1_798_758_000;

fn scheduler(url: &str, entries: &[(&str, &str)]) -> EventBridgeScheduler {
    let own = [
        ("AWS_ENDPOINT_URL_SCHEDULER", url),
        ("SCHEDULE_GROUP", "sites"),
        ("SCHEDULE_ROLE_ARN", ROLE),
    ];
    let credentials = Credentials::new("test", "test", None, None, "tests");
    EventBridgeScheduler::with_credentials(&settings(&[&own, entries].concat()), credentials)
        .unwrap()
}

fn schedule(key: &str) -> Schedule {
    let object = ObjectName {
        bucket: "uploads".to_owned(),
        key: key.to_owned(),
    };
    let change = Instant::from_seconds(CHANGE);
    Schedule::new(&object, change, change.plus_days(-30), FUNCTION)
}

fn create(server: &Server, schedule: &Schedule) -> Result<(), Error> {
    runtime().block_on(scheduler(&server.url, &[]).create(schedule))
}

fn is_create(request: &Request) -> bool {
    request.method == "POST" && request.path.starts_with("schedules/")
}

#[test]
fn a_schedule_is_created_with_everything_that_it_needs() {
    let server = Server::start();
    let schedule = schedule("clients/<é>.csv");
    let entries = [("SCHEDULE_FAILURE_QUEUE_ARN", QUEUE)];
    let scheduler = scheduler(&server.url, &entries);
    runtime().block_on(scheduler.create(&schedule)).unwrap();
    let mut created = server.schedules();
    let mut request = created.remove(&schedule.name()).unwrap();
    assert!(created.is_empty());
    let input = request["Target"]["Input"].take();
    let event: Value = serde_json::from_str(input.as_str().unwrap()).unwrap();
    let expected = json!({"schedule": {
        "bucket": "uploads", "key": "clients/<é>.csv", "at": "2026-12-31T23:00:00Z",
    }});
    assert_eq!(event, expected);
    let token = request.as_object_mut().unwrap().remove("ClientToken");
    assert!(token.is_some());
    let expected = json!({
        "ActionAfterCompletion": "DELETE",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "GroupName": "sites",
        "ScheduleExpression": "at(2026-12-31T23:00:00)",
        "ScheduleExpressionTimezone": "UTC",
        "Target": {
            "Arn": FUNCTION,
            "RoleArn": ROLE,
            "Input": null,
            "DeadLetterConfig": {"Arn": QUEUE},
            "RetryPolicy": {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185},
        },
    });
    assert_eq!(request, expected);
}

#[test]
fn a_schedule_that_exists_is_left_as_it_is() {
    let server = Server::start();
    create(&server, &schedule("a.csv")).unwrap();
    let before = server.schedules();
    create(&server, &schedule("a.csv")).unwrap();
    assert_eq!(server.schedules(), before);
    create(&server, &schedule("b.csv")).unwrap();
    assert_eq!(server.schedules().len(), 2);
}

#[test]
fn without_a_group_there_is_no_scheduler() {
    let credentials = Credentials::new("test", "test", None, None, "tests");
    assert!(EventBridgeScheduler::with_credentials(&settings(&[]), credentials).is_none());
}

#[test]
fn temporary_failures_are_fixed_by_retries() {
    for fault in [
        Fault::Status(429, "ThrottlingException"),
        Fault::Status(500, "InternalServerException"),
        Fault::ClosedBefore,
        Fault::ClosedAfter,
        Fault::Silent(Duration::from_mins(1)),
    ] {
        let server = Server::start();
        server.plan(move |_, number| if number == 0 { fault } else { Fault::None });
        let result = create(&server, &schedule("a.csv"));
        assert!(result.is_ok(), "{fault:?}: {result:?}");
        assert_eq!(server.schedules().len(), 1, "{fault:?}");
    }
}

#[test]
fn lasting_failures_are_reported_with_their_kind() {
    for (fault, kind) in [
        (
            Fault::Status(429, "ThrottlingException"),
            ErrorKind::Throttled,
        ),
        (
            Fault::Status(500, "InternalServerException"),
            ErrorKind::Unavailable,
        ),
        (
            Fault::Status(403, "AccessDeniedException"),
            ErrorKind::AccessDenied,
        ),
        (
            Fault::Status(404, "ResourceNotFoundException"),
            ErrorKind::NoSuchScheduleGroup,
        ),
        (
            Fault::Status(400, "ValidationException"),
            ErrorKind::ScheduleRefused,
        ),
        (
            Fault::Status(402, "ServiceQuotaExceededException"),
            ErrorKind::ScheduleQuota,
        ),
        (Fault::Status(400, "Other"), ErrorKind::BadRequest),
        (Fault::ClosedBefore, ErrorKind::Connection),
    ] {
        let server = Server::start();
        fail_to_create(&server, fault);
        let err = create(&server, &schedule("a.csv")).unwrap_err();
        assert_eq!(err.kind(), kind, "{fault:?}: {err}");
        let expected = format!("create the schedule sites/{}", schedule("a.csv").name());
        assert!(err.to_string().starts_with(&expected), "{err}");
        assert!(
            err.to_string().contains(" for s3://uploads/a.csv: "),
            "{err}"
        );
    }
}

/// Makes every request that creates a schedule fail.
fn fail_to_create(server: &Server, fault: Fault) {
    server.plan(move |request, _| {
        if is_create(request) {
            fault
        } else {
            Fault::None
        }
    });
}

/// A scheduler that a test can still inspect after a handler has received it.
#[derive(Clone)]
struct Shared(Rc<EventBridgeScheduler>);

impl Shared {
    fn new(server: &Server) -> Self {
        Self(Rc::new(scheduler(&server.url, &[])))
    }

    fn has_client(&self) -> bool {
        let shown = format!("{:?}", self.0);
        assert!(shown.contains("client: OnceCell("), "{shown}");
        !shown.contains("client: OnceCell(<uninit>)")
    }
}

impl Scheduler for Shared {
    fn create<'a>(&'a self, schedule: &'a Schedule) -> LocalBoxFuture<'a, Result<(), Error>> {
        self.0.create(schedule)
    }
}

/// Handles an event about the CSV with this much time left. Returns the status, or the kind of the error.
fn handle(server: &Server, scheduler: &Shared, time: Duration) -> Result<String, ErrorKind> {
    let handler = Handler::new(store(server), settings(&[])).unwrap();
    let handler = handler.with_scheduler(scheduler.clone());
    let deadline = SystemTime::now() + time;
    let mut context = Context::default();
    let since = deadline.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    context.deadline = since.as_millis().try_into().unwrap();
    FUNCTION.clone_into(&mut context.invoked_function_arn);
    let event = LambdaEvent::new(put_event(&["acme.csv"]), context);
    let response = runtime().block_on(handler.handle(event));
    let response = response.map_err(|err| err.kind())?;
    let answer = serde_json::to_value(response).unwrap();
    Ok(answer["results"][0]["status"].as_str().unwrap().to_owned())
}

const MINUTE: Duration = Duration::from_mins(1);
const DATED: &[u8] = b"IP,Rule,Expires\n192.0.2.1,Allow,\n192.0.2.7,Allow,2999-12-31\n";
const PREVIOUS: &str = "Require ip 9.9.9.9";
const RULES: &str = "Require ip 192.0.2.1 192.0.2.7";

#[test]
fn no_output_is_written_without_its_schedule() {
    let silent = Fault::Silent(MINUTE);
    std::thread::scope(|scope| {
        for (fault, time, kind) in [
            (
                Fault::Status(403, "AccessDeniedException"),
                MINUTE,
                ErrorKind::AccessDenied,
            ),
            (
                Fault::Status(429, "ThrottlingException"),
                MINUTE,
                ErrorKind::Throttled,
            ),
            (
                Fault::Status(500, "InternalServerException"),
                MINUTE,
                ErrorKind::Unavailable,
            ),
            (Fault::ClosedBefore, MINUTE, ErrorKind::Connection),
            (silent, Duration::from_secs(3), ErrorKind::OutOfTime),
        ] {
            scope.spawn(move || {
                let server = site();
                server.upload("uploads/acme.csv", DATED);
                let report = server.text("reports/acme.csv.html");
                fail_to_create(&server, fault);
                let scheduler = Shared::new(&server);
                assert_eq!(handle(&server, &scheduler, time), Err(kind), "{fault:?}");
                assert_eq!(output(&server), PREVIOUS, "{fault:?}");
                assert_eq!(server.text("reports/acme.csv.html"), report, "{fault:?}");
                assert!(server.schedules().is_empty(), "{fault:?}");

                server.plan(|_, _| Fault::None);
                let again = handle(&server, &scheduler, MINUTE);
                assert_eq!(again.as_deref(), Ok("written"), "{fault:?}");
                assert_eq!(output(&server), RULES, "{fault:?}");
                assert_eq!(server.schedules().len(), 1, "{fault:?}");
            });
        }
    });
}

#[test]
fn a_schedule_that_took_effect_without_an_answer_is_no_failure() {
    let server = site();
    server.upload("uploads/acme.csv", DATED);
    let first = Mutex::new(true);
    server.plan(move |request, _| {
        let is_first = is_create(request) && std::mem::take(&mut *first.lock().unwrap());
        if is_first {
            Fault::ClosedAfter
        } else {
            Fault::None
        }
    });
    let scheduler = Shared::new(&server);
    // The client tries again, and the second request gets a conflict.
    let status = handle(&server, &scheduler, MINUTE);
    assert_eq!(status.as_deref(), Ok("written"));
    assert_eq!(output(&server), RULES);
    assert_eq!(server.schedules().len(), 1);
}

#[test]
fn an_unchanged_output_without_a_schedule_is_a_failure_that_a_retry_mends() {
    let server = site();
    server.upload("uploads/acme.csv", DATED);
    let scheduler = Shared::new(&server);
    handle(&server, &scheduler, MINUTE).unwrap();
    server.delete_schedules();
    fail_to_create(&server, Fault::Status(403, "AccessDeniedException"));
    let failed = handle(&server, &scheduler, MINUTE);
    assert_eq!(failed, Err(ErrorKind::AccessDenied));
    assert_eq!(output(&server), RULES);
    server.plan(|_, _| Fault::None);
    let status = handle(&server, &scheduler, MINUTE);
    assert_eq!(status.as_deref(), Ok("unchanged"));
    assert_eq!(server.schedules().len(), 1);
}

#[test]
fn a_csv_without_dates_makes_no_request_and_no_client() {
    let server = site();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    server.plan(move |request, _| {
        let call = (request.method.clone(), request.path.clone());
        log.lock().unwrap().push(call);
        Fault::None
    });
    let scheduler = Shared::new(&server);
    handle(&server, &scheduler, MINUTE).unwrap();
    let mut found = asked.lock().unwrap().clone();
    found.sort_unstable();
    // The input is read twice, because both uploads have the same second. The published
    // version is read as well.
    let expected = CALLS.into_iter().chain([("GET", "uploads/acme.csv"); 2]);
    let expected = expected.map(|(method, path)| (method.to_owned(), path.to_owned()));
    let mut expected: Vec<(String, String)> = expected.collect();
    expected.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!(output(&server), "Require ip 172.100.2.11 192.168.1.10");
    assert!(!scheduler.has_client());

    server.upload("uploads/acme.csv", DATED);
    handle(&server, &scheduler, MINUTE).unwrap();
    assert!(scheduler.has_client());
}
