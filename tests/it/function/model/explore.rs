//! Visits all states that a scenario can reach, nearest first, so that each violation is found
//! with a shortest schedule.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::time::{Duration, Instant};

use super::alarms::{START, WAIT_SECONDS};
use super::buckets::{Answer, Call};
use super::scenario::{KEYS, Scenario, Step};
use super::world::{How, Model, Move, World};

/// The size of an exploration.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    pub(crate) states: usize,
    pub(crate) moves: usize,
    /// The number of states in which every event is finished.
    pub(crate) ends: usize,
    /// The number of paths from the first state to an end.
    pub(crate) schedules: u128,
    /// The number of histories of answers with which the code was run.
    pub(crate) histories: usize,
    pub(crate) took: Duration,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            states,
            moves,
            ends,
            schedules,
            histories,
            took,
        } = self;
        write!(
            f,
            "{states} states, {moves} moves, {ends} ends, {schedules} schedules, \
             {histories} histories run, {took:.1?}"
        )
    }
}

/// A broken promise, and the schedule that breaks it.
#[derive(Clone, Debug)]
pub(crate) struct Violation {
    pub(crate) what: String,
    pub(crate) schedule: Vec<Move>,
    pub(crate) text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.what, self.text)
    }
}

/// A hash function for small numbers, because states consist of small numbers.
pub(crate) type Quick = BuildHasherDefault<QuickHasher>;

#[derive(Default)]
pub(crate) struct QuickHasher(u64);

impl Hasher for QuickHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn write_isize(&mut self, number: isize) {
        self.write_u64(number.cast_unsigned() as u64);
    }
}

/// A state, the move that led to it, and the states that follow.
struct Seen {
    world: World,
    before: Option<(usize, Move)>,
    next: Vec<usize>,
    is_end: bool,
}

/// Visits all states of a scenario.
pub(crate) fn explore(scenario: &Scenario) -> Result<Figures, Violation> {
    let started = Instant::now();
    let mut model = Model::new(scenario.clone());
    let first = model.first();
    let mut numbers = HashMap::<World, usize, Quick>::default();
    numbers.insert(model.canonical(&first), 0);
    let mut seen = vec![Seen {
        world: first,
        before: None,
        next: Vec::new(),
        is_end: false,
    }];
    let mut at = 0;
    while at < seen.len() {
        for chosen in model.moves(&seen[at].world) {
            let mut world = seen[at].world.clone();
            let went = model.go(&mut world, chosen);
            went.map_err(|what| violation(&seen, at, Some(chosen), what, scenario))?;
            let number = *numbers.entry(model.canonical(&world)).or_insert(seen.len());
            if number == seen.len() {
                seen.push(Seen {
                    world,
                    before: Some((at, chosen)),
                    next: Vec::new(),
                    is_end: false,
                });
            }
            seen[at].next.push(number);
        }
        if model.is_end(&seen[at].world) {
            seen[at].is_end = true;
            let right = model.check_end(&seen[at].world);
            right.map_err(|what| violation(&seen, at, None, what, scenario))?;
        }
        at += 1;
    }
    Ok(Figures {
        states: seen.len(),
        moves: seen.iter().map(|seen| seen.next.len()).sum(),
        ends: seen.iter().filter(|seen| seen.is_end).count(),
        schedules: schedules(&seen),
        histories: model.learned.histories(),
        took: started.elapsed(),
    })
}

/// Returns the number of paths from the first state to an end. Every move uses something up, so no path
/// returns to an earlier state.
fn schedules(seen: &[Seen]) -> u128 {
    let mut ways: Vec<Option<u128>> = vec![None; seen.len()];
    let mut open = vec![0];
    while let Some(&at) = open.last() {
        let missing = seen[at].next.iter().filter(|next| ways[**next].is_none());
        let missing: Vec<usize> = missing.copied().collect();
        if missing.is_empty() {
            let own = u128::from(seen[at].is_end);
            let further = seen[at].next.iter().filter_map(|next| ways[*next]);
            ways[at] = Some(further.fold(own, u128::saturating_add));
            open.pop();
        } else {
            open.extend(missing);
        }
    }
    ways[0].unwrap()
}

fn violation(
    seen: &[Seen],
    end: usize,
    last: Option<Move>,
    what: String,
    scenario: &Scenario,
) -> Violation {
    let mut schedule: Vec<Move> = last.into_iter().collect();
    let mut at = end;
    while let Some((before, chosen)) = seen[at].before {
        schedule.push(chosen);
        at = before;
    }
    schedule.reverse();
    Violation {
        what,
        text: text_of(scenario, &schedule),
        schedule,
    }
}

/// Formats a schedule for people, with one move per line.
pub(crate) fn text_of(scenario: &Scenario, schedule: &[Move]) -> String {
    let mut model = Model::new(scenario.clone());
    let mut world = model.first();
    let mut lines: Vec<String> = (0..scenario.done_before)
        .map(|step| format!("{}, and published", step_text(scenario, step)))
        .collect();
    for chosen in schedule {
        let line = line_of(&mut model, &mut world, *chosen);
        lines.push(line);
    }
    let numbered = lines.iter().enumerate();
    let numbered: Vec<String> = numbered
        .map(|(number, line)| format!("{:3}. {line}", number + 1))
        .collect();
    numbered.join("\n")
}

fn step_text(scenario: &Scenario, step: usize) -> String {
    match scenario.steps[step] {
        Step::Upload(key, csv) => format!("step {step}: upload {csv:?} as {}", KEYS[key]),
        Step::Delete(key) => format!("step {step}: delete {}", KEYS[key]),
        Step::Purge(key) => format!("step {step}: delete the newest version of {}", KEYS[key]),
        Step::Template(template) => format!("step {step}: upload template {template:?}"),
        Step::Note => format!("step {step}: somebody reads the report"),
        Step::Approve => format!("step {step}: and approves what it shows"),
        Step::Tick => format!("step {step}: a second goes by"),
        Step::Wait => format!("step {step}: {WAIT_SECONDS} seconds go by"),
    }
}

/// Makes a move and describes it, even if the move breaks a promise.
fn line_of(model: &mut Model, world: &mut World, chosen: Move) -> String {
    let who = |index: usize| char::from(b'A' + u8::try_from(index).unwrap());
    match chosen {
        Move::Step => {
            let line = step_text(&model.scenario, world.steps_done);
            let _ = model.go(world, chosen);
            line
        }
        Move::Crash(index) => {
            let _ = model.go(world, chosen);
            format!("{} dies; its event will be delivered again", who(index))
        }
        Move::Ring(index) => {
            let alarm = world.alarms[index];
            let who = who(world.deliveries.len());
            let _ = model.go(world, chosen);
            format!("{who}: the alarm at {} s calls", alarm.at - START)
        }
        Move::Land(index) => {
            let (place, number) = world.in_flight[index];
            let call = model.learned.call(place, number);
            let _ = model.go(world, chosen);
            format!("in flight until now: {call}")
        }
        Move::Call(index, number, how) => {
            let at = world.deliveries[index].at.unwrap();
            let call = model.learned.call(at, number);
            let mut after = world.clone();
            let went = model.go(&mut after, chosen);
            let answer = answer_text(model, world, &after, (index, number), how);
            *world = after;
            let end = match went {
                Err(what) => format!(" <- {what}"),
                Ok(()) if world.deliveries[index].at.is_none() => "; it is done".to_owned(),
                Ok(()) => String::new(),
            };
            format!("{}: {call} -> {answer}{end}", who(index))
        }
    }
}

fn answer_text(
    model: &mut Model,
    before: &World,
    after: &World,
    (index, number): (usize, usize),
    how: How,
) -> String {
    let at = before.deliveries[index].at.unwrap();
    let call = model.learned.call(at, number);
    if let Call::Schedule(_) = *call {
        let is_set = before.alarms != after.alarms;
        return format!("{} ({how:?})", if is_set { "set" } else { "not set" });
    }
    let (mut before, mut after) = (before.buckets, after.buckets);
    let now = after.at(call.name()).map(|id| &**model.objects.get(id));
    let now = model.describe(now);
    let has_effect = before.at(call.name()) != after.at(call.name());
    match how {
        How::Served if !call.is_write() => match model.repeated_read(at, number) {
            Some(Answer::Found(id)) => model.describe(Some(model.objects.get(id).as_ref())),
            _ => now,
        },
        How::Served if has_effect => format!("now {now}"),
        How::Served => format!("conflict or no change ({now})"),
        How::FailsBefore(kind) => format!("fails without effect, {}", kind.code()),
        How::FailsAfter(kind) => format!("fails after its effect, {}: now {now}", kind.code()),
        How::FailsInFlight => "time-out, still in flight".to_owned(),
        How::ThenDies => format!("now {now}; dies before it hears; will be delivered again"),
        How::Conflicts => "409, another write under way".to_owned(),
        How::MeetsItself => format!("sent twice: now {now}, and answered 412"),
        How::Damaged => format!("{now}, but the bytes are damaged"),
    }
}
