//! A one-time schedule: its time, its name, and the event that the function receives.
//!
//! EventBridge Scheduler calls the function at any second of the minute for which a schedule is set
//! (<https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html>). It does not document
//! whether it accepts a time in the past. A schedule is therefore set for a whole minute that is not before
//! the change, and far enough ahead that the request cannot arrive too late.

use serde_json::json;

use crate::function::digest::digest_of;
use crate::function::store::ObjectName;
use crate::time::Instant;

/// The precision of a schedule, in seconds.
const MINUTE_SECONDS: i64 = 60;
/// The minimum time between now and a schedule's call, in seconds. It is longer than a request takes, and
/// longer than the difference between two clocks. If a schedule with the same time already exists, it has
/// therefore not called the function yet.
const MIN_DELAY_SECONDS: i64 = 60;
/// The maximum time between now and a schedule's call, in seconds: about a year. AWS does not document how
/// far ahead a schedule can be, and a CSV may contain 2999-12-31. If the function is called before the
/// change, it finds the output unchanged and creates the next schedule.
const MAX_DELAY_SECONDS: i64 = 366 * 86_400;
/// The step between possible call times for changes that are more than [`MAX_DELAY_SECONDS`] ahead, in
/// seconds. The step limits the number of such schedules for one CSV to 13 in a year.
const FAR_STEP_SECONDS: i64 = 30 * 86_400;

/// A one-time schedule, which calls the function about a CSV.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The CSV that the call is about.
    pub object: ObjectName,
    /// The time of the call, which is a whole minute.
    pub at: Instant,
    /// The ARN of the function, without a version or an alias.
    pub function_arn: String,
}

impl Schedule {
    /// Creates the schedule for the next change of a CSV. `now` is the current time.
    ///
    /// A version or an alias in `function_arn` is removed, because the scheduler may call only the function
    /// without a version or an alias.
    #[must_use]
    pub fn new(object: &ObjectName, change: Instant, now: Instant, function_arn: &str) -> Self {
        Self {
            object: object.clone(),
            at: call_instant(change, now),
            function_arn: unqualified(function_arn).to_owned(),
        }
    }

    /// Returns the name, which consists of a digest of the bucket and the key, and of the time of the call.
    /// An example is `0123456789abcdef0123456789abcdef-20261231T230000Z`.
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

    /// Returns the schedule expression in UTC, such as `at(2026-12-31T23:00:00)`.
    #[must_use]
    pub fn expression(&self) -> String {
        format!("at({})", self.at.to_string().trim_end_matches('Z'))
    }

    /// Returns the event that the function receives. `event.rs` parses it.
    ///
    /// EventBridge Scheduler replaces keywords such as `<aws.scheduler.schedule-arn>` in the event. A key can
    /// contain such a keyword, so `<` is escaped.
    #[must_use]
    pub fn event(&self) -> String {
        let ObjectName { bucket, key } = &self.object;
        let event = json!({"schedule": {"bucket": bucket, "key": key, "at": self.at}});
        event.to_string().replace('<', "\\u003c")
    }
}

/// Returns the time of the call: the first whole minute that is neither before the change nor less than
/// [`MIN_DELAY_SECONDS`] ahead. If the change is more than [`MAX_DELAY_SECONDS`] ahead, returns an earlier
/// time.
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

/// Returns the ARN of a function without its version or alias, which would be the eighth part of the ARN.
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
