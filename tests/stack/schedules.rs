//! Rows start and end without an upload: only the schedule sends an event, and a real Apache lets
//! in the right clients before and after the change.
//!
//! The local cloud stores schedules, calls the function when they are due, and deletes them, so the
//! test does not have to simulate EventBridge Scheduler. The local cloud does not enforce
//! permissions. `permissions` compares the calls with the role's grants, and
//! `tests/it/function/faults/schedules.rs` tests a denied call.

use std::time::{SystemTime, UNIX_EPOCH};

use htaccess_generator::time::Instant;
use serde_json::json;

use crate::apache::Apache;
use crate::cloud::{Cloud, wait_until};
use crate::http::Connection;

const KEY: &str = "timed/site.csv";
const OUTPUT: &str = "timed/site/.htaccess";
/// The client whose row ends at the change. The row of [`FROM`] starts at the same time.
const UNTIL: &str = "203.0.113.7";
const FROM: &str = "198.51.100.9";
/// The minimum time until the change, in seconds. A change that is due sooner is published up to a
/// minute late.
const MIN_SECONDS: i64 = 70;
const MINUTE_SECONDS: i64 = 60;

/// A published CSV whose next change is in the future.
pub(crate) struct Change {
    at: Instant,
    before: String,
    schedule: String,
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_secs().try_into().unwrap()
}

/// Publishes a CSV with two rows that change at the first whole minute after [`MIN_SECONDS`].
pub(crate) fn publish(cloud: &Cloud) -> Change {
    let minutes = (now() + MIN_SECONDS).div_euclid(MINUTE_SECONDS) + 1;
    let at = Instant::from_seconds(minutes * MINUTE_SECONDS);
    let rows = format!(
        "IP,Rule,Starts,Expires\n192.0.2.1,Allow,,\n{UNTIL},Allow,,{at}\n{FROM},Allow,{at},\n"
    );
    cloud.upload(KEY, &rows);
    let before = cloud.site(OUTPUT, |site| site.contains(UNTIL) && !site.contains(FROM));
    let answer = cloud.answer(KEY, |answer| answer["status"] == "written");
    assert_eq!(answer["next_change"], at.to_string(), "{answer}");
    let compact = at.to_string().replace(['-', ':'], "");
    let all = schedules(cloud);
    let mut found = all.iter().filter(|name| name.ends_with(&compact));
    let (Some(name), None) = (found.next(), found.next()) else {
        panic!("not one schedule for {compact}: {all:?}");
    };
    let group = ["--group-name", cloud.output("ScheduleGroup")];
    let ask = ["scheduler", "get-schedule", "--name", name];
    let schedule = cloud.json(&[&ask[..], &group[..]].concat());
    let expression = format!("at({})", at.to_string().trim_end_matches('Z'));
    assert_eq!(schedule["ScheduleExpression"], expression, "{schedule}");
    assert_eq!(schedule["ActionAfterCompletion"], "DELETE", "{schedule}");
    Change {
        at,
        before,
        schedule: name.clone(),
    }
}

/// Waits for the change. Only the schedule triggers the publication of its output, and the schedule
/// is deleted afterwards.
pub(crate) fn comes_by_itself(cloud: &Cloud, change: &Change) {
    let after = cloud.site(OUTPUT, |site| *site != change.before);
    assert!(
        now() >= change.at.seconds(),
        "published before {}",
        change.at
    );
    let answer = cloud.answer(KEY, |answer| answer["expired"] == 1);
    assert_eq!(answer["next_change"], json!(null), "{answer}");
    wait_until("the end of the schedule", || {
        let left = schedules(cloud);
        let is_left = left.contains(&change.schedule);
        (!is_left).then_some(()).ok_or(left)
    });
    let apache = Apache::start();
    let mut connection = Connection::to(apache.port());
    for (name, file, until, from) in [
        ("before", &change.before, 200, 403),
        ("after", &after, 403, 200),
    ] {
        let path = apache.put(name, file);
        for (client, expected) in [("192.0.2.1", 200), (UNTIL, until), (FROM, from)] {
            let status = connection.get(&path, client).unwrap().status;
            assert_eq!(status, expected, "{name}, {client}: {}", apache.errors());
        }
    }
    println!("{KEY}: rows ended and started at {}", change.at);
}

/// Returns the names of all schedules, including those of the samples.
fn schedules(cloud: &Cloud) -> Vec<String> {
    let group = ["--group-name", cloud.output("ScheduleGroup")];
    let list = ["scheduler", "list-schedules", "--query", "Schedules[].Name"];
    let names = cloud.json(&[&list[..], &group[..]].concat());
    serde_json::from_value(names).unwrap()
}
