//! Checks the sets of the `nftables` template with `nft -c`, and tests them with real packets in a
//! separate network namespace.
//!
//! Both need `CAP_NET_ADMIN`. `unshare` creates a namespace for root, and for other users if the
//! kernel allows user namespaces.

use std::io::Write as _;
use std::net::IpAddr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::json;

use crate::compare::Case;
use crate::documented;
use crate::process::{Folder, program};

/// A separate network namespace.
pub(crate) struct Network {
    unshare: Vec<&'static str>,
    folder: Folder,
}

impl Network {
    /// Creates a network. `None` if this machine does not allow separate namespaces.
    pub(crate) fn new() -> Option<Self> {
        program("nft", "nftables");
        program("ip", "iproute2");
        let ways = [vec!["--net"], vec!["--user", "--map-root-user", "--net"]];
        let unshare = ways.into_iter().find(|way| {
            let tried = Command::new("unshare")
                .args(way)
                .args(["sh", "-c", "PATH=$PATH:/usr/sbin:/sbin; nft list ruleset"])
                .output();
            tried.is_ok_and(|output| output.status.success())
        })?;
        let folder = Folder::new("nftables");
        Some(Self { unshare, folder })
    }

    fn command(&self, script: &str) -> Command {
        let mut command = Command::new("unshare");
        command
            .args(&self.unshare)
            .args(["sh", "-c"])
            .arg(format!("PATH=$PATH:/usr/sbin:/sbin; {script}"))
            .current_dir(self.folder.path());
        command
    }

    /// Returns the message of `nft -c` about a file, or `None` if it accepts the file.
    pub(crate) fn complaint(&self, file: &str) -> Option<String> {
        self.folder.write("checked.nft", file);
        let output = self.command("nft -c -f checked.nft").output();
        complaint(&output.expect("unshare runs"))
    }

    /// Loads each file with the documented chain, and connects from every client of its case.
    /// Returns whether each client got in. Clients whose address cannot occur in a packet are left out.
    pub(crate) fn connections(&self, cases: &[(&Case, &str)]) -> Vec<Vec<(IpAddr, bool)>> {
        let mut policies = Vec::new();
        for (index, (case, file)) in cases.iter().enumerate() {
            let name = format!("{index}.nft");
            self.folder.write(&name, file);
            self.folder
                .write(&format!("{index}-chain.nft"), &chain(file));
            policies.push(json!({"sets": name, "chain": format!("{index}-chain.nft"), "clients": case.probes}));
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers/packets.py");
        let mut child = self
            .command(&format!("exec python3 {}", script.display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("unshare runs");
        let mut input = child.stdin.take().expect("it was piped");
        let text = json!(policies).to_string();
        // The program reads all of its input before it writes, so neither side can block the other.
        input.write_all(text.as_bytes()).expect("packets.py reads");
        drop(input);
        let output = child.wait_with_output().expect("packets.py ends");
        if let Some(complaint) = complaint(&output) {
            panic!("{complaint}");
        }
        serde_json::from_slice(&output.stdout).expect("packets.py prints JSON")
    }
}

fn complaint(output: &Output) -> Option<String> {
    (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Returns the chain that `docs/web-servers.md` shows, for the sets in this file. The line that
/// accepts the loopback interface is removed, because all clients of the tests use this interface.
fn chain(file: &str) -> String {
    let name = documented::part(file, "ipv4_", " ").trim_end();
    let name = name.strip_prefix("ipv4_").expect("it starts so");
    let chain = documented::with(documented::block("nft"), "clients__acme", name);
    documented::with(&chain, "    iif lo accept\n", "")
}
