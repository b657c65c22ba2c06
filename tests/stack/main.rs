//! The deployed stack: `template.yaml` in a local cloud of its own, reached with the plain aws client.
//!
//! `cargo test --test stack` needs the tools of `make install` and brings the cloud up itself, on a
//! free port, and down again.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says where it is"
)]

use std::collections::HashMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value;

/// How long one upload may take to be answered: the first invocation is a cold start.
const PATIENCE: Duration = Duration::from_secs(30);

/// What `cloud.py describe` says.
#[derive(Deserialize)]
struct Description {
    aws: PathBuf,
    environment: HashMap<String, String>,
    outputs: HashMap<String, String>,
}

/// A local cloud with the stack deployed; it goes down with its owner.
struct Cloud {
    port: u16,
    description: Description,
    folder: PathBuf,
}

impl Cloud {
    fn up() -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let folder = std::env::temp_dir().join(format!("htaccess-stack-{port}"));
        fs::create_dir_all(&folder).unwrap();
        cloud(port, "up");
        let description = serde_json::from_slice(&cloud(port, "describe")).unwrap();
        Self {
            port,
            description,
            folder,
        }
    }

    fn output(&self, name: &str) -> &str {
        &self.description.outputs[name]
    }

    /// Runs the aws client: its standard output if it succeeds.
    fn try_aws(&self, arguments: &[&str]) -> Option<Vec<u8>> {
        let output = Command::new(&self.description.aws)
            .args(arguments)
            .envs(&self.description.environment)
            .current_dir(root())
            .output()
            .unwrap();
        output.status.success().then_some(output.stdout)
    }

    fn aws(&self, arguments: &[&str]) -> Vec<u8> {
        self.try_aws(arguments)
            .unwrap_or_else(|| panic!("failed: aws {}", arguments.join(" ")))
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_slice(&self.aws(arguments)).unwrap()
    }

    fn read(&self, bucket: &str, key: &str) -> Option<String> {
        let url = format!("s3://{}/{key}", self.output(bucket));
        self.try_aws(&["s3", "cp", &url, "-"])
            .map(|bytes| String::from_utf8(bytes).unwrap())
    }

    fn upload(&self, key: &str, csv: &str) {
        let file = self.folder.join("upload.csv");
        fs::write(&file, csv).unwrap();
        let url = format!("s3://{}/{key}", self.output("UploadBucket"));
        self.aws(&["s3", "cp", file.to_str().unwrap(), &url]);
    }

    /// The answer in the report on a key, once it is as wanted.
    fn answer(&self, key: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let answer = self
                .read("ReportBucket", &format!("{key}.html"))
                .map(|page| answer_in(&page));
            match answer {
                Some(answer) if wanted(&answer) => return answer,
                last => assert!(
                    started.elapsed() < PATIENCE,
                    "no such answer on {key}, but {last:?}"
                ),
            }
            thread::sleep(Duration::from_millis(200));
        }
    }

    /// Calls the function with an event: what it answers.
    fn invoke(&self, event: &str) -> Value {
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
        let _ = Command::new(python())
            .arg(root().join("infra/local/cloud.py"))
            .arg("down")
            .env("CLOUD_PORT", self.port.to_string())
            .status();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// One deployment, for it is what takes the time; the steps do not depend on each other.
#[test]
fn the_deployed_stack_answers_uploads_and_events() {
    let cloud = Cloud::up();
    for step in [
        samples_are_answered,
        a_refused_csv_leaves_the_previous_output,
        events_can_be_invoked,
        buckets_are_private_versioned_and_encrypted,
    ] {
        step(&cloud);
    }
}

fn samples_are_answered(cloud: &Cloud) {
    let uploads = format!("s3://{}/", cloud.output("UploadBucket"));
    cloud.aws(&["s3", "cp", "--recursive", "events/samples", &uploads]);
    for (key, status, accepted, rejected) in [
        ("clients/acme.csv", "written", 3, 1),
        ("clients/archive.csv.gz", "written", 256, 0),
        ("clients/LEGACY.CSV", "written", 2, 0),
        ("clients/Café Noël + Söhne.csv", "written", 3, 0),
        ("clients/no-rule-column.csv", "refused", 0, 0),
    ] {
        let answer = cloud.answer(key, |answer| answer["status"] == status);
        println!("{key}: {status}");
        assert_eq!(
            (&answer["accepted"], &answer["rejected"]),
            (&accepted.into(), &rejected.into()),
            "{key}"
        );
    }
    let site = cloud.read("SiteBucket", "clients/acme/.htaccess").unwrap();
    assert!(
        site.contains("Require ip 172.100.2.11 192.168.1.10"),
        "{site}"
    );
}

fn a_refused_csv_leaves_the_previous_output(cloud: &Cloud) {
    let (key, output) = ("again/site.csv", "again/site/.htaccess");
    cloud.upload(key, "IP Address,Rule\n192.0.2.1,Allow\n");
    cloud.answer(key, |answer| answer["status"] == "written");
    let before = cloud.read("SiteBucket", output);
    cloud.upload(key, "IP Address,Colour\n192.0.2.2,green\n");
    let answer = cloud.answer(key, |answer| answer["status"] == "refused");
    assert_eq!(answer["code"], "missing-column");
    assert_eq!(cloud.read("SiteBucket", output), before);
}

fn events_can_be_invoked(cloud: &Cloud) {
    let statuses = |event| {
        let answer = cloud.invoke(event);
        let results = answer["results"]
            .as_array()
            .unwrap_or_else(|| panic!("{event}: {answer}"))
            .clone();
        results
            .iter()
            .map(|result| result["status"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(statuses("s3-put.json"), ["unchanged"]);
    assert_eq!(
        statuses("s3-put-multiple.json"),
        ["unchanged", "unchanged", "unchanged"]
    );
    println!("{:?}", cloud.invoke("s3-test-event.json"));
}

fn buckets_are_private_versioned_and_encrypted(cloud: &Cloud) {
    for bucket in ["UploadBucket", "SiteBucket", "ReportBucket"] {
        let ask =
            |question: &str| cloud.json(&["s3api", question, "--bucket", cloud.output(bucket)]);
        assert_eq!(
            ask("get-bucket-versioning")["Status"],
            "Enabled",
            "{bucket}"
        );
        let access = ask("get-public-access-block");
        let settings = access["PublicAccessBlockConfiguration"]
            .as_object()
            .unwrap();
        assert_eq!(
            settings.values().filter(|&on| on == true).count(),
            4,
            "{bucket}: {access}"
        );
        let encryption = ask("get-bucket-encryption").to_string();
        assert!(encryption.contains("AES256"), "{bucket}: {encryption}");
        let policy = ask("get-bucket-policy").to_string();
        assert!(policy.contains("aws:SecureTransport"), "{bucket}: {policy}");
    }
}

fn answer_in(page: &str) -> Value {
    let (_, rest) = page
        .split_once(r#"<script type="application/json" id="answer">"#)
        .unwrap();
    let (json, _) = rest.split_once("</script>").unwrap();
    serde_json::from_str(json).unwrap()
}

/// Runs `cloud.py`, whose progress goes to the test's standard error: its standard output.
fn cloud(port: u16, verb: &str) -> Vec<u8> {
    let output = Command::new(python())
        .arg(root().join("infra/local/cloud.py"))
        .arg(verb)
        .env("CLOUD_PORT", port.to_string())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "cloud.py {verb} failed");
    output.stdout
}

fn python() -> String {
    std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
