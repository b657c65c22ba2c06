//! The function as a process that communicates with the Lambda Runtime API
//! (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>): its answers, its log lines, and
//! its error message before it exits.

/// The log, which contains no text from a CSV.
mod log;
/// Payloads that are not events.
mod payloads;

use std::io::{BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{Value, json};

use crate::function::faults::http::{Request, read_request};
use crate::function::faults::server::Server;
use crate::function::handler::{ACME, put_event};

/// The time limit for a function that hangs. No other wait takes this long.
const PATIENCE: Duration = Duration::from_mins(1);
const SECRETS: [(&str, &str); 2] = [
    ("AWS_SECRET_ACCESS_KEY", "secret-of-the-tests"),
    ("AWS_SESSION_TOKEN", "token-of-the-tests"),
];

/// A message that the function posted to the Runtime API.
struct Told {
    path: String,
    body: Value,
}

/// The function's process with its own environment variables, and a Runtime API that sends
/// one event to the function.
struct Function {
    process: Child,
    told: Receiver<Told>,
    /// The threads that read both streams, because a process waits if one of its pipes is full.
    streams: [JoinHandle<Vec<u8>>; 2],
}

impl Function {
    fn start(variables: &[(&str, &str)], event: &Value) -> Self {
        Self::start_with_payload(variables, event.to_string().as_bytes())
    }

    fn start_with_payload(variables: &[(&str, &str)], payload: &[u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (sender, told) = mpsc::channel();
        let payload = payload.to_vec();
        // The thread ends when the process of the test ends.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (sender, payload) = (sender.clone(), payload.clone());
                thread::spawn(move || serve(&stream, &sender, &payload));
            }
        });
        let mut process = Command::new(env!("CARGO_BIN_EXE_bootstrap"))
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", address)
            .env("AWS_LAMBDA_FUNCTION_NAME", "tested")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024")
            .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
            .env("AWS_ACCESS_KEY_ID", "test")
            .envs(SECRETS)
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let streams = [
            read_all(process.stdout.take().unwrap()),
            read_all(process.stderr.take().unwrap()),
        ];
        Self {
            process,
            told,
            streams,
        }
    }

    /// Returns the first message that the function posts, and the lines that it has logged until its end.
    fn first_told(mut self, ends_by_itself: bool) -> (Told, Vec<String>) {
        let told = self.told.recv_timeout(PATIENCE);
        if !ends_by_itself || told.is_err() {
            self.process.kill().unwrap();
        }
        let status = self.process.wait().unwrap();
        // Lambda writes both streams to the log.
        let streams = self.streams.map(|stream| stream.join().unwrap());
        let log = String::from_utf8(streams.concat()).unwrap();
        assert_eq!(status.code(), ends_by_itself.then_some(1), "{log}");
        (told.unwrap(), log.lines().map(str::to_owned).collect())
    }
}

fn read_all(mut stream: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        bytes
    })
}

/// Serves a connection, which delivers one event. If the function requests another
/// event, it gets no response.
fn serve(mut stream: &TcpStream, sender: &Sender<Told>, payload: &[u8]) {
    let mut reader = BufReader::new(stream);
    let mut is_given = false;
    while let Some(Request { path, body, .. }) = read_request(&mut reader) {
        let path = path.trim_start_matches("2018-06-01/runtime/").to_owned();
        if path == "invocation/next" && is_given {
            continue;
        }
        let answer = if path == "invocation/next" {
            is_given = true;
            let head = format!(
                "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: id\r\n\
                 Lambda-Runtime-Deadline-Ms: 4102444800000\r\n\
                 Lambda-Runtime-Invoked-Function-Arn: arn\r\nContent-Length: {}\r\n\r\n",
                payload.len()
            );
            [head.as_bytes(), payload].concat()
        } else {
            b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n".to_vec()
        };
        stream.write_all(&answer).unwrap();
        if path != "invocation/next" {
            let body = serde_json::from_slice(&body).unwrap();
            // The test may have received its message and ended.
            let _ = sender.send(Told { path, body });
        }
    }
}

/// Starts an S3 server with a CSV, and the function with an event about the CSV.
fn invoke(csv: &[u8], key: &str, event_key: &str, format: &str) -> (Told, Vec<String>) {
    let server = Server::start();
    server.upload(&format!("uploads/{key}"), csv);
    // The host is a name. If the requests were not path-style, the bucket would become part of the host name.
    let url = server.url.replace("127.0.0.1", "localhost");
    let variables = [
        ("OUTPUT_BUCKET", "sites"),
        ("AWS_ENDPOINT_URL_S3", &url),
        ("AWS_LAMBDA_LOG_FORMAT", format),
        ("AWS_LAMBDA_LOG_LEVEL", "INFO"),
    ];
    Function::start(&variables, &put_event(&[event_key])).first_told(false)
}

#[test]
fn the_licences_of_third_parties_are_in_the_program() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootstrap"));
    let output = command.env_clear().arg("--licenses").output().unwrap();
    assert!(output.status.success());
    let licenses = include_bytes!("../../../THIRD-PARTY-LICENSES.txt");
    assert!(output.stdout == licenses);
}

#[test]
fn an_upload_is_answered_logged_and_counted() {
    let (told, log) = invoke(ACME, "acme.csv", "acme.csv", "JSON");
    assert_eq!(told.path, "invocation/id/response");
    assert_eq!(told.body["results"][0]["status"], "written");
    let [line, metrics] = &log[..] else {
        panic!("{log:?}")
    };
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(
        (&line["level"], &line["span"]["requestId"]),
        (&"INFO".into(), &"id".into())
    );
    let mut fields = line["fields"].clone();
    assert!(fields["processing_ms"].take().is_number());
    let bytes = &told.body["results"][0]["bytes"];
    assert_eq!(
        fields,
        json!({
            "message": "written", "source": "acme.csv", "output": "acme/.htaccess", "status": "written",
            "rows": 4, "accepted": 3, "rejected": 1, "networks_allow": 2, "networks_deny": 0,
            "bytes": bytes, "input_bytes": ACME.len(), "processing_ms": null,
        })
    );
    let metrics: Value = serde_json::from_str(metrics).unwrap();
    assert_eq!(
        metrics["_aws"]["CloudWatchMetrics"][0]["Namespace"],
        "HtaccessGenerator"
    );
    for (name, value) in [
        ("FilesPublished", json!(1)),
        ("ColdStart", json!(1)),
        ("InputBytes", json!([ACME.len()])),
        ("function_name", json!("tested")),
        ("function_request_id", json!("id")),
    ] {
        assert_eq!(metrics[name], value, "{name}");
    }
}

#[test]
fn log_lines_stay_on_one_line_and_contain_no_row() {
    for format in ["Text", "JSON"] {
        let (told, log) = invoke(b"a,b\n1,2\n", "a\nb.csv", "a%0Ab\u{1b}[31m.csv", format);
        assert_eq!(told.body["results"][0]["code"], "unsafe-key");
        assert_eq!(log.len(), 2, "{log:?}");
        let (_, log) = invoke(ACME, "acme.csv", "acme.csv", format);
        let log = log.concat();
        let unwanted = ["\u{1b}", "2.2.2", "192.168.1.10"];
        for text in unwanted
            .iter()
            .chain(SECRETS.iter().map(|(_, value)| value))
        {
            assert!(!log.contains(text), "{text:?}: {log}");
        }
    }
}

/// An emulator may have no versions. The function logs the consequences only once.
#[test]
fn an_emulator_without_versions_is_logged_once() {
    let server = Server::start();
    server.without_versions();
    for key in ["a.csv", "b.csv", "c.txt"] {
        server.upload(&format!("uploads/{key}"), ACME);
    }
    let url = server.url.replace("127.0.0.1", "localhost");
    let variables = [("OUTPUT_BUCKET", "sites"), ("AWS_ENDPOINT_URL_S3", &url)];
    let event = put_event(&["a.csv", "b.csv", "c.txt"]);
    let (told, log) = Function::start(&variables, &event).first_told(false);
    assert_eq!(told.body["results"][1]["status"], "written");
    let warnings: Vec<Value> = log
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &Value| line["level"] == "WARN")
        .collect();
    let [warning] = &warnings[..] else {
        panic!("{log:?}")
    };
    assert_eq!(warning["fields"]["error_type"], "unversioned-bucket");
}

#[test]
fn a_failure_is_reported_with_its_kind() {
    let variables = [("OUTPUT_BUCKET", "sites")];
    let (told, log) = Function::start(&variables, &json!({"x": 1})).first_told(false);
    assert_eq!(told.path, "invocation/id/error");
    assert_eq!(told.body["errorType"], "UnknownEvent");
    let line: Value = serde_json::from_str(&log[0]).unwrap();
    assert_eq!(line["level"], "ERROR");
    assert_eq!(line["fields"]["error_type"], "UnknownEvent");
}

#[test]
fn a_bad_setting_is_reported_before_the_process_ends() {
    for (variables, message) in [
        (&[][..], "OUTPUT_BUCKET is not set: "),
        (
            &[("OUTPUT_BUCKET", "sites"), ("ON_DELETE", "drop")],
            "ON_DELETE is \"drop\": expected keep, remove or deny",
        ),
        (
            &[
                ("OUTPUT_BUCKET", "sites"),
                ("SSL_CERT_FILE", "/nowhere.pem"),
            ],
            "SSL_CERT_FILE is \"/nowhere.pem\": no certificate authority was found (",
        ),
    ] {
        let (told, log) = Function::start(variables, &json!({})).first_told(true);
        assert_eq!(told.path, "init/error");
        assert_eq!(told.body["errorType"], "BadSettings");
        let said = told.body["errorMessage"].as_str().unwrap();
        assert!(said.starts_with(message), "{said}");
        assert_eq!(log.len(), 1, "{log:?}");
        let line: Value = serde_json::from_str(&log[0]).unwrap();
        assert_eq!(line["fields"]["message"], said);
    }
}
