//! Runs the real code, one answer at a time. The code calls its [`Port`] and waits until a schedule lets the
//! call take effect. The clock for the code's own pauses advances only when there is no other work.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use htaccess_generator::function::schedule::{Schedule, Scheduler};
use htaccess_generator::function::store::{Body, Fetched, Head, ObjectName, Put, PutResult, Store};
use htaccess_generator::function::{Error, ErrorKind};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use super::alarms::START;
use super::buckets::{Answer, Call, Object, Objects};

/// The head and the bytes of each version, by object name and version id.
type Versions = HashMap<(ObjectName, String), (Head, Vec<u8>)>;

thread_local! {
    /// The versions of uploads and compiled lists in the case that this thread explores.
    static VERSIONS: RefCell<Versions> = RefCell::default();
}

/// Stores a version of an object, so that the code can read it.
pub(crate) fn keep_version(name: &ObjectName, object: &Object) {
    let version = (name.clone(), object.version_id.clone());
    let stored = (object.head(), object.bytes.clone());
    VERSIONS.with_borrow_mut(|versions| versions.insert(version, stored));
}

/// The result of an invocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The invocation succeeded, with this status.
    Ok(String),
    /// The invocation failed.
    Err(ErrorKind),
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok(said) => write!(f, "ends: {said}"),
            Self::Err(kind) => write!(f, "fails: {}", kind.code()),
        }
    }
}

/// The code under test, which makes its calls through a port.
pub(crate) type Code = Pin<Box<dyn Future<Output = Ended>>>;

/// The store and the scheduler of one invocation. Its calls wait here until they are answered.
#[derive(Clone)]
pub(crate) struct Port {
    slots: Rc<RefCell<Vec<Slot>>>,
    /// The time of the last answer, which is the current time, because the code does not
    /// wait between its calls.
    now: Rc<Cell<i64>>,
}

struct Slot {
    call: Rc<Call>,
    state: State,
}

enum State {
    Waiting(Option<Waker>),
    Answered(Reply),
    Over,
}

/// The answer to a call, in the form that the port needs.
enum Reply {
    Found(Head, Vec<u8>),
    Damaged(Head),
    NotModified(i64),
    Missing,
    Written,
    Scheduled,
    Conflict,
    Failed(ErrorKind),
}

impl Port {
    async fn ask(&self, call: Call) -> Result<Reply, Error> {
        let doing = call.to_string();
        let index = {
            let mut slots = self.slots.borrow_mut();
            slots.push(Slot {
                call: Rc::new(call),
                state: State::Waiting(None),
            });
            slots.len() - 1
        };
        let reply = poll_fn(|cx| {
            let state = &mut self.slots.borrow_mut()[index].state;
            match std::mem::replace(state, State::Over) {
                State::Answered(reply) => Poll::Ready(reply),
                State::Waiting(_) => {
                    *state = State::Waiting(Some(cx.waker().clone()));
                    Poll::Pending
                }
                State::Over => panic!("polled after its answer"),
            }
        });
        match reply.await {
            Reply::Failed(kind) => Err(Error::new(kind, doing)),
            reply => Ok(reply),
        }
    }

    /// Returns the calls without an answer, each with its number.
    fn waiting(&self) -> Vec<(usize, Rc<Call>)> {
        let slots = self.slots.borrow();
        let waiting = slots
            .iter()
            .enumerate()
            .filter(|(_, slot)| matches!(slot.state, State::Waiting(_)));
        waiting
            .map(|(number, slot)| (number, Rc::clone(&slot.call)))
            .collect()
    }

    fn answer(&self, number: usize, reply: Reply) {
        let slot = &mut self.slots.borrow_mut()[number];
        match std::mem::replace(&mut slot.state, State::Answered(reply)) {
            State::Waiting(waker) => waker.expect("asked and not polled").wake(),
            _ => panic!("{} was answered before", slot.call),
        }
    }
}

impl Store for Port {
    type Body = OnePiece;

    async fn head(&self, name: &ObjectName) -> Result<Option<Head>, Error> {
        match self.ask(Call::Head(name.clone())).await? {
            Reply::Found(head, _) => Ok(Some(head)),
            _ => Ok(None),
        }
    }

    async fn get(
        &self,
        name: &ObjectName,
        unless: Option<&str>,
    ) -> Result<Fetched<OnePiece>, Error> {
        let call = Call::Get(name.clone(), unless.map(str::to_owned));
        Ok(match self.ask(call).await? {
            Reply::Found(head, bytes) => Fetched::Found(head, OnePiece::Left(bytes)),
            Reply::Damaged(head) => Fetched::Found(head, OnePiece::Damaged),
            Reply::NotModified(time) => Fetched::NotModified(Some(time)),
            _ => Fetched::Missing,
        })
    }

    /// Answers at once, because a version never changes.
    async fn get_version(
        &self,
        name: &ObjectName,
        version_id: &str,
    ) -> Result<Fetched<OnePiece>, Error> {
        let version = (name.clone(), version_id.to_owned());
        Ok(
            VERSIONS.with_borrow(|versions| match versions.get(&version) {
                Some((head, bytes)) => Fetched::Found(head.clone(), OnePiece::Left(bytes.clone())),
                None => Fetched::Missing,
            }),
        )
    }

    /// The publisher lists the compiled lists only for suggestions, and no promise is about suggestions.
    async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, Error> {
        assert_eq!((bucket, prefix), ("reports", "compiled/lists/"));
        Ok(Vec::new())
    }

    async fn put(&self, name: &ObjectName, put: Put) -> Result<PutResult, Error> {
        let reply = self.ask(Call::Put(name.clone(), put)).await?;
        Ok(put_result(&reply))
    }

    async fn delete(&self, name: &ObjectName, etag: &str) -> Result<PutResult, Error> {
        let call = Call::Delete(name.clone(), etag.to_owned());
        Ok(put_result(&self.ask(call).await?))
    }

    fn now(&self) -> i64 {
        self.now.get()
    }
}

impl Scheduler for Port {
    fn create<'a>(&'a self, schedule: &'a Schedule) -> LocalBoxFuture<'a, Result<(), Error>> {
        let call = Call::Schedule(schedule.clone());
        Box::pin(async { self.ask(call).await.map(|_| ()) })
    }
}

fn put_result(reply: &Reply) -> PutResult {
    match reply {
        Reply::Written => PutResult::Written,
        _ => PutResult::Conflict,
    }
}

/// The bytes of an object, which arrive together with the answer.
pub(crate) enum OnePiece {
    Left(Vec<u8>),
    Damaged,
    Read,
}

impl Body for OnePiece {
    async fn next(&mut self) -> Result<Option<impl AsRef<[u8]>>, Error> {
        match std::mem::replace(self, Self::Read) {
            Self::Left(bytes) => Ok(Some(bytes)),
            Self::Damaged => Err(Error::new(ErrorKind::Damaged, "read the body")),
            Self::Read => Ok(None),
        }
    }
}

/// An invocation that waits for its calls or has ended.
pub(crate) struct Invocation {
    port: Port,
    code: Code,
    pub(crate) ended: Option<Ended>,
}

impl Invocation {
    /// Starts the code and runs it up to its first calls.
    pub(crate) fn start(runtime: &Runtime, start: &dyn Fn(Port) -> Code) -> Self {
        let port = Port {
            slots: Rc::default(),
            now: Rc::new(Cell::new(START)),
        };
        let mut invocation = Self {
            code: start(port.clone()),
            port,
            ended: None,
        };
        invocation.go_on(runtime);
        invocation
    }

    pub(crate) fn waiting(&self) -> Vec<(usize, Rc<Call>)> {
        match self.ended {
            Some(_) => Vec::new(),
            None => self.port.waiting(),
        }
    }

    pub(crate) fn calls_made(&self) -> usize {
        self.port.slots.borrow().len()
    }

    /// Answers a call and runs the code up to its next calls.
    pub(crate) fn answer(
        &mut self,
        runtime: &Runtime,
        objects: &Objects,
        number: usize,
        (answer, now): (Answer, i64),
    ) {
        self.port.now.set(now);
        let reply = match answer {
            Answer::Found(id) => {
                Reply::Found(objects.get(id).head(), objects.get(id).bytes.clone())
            }
            Answer::Damaged(id) => Reply::Damaged(objects.get(id).head()),
            Answer::NotModified(id) => Reply::NotModified(objects.get(id).last_modified),
            Answer::Missing => Reply::Missing,
            Answer::Written(_) | Answer::Removed => Reply::Written,
            Answer::Scheduled => Reply::Scheduled,
            Answer::Conflict => Reply::Conflict,
            Answer::Failed(failure) => Reply::Failed(failure.0),
        };
        self.port.answer(number, reply);
        self.go_on(runtime);
    }

    /// Polls the code until it makes no more calls. The code is polled at least twice, because it may
    /// yield after a call that it makes at the same time as another call.
    fn go_on(&mut self, runtime: &Runtime) {
        let Self { port, code, ended } = self;
        let mut calls_before = None;
        let settled = poll_fn(|cx| {
            loop {
                if let Poll::Ready(end) = code.as_mut().poll(cx) {
                    return Poll::Ready(Some(end));
                }
                if port.waiting().is_empty() {
                    return Poll::Pending;
                }
                let calls = port.slots.borrow().len();
                if calls_before.replace(calls) == Some(calls) {
                    return Poll::Ready(None);
                }
            }
        });
        *ended = runtime.block_on(async {
            let hour = Duration::from_hours(1);
            let settled = timeout(hour, settled).await;
            settled.expect("the code waits for neither the store nor the clock")
        });
    }
}

/// Returns a runtime whose clock stands still while there is work to do, and then jumps to
/// the end of the next wait.
pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
}
