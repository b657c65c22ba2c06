//! The state that a schedule changes: the contents of the buckets, the steps that are done, and the
//! place of each delivery of an event.

use std::collections::BTreeMap;

use htaccess_generator::function::ErrorKind;
use htaccess_generator::function::store::PutKind;

use super::alarms::{Alarm, START, WAIT_SECONDS};
use super::buckets::{Answer, Buckets, Call, Failure, Object, ObjectId, Objects};
use super::contents::{Csv, Custom, output_of, output_of_nobody, output_with};
use super::held::Held;
use super::invocation::{Ended, keep_version};
use super::learned::{Learned, Place};
use super::scenario::{KEYS, LIST, Scenario, Step};
use crate::function::memory_store::name;

/// The cause of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// The step with this index.
    Step(usize),
    /// The alarm of a key for a time.
    Alarm(usize, i64),
    /// A new version of the compiled list.
    FanOut,
}

/// An event that waits, is being processed, or is finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Delivery {
    pub(crate) cause: Cause,
    /// The place of the code that handles the event. `None` if the event has succeeded.
    pub(crate) at: Option<Place>,
    /// The number of times that the event can be delivered again.
    pub(crate) left: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) buckets: Buckets,
    pub(crate) steps_done: usize,
    pub(crate) deliveries: Vec<Delivery>,
    /// The alarms that were set, sorted.
    pub(crate) alarms: Vec<Alarm>,
    /// The writes that nothing waits for, each as the place of its invocation and the number of its call.
    pub(crate) in_flight: Vec<(Place, usize)>,
    pub(crate) conflicts_left: usize,
    /// The number of crashes and errors that can still happen, for all events together.
    pub(crate) failures_left: usize,
    /// The number of repeated calls that can still happen, for all alarms together.
    pub(crate) echoes_left: usize,
    pub(crate) held: Held,
}

/// The ways in which a call can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// The call succeeds.
    Served,
    /// The call fails without effect.
    FailsBefore(ErrorKind),
    /// The call fails after its effect.
    FailsAfter(ErrorKind),
    /// The call fails. Its effect may come later.
    FailsInFlight,
    /// The call takes effect, but the invocation crashes before the answer arrives.
    ThenDies,
    /// The answer is 409: another write was in progress.
    Conflicts,
    /// The answer is 412: the client sent the write twice, and the second request conflicted with the first.
    MeetsItself,
    /// The bytes that were read are damaged.
    Damaged,
}

/// A move, which changes the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    Step,
    Call(usize, usize, How),
    Crash(usize),
    /// A write in flight takes effect.
    Land(usize),
    /// An alarm calls.
    Ring(usize),
}

/// A scenario with its objects, the code under test, and the expected outputs.
pub(crate) struct Model {
    pub(crate) scenario: Scenario,
    pub(crate) objects: Objects,
    pub(crate) learned: Learned,
    /// The result of the last invocation that ended.
    pub(crate) last_end: Option<Ended>,
    /// The outputs of each CSV: the first is for the time before any wait, the next for the time after
    /// the first wait, and so on.
    pub(crate) good: BTreeMap<(usize, Csv, Option<Custom>), Vec<Vec<u8>>>,
    pub(crate) nobody: BTreeMap<(usize, Option<Custom>), Vec<u8>>,
    /// The output of the site that uses the list, for each content of the list.
    pub(crate) lists: BTreeMap<Csv, Vec<u8>>,
}

impl Model {
    pub(crate) fn new(scenario: Scenario) -> Self {
        let protocol = scenario.protocol;
        let customs = match scenario.template(0) {
            Some(_) => vec![Some(Custom::A), Some(Custom::B), Some(Custom::Broken)],
            None => vec![None],
        };
        let (mut good, mut nobody) = (BTreeMap::new(), BTreeMap::new());
        for (custom, key) in customs
            .iter()
            .flat_map(|custom| [(*custom, 0), (*custom, 1)])
        {
            nobody.insert((key, custom), output_of_nobody(protocol, custom, key));
            for csv in Csv::GOOD {
                if custom != Some(Custom::Broken) {
                    let outputs = csv.instants();
                    let outputs = outputs.map(|at| output_of(protocol, custom, key, csv, at));
                    good.insert((key, csv, custom), outputs.collect());
                }
            }
        }
        let lists = [Csv::ListA, Csv::ListB].map(|list| (list, output_with(protocol, Some(list))));
        let newest = scenario.newest(LIST, scenario.steps.len());
        let with_newest = output_with(protocol, newest.map(|(_, list)| list));
        good.insert((0, Csv::L, None), vec![with_newest]);
        Self {
            lists: lists.into(),
            learned: Learned::new(scenario.starts()),
            objects: Objects::default(),
            last_end: None,
            good,
            nobody,
            scenario,
        }
    }

    /// Replaces the scenario but keeps all known histories. The settings and the protocol must be the same.
    pub(crate) fn restart(&mut self, scenario: Scenario) {
        self.learned.let_go();
        self.scenario = scenario;
    }

    /// Returns the state before the schedule starts.
    pub(crate) fn first(&mut self) -> World {
        let mut world = World {
            buckets: Buckets::default(),
            steps_done: 0,
            deliveries: Vec::new(),
            alarms: Vec::new(),
            in_flight: Vec::new(),
            conflicts_left: 0,
            failures_left: self.scenario.failures_max,
            echoes_left: self.scenario.echoes,
            held: Held::default(),
        };
        self.put_template(&mut world);
        for step in 0..self.scenario.done_before {
            self.step(&mut world);
            let cause = Cause::Step(step);
            world.deliveries = vec![Delivery {
                cause,
                at: Some(self.start(cause)),
                left: 0,
            }];
            while let Some(at) = world.deliveries[0].at {
                let number = self.learned.waiting(at)[0].0;
                self.go(&mut world, Move::Call(0, number, How::Served))
                    .unwrap();
            }
        }
        let delivery = |step: &usize| Delivery {
            cause: Cause::Step(*step),
            at: Some(self.start(Cause::Step(*step))),
            left: self.scenario.redeliveries,
        };
        world.deliveries = self.scenario.events.iter().map(delivery).collect();
        world.conflicts_left = self.scenario.faults.conflicts;
        world
    }

    /// Normalises a state. States become equal if they differ only in the order of equal parts, in
    /// finished events, or in which of several equal events is at which place.
    pub(crate) fn canonical(&self, world: &World) -> World {
        let mut world = world.clone();
        let scenario = &self.scenario;
        world.deliveries.retain(|delivery| delivery.at.is_some());
        for delivery in &mut world.deliveries {
            if let Cause::Step(step) = delivery.cause
                && step < world.steps_done
            {
                let mut events = scenario.events.iter().filter(|other| **other <= step);
                let is_same =
                    |other: &&usize| scenario.start_of(**other) == scenario.start_of(step);
                delivery.cause = Cause::Step(*events.find(is_same).unwrap_or(&step));
            }
        }
        world.deliveries.sort_unstable();
        world.in_flight.sort_unstable();
        world
    }

    /// Returns the possible next moves.
    pub(crate) fn moves(&self, world: &World) -> Vec<Move> {
        let mut moves = Vec::new();
        if world.steps_done < self.scenario.steps.len() {
            moves.push(Move::Step);
        }
        let is_running = |at: Place| !self.learned.is_start(at);
        let deliveries = &world.deliveries;
        let running = deliveries
            .iter()
            .filter(|delivery| delivery.at.is_some_and(is_running));
        let is_full = running.count() >= self.scenario.environments;
        for (index, delivery) in deliveries.iter().enumerate() {
            let Some(at) = delivery.at else { continue };
            let is_early = matches!(delivery.cause, Cause::Step(step) if step >= world.steps_done);
            let waits = !is_running(at) && (is_early || is_full);
            if waits || deliveries[..index].contains(delivery) {
                continue;
            }
            for (number, call) in self.learned.waiting(at) {
                self.add_calls(&mut moves, world, index, *number, call);
            }
            if self.scenario.faults.crashes && may_fail(world, delivery) && is_running(at) {
                moves.push(Move::Crash(index));
            }
        }
        moves.extend((0..world.in_flight.len()).map(Move::Land));
        moves.extend(self.due_alarms(world).map(Move::Ring));
        moves
    }

    fn add_calls(
        &self,
        moves: &mut Vec<Move>,
        world: &World,
        delivery: usize,
        number: usize,
        call: &Call,
    ) {
        let faults = self.scenario.faults;
        let may_fail = may_fail(world, &world.deliveries[delivery]);
        let mut add = |how| moves.push(Move::Call(delivery, number, how));
        add(How::Served);
        if faults.errors && may_fail {
            add(How::FailsBefore(ErrorKind::Unavailable));
            if call.has_effect() {
                add(How::FailsAfter(ErrorKind::Connection));
            }
            if matches!(call, Call::Get(..)) {
                add(How::Damaged);
            }
        }
        if call.has_effect() && faults.crashes && may_fail {
            add(How::ThenDies);
        }
        if call.is_write() {
            if faults.in_flight && may_fail {
                add(How::FailsInFlight);
            }
            if world.conflicts_left > 0 {
                add(How::Conflicts);
                add(How::MeetsItself);
            }
        }
    }

    /// Makes a move. The error contains the promise that the move breaks.
    pub(crate) fn go(&mut self, world: &mut World, chosen: Move) -> Result<(), String> {
        match chosen {
            Move::Step => self.step(world),
            Move::Ring(index) => self.ring(world, index),
            Move::Crash(index) => {
                world.failures_left -= 1;
                self.crash(world, index);
            }
            Move::Land(index) => {
                let (place, number) = world.in_flight.remove(index);
                let call = self.learned.call(place, number);
                self.check_approved(world, place, &call)?;
                self.serve(world, &call)?;
            }
            Move::Call(index, number, how) => self.call(world, index, number, how)?,
        }
        self.check_alarms(world)
    }

    /// Returns the place at which the code for an event starts. An alarm starts the code for its key.
    pub(crate) fn start(&self, cause: Cause) -> Place {
        let number = match cause {
            Cause::Step(step) => self.scenario.start_of(step),
            Cause::Alarm(key, _) => key,
            Cause::FanOut => 0,
        };
        self.learned.start(number)
    }

    /// Returns the time of the code's clock. A tick is too short to matter.
    pub(crate) fn now(&self, world: &World) -> i64 {
        let steps = self.scenario.steps[..world.steps_done].iter();
        let waits = steps.filter(|step| **step == Step::Wait).count();
        START + i64::try_from(waits).unwrap() * WAIT_SECONDS
    }

    /// Returns the time of the clock for `Last-Modified`.
    pub(crate) fn clock(&self, steps_done: usize) -> i64 {
        let steps = self.scenario.steps[..steps_done].iter();
        let seconds = steps.map(|step| match step {
            Step::Tick => 1,
            Step::Wait => WAIT_SECONDS,
            _ => 0,
        });
        START + seconds.sum::<i64>()
    }

    fn step(&mut self, world: &mut World) {
        let step = world.steps_done;
        world.steps_done += 1;
        match self.scenario.steps[step] {
            Step::Upload(key, _) | Step::Delete(key) | Step::Purge(key) => {
                let newest = self.scenario.newest(key, world.steps_done);
                world.buckets.inputs[key] = newest.map(|(step, csv)| self.input(step, csv));
            }
            Step::Template(_) => self.put_template(world),
            Step::Note => self.note(world),
            Step::Approve => self.approve(world),
            Step::Tick | Step::Wait => {}
        }
    }

    fn input(&mut self, step: usize, csv: Csv) -> ObjectId {
        let versioned = self.scenario.versioned;
        let object = Object {
            etag: self.scenario.bend.etag_of(csv.bytes(), PutKind::Single),
            version_id: if versioned {
                format!("v{step}")
            } else {
                String::new()
            },
            last_modified: self.clock(step),
            metadata: BTreeMap::new(),
            bytes: csv.bytes().to_vec(),
            rank: versioned.then_some(step),
            as_of: None,
        };
        if let Some(key) = self.scenario.key_of(step) {
            keep_version(&name("uploads", KEYS[key]), &object);
        }
        self.objects.id(object)
    }

    fn put_template(&mut self, world: &mut World) {
        let newest = self.scenario.template(world.steps_done);
        world.buckets.template = newest.map(|template| {
            let bytes = template.text().as_bytes();
            self.objects.id(Object {
                etag: self.scenario.bend.etag_of(bytes, PutKind::Single),
                version_id: String::new(),
                last_modified: self.clock(world.steps_done),
                metadata: BTreeMap::new(),
                bytes: bytes.to_vec(),
                rank: None,
                as_of: None,
            })
        });
    }

    fn crash(&self, world: &mut World, index: usize) {
        let delivery = &mut world.deliveries[index];
        let at = delivery.at.unwrap();
        if self.scenario.faults.in_flight {
            let writes = self.learned.waiting(at).iter();
            let writes = writes.filter(|(_, call)| call.is_write());
            world
                .in_flight
                .extend(writes.map(|(number, _)| (at, *number)));
        }
        delivery.left -= 1;
        delivery.at = Some(self.start(delivery.cause));
    }

    fn call(
        &mut self,
        world: &mut World,
        index: usize,
        number: usize,
        how: How,
    ) -> Result<(), String> {
        let at = world.deliveries[index].at.unwrap();
        let call = self.learned.call(at, number);
        let failed = |kind| Answer::Failed(Failure(kind));
        if !matches!(
            how,
            How::FailsBefore(_) | How::FailsInFlight | How::Conflicts
        ) {
            self.check_approved(world, at, &call)?;
        }
        if !matches!(how, How::Served | How::Conflicts | How::MeetsItself) {
            world.failures_left -= 1;
        }
        let answer = match how {
            How::Served => match self.repeated_read(at, number) {
                Some(answer) => answer,
                None => self.serve(world, &call)?,
            },
            How::FailsBefore(kind) => failed(kind),
            How::FailsAfter(kind) => {
                self.serve(world, &call)?;
                failed(kind)
            }
            How::FailsInFlight => {
                world.in_flight.push((at, number));
                failed(ErrorKind::Connection)
            }
            How::ThenDies => {
                self.serve(world, &call)?;
                self.crash(world, index);
                return Ok(());
            }
            How::Conflicts => {
                world.conflicts_left -= 1;
                Answer::Conflict
            }
            How::MeetsItself => {
                world.conflicts_left -= 1;
                self.serve(world, &call)?;
                Answer::Conflict
            }
            How::Damaged => match self.serve(world, &call)? {
                Answer::Found(id) => Answer::Damaged(id),
                answer => answer,
            },
        };
        let answer = (answer, self.now(world));
        let next = self.learned.answer(&self.objects, at, number, answer);
        let delivery = &mut world.deliveries[index];
        delivery.at = Some(next);
        let ended = self.learned.ended(next).cloned();
        self.last_end = ended.clone().or(self.last_end.take());
        match ended {
            None => {}
            Some(Ended::Ok(_)) => (delivery.at, delivery.left) = (None, 0),
            // The schedule's time passed before the request arrived. The code starts again with a later
            // clock, so this comes to an end.
            Some(Ended::Err(ErrorKind::ScheduleRefused)) => {
                delivery.at = Some(self.start(delivery.cause));
            }
            Some(Ended::Err(kind)) if delivery.left == 0 => {
                return Err(format!("an invocation failed by itself: {}", kind.code()));
            }
            Some(Ended::Err(_)) => self.crash(world, index),
        }
        Ok(())
    }
}

/// Returns whether the handling of an event may fail now, because the event would be delivered again.
fn may_fail(world: &World, delivery: &Delivery) -> bool {
    delivery.left > 0 && world.failures_left > 0
}
