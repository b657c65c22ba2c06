//! The behaviour of EventBridge Scheduler. An alarm is a schedule that calls once its instant has come: as
//! late as it likes, and perhaps twice. Its name stays in use after that, because the service does not say
//! when it deletes it. An instant in the past is refused.
//!
//! The word keeps these schedules apart from those of the model, which are orders of moves.

use htaccess_generator::function::ErrorKind;
use htaccess_generator::function::schedule::Schedule;

use super::buckets::{Answer, Bend, Failure, Object};
use super::promise::source_key;
use super::scenario::KEYS;
use super::world::{Cause, Delivery, Model, World};

/// The clock before the first step: 2027-01-15T08:00:00Z.
pub(crate) const START: i64 = 1_800_000_000;
/// The time that passes in a step, in seconds.
pub(crate) const WAIT_SECONDS: i64 = 120;
const MINUTE_SECONDS: i64 = 60;

/// A schedule of EventBridge Scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Alarm {
    /// The index of the key of the CSV.
    pub(crate) key: usize,
    /// The instant of the call, in seconds since 1970.
    pub(crate) at: i64,
    /// True from its first call on.
    pub(crate) has_called: bool,
}

/// The end of the time in which an object holds, in seconds since 1970.
pub(crate) fn holds_until(object: &Object) -> Option<i64> {
    object
        .metadata
        .get("holds-until")
        .map(|end| end.parse().unwrap())
}

impl Model {
    /// Creates an alarm like the service.
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

    /// The alarms that can call now, by their indexes.
    pub(crate) fn due_alarms(&self, world: &World) -> impl Iterator<Item = usize> {
        let (now, may_repeat) = (self.now(world), world.echoes_left > 0);
        let is_due = move |alarm: &Alarm| alarm.at <= now && (!alarm.has_called || may_repeat);
        let alarms = world.alarms.iter().enumerate();
        let due = alarms.filter(move |(_, alarm)| is_due(alarm));
        due.map(|(index, _)| index).collect::<Vec<_>>().into_iter()
    }

    /// Returns whether an alarm is due that has not called.
    pub(crate) fn is_alarm_late(&self, world: &World) -> bool {
        let mut due = self.due_alarms(world);
        due.any(|index| !world.alarms[index].has_called)
    }

    /// Lets an alarm call.
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

    /// Checks that an alarm will replace the output in time, if the output is that of the newest CSV. It
    /// does not matter whether anything else is going to look at it.
    pub(crate) fn check_alarms(&self, world: &World) -> Result<(), String> {
        let Some(output) = self.output(world) else {
            return Ok(());
        };
        let (Some(end), Some(key)) = (holds_until(output), source_key(output)) else {
            return Ok(());
        };
        let newest = self.scenario.newest(key, world.steps_done);
        // What comes after the end waits for a person, whose approval has an event.
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
