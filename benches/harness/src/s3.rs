//! The parts of S3 that the function needs: path-style HEAD, GET, PUT and DELETE requests with conditions,
//! entity tags, versions, `Last-Modified` and metadata. Each response can be delayed by a fixed time.
//! Signatures are not checked.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::http::{Request, Response, serve};

/// A request that S3 received.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) method: String,
    /// The path, in the form `/bucket/key`.
    pub(crate) path: String,
    pub(crate) arrived: Instant,
    pub(crate) answered: Instant,
}

#[derive(Clone)]
struct Object {
    body: Arc<[u8]>,
    etag: String,
    /// The time of the last write, in seconds since 1970.
    last_modified: u64,
    metadata: Vec<(String, String)>,
}

impl Object {
    /// Returns the version ID, which is unique among the versions of the object.
    fn version_id(&self) -> String {
        self.last_modified.to_string()
    }
}

#[derive(Default)]
struct State {
    /// The objects by `/bucket/key`.
    objects: HashMap<String, Object>,
    /// All versions by `/bucket/key` and version ID.
    versions: HashMap<(String, String), Object>,
    calls: Vec<Call>,
    /// A clock in seconds since 1970. It advances by two seconds for each write, so that all writes have
    /// different times.
    clock: u64,
}

/// The storage. Its threads answer requests until the program ends.
#[derive(Clone)]
pub(crate) struct S3 {
    state: Arc<Mutex<State>>,
    delay: Duration,
}

impl S3 {
    /// Starts the storage. Returns it together with its port.
    pub(crate) fn start(
        delay: Duration,
        tls: Option<Arc<ServerConfig>>,
    ) -> io::Result<(Self, u16)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let clock = 1_700_000_000;
        let state = State {
            clock,
            ..State::default()
        };
        let storage = Self {
            state: Arc::new(Mutex::new(state)),
            delay,
        };
        let server = storage.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (server, tls) = (server.clone(), tls.clone());
                thread::spawn(move || {
                    let _ = stream.set_nodelay(true);
                    let answer = |request| Some(server.answer(&request));
                    // The error is ignored, because a killed function can leave its connections in any state.
                    let _ = match tls {
                        None => serve(stream, answer),
                        Some(config) => ServerConnection::new(config)
                            .map_err(io::Error::other)
                            .and_then(|tls| serve(StreamOwned::new(tls, stream), answer)),
                    };
                });
            }
        });
        Ok((storage, port))
    }

    /// Stores an object that is newer than all existing objects.
    pub(crate) fn upload(&self, name: &str, body: Arc<[u8]>) {
        self.state().put(name, body, Vec::new());
    }

    /// Removes all objects and their versions.
    pub(crate) fn clear(&self) {
        let mut state = self.state();
        state.objects.clear();
        state.versions.clear();
    }

    /// Returns the requests since the last call of this function.
    pub(crate) fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.state().calls)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, request: &Request) -> Response {
        let response = self.state().answer(request);
        wait_until(request.arrived + self.delay);
        self.state().calls.push(Call {
            method: request.method.clone(),
            path: request.path.clone(),
            arrived: request.arrived,
            answered: Instant::now(),
        });
        response
    }
}

/// Waits until the given time. A sleep can end some tenths of a millisecond late, so the function sleeps
/// only for most of the time, and yields to other threads for the rest.
fn wait_until(until: Instant) {
    const WATCHED: Duration = Duration::from_micros(400);
    let sleep = until.saturating_duration_since(Instant::now());
    thread::sleep(sleep.saturating_sub(WATCHED));
    while Instant::now() < until {
        thread::yield_now();
    }
}

impl State {
    fn put(&mut self, name: &str, body: Arc<[u8]>, metadata: Vec<(String, String)>) -> String {
        self.clock += 2;
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        let etag = format!("\"{:032x}\"", hasher.finish());
        let object = Object {
            body,
            etag: etag.clone(),
            last_modified: self.clock,
            metadata,
        };
        let version = (name.to_owned(), object.version_id());
        self.versions.insert(version, object.clone());
        self.objects.insert(name.to_owned(), object);
        etag
    }

    fn answer(&mut self, request: &Request) -> Response {
        let name = request.path.as_str();
        let version = request.query.split('&');
        let version = version.filter_map(|part| part.strip_prefix("versionId="));
        let found = match version.last() {
            Some(id) => self.versions.get(&(name.to_owned(), id.to_owned())),
            None => self.objects.get(name),
        };
        match (request.method.as_str(), found) {
            ("HEAD" | "GET", None) => error(404, "NoSuchKey"),
            ("HEAD" | "GET", Some(object)) => {
                if request.header("if-none-match") == Some(object.etag.as_str()) {
                    return Response::new(304, *b"");
                }
                found_response(object)
            }
            ("PUT" | "DELETE", found) => {
                let is_refused = match (request.header("if-match"), found) {
                    (Some(_), None) => return error(404, "NoSuchKey"),
                    (Some(wanted), Some(object)) => wanted != object.etag,
                    (None, Some(_)) => request.header("if-none-match") == Some("*"),
                    (None, None) => false,
                };
                if is_refused {
                    return error(412, "PreconditionFailed");
                }
                if request.method == "DELETE" {
                    self.objects.remove(name);
                    return Response::new(204, *b"");
                }
                let metadata = request.headers_from("x-amz-meta-");
                let mut response = Response::new(200, *b"");
                let etag = self.put(name, request.body.as_slice().into(), metadata);
                response.headers.push(("etag".into(), etag));
                response
            }
            _ => error(501, "NotImplemented"),
        }
    }
}

fn found_response(object: &Object) -> Response {
    let mut headers = object.metadata.clone();
    headers.push(("etag".into(), object.etag.clone()));
    headers.push(("last-modified".into(), http_date(object.last_modified)));
    headers.push(("x-amz-version-id".into(), object.version_id()));
    headers.push(("content-type".into(), "text/csv".into()));
    Response {
        status: 200,
        headers,
        body: Arc::clone(&object.body),
    }
}

fn error(status: u16, code: &str) -> Response {
    let text = format!("<Error><Code>{code}</Code><Message>{code}</Message></Error>");
    Response::new(status, text.as_bytes())
}

/// Formats a time as in RFC 9110, section 5.6.7.
fn http_date(seconds: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [(&str, u64); 12] = [
        ("Jan", 31),
        ("Feb", 28),
        ("Mar", 31),
        ("Apr", 30),
        ("May", 31),
        ("Jun", 30),
        ("Jul", 31),
        ("Aug", 31),
        ("Sep", 30),
        ("Oct", 31),
        ("Nov", 30),
        ("Dec", 31),
    ];
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let days = seconds / 86_400;
    let weekday = DAYS[usize::try_from(days % 7).unwrap_or(0)];
    let (mut year, mut day) = (1970, days);
    while day >= 365 + u64::from(is_leap(year)) {
        day -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let mut month = "Dec";
    for (name, length) in MONTHS {
        let length = length + u64::from(name == "Feb" && is_leap(year));
        if day < length {
            month = name;
            break;
        }
        day -= length;
    }
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let day = day + 1;
    format!("{weekday}, {day:02} {month} {year} {hour:02}:{minute:02}:{second:02} GMT")
}

#[cfg(test)]
mod tests {
    use super::http_date;

    #[test]
    fn dates_have_the_format_of_rfc_9110() {
        assert_eq!(http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(http_date(951_782_400), "Tue, 29 Feb 2000 00:00:00 GMT");
        assert_eq!(http_date(1_735_689_599), "Tue, 31 Dec 2024 23:59:59 GMT");
    }
}
