//! The client of EventBridge Scheduler: the request that it sends, and failures of the service.

use std::time::Duration;

use aws_sdk_s3::config::Credentials;
use htaccess_generator::function::schedule::{EventBridgeScheduler, Schedule, Scheduler};
use htaccess_generator::function::store::ObjectName;
use htaccess_generator::function::{Error, ErrorKind};
use htaccess_generator::time::Instant;
use serde_json::{Value, json};

use super::runtime;
use super::server::{Fault, Request, Server};
use crate::function::handler::settings;

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
        server.plan(move |request, _| {
            if is_create(request) {
                fault
            } else {
                Fault::None
            }
        });
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
