//! The behaviour of EventBridge Scheduler. An *alarm* is one of its schedules. An alarm calls at any
//! time after it is due, and perhaps twice. Its name stays in use after the call, because the service
//! does not document when it deletes a schedule. A schedule for a time in the past is refused.
//!
//! The word *alarm* distinguishes these schedules from the schedules of the model, which
//! are sequences of moves.

use htaccess_generator::function::ErrorKind;
use htaccess_generator::function::schedule::Schedule;

use super::buckets::{Answer, Bend, Failure, Object};
use super::promise::source_key;
use super::scenario::KEYS;
use super::world::{Cause, Delivery, Model, World};

/// The time of the clock before the first step: 2027-01-15T08:00:00Z.
pub(crate) const START: i64 = 1_800_000_000;
/// The time that passes in a `Step::Wait`, in seconds.
pub(crate) const WAIT_SECONDS: i64 = 120;
const MINUTE_SECONDS: i64 = 60;

/// A schedule of EventBridge Scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Alarm {
    /// The index of the CSV's key.
    pub(crate) key: usize,
    /// The time of the call, in seconds since 1970.
    pub(crate) at: i64,
    /// True after the first call.
    pub(crate) has_called: bool,
}

/// Returns the time at which the next row of an object starts or ends, in seconds since 1970. `None` if
/// no row starts or ends later.
pub(crate) fn holds_until(object: &Object) -> Option<i64> {
    object
        .metadata
        .get("holds-until")
        .map(|end| end.parse().unwrap())
}

impl Model {
    /// Creates an alarm as the service does.
    pub(crate) fn set_alarm(&self, world: &mut World, schedule: &Schedule) -> Answer {
        let alarm = Alarm {
            key: KEYS
                .iter()
                .position(|key| *key == schedule.object.key)
                .unwrap(),
            at: schedule.at.seconds(),
            has_called: false,
        };
        let is_same = |other: &Alarm| (other.key, other.at) == (alarm.key, alarm.at);
        if world.alarms.iter().any(is_same) {
            return Answer::Scheduled;
        }
        if alarm.at <= self.now(world) {
            return Answer::Failed(Failure(ErrorKind::ScheduleRefused));
        }
        if self.scenario.bend == Bend::OneAlarmForEachKey {
            world.alarms.retain(|other| other.key != alarm.key);
        }
        world.alarms.push(alarm);
        world.alarms.sort_unstable();
        Answer::Scheduled
    }

    /// Returns the indexes of the alarms that can call now.
    pub(crate) fn due_alarms(&self, world: &World) -> impl Iterator<Item = usize> {
        let (now, may_repeat) = (self.now(world), world.echoes_left > 0);
        let is_due = move |alarm: &Alarm| alarm.at <= now && (!alarm.has_called || may_repeat);
        let alarms = world.alarms.iter().enumerate();
        let due = alarms.filter(move |(_, alarm)| is_due(alarm));
        due.map(|(index, _)| index).collect::<Vec<_>>().into_iter()
    }

    /// Returns whether an alarm is due but has not called yet.
    pub(crate) fn is_alarm_late(&self, world: &World) -> bool {
        let mut due = self.due_alarms(world);
        due.any(|index| !world.alarms[index].has_called)
    }

    /// Makes an alarm call.
    pub(crate) fn ring(&self, world: &mut World, index: usize) {
        let alarm = &mut world.alarms[index];
        world.echoes_left -= usize::from(alarm.has_called);
        alarm.has_called = true;
        let cause = Cause::Alarm(alarm.key, alarm.at);
        world.deliveries.push(Delivery {
            cause,
            at: Some(self.start(cause)),
            left: self.scenario.redeliveries,
        });
    }

    /// Checks that an alarm will call in time to replace the output, if the output is that of the
    /// newest CSV. Other pending events do not count.
    pub(crate) fn check_alarms(&self, world: &World) -> Result<(), String> {
        let Some(output) = self.output(world) else {
            return Ok(());
        };
        let (Some(end), Some(key)) = (holds_until(output), source_key(output)) else {
            return Ok(());
        };
        let newest = self.scenario.newest(key, world.steps_done);
        // If the next output must be approved, the event about the approval publishes it.
        if newest.is_some_and(|(_, csv)| self.needs_approval(world, csv)) {
            return Ok(());
        }
        if newest.map(|(step, _)| step) != output.rank {
            return Ok(());
        }
        let latest = end.max(self.now(world) + MINUTE_SECONDS);
        let latest = (latest + MINUTE_SECONDS - 1).div_euclid(MINUTE_SECONDS) * MINUTE_SECONDS;
        let is_handled = |alarm: &Alarm| {
            let cause = Cause::Alarm(key, alarm.at);
            let mut deliveries = world.deliveries.iter();
            alarm.has_called
                && !deliveries.any(|delivery| delivery.cause == cause && delivery.at.is_some())
        };
        let mut alarms = world.alarms.iter();
        if alarms.any(|alarm| alarm.key == key && alarm.at <= latest && !is_handled(alarm)) {
            return Ok(());
        }
        let seconds = end - START;
        Err(format!(
            "stale later: the output holds for {seconds} s, and no alarm is set"
        ))
    }
}
