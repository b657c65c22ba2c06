//! Records what the code does after each history of answers. An invocation depends only on its answers,
//! so each history is run only once, whatever else happens. The order of answers does not matter while
//! the code only collects them (such as the answers to the HEAD and the GET of a round).

use std::collections::HashMap;
use std::rc::Rc;

use tokio::runtime::Runtime;

use htaccess_generator::function::store::ObjectName;

use super::buckets::{Answer, Call, ObjectId, Objects};
use super::explore::Quick;
use super::invocation::{Code, Ended, Invocation, Port, runtime};

/// The index of a state of an invocation in `Learned::known`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Place(usize);

/// Answers, each with the number of its call and its time.
type Answers = Vec<(usize, Timed)>;
/// An answer and its time, in seconds since 1970.
type Timed = (Answer, i64);
/// Starts the code under test.
pub(crate) type Start = Box<dyn Fn(Port) -> Code>;

struct Known {
    /// The last place at which the code made a call. `collected` has the answers since then.
    base: Place,
    collected: Answers,
    history: Answers,
    start: usize,
    waiting: Vec<(usize, Rc<Call>)>,
    ended: Option<Ended>,
    /// The invocation at this place, which can be continued once. For any other
    /// continuation, it must be run again.
    alive: Option<Invocation>,
}

pub(crate) struct Learned {
    starts: Vec<Start>,
    runtime: Runtime,
    known: Vec<Known>,
    next: HashMap<(Place, Answers), Place, Quick>,
}

impl Learned {
    /// Runs each start up to its first calls.
    pub(crate) fn new(starts: Vec<Start>) -> Self {
        let mut learned = Self {
            starts,
            runtime: runtime(),
            known: Vec::new(),
            next: HashMap::default(),
        };
        for start in 0..learned.starts.len() {
            let invocation = Invocation::start(&learned.runtime, &learned.starts[start]);
            learned.remember(Place(start), Vec::new(), Vec::new(), start, invocation);
        }
        learned
    }

    /// Drops all invocations, but keeps their histories.
    pub(crate) fn let_go(&mut self) {
        let alive = self.known.iter_mut().rev();
        alive.for_each(|known| known.alive = None);
    }

    /// Returns the place of the code directly after a start.
    pub(crate) fn start(&self, number: usize) -> Place {
        assert!(number < self.starts.len());
        Place(number)
    }

    pub(crate) fn is_start(&self, place: Place) -> bool {
        place.0 < self.starts.len()
    }

    pub(crate) fn waiting(&self, place: Place) -> &[(usize, Rc<Call>)] {
        &self.known[place.0].waiting
    }

    pub(crate) fn call(&self, place: Place, number: usize) -> Rc<Call> {
        let mut waiting = self.waiting(place).iter();
        Rc::clone(&waiting.find(|(waits, _)| *waits == number).unwrap().1)
    }

    pub(crate) fn ended(&self, place: Place) -> Option<&Ended> {
        self.known[place.0].ended.as_ref()
    }

    /// Returns the number of histories that were run.
    pub(crate) fn histories(&self) -> usize {
        self.known.len()
    }

    /// Returns the answer to the earlier read that a call repeats, for stores that repeat reads. `None`
    /// if the call repeats no read.
    pub(crate) fn first_read(
        &self,
        place: Place,
        number: usize,
        is_repeated: impl Fn(&Call, &Call) -> bool,
    ) -> Option<Answer> {
        let asked = self.call(place, number);
        let history = &self.known[place.0].history;
        (0..history.len()).find_map(|length| {
            let (number, (answer, _)) = history[length];
            let before = self.place_after(place, length);
            let is_read = matches!(answer, Answer::Found(_) | Answer::Missing);
            (is_read && is_repeated(&asked, &self.call(before, number))).then_some(answer)
        })
    }

    /// Returns the object that the last HEAD of a name found before a place. `None` if the object was
    /// missing, or if there was no HEAD.
    pub(crate) fn last_seen(&self, place: Place, name: &ObjectName) -> Option<ObjectId> {
        let history = &self.known[place.0].history;
        let seen = (0..history.len()).rev().find_map(|length| {
            let (number, (answer, _)) = history[length];
            let call = self.call(self.place_after(place, length), number);
            let is_look = matches!(&*call, Call::Head(of) if of == name);
            is_look.then_some(answer)
        });
        match seen {
            Some(Answer::Found(id)) => Some(id),
            _ => None,
        }
    }

    /// Returns the place after the first `length` answers on the way to another place.
    fn place_after(&self, place: Place, length: usize) -> Place {
        let known = &self.known[place.0];
        let mut at = Place(known.start);
        for (number, answer) in &known.history[..length] {
            at = self.next[&self.key(at, *number, *answer)];
        }
        at
    }

    fn key(&self, place: Place, number: usize, answer: Timed) -> (Place, Answers) {
        let known = &self.known[place.0];
        let mut collected = known.collected.clone();
        collected.push((number, answer));
        collected.sort_unstable();
        (known.base, collected)
    }

    /// Returns the place of the code after one more answer.
    pub(crate) fn answer(
        &mut self,
        objects: &Objects,
        place: Place,
        number: usize,
        answer: Timed,
    ) -> Place {
        let key = self.key(place, number, answer);
        if let Some(next) = self.next.get(&key) {
            return *next;
        }
        let known = &mut self.known[place.0];
        let start = known.start;
        let mut history = known.history.clone();
        let mut invocation = match known.alive.take() {
            Some(invocation) => invocation,
            None => self.run_again(objects, place),
        };
        let calls_before = invocation.calls_made();
        invocation.answer(&self.runtime, objects, number, answer);
        history.push((number, answer));
        let next = Place(self.known.len());
        if invocation.calls_made() == calls_before && invocation.ended.is_none() {
            let (base, collected) = key.clone();
            self.remember(base, collected, history, start, invocation);
        } else {
            self.remember(next, Vec::new(), history, start, invocation);
        }
        self.next.insert(key, next);
        next
    }

    fn run_again(&self, objects: &Objects, place: Place) -> Invocation {
        let known = &self.known[place.0];
        let mut invocation = Invocation::start(&self.runtime, &self.starts[known.start]);
        for (number, answer) in &known.history {
            invocation.answer(&self.runtime, objects, *number, *answer);
        }
        assert_eq!(
            invocation.waiting(),
            known.waiting,
            "the code must depend on its answers alone"
        );
        invocation
    }

    fn remember(
        &mut self,
        base: Place,
        collected: Answers,
        history: Answers,
        start: usize,
        invocation: Invocation,
    ) {
        self.known.push(Known {
            base,
            collected,
            history,
            start,
            waiting: invocation.waiting(),
            ended: invocation.ended.clone(),
            alive: Some(invocation),
        });
    }
}
