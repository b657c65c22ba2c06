//! The whole way from an upload to a web server: `htaccess-sync --queue` reads the queue of
//! `infra/web-server.yaml`, and a real Apache enforces the files that it installs.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Instant;

use serde_json::{Value, json};

use crate::cloud::{Cloud, python, root, wait_until};
use crate::http::Connection;
use crate::process::{Folder, Process, program};
use crate::recorder::{Call, Recorder};

const STACK: &str = "web-1";
/// An odd number, so that one of the times is the median.
const UPLOADS: usize = 5;
const SITE: &str = "mile/a site";
const CSV: &str = "mile/a site.csv";
const PAGE: &str = "/mile/a%20site/page.txt";
const MODULES: [&str; 5] = [
    "mpm_event",
    "authz_core",
    "authz_host",
    "remoteip",
    "headers",
];

/// The stack has no topic for web servers unless the topic is enabled.
pub(crate) fn is_not_there_by_default(cloud: &Cloud) {
    let topics = cloud.json(&["sns", "list-topics", "--query", "Topics[].TopicArn"]);
    assert_eq!(topics.as_array().unwrap().len(), 1, "{topics}");
    assert_eq!(notifications(cloud)["TopicConfigurations"], Value::Null);
}

pub(crate) fn of_an_upload_ends_at_a_real_apache(cloud: &Cloud) {
    let configurations = notifications(cloud)["TopicConfigurations"].clone();
    assert_eq!(configurations.as_array().map(Vec::len), Some(2));

    let server = add_server(cloud);
    let apache = Apache::start();
    apache.folder.write(&format!("root/{SITE}/page.txt"), "in");
    let recorder = cloud.new_recorder();
    let mut service = Service::start(cloud, &recorder, &server["Queue"], apache.root());
    apache.waits_until(&[("192.0.2.1", 200), ("192.0.2.2", 200)]);

    uploads_are_enforced(cloud, &apache);
    send(cloud, &server["Queue"], "nothing that anybody understands");
    cloud.upload(CSV, "IP,Rule\n192.0.2.2,Allow\n");
    apache.waits_until(&[("192.0.2.1", 403), ("192.0.2.2", 200)]);
    deliver_in_notifications(cloud, &server["Queue"]);
    cloud.upload(CSV, "IP,Rule\n192.0.2.1,Allow\n");
    apache.waits_until(&[("192.0.2.1", 200), ("192.0.2.2", 403)]);
    cloud.delete_upload(CSV);
    apache.waits_until(&[("192.0.2.1", 200), ("192.0.2.2", 200)]);

    service.stop();
    for queue in ["Queue", "DeadLetterQueue"] {
        let left = cloud.messages_at(server[queue].as_str().unwrap());
        assert_eq!(left, 0, "{queue}");
    }
    the_policy_grants_what_is_called(cloud, &server["Policy"], &recorder.take());
    remove_server(cloud);
}

/// Uploads CSVs one after the other. The last of them lets in 192.0.2.1. Prints the median time
/// until Apache enforces an upload.
fn uploads_are_enforced(cloud: &Cloud, apache: &Apache) {
    let clients = ["192.0.2.1", "192.0.2.2"];
    let mut times = Vec::new();
    for number in 0..UPLOADS {
        let (allowed, refused) = (clients[number % 2], clients[(number + 1) % 2]);
        let started = Instant::now();
        cloud.upload(CSV, &format!("IP,Rule\n{allowed},Allow\n"));
        apache.waits_until(&[(allowed, 200), (refused, 403)]);
        times.push(started.elapsed());
    }
    times.sort();
    let median = times[UPLOADS / 2].as_secs_f64();
    println!("{UPLOADS} uploads: enforced by Apache after {median:.1} s (median)");
}

fn notifications(cloud: &Cloud) -> Value {
    let ask = ["s3api", "get-bucket-notification-configuration", "--bucket"];
    let answer = cloud.aws(&[&ask[..], &[cloud.output("SiteBucket")]].concat());
    serde_json::from_slice(&answer).unwrap_or_default()
}

/// Deploys the web server's template with its default parameters. Returns its outputs by name.
fn add_server(cloud: &Cloud) -> Value {
    let deploy = ["cloudformation", "deploy", "--stack-name", STACK];
    let template = ["--template-file", "infra/web-server.yaml"];
    let capability = ["--capabilities", "CAPABILITY_IAM"];
    cloud.aws(&[&deploy[..], &template[..], &capability[..]].concat());
    let ask = ["cloudformation", "describe-stacks", "--stack-name", STACK];
    let outputs = cloud.json(&[&ask[..], &["--query", "Stacks[0].Outputs"]].concat());
    let named = |output: &Value| {
        let name = output["OutputKey"].as_str().unwrap().to_owned();
        (name, output["OutputValue"].clone())
    };
    outputs.as_array().unwrap().iter().map(named).collect()
}

/// Deletes the web server's stack, because the stack with the topic cannot be deleted before it.
fn remove_server(cloud: &Cloud) {
    cloud.aws(&["cloudformation", "delete-stack", "--stack-name", STACK]);
    let list = ["sqs", "list-queues", "--queue-name-prefix", STACK];
    let count = ["--query", "length(QueueUrls || `[]`)"];
    wait_until("the end of the queues", || {
        let queues = cloud.json(&[&list[..], &count[..]].concat());
        (queues == 0).then_some(()).ok_or(queues)
    });
}

fn send(cloud: &Cloud, queue: &Value, body: &str) {
    let queue = ["--queue-url", queue.as_str().unwrap()];
    let send = ["sqs", "send-message", "--message-body", body];
    cloud.aws(&[&send[..], &queue[..]].concat());
}

/// Turns off raw delivery for the subscription, so that SNS wraps the events in its notifications.
fn deliver_in_notifications(cloud: &Cloud, queue: &Value) {
    let name = queue.as_str().unwrap().rsplit('/').next().unwrap();
    let list = ["sns", "list-subscriptions", "--query"];
    let query = format!("Subscriptions[?ends_with(Endpoint, `:{name}`)].SubscriptionArn");
    let found = cloud.json(&[&list[..], &[&query]].concat());
    assert_eq!(found.as_array().unwrap().len(), 1, "{found}");
    let change = ["sns", "set-subscription-attributes", "--subscription-arn"];
    let about = [found[0].as_str().unwrap()];
    let raw = ["--attribute-name", "RawMessageDelivery"];
    let value = ["--attribute-value", "false"];
    cloud.aws(&[&change[..], &about[..], &raw[..], &value[..]].concat());
}

fn the_policy_grants_what_is_called(cloud: &Cloud, policy: &Value, calls: &[Call]) {
    let about = ["--policy-arn", policy.as_str().unwrap()];
    let ask = ["iam", "get-policy-version", "--version-id", "v1"];
    let answer = cloud.json(&[&ask[..], &about[..]].concat());
    let statements = &answer["PolicyVersion"]["Document"]["Statement"];
    let mut granted = BTreeSet::new();
    for statement in statements.as_array().unwrap() {
        assert_eq!(statement["Effect"], "Allow");
        let resource = statement["Resource"].as_str().unwrap();
        let actions = match &statement["Action"] {
            Value::Array(actions) => actions.clone(),
            action => vec![action.clone()],
        };
        for action in actions {
            let action = action.as_str().unwrap().to_owned();
            if action.starts_with("s3:") {
                let condition = json!({"StringEquals": {"aws:ResourceAccount": "000000000000"}});
                assert_eq!(statement["Condition"], condition, "{action}");
                assert!(resource.contains(cloud.output("SiteBucket")), "{resource}");
            } else {
                assert!(resource.contains(":web-1-Queue"), "{resource}");
            }
            granted.insert(action);
        }
    }
    let called: BTreeSet<String> = calls.iter().map(|call| action(call).to_owned()).collect();
    assert_eq!(granted, called);
}

fn action(call: &Call) -> &str {
    match (call.method.as_str(), call.operation.as_str()) {
        (_, "AmazonSQS.ReceiveMessage") => "sqs:ReceiveMessage",
        (_, "AmazonSQS.DeleteMessageBatch") => "sqs:DeleteMessage",
        ("GET", "") if call.key.is_empty() => "s3:ListBucket",
        ("GET" | "HEAD", "") => "s3:GetObject",
        _ => panic!("{call:?}"),
    }
}

/// A running `htaccess-sync --queue`.
struct Service(Child);

impl Service {
    fn start(cloud: &Cloud, recorder: &Recorder, queue: &Value, web: &Path) -> Self {
        let mut command = Command::new(interpreter());
        command.arg(root().join("infra/operate/sync/htaccess-sync"));
        command.args(["--delete", "--queue", queue.as_str().unwrap()]);
        command.arg(cloud.output("SiteBucket"));
        command.args([&cloud.folder.join("staging-of-queue"), web]);
        let command = cloud.prepare(&mut command);
        command.env("AWS_ENDPOINT_URL", recorder.url());
        Self(command.spawn().unwrap())
    }

    fn stop(&mut self) {
        let id = self.0.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(sent.success());
        let status = self.0.wait().unwrap();
        assert!(status.success(), "{status}");
    }
}

/// Returns the path of the Python interpreter itself. A shim, such as that of pyenv, would put a
/// different aws client first in `PATH`.
fn interpreter() -> PathBuf {
    let print = "import sys; print(sys.executable, end='')";
    let output = Command::new(python()).args(["-c", print]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().into()
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A real Apache that takes the client's address from `X-Client`.
struct Apache {
    // Dropped first, because the process must end before its folder is removed.
    process: Process,
    folder: Folder,
    root: PathBuf,
}

impl Apache {
    fn start() -> Self {
        let httpd = program("apache2", "apache2-bin");
        let folder = Folder::new("last-mile");
        folder.make("run");
        let process = Process::start(&folder, |port| {
            folder.write("httpd.conf", &configuration(&folder, port));
            let mut command = Command::new(&httpd);
            let file = folder.path().join("httpd.conf");
            command.arg("-DFOREGROUND").arg("-f").arg(file);
            command
        });
        let root = folder.path().join("root");
        Self {
            process,
            folder,
            root,
        }
    }

    fn root(&self) -> &Path {
        &self.root
    }

    /// Waits until every client gets its expected status.
    fn waits_until(&self, wanted: &[(&str, u16)]) {
        let mut connection = Connection::to(self.process.port());
        let mut status = |client| {
            let response = connection.get(PAGE, client).unwrap();
            assert_eq!(response.seen.as_deref(), Some(client));
            response.status
        };
        wait_until(&format!("{wanted:?}"), || {
            let got: Vec<_> = wanted
                .iter()
                .map(|(client, _)| (*client, status(client)))
                .collect();
            (got == wanted).then_some(()).ok_or(got)
        });
    }
}

fn configuration(folder: &Folder, port: u16) -> String {
    let mut modules = String::new();
    for name in MODULES {
        let file = format!("/usr/lib/apache2/modules/mod_{name}.so");
        let _ = writeln!(modules, "LoadModule {name}_module {file}");
    }
    let user = if folder.is_roots() {
        "User www-data\nGroup www-data\n"
    } else {
        ""
    };
    format!(
        "ServerRoot \"{root}\"\nDocumentRoot \"{root}/root\"\nServerName localhost\n\
         Listen 127.0.0.1:{port}\nDefaultRuntimeDir run\nPidFile run/httpd.pid\nErrorLog error.log\n\
         {modules}{user}RemoteIPHeader X-Client\nRemoteIPInternalProxy 127.0.0.0/8\n\
         Header always set X-Seen \"expr=%{{REMOTE_ADDR}}\"\n\
         <Directory \"{root}/root\">\nAllowOverride AuthConfig\nRequire all granted\n</Directory>\n",
        root = folder.path().display()
    )
}
