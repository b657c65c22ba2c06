//! A local cloud with the deployed stack, and the helpers that the tests use.

use std::collections::HashMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value;

use crate::recorder::Recorder;

/// The time limit for the effect of an upload or an event, long enough for a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);
const PAUSE: Duration = Duration::from_millis(200);
/// The time in seconds before a failed asynchronous invocation is tried again. The default is a minute.
const RETRY_SECONDS: &str = "0.2";

/// The output of `cloud.py describe`.
#[derive(Deserialize)]
struct Description {
    aws: PathBuf,
    environment: HashMap<String, String>,
    outputs: HashMap<String, String>,
}

/// A local cloud that is stopped when this value is dropped.
pub(crate) struct Cloud {
    port: u16,
    description: Description,
    /// The proxy that records the function's calls.
    pub(crate) recorder: Recorder,
    /// The folder for the files of this test run.
    pub(crate) folder: PathBuf,
}

impl Cloud {
    pub(crate) fn up() -> Self {
        let port = free_port();
        let folder = std::env::temp_dir().join(format!("htaccess-stack-{port}"));
        fs::create_dir_all(&folder).unwrap();
        let recorder = Recorder::start();
        recorder.pass_on_to(port);
        let endpoint = format!("EndpointUrl={}", recorder.url());
        cloud(port, &["up", "--parameter", &endpoint]);
        let description = describe(port);
        Self {
            port,
            description,
            recorder,
            folder,
        }
    }

    /// Updates the stack in place. Parameters that are not given keep their values.
    pub(crate) fn deploy(&mut self, parameters: &[&str]) {
        let endpoint = format!("EndpointUrl={}", self.recorder.url());
        let mut arguments = vec!["deploy", "--no-build", "--parameter", &endpoint];
        for parameter in parameters {
            arguments.extend(["--parameter", parameter]);
        }
        cloud(self.port, &arguments);
        self.description = describe(self.port);
    }

    pub(crate) fn output(&self, name: &str) -> &str {
        self.description
            .outputs
            .get(name)
            .unwrap_or_else(|| panic!("the stack has no output {name}"))
    }

    /// Runs the aws client. Returns its standard output, or `None` if it fails.
    pub(crate) fn try_aws(&self, arguments: &[&str]) -> Option<Vec<u8>> {
        let output = Command::new(&self.description.aws)
            .args(arguments)
            .envs(&self.description.environment)
            .current_dir(root())
            .output()
            .unwrap();
        output.status.success().then_some(output.stdout)
    }

    pub(crate) fn aws(&self, arguments: &[&str]) -> Vec<u8> {
        self.try_aws(arguments)
            .unwrap_or_else(|| panic!("failed: aws {}", arguments.join(" ")))
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_slice(&self.aws(arguments)).unwrap()
    }

    /// Runs `infra/operate/redrive.py`. Returns its standard output.
    pub(crate) fn redrive(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(python());
        command.arg(root().join("infra/operate/redrive.py"));
        self.run(command.args(arguments))
    }

    /// Runs a program from `infra/` with the aws client and the credentials of this cloud. Returns
    /// its standard output.
    pub(crate) fn run(&self, command: &mut Command) -> String {
        let output = self.prepare(command).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.success(),
            "{command:?} failed, and said {said}"
        );
        said
    }

    /// Sets the environment of a command so that it uses the aws client and the credentials of this cloud.
    pub(crate) fn prepare<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let clients = self.description.aws.parent().unwrap().display();
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .envs(&self.description.environment)
            .env("PATH", format!("{clients}:{path}"))
            .stderr(Stdio::inherit())
    }

    /// Starts another recorder, for a program other than the function.
    pub(crate) fn new_recorder(&self) -> Recorder {
        let recorder = Recorder::start();
        recorder.pass_on_to(self.port);
        recorder
    }

    pub(crate) fn read(&self, bucket: &str, key: &str) -> Option<String> {
        let url = format!("s3://{}/{key}", self.output(bucket));
        self.try_aws(&["s3", "cp", &url, "-"])
            .map(|bytes| String::from_utf8(bytes).unwrap())
    }

    pub(crate) fn upload(&self, key: &str, text: &str) {
        let file = self.folder.join("upload");
        fs::write(&file, text).unwrap();
        let url = format!("s3://{}/{key}", self.output("UploadBucket"));
        self.aws(&["s3", "cp", file.to_str().unwrap(), &url]);
    }

    pub(crate) fn delete_upload(&self, key: &str) {
        let url = format!("s3://{}/{key}", self.output("UploadBucket"));
        self.aws(&["s3", "rm", &url]);
    }

    /// Waits until a bucket contains this number of objects with a prefix.
    pub(crate) fn wait_for_objects(&self, bucket: &str, prefix: &str, wanted: usize) {
        let bucket = self.output(bucket);
        let list = ["s3api", "list-objects-v2", "--bucket", bucket];
        let query = ["--prefix", prefix, "--query", "length(Contents || `[]`)"];
        let arguments = [&list[..], &query[..]].concat();
        wait_until(&format!("{wanted} objects in {bucket}/{prefix}"), || {
            let count = self.json(&arguments);
            (count == wanted).then_some(()).ok_or(count)
        });
    }

    /// Waits until a queue contains this number of messages.
    pub(crate) fn wait_for_messages(&self, queue: &str, wanted: usize) {
        wait_until(&format!("{wanted} messages in {queue}"), || {
            let count = self.messages(queue);
            (count == wanted).then_some(()).ok_or(count)
        });
    }

    pub(crate) fn messages(&self, queue: &str) -> usize {
        self.messages_at(self.output(queue))
    }

    /// Returns the number of messages in the queue with this URL.
    pub(crate) fn messages_at(&self, url: &str) -> usize {
        let attribute = "ApproximateNumberOfMessages";
        let ask = ["sqs", "get-queue-attributes", "--attribute-names"];
        let about = [attribute, "--queue-url", url];
        let answer = self.json(&[&ask[..], &about[..]].concat());
        let count = answer["Attributes"][attribute].as_str().unwrap();
        count.parse().unwrap()
    }

    /// Waits until a key's report contains an answer that `wanted` accepts. Returns the answer.
    pub(crate) fn answer(&self, key: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        wait_until(&format!("an answer on {key}"), || {
            let report = self.read("ReportBucket", &format!("{key}.html"));
            match report.map(|page| answer_in(&page)) {
                Some(answer) if wanted(&answer) => Ok(answer),
                last => Err(last),
            }
        })
    }

    /// Waits until an output exists and `wanted` accepts it. Returns the output.
    pub(crate) fn site(&self, key: &str, wanted: impl Fn(&str) -> bool) -> String {
        wait_until(&format!("the output {key}"), || {
            match self.read("SiteBucket", key) {
                Some(text) if wanted(&text) => Ok(text),
                last => Err(last),
            }
        })
    }

    /// Invokes the function with an event. Returns its response.
    pub(crate) fn invoke(&self, event: &str) -> Value {
        let answer = self.folder.join("answer.json");
        self.aws(&[
            "lambda",
            "invoke",
            "--function-name",
            self.output("FunctionName"),
            "--payload",
            &format!("fileb://events/{event}"),
            answer.to_str().unwrap(),
        ]);
        serde_json::from_slice(&fs::read(answer).unwrap()).unwrap()
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        let _ = command(self.port, &["down"]).status();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Calls `ask` until it returns `Ok`. Panics with the last `Err` value after the time limit.
pub(crate) fn wait_until<T, E: std::fmt::Debug>(
    what: &str,
    mut ask: impl FnMut() -> Result<T, E>,
) -> T {
    let started = Instant::now();
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err(last) => assert!(
                started.elapsed() < PATIENCE,
                "waited in vain for {what}: {last:?}"
            ),
        }
        thread::sleep(PAUSE);
    }
}

/// Returns a free port below 32768. Linux gives higher ports to other programs, and the cloud starts
/// only after a build.
fn free_port() -> u16 {
    let first = 10_000 + u16::try_from(std::process::id() % 10_000).unwrap();
    (first..32_768)
        .find(|&port| TcpListener::bind(("127.0.0.1", port)).is_ok())
        .expect("a free port")
}

fn answer_in(page: &str) -> Value {
    let (_, rest) = page
        .split_once(r#"<script type="application/json" id="answer">"#)
        .unwrap();
    let (json, _) = rest.split_once("</script>").unwrap();
    serde_json::from_str(json).unwrap()
}

fn describe(port: u16) -> Description {
    serde_json::from_slice(&cloud(port, &["describe"])).unwrap()
}

/// Runs `cloud.py` and returns its standard output. Its progress messages go to the test's standard error.
fn cloud(port: u16, arguments: &[&str]) -> Vec<u8> {
    let output = command(port, arguments)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "cloud.py {arguments:?} failed");
    output.stdout
}

fn command(port: u16, arguments: &[&str]) -> Command {
    let mut command = Command::new(python());
    command
        .arg(root().join("infra/local/cloud.py"))
        .args(arguments)
        .env("CLOUD_PORT", port.to_string())
        .env("LAMBDA_ASYNC_RETRY_BASE_SECONDS", RETRY_SECONDS);
    command
}

pub(crate) fn python() -> String {
    std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
