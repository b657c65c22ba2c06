//! A private HAProxy with a backend for each output of the `haproxy` template.
//!
//! `set-src` takes the client's address from `X-Client` before HAProxy evaluates the rules.

use std::fmt::Write as _;
use std::process::Command;

use crate::documented;
use crate::process::{Folder, Process, program};

/// A running HAProxy.
pub(crate) struct HaProxy {
    // Dropped first, because the process must end before its folder is removed.
    process: Process,
    folder: Folder,
}

impl HaProxy {
    /// Starts a server for these outputs, each at the path with the output's name. Panics if
    /// `haproxy -c` fails or prints a warning.
    pub(crate) fn start<'a>(outputs: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        Self::start_with(documented::block("haproxy"), LIST, outputs)
    }

    /// Like [`HaProxy::start`], for outputs of the map template in `docs/templates.md`.
    pub(crate) fn start_by_maps<'a>(outputs: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let documented = documented::example("HAProxy with a map", "haproxy");
        Self::start_with(documented, "/etc/haproxy/clients/acme.map", outputs)
    }

    fn start_with<'a>(
        documented: &str,
        file: &str,
        outputs: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let folder = Folder::new("haproxy");
        let backends = backends(&folder, documented, file, outputs);
        if let Some(complaint) = complaint(&folder, &backends) {
            panic!("haproxy -c is not content:\n{complaint}");
        }
        let process = Process::start(&folder, |port| {
            let mut command = command(&folder, port, &backends);
            command.arg("-db");
            command
        });
        Self { process, folder }
    }

    /// The port that the server listens on.
    pub(crate) fn port(&self) -> u16 {
        self.process.port()
    }

    /// Returns the end of the server's log.
    pub(crate) fn errors(&self) -> String {
        self.folder.tail("output.log")
    }
}

/// Returns the message of `haproxy -c` about a list, or `None` if it accepts the list.
pub(crate) fn complaint_about(list: &str) -> Option<String> {
    let folder = Folder::new("haproxy");
    let lists = std::iter::once(("one", list));
    let backends = backends(&folder, documented::block("haproxy"), LIST, lists);
    complaint(&folder, &backends)
}

/// Returns the URL path that these rules protect.
pub(crate) fn path(name: &str) -> String {
    format!("/{name}/")
}

/// The path of the list in the documented rule.
const LIST: &str = "/etc/haproxy/clients/acme.lst";

/// Returns a backend for each output, with the documented rule. The rule reads the output's file
/// instead of the documented file.
fn backends<'a>(
    folder: &Folder,
    documented: &str,
    documented_file: &str,
    outputs: impl Iterator<Item = (&'a str, &'a str)>,
) -> String {
    let mut backends = String::new();
    for (name, output) in outputs {
        let file = format!("rules/{name}.lst");
        folder.write(&file, output);
        let file = folder.path().join(file).display().to_string();
        let rule = documented::part(documented, "http-request deny", "}");
        let rule = documented::with(rule, documented_file, &file);
        let _ = writeln!(
            backends,
            "backend {name}\n  {rule}\n  \
             http-request return status 200 content-type text/plain string \"in\\n\""
        );
    }
    backends
}

fn complaint(folder: &Folder, backends: &str) -> Option<String> {
    let output = command(folder, 1, backends)
        .arg("-c")
        .output()
        .expect("haproxy runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    (!output.status.success() || text.contains("[WARNING]")).then_some(text)
}

fn command(folder: &Folder, port: u16, backends: &str) -> Command {
    let token = folder.path().display();
    let configuration = format!(
        r"global
  nbthread 1
  maxconn 64
defaults
  mode http
  timeout client 60s
  timeout server 60s
  timeout connect 60s
frontend clients
  bind 127.0.0.1:{port}
  http-request set-src hdr(x-client)
  http-after-response set-header X-Seen %[src]
  http-request return status 200 content-type text/plain string {token} if {{ path /ready.txt }}
  use_backend %[path,field(2,/)]
{backends}"
    );
    folder.write("haproxy.cfg", &configuration);
    let mut command = Command::new(program("haproxy", "haproxy"));
    command.arg("-f").arg(folder.path().join("haproxy.cfg"));
    command
}
