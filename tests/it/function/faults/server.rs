//! A local server that simulates S3 and EventBridge Scheduler with faults on demand: conditional writes,
//! versions, multipart uploads, schedules, and connections that break before or after a write takes effect.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::io::BufReader;
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use htaccess_generator::function::store::{ContentDigest, PutKind};
use serde_json::{Value, json};

use super::checksum::{base64, crc32};
use super::http::{Answer, Fault, Request, read_request};

#[derive(Clone)]
struct Object {
    bytes: Vec<u8>,
    etag: String,
    version: u64,
    metadata: BTreeMap<String, String>,
    /// The checksum that the client sent, as S3 returns it. `None` for an upload, which only has a CRC.
    sha256: Option<String>,
}

impl Object {
    fn is_of(&self, query: &str) -> bool {
        let asked = query.split_once("versionId=v");
        asked.is_none_or(|(_, version)| version == self.version.to_string())
    }
}

type Plan = dyn Fn(&Request, u64) -> Fault + Send + Sync;

pub(crate) struct Server {
    pub(crate) url: String,
    state: Arc<State>,
}

struct State {
    objects: Mutex<BTreeMap<String, Object>>,
    uploads: Mutex<HashMap<String, Object>>,
    /// The requests that created schedules, by schedule name.
    schedules: Mutex<BTreeMap<String, Value>>,
    plan: Mutex<Box<Plan>>,
    requests: AtomicU64,
    versions: AtomicU64,
    conflicts: AtomicU64,
    in_other_forms: AtomicU64,
    ignores_preconditions: AtomicBool,
    has_no_versions: AtomicBool,
    /// Set while a request with [`Fault::Held`] waits.
    is_held: AtomicBool,
    /// The maximum random pause before most requests take effect, in microseconds.
    pause_us_max: AtomicU64,
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            objects: Mutex::default(),
            uploads: Mutex::default(),
            schedules: Mutex::default(),
            plan: Mutex::new(Box::new(|_, _| Fault::None)),
            requests: AtomicU64::new(0),
            versions: AtomicU64::new(0),
            conflicts: AtomicU64::new(0),
            in_other_forms: AtomicU64::new(0),
            ignores_preconditions: AtomicBool::new(false),
            has_no_versions: AtomicBool::new(false),
            is_held: AtomicBool::new(false),
            pause_us_max: AtomicU64::new(0),
        });
        let shared = Arc::clone(&state);
        // The thread ends when the process of the test ends.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                thread::spawn(move || serve(&stream, &state));
            }
        });
        Self { url, state }
    }

    /// Sets the function that chooses the fault of each request, given its number, which starts at 0.
    pub(crate) fn plan(&self, plan: impl Fn(&Request, u64) -> Fault + Send + Sync + 'static) {
        self.state.requests.store(0, Ordering::SeqCst);
        *self.state.plan.lock().unwrap() = Box::new(plan);
    }

    pub(crate) fn ignore_preconditions(&self) {
        self.state
            .ignores_preconditions
            .store(true, Ordering::SeqCst);
    }

    pub(crate) fn pause_up_to(&self, pause: Duration) {
        let microseconds = pause.as_micros().try_into().unwrap();
        self.state
            .pause_us_max
            .store(microseconds, Ordering::SeqCst);
    }

    pub(crate) fn upload(&self, path: &str, bytes: &[u8]) {
        self.state
            .write(path, bytes.to_vec(), BTreeMap::new(), None, "");
    }

    /// Replaces the bytes of an object but keeps its metadata, as a person with an S3 client could.
    pub(crate) fn edit(&self, path: &str, bytes: &[u8]) {
        let metadata = self.state.objects.lock().unwrap()[path].metadata.clone();
        self.state.write(path, bytes.to_vec(), metadata, None, "");
    }

    /// Returns no versions from now on, like a bucket that never had versioning.
    pub(crate) fn without_versions(&self) {
        self.state.has_no_versions.store(true, Ordering::SeqCst);
    }

    /// Returns whether a request with [`Fault::Held`] waits.
    pub(crate) fn is_held(&self) -> bool {
        self.state.is_held.load(Ordering::SeqCst)
    }

    /// Lets the held request take effect.
    pub(crate) fn release(&self) {
        self.state.is_held.store(false, Ordering::SeqCst);
    }

    pub(crate) fn text(&self, path: &str) -> Option<String> {
        let objects = self.state.objects.lock().unwrap();
        objects
            .get(path)
            .map(|object| String::from_utf8(object.bytes.clone()).unwrap())
    }

    pub(crate) fn schedules(&self) -> BTreeMap<String, Value> {
        self.state.schedules.lock().unwrap().clone()
    }

    pub(crate) fn delete_schedules(&self) {
        self.state.schedules.lock().unwrap().clear();
    }

    /// Returns the number of writes that conflicted with another write, and the number of writes in
    /// another form because an ETag had been used before.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let load = |count: &AtomicU64| count.load(Ordering::SeqCst);
        (
            load(&self.state.conflicts),
            load(&self.state.in_other_forms),
        )
    }
}

impl State {
    fn write(
        &self,
        path: &str,
        bytes: Vec<u8>,
        metadata: BTreeMap<String, String>,
        sha256: Option<String>,
        form: &str,
    ) -> String {
        let etag = format!("\"{:08x}{:08x}{form}\"", crc32(&bytes), bytes.len());
        let version = self.versions.fetch_add(1, Ordering::SeqCst);
        let object = Object {
            bytes,
            etag: etag.clone(),
            version,
            metadata,
            sha256,
        };
        self.objects.lock().unwrap().insert(path.to_owned(), object);
        etag
    }
}

fn serve(stream: &TcpStream, state: &State) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read_request(&mut reader) {
        let number = state.requests.fetch_add(1, Ordering::SeqCst);
        let fault = (state.plan.lock().unwrap())(&request, number);
        let pause_us = state.pause_us_max.load(Ordering::SeqCst);
        if pause_us > 0 {
            // Most pauses are short and a few are long, so that an older writer can come last.
            let longest = if fastrand::u8(0..16) == 0 {
                pause_us * 20
            } else {
                pause_us
            };
            thread::sleep(Duration::from_micros(fastrand::u64(0..=longest)));
        }
        let answer = match fault {
            Fault::ClosedBefore => return,
            Fault::Status(status, code) if schedule_name(&request).is_some() => {
                Answer::schedule_error(status, code)
            }
            Fault::Status(status, code) => Answer::error(status, code),
            Fault::Silent(pause) => {
                thread::sleep(pause);
                return;
            }
            Fault::Held => {
                state.is_held.store(true, Ordering::SeqCst);
                while state.is_held.load(Ordering::SeqCst) {
                    thread::sleep(Duration::from_millis(1));
                }
                answer(&request, state)
            }
            _ => answer(&request, state),
        };
        if fault == Fault::ClosedAfter || !answer.send(stream, &request.method, fault) {
            return;
        }
    }
}

/// Returns the name of the schedule that a request creates.
fn schedule_name(request: &Request) -> Option<&str> {
    let name = request.path.strip_prefix("schedules/")?;
    (request.method == "POST").then_some(name)
}

/// Creates a schedule, unless its name is in use.
fn create_schedule(name: &str, request: &Request, state: &State) -> Answer {
    let body = serde_json::from_slice(&request.body).unwrap();
    match state.schedules.lock().unwrap().entry(name.to_owned()) {
        Entry::Occupied(_) => Answer::schedule_error(409, "ConflictException"),
        Entry::Vacant(place) => {
            place.insert(body);
            Answer {
                body: json!({"ScheduleArn": name}).to_string().into_bytes(),
                ..Answer::new(200)
            }
        }
    }
}

fn answer(request: &Request, state: &State) -> Answer {
    if let Some(name) = schedule_name(request) {
        return create_schedule(name, request, state);
    }
    let path = &request.path;
    let current = state.objects.lock().unwrap().get(path).cloned();
    match (request.method.as_str(), request.query.as_str()) {
        // Older versions are not kept.
        ("GET" | "HEAD", query) => match current.filter(|object| object.is_of(query)) {
            None => Answer::error(404, "NoSuchKey"),
            Some(object) => found(object, state),
        },
        ("POST", query) if query.starts_with("uploads") => {
            let id = format!("upload-{}", state.versions.fetch_add(1, Ordering::SeqCst));
            let object = Object {
                bytes: Vec::new(),
                etag: String::new(),
                version: 0,
                metadata: metadata(request),
                sha256: None,
            };
            state.uploads.lock().unwrap().insert(id.clone(), object);
            let body = format!(
                "<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
            );
            Answer {
                body: body.into_bytes(),
                ..Answer::new(200)
            }
        }
        ("PUT", query) if query.contains("uploadId=") => {
            let id = upload_id(query);
            let mut uploads = state.uploads.lock().unwrap();
            let upload = uploads.get_mut(&id).unwrap();
            upload.bytes.clone_from(&request.body);
            upload.sha256 = Some(ContentDigest::of(&request.body).stored_as(PutKind::Multipart));
            Answer::new(200).with("ETag", "\"part\"")
        }
        ("POST", query) if query.contains("uploadId=") => {
            let id = upload_id(query);
            let Some(upload) = state.uploads.lock().unwrap().get(&id).cloned() else {
                return Answer::error(404, "NoSuchUpload");
            };
            let answer = write_if_allowed(request, state, upload, "-1");
            if answer.status == 200 {
                state.in_other_forms.fetch_add(1, Ordering::SeqCst);
            }
            answer
        }
        ("PUT", _) => {
            let object = Object {
                bytes: request.body.clone(),
                etag: String::new(),
                version: 0,
                metadata: metadata(request),
                sha256: request.headers.get("x-amz-checksum-sha256").cloned(),
            };
            write_if_allowed(request, state, object, "")
        }
        other => panic!("the server does not know {other:?}"),
    }
}

/// Checks the condition and writes in one step, like S3.
fn write_if_allowed(request: &Request, state: &State, object: Object, form: &str) -> Answer {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap();
    let current = state
        .objects
        .lock()
        .unwrap()
        .get(&request.path)
        .map(|object| object.etag.clone());
    let holds = match (
        request.headers.get("if-match"),
        request.headers.get("if-none-match"),
    ) {
        (Some(etag), _) => current.as_ref() == Some(etag),
        (None, Some(_)) => current.is_none(),
        (None, None) => true,
    };
    if !holds && !state.ignores_preconditions.load(Ordering::SeqCst) {
        state.conflicts.fetch_add(1, Ordering::SeqCst);
        return match current {
            None => Answer::error(404, "NoSuchKey"),
            Some(_) => Answer::error(412, "PreconditionFailed"),
        };
    }
    let Object {
        bytes,
        metadata,
        sha256,
        ..
    } = object;
    let etag = state.write(&request.path, bytes, metadata, sha256, form);
    if form.is_empty() {
        return Answer::new(200).with("ETag", &etag);
    }
    let escaped = etag.replace('"', "&quot;");
    let body = format!(
        "<CompleteMultipartUploadResult><ETag>{escaped}</ETag></CompleteMultipartUploadResult>"
    );
    Answer {
        body: body.into_bytes(),
        ..Answer::new(200)
    }
}

/// All objects have the same `Last-Modified`, so that only the protocol can determine their order.
fn found(object: Object, state: &State) -> Answer {
    let mut answer = Answer::new(200)
        .with("ETag", &object.etag)
        .with("Last-Modified", "Sun, 22 Nov 2026 00:00:00 GMT");
    if !state.has_no_versions.load(Ordering::SeqCst) {
        answer = answer.with("x-amz-version-id", &format!("v{}", object.version));
    }
    answer = match &object.sha256 {
        Some(sha256) => answer.with("x-amz-checksum-sha256", sha256),
        None => answer.with(
            "x-amz-checksum-crc32",
            &base64(crc32(&object.bytes).to_be_bytes()),
        ),
    };
    for (name, value) in &object.metadata {
        answer = answer.with(name, value);
    }
    Answer {
        body: object.bytes,
        ..answer
    }
}

fn metadata(request: &Request) -> BTreeMap<String, String> {
    let is_metadata = |(name, _): &(&String, &String)| name.starts_with("x-amz-meta-");
    request
        .headers
        .iter()
        .filter(is_metadata)
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn upload_id(query: &str) -> String {
    let (_, from_id) = query.split_once("uploadId=").unwrap();
    from_id.split('&').next().unwrap().to_owned()
}
