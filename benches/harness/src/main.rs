//! Starts functions like Lambda, and measures them with a local Runtime API and a local S3.
//!
//! The harness reads a [`Plan`] as JSON from standard input and writes [`Measured`] as JSON to standard
//! output. All times come from the monotonic clock of this process. A start is recorded before the function
//! is spawned, the arrival of a request after its head was read, and an answer after its body was read.

mod http;
mod runtime_api;
mod s3;
mod tls;

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use runtime_api::{Invocation, RuntimeApi};
use s3::{Call, S3};

#[derive(Deserialize)]
struct Plan {
    scenario: Scenario,
    /// The number of starts of each function for `cold`, or of rounds of invocations for `warm` and `stream`.
    rounds: usize,
    /// The path of the CSV that is uploaded.
    csv: PathBuf,
    /// The time that S3 takes for each request, in milliseconds.
    s3_delay_ms: u64,
    /// The certificates that the function trusts. `None` for S3 without TLS.
    tls: Option<tls::Trust>,
    functions: Vec<Function>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Scenario {
    /// A new process for each upload.
    Cold,
    /// One process for all uploads. Each upload is followed by a second event for the same upload, and by a
    /// changed upload with the same key.
    Warm,
    /// One process for all uploads. There is no second event for an upload.
    Stream,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    command: Vec<String>,
    environment: BTreeMap<String, String>,
    /// A text that the answer to a new upload must contain, so that no failure is measured.
    answer_contains: String,
    /// A text that the answer must contain for an upload that was already processed.
    duplicate_contains: String,
    /// A text that the answer to a changed upload must contain. `None` if no changed upload is measured.
    changed_contains: Option<String>,
}

/// The measured numbers, by function and by measurement.
#[derive(Default, Serialize)]
struct Measured(BTreeMap<String, BTreeMap<String, Vec<f64>>>);

impl Measured {
    fn add(&mut self, function: &Function, what: &str, value: f64) {
        let of_function = self.0.entry(function.name.clone()).or_default();
        of_function.entry(what.to_owned()).or_default().push(value);
    }
}

/// The storage and the files that all functions share.
struct Bench {
    folder: PathBuf,
    endpoint: String,
    csv: Arc<[u8]>,
    s3: S3,
    keys: usize,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("error: {err}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let plan: Plan = serde_json::from_reader(io::stdin())?;
    let folder = env::temp_dir().join(format!("htaccess-harness-{}", std::process::id()));
    fs::create_dir(&folder)?;
    let measured = measure(&plan, &folder);
    fs::remove_dir_all(&folder)?;
    serde_json::to_writer(io::stdout(), &measured?)?;
    Ok(())
}

fn measure(plan: &Plan, folder: &Path) -> Result<Measured, Box<dyn Error>> {
    let tls = plan
        .tls
        .map(|trust| tls::make(trust, &folder.join("ca.pem")));
    let tls = tls.transpose()?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let (s3, port) = S3::start(Duration::from_millis(plan.s3_delay_ms), tls)?;
    let mut bench = Bench {
        folder: folder.to_owned(),
        endpoint: format!("{scheme}://localhost:{port}"),
        csv: fs::read(&plan.csv)?.into(),
        s3,
        keys: 0,
    };
    if plan.tls.is_none() {
        bench.endpoint = format!("http://127.0.0.1:{port}");
    }
    let mut measured = Measured::default();
    if plan.scenario == Scenario::Cold {
        for round in 0..plan.rounds {
            for place in 0..plan.functions.len() {
                let function = &plan.functions[(round + place) % plan.functions.len()];
                bench.cold(function, &mut measured)?;
            }
        }
        return Ok(measured);
    }
    let mut sessions = Vec::new();
    for function in &plan.functions {
        sessions.push(bench.session(function)?);
    }
    for round in 0..plan.rounds {
        for place in 0..sessions.len() {
            let place = (round + place) % sessions.len();
            bench.warm(&mut sessions[place], plan.scenario, &mut measured)?;
        }
    }
    for session in &sessions {
        let process = &session.process;
        measured.add(session.function, "memory_mib", process.memory_mib()?);
        let logged = fs::metadata(&process.log)?.len() as f64;
        let name = "log_bytes_per_invocation";
        measured.add(session.function, name, logged / session.invocations as f64);
    }
    Ok(measured)
}

/// A running function that has processed its first events.
struct Session<'a> {
    function: &'a Function,
    api: RuntimeApi,
    process: Process,
    invocations: usize,
}

impl Bench {
    fn cold(&mut self, function: &Function, measured: &mut Measured) -> Result<(), Box<dyn Error>> {
        let mut api = RuntimeApi::start()?;
        let key = self.upload();
        let began = Instant::now();
        let process = self.start(function, api.port)?;
        let mut marks = || -> Result<_, String> {
            let first_next = api.next()?;
            let Invocation {
                given,
                answered,
                answer,
            } = api.invoke(event(&key))?;
            check(&answer, &function.answer_contains)?;
            Ok((first_next, given, answered))
        };
        let (first_next, given, answered) =
            marks().map_err(|err| process.explain(function, &err))?;
        measured.add(function, "exec_to_first_next_ms", ms(began, first_next));
        measured.add(function, "exec_to_first_answer_ms", ms(began, answered));
        measured.add(function, "memory_mib", process.memory_mib()?);
        for (name, from, to) in steps(given, &self.s3.take_calls(), answered) {
            measured.add(function, name, ms(from, to));
        }
        self.s3.clear();
        Ok(())
    }

    /// Starts the function and runs its first invocations. They are not measured, because they open the
    /// connections.
    fn session<'a>(&mut self, function: &'a Function) -> Result<Session<'a>, Box<dyn Error>> {
        let api = RuntimeApi::start()?;
        let process = self.start(function, api.port)?;
        let mut session = Session {
            function,
            api,
            process,
            invocations: 0,
        };
        for _ in 0..3 {
            self.warm(&mut session, Scenario::Warm, &mut Measured::default())?;
        }
        Ok(session)
    }

    fn warm(
        &mut self,
        session: &mut Session,
        scenario: Scenario,
        measured: &mut Measured,
    ) -> Result<(), Box<dyn Error>> {
        let key = self.upload();
        self.s3.take_calls();
        let function = session.function;
        let (given, answered) = session.invoke(&key, &function.answer_contains)?;
        measured.add(function, "new_ms", ms(given, answered));
        for (name, from, to) in steps(given, &self.s3.take_calls(), answered) {
            measured.add(function, name, ms(from, to));
        }
        if scenario == Scenario::Warm {
            let (given, answered) = session.invoke(&key, &function.duplicate_contains)?;
            measured.add(function, "duplicate_ms", ms(given, answered));
        }
        if let Some(contains) = &function.changed_contains {
            self.change(&key);
            self.s3.take_calls();
            let (given, answered) = session.invoke(&key, contains)?;
            measured.add(function, "changed_ms", ms(given, answered));
            let calls = self.s3.take_calls();
            let is_output = |call: &&Call| call.method == "PUT" && call.path.starts_with("/site/");
            let output = calls.iter().find(is_output).ok_or("no output was written")?;
            measured.add(function, "changed_output_ms", ms(given, output.answered));
        }
        self.s3.clear();
        Ok(())
    }

    /// Uploads the CSV under a new key. Returns the key.
    fn upload(&mut self) -> String {
        self.keys += 1;
        let key = format!("clients/site-{}.csv", self.keys);
        self.s3
            .upload(&format!("/uploads/{key}"), Arc::clone(&self.csv));
        key
    }

    /// Uploads the CSV with an additional row under an existing key.
    fn change(&self, key: &str) {
        let mut csv = self.csv.to_vec();
        csv.extend_from_slice(b"192.0.2.77,Allow\n");
        self.s3.upload(&format!("/uploads/{key}"), csv.into());
    }

    fn start(&self, function: &Function, port: u16) -> Result<Process, Box<dyn Error>> {
        let log = self.folder.join(format!("{}.log", function.name));
        let output = File::create(&log)?;
        let [program, arguments @ ..] = function.command.as_slice() else {
            return Err("a function without a command".into());
        };
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap_or_default())
            .env("AWS_LAMBDA_RUNTIME_API", format!("127.0.0.1:{port}"))
            .env("AWS_LAMBDA_FUNCTION_NAME", "bench")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "bench")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "bench")
            .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "bench")
            .env("AWS_SECRET_ACCESS_KEY", "bench")
            .env("AWS_ENDPOINT_URL_S3", &self.endpoint)
            .env("OUTPUT_BUCKET", "site")
            .env("REPORT_BUCKET", "reports")
            .envs(&function.environment)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        let authority = self.folder.join("ca.pem");
        if authority.exists() {
            command
                .env("SSL_CERT_FILE", &authority)
                .env("AWS_CA_BUNDLE", &authority);
        }
        let child = command.spawn().map_err(|err| format!("{program}: {err}"))?;
        Ok(Process { child, log })
    }
}

impl Session<'_> {
    /// Invokes the function. Returns the time when the event was sent and the time when the answer was read.
    fn invoke(&mut self, key: &str, contains: &str) -> Result<(Instant, Instant), String> {
        self.invocations += 1;
        let mut marks = || {
            self.api.next()?;
            let invocation = self.api.invoke(event(key))?;
            check(&invocation.answer, contains)?;
            Ok((invocation.given, invocation.answered))
        };
        marks().map_err(|err: String| self.process.explain(self.function, &err))
    }
}

/// The process of a function. It is killed when the value is dropped.
struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Returns the peak memory of the process, in MiB.
    fn memory_mib(&self) -> Result<f64, Box<dyn Error>> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = peak.and_then(|text| text.trim().strip_suffix(" kB"));
        Ok(kib.ok_or("no VmHWM")?.parse::<f64>()? / 1024.0)
    }

    fn explain(&self, function: &Function, err: &str) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        format!("{}: {err}\nits log:\n{log}", function.name)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the steps of an invocation with their start and end, as seen by S3 and the Runtime API.
fn steps(
    given: Instant,
    calls: &[Call],
    answered: Instant,
) -> Vec<(&'static str, Instant, Instant)> {
    let is_read = |call: &&Call| matches!(call.method.as_str(), "HEAD" | "GET");
    let is_write = |call: &&Call| call.method == "PUT";
    let first_read = calls.iter().filter(is_read).map(|call| call.arrived).min();
    let last_read = calls.iter().filter(is_read).map(|call| call.answered).max();
    let first_write = calls.iter().filter(is_write).map(|call| call.arrived).min();
    let last_write = calls
        .iter()
        .filter(is_write)
        .map(|call| call.answered)
        .max();
    match (first_read, last_read, first_write, last_write) {
        (Some(first_read), Some(last_read), Some(first_write), Some(last_write)) => vec![
            ("step_1_event_to_first_read_ms", given, first_read),
            ("step_2_reads_ms", first_read, last_read),
            ("step_3_last_read_to_first_write_ms", last_read, first_write),
            ("step_4_writes_ms", first_write, last_write),
            ("step_5_last_write_to_answer_ms", last_write, answered),
        ],
        _ => Vec::new(),
    }
}

fn check(body: &[u8], contains: &str) -> Result<(), String> {
    let text = String::from_utf8_lossy(body);
    if text.contains(contains) {
        return Ok(());
    }
    Err(format!("its answer lacks `{contains}`: {text}"))
}

fn ms(from: Instant, to: Instant) -> f64 {
    to.saturating_duration_since(from).as_secs_f64() * 1000.0
}

/// Returns the notification that S3 sends for an upload of the key, without `versionId`. Only the key varies.
fn event(key: &str) -> Vec<u8> {
    let event = serde_json::json!({"Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": "2026-01-15T09:30:00.000Z",
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": "AWS:AIDAJDPLRKLG7UEXAMPLE"},
        "requestParameters": {"sourceIPAddress": "203.0.113.7"},
        "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810", "x-amz-id-2": "FMyUVURIY8"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "uploads",
            "bucket": {
                "name": "uploads",
                "ownerIdentity": {"principalId": "A3NL1KOZZKExample"},
                "arn": "arn:aws:s3:::uploads"
            },
            "object": {"key": key, "size": 77, "eTag": "7aa6c4da093d337e684907df35c6b1d6", "sequencer": "00"}
        }
    }]});
    event.to_string().into_bytes()
}
