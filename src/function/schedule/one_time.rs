//! A one-time schedule: its instant, its name, and the event with which it calls the function.
//!
//! EventBridge Scheduler calls within the minute of a schedule's instant, at any second
//! (<https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html>). It does not document
//! whether it accepts an instant in the past. So a schedule is at a whole minute, which is never before the
//! change and never so soon that the request could arrive too late.

use serde_json::json;

use crate::function::digest::digest_of;
use crate::function::store::ObjectName;
use crate::time::Instant;

/// The precision of a schedule, in seconds.
const MINUTE_SECONDS: i64 = 60;
/// The minimum time until a schedule's instant, in seconds. It is longer than the request takes, and
/// longer than two clocks differ. So a schedule that exists already has not called the function yet.
const MIN_DELAY_SECONDS: i64 = 60;
/// The maximum time until a schedule's instant, in seconds: about a year. AWS does not document how far in
/// the future a schedule can be, and a CSV may say 2999-12-31. A call that is too early finds the output
/// unchanged and creates the next schedule.
const MAX_DELAY_SECONDS: i64 = 366 * 86_400;
/// A schedule for a later change is at a multiple of this time, in seconds. So all calls of a year create
/// at most 13 of them.
const FAR_STEP_SECONDS: i64 = 30 * 86_400;

/// A one-time schedule: at an instant, the function looks at an object again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The CSV.
    pub object: ObjectName,
    /// The instant of the call, a whole minute.
    pub at: Instant,
    /// The ARN of the function.
    pub function_arn: String,
}

impl Schedule {
    /// Creates the schedule for the next change of a CSV. `now` is the present instant.
    ///
    /// `function_arn` may have a version or an alias, which is left out: the permission to call is for the
    /// function without one.
    #[must_use]
    pub fn new(object: &ObjectName, change: Instant, now: Instant, function_arn: &str) -> Self {
        Self {
            object: object.clone(),
            at: call_instant(change, now),
            function_arn: unqualified(function_arn).to_owned(),
        }
    }

    /// Returns the name: a digest of bucket and key, and the instant, as in
    /// `0123456789abcdef0123456789abcdef-20261231T230000Z`.
    #[must_use]
    pub fn name(&self) -> String {
        let mut name = digest_of(&[&self.object.bucket, &self.object.key]);
        name.push('-');
        name.extend(
            self.at
                .to_string()
                .chars()
                .filter(char::is_ascii_alphanumeric),
        );
        name
    }

    /// Returns the schedule expression, in UTC: `at(2026-12-31T23:00:00)`.
    #[must_use]
    pub fn expression(&self) -> String {
        format!("at({})", self.at.to_string().trim_end_matches('Z'))
    }

    /// Returns the event that the function receives, which `event.rs` reads.
    ///
    /// EventBridge Scheduler replaces keywords such as `<aws.scheduler.schedule-arn>` in it, which a key can
    /// contain, so `<` is escaped.
    #[must_use]
    pub fn event(&self) -> String {
        let ObjectName { bucket, key } = &self.object;
        let event = json!({"schedule": {"bucket": bucket, "key": key, "at": self.at}});
        event.to_string().replace('<', "\\u003c")
    }
}

/// Returns the first instant for a call that is not before the change, within the bounds.
fn call_instant(change: Instant, now: Instant) -> Instant {
    let far = now.plus_seconds(MAX_DELAY_SECONDS);
    if change > far {
        let last = far.seconds().div_euclid(FAR_STEP_SECONDS) * FAR_STEP_SECONDS;
        return Instant::from_seconds(last);
    }
    let first = change.max(now.plus_seconds(MIN_DELAY_SECONDS)).seconds();
    let minutes = first.div_euclid(MINUTE_SECONDS) + i64::from(first % MINUTE_SECONDS != 0);
    Instant::from_seconds(minutes * MINUTE_SECONDS)
}

/// Returns the ARN of a function without a version or an alias, which would be its eighth part.
fn unqualified(function_arn: &str) -> &str {
    match function_arn.match_indices(':').nth(6) {
        Some((end, _)) => function_arn.get(..end).unwrap_or(function_arn),
        None => function_arn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{Bound, DateReader};

    const FUNCTION: &str = "arn:aws:lambda:eu-west-3:123456789012:function:stack-Function-1";

    fn schedule(bucket: &str, key: &str, change: &str, now: &str) -> Schedule {
        let object = ObjectName {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
        };
        Schedule::new(&object, instant(change), instant(now), FUNCTION)
    }

    fn instant(text: &str) -> Instant {
        let mut dates = DateReader::default();
        dates.read(Bound::Starts, text).unwrap().unwrap()
    }

    #[test]
    fn calls_at_a_whole_minute_that_is_neither_before_the_change_nor_too_soon() {
        for (now, change, expected) in [
            (
                "2026-05-01T10:00:00Z",
                "2026-06-01T00:00:00Z",
                "2026-06-01T00:00:00Z",
            ),
            (
                "2026-05-01T10:00:00Z",
                "2026-06-01T00:00:01Z",
                "2026-06-01T00:01:00Z",
            ),
            (
                "2026-05-01T10:00:00Z",
                "2026-05-01T10:00:01Z",
                "2026-05-01T10:01:00Z",
            ),
            (
                "2026-05-01T10:00:01Z",
                "2026-05-01T10:01:00Z",
                "2026-05-01T10:02:00Z",
            ),
            (
                "2026-05-01T10:00:00Z",
                "2026-05-01T09:00:00Z",
                "2026-05-01T10:01:00Z",
            ),
            (
                "1960-05-01T10:00:00Z",
                "1960-05-01T10:30:01Z",
                "1960-05-01T10:31:00Z",
            ),
            (
                "2026-05-01T10:00:00Z",
                "2027-05-02T10:00:00Z",
                "2027-05-02T10:00:00Z",
            ),
        ] {
            let schedule = schedule("b", "k", change, now);
            assert_eq!(schedule.at.to_string(), expected, "{change} at {now}");
        }
    }

    #[test]
    fn a_change_in_the_far_future_has_few_schedules_before_it() {
        let mut seen = std::collections::BTreeSet::new();
        let start = instant("2026-05-01T10:00:00Z");
        let object = ObjectName {
            bucket: "b".to_owned(),
            key: "k".to_owned(),
        };
        for day in 0..366 {
            let now = start.plus_days(day);
            let schedule = Schedule::new(&object, Instant::MAX, now, FUNCTION);
            assert!(schedule.at > now.plus_days(300) && schedule.at <= now.plus_days(366));
            seen.insert(schedule.name());
        }
        assert!(seen.len() <= 13, "{seen:?}");
    }

    #[test]
    fn the_name_is_valid_and_tells_objects_and_instants_apart() {
        let (change, now) = ("2026-12-31T23:00:00Z", "2026-05-01T10:00:00Z");
        let one = schedule("uploads", "clients/é.csv", change, now);
        let name = one.name();
        assert!(name.ends_with("-20261231T230000Z"), "{name}");
        assert!(name.len() <= 64, "{name}");
        assert!(
            name.chars()
                .all(|char| char.is_ascii_alphanumeric() || "-_.".contains(char))
        );
        assert_eq!(one.expression(), "at(2026-12-31T23:00:00)");
        assert_eq!(
            one.name(),
            schedule("uploads", "clients/é.csv", change, now).name()
        );
        for other in [
            schedule("uploads", "clients/e.csv", change, now),
            schedule("uploadsclients", "/é.csv", change, now),
            schedule("uploads", "clients/é.csv", "2026-12-31T23:01:00Z", now),
        ] {
            assert_ne!(name, other.name(), "{other:?}");
        }
    }

    #[test]
    fn the_event_has_no_keyword_that_the_service_replaces() {
        let key = "<aws.scheduler.schedule-arn>\".csv";
        let schedule = schedule("b", key, "2026-12-31T23:00:00Z", "2026-05-01T10:00:00Z");
        let event = schedule.event();
        assert!(!event.contains('<'), "{event}");
        let read: serde_json::Value = serde_json::from_str(&event).unwrap();
        assert_eq!(read["schedule"]["key"], key);
        assert_eq!(read["schedule"]["at"], "2026-12-31T23:00:00Z");
    }

    #[test]
    fn the_function_is_called_without_a_version() {
        for suffix in ["", ":7", ":live"] {
            assert_eq!(unqualified(&format!("{FUNCTION}{suffix}")), FUNCTION);
        }
        assert_eq!(unqualified(""), "");
    }
}
