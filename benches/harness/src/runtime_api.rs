//! The Lambda Runtime API for one execution environment, as AWS documents it for custom runtimes.

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::http::{Request, Response, serve};

/// The maximum time to wait for the next request of a function.
const PATIENCE: Duration = Duration::from_mins(1);

/// A request of the function.
enum Message {
    /// The function asked for an event at this time, and waits for it.
    Next(Instant, Sender<Vec<u8>>),
    /// The function answered. The time is when the whole answer was read.
    Answer(Instant, Vec<u8>),
    /// The function reported an error during its start or an invocation.
    Failed(Vec<u8>),
}

/// The Runtime API of one environment. The server stops when the value is dropped.
pub(crate) struct RuntimeApi {
    pub(crate) port: u16,
    messages: Receiver<Message>,
    waiting: Option<Sender<Vec<u8>>>,
    given: Given,
    is_over: Arc<AtomicBool>,
}

/// The time when the last event was sent, set by the thread that sends it.
type Given = Arc<Mutex<Option<Instant>>>;

/// The result of an invocation.
pub(crate) struct Invocation {
    /// The time when the event was sent.
    pub(crate) given: Instant,
    /// The time when the whole answer was read.
    pub(crate) answered: Instant,
    pub(crate) answer: Vec<u8>,
}

fn lock(given: &Given) -> MutexGuard<'_, Option<Instant>> {
    given.lock().unwrap_or_else(PoisonError::into_inner)
}

impl RuntimeApi {
    pub(crate) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let (sender, messages) = mpsc::channel();
        let is_over = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&is_over);
        let given = Given::default();
        let last_given = Arc::clone(&given);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if flag.load(Ordering::Relaxed) {
                    return;
                }
                let (sender, given) = (sender.clone(), Arc::clone(&last_given));
                if let Ok(stream) = stream {
                    thread::spawn(move || {
                        let _ = stream.set_nodelay(true);
                        // Errors are ignored, because a killed function leaves its connection in any state.
                        let _ = serve(stream, |request| answer(request, &sender, &given));
                    });
                }
            }
        });
        Ok(Self {
            port,
            messages,
            waiting: None,
            given,
            is_over,
        })
    }

    /// Waits until the function asks for an event. Returns the time of this request.
    pub(crate) fn next(&mut self) -> Result<Instant, String> {
        match self.receive()? {
            Message::Next(at, waiting) => {
                self.waiting = Some(waiting);
                Ok(at)
            }
            Message::Answer(_, body) => Err(unexpected("an answer to no event", &body)),
            Message::Failed(body) => Err(unexpected("an error", &body)),
        }
    }

    /// Sends the event to the waiting function, and waits for the function's answer.
    pub(crate) fn invoke(&mut self, event: Vec<u8>) -> Result<Invocation, String> {
        let waiting = self.waiting.take().ok_or("the function does not wait")?;
        waiting
            .send(event)
            .map_err(|_| "the function left".to_owned())?;
        match self.receive()? {
            Message::Answer(answered, answer) => Ok(Invocation {
                given: lock(&self.given).ok_or("an answer before the event")?,
                answered,
                answer,
            }),
            Message::Next(..) => Err("the function wants another event before its answer".into()),
            Message::Failed(body) => Err(unexpected("an error", &body)),
        }
    }

    fn receive(&self) -> Result<Message, String> {
        let received = self.messages.recv_timeout(PATIENCE);
        received.map_err(|_| format!("the function did nothing for {} s", PATIENCE.as_secs()))
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // This connection wakes up the listener, so that it checks the flag.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

fn unexpected(what: &str, body: &[u8]) -> String {
    format!(
        "the function sent {what}: {}",
        String::from_utf8_lossy(body)
    )
}

fn answer(request: Request, sender: &Sender<Message>, last_given: &Given) -> Option<Response> {
    let whole = Instant::now();
    let path = request.path.strip_prefix("/2018-06-01/runtime/")?;
    if path == "invocation/next" {
        let (give, given) = mpsc::channel();
        sender.send(Message::Next(request.arrived, give)).ok()?;
        let response = event_response(given.recv().ok()?);
        *lock(last_given) = Some(Instant::now());
        return Some(response);
    }
    let message = if path.ends_with("/response") {
        Message::Answer(whole, request.body)
    } else {
        Message::Failed(request.body)
    };
    sender.send(message).ok()?;
    Some(Response::new(202, *b""))
}

fn event_response(event: Vec<u8>) -> Response {
    let deadline = SystemTime::now() + PATIENCE;
    let deadline = deadline.duration_since(UNIX_EPOCH).unwrap_or_default();
    let arn = "arn:aws:lambda:us-east-1:000000000000:function:bench";
    let headers = [
        ("content-type", "application/json".to_owned()),
        (
            "lambda-runtime-aws-request-id",
            "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned(),
        ),
        (
            "lambda-runtime-deadline-ms",
            deadline.as_millis().to_string(),
        ),
        ("lambda-runtime-invoked-function-arn", arn.to_owned()),
        (
            "lambda-runtime-trace-id",
            "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0".to_owned(),
        ),
    ];
    Response {
        status: 200,
        headers: headers.map(|(name, value)| (name.to_owned(), value)).into(),
        body: event.into(),
    }
}
