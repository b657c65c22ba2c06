//! A private Caddy with a `handle` for each output of the `caddy` template.
//!
//! The matcher `remote_ip` uses the address of the connection. The tests insert `forwarded` after
//! it, so that Caddy uses the address in `X-Forwarded-For` instead. The rest of the output is unchanged.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::process::Command;

use crate::documented;
use crate::process::{Folder, Process, program};

/// A running Caddy.
pub(crate) struct Caddy {
    // Dropped first, because the process must end before its folder is removed.
    process: Process,
    folder: Folder,
}

impl Caddy {
    /// Starts a server for these outputs, each at the path with the output's name. Panics if `caddy
    /// validate` fails for the unchanged outputs.
    pub(crate) fn start<'a>(outputs: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> Self {
        if let Some(complaint) = complaint(outputs.clone()) {
            panic!("caddy validate is not content:\n{complaint}");
        }
        let folder = Folder::new("caddy");
        let mut sites = String::new();
        for (name, output) in outputs {
            sites += &site(&folder, name, &forwarded(output));
        }
        Self::start_in(folder, &sites)
    }

    /// Starts a server with a custom site.
    pub(crate) fn start_with(site: &str) -> Self {
        Self::start_in(Folder::new("caddy"), site)
    }

    fn start_in(folder: Folder, sites: &str) -> Self {
        let process = Process::start(&folder, |port| command(&folder, "run", port, sites));
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

/// Returns the message of `caddy validate` about the outputs, or `None` if it accepts them.
pub(crate) fn complaint<'a>(outputs: impl Iterator<Item = (&'a str, &'a str)>) -> Option<String> {
    let folder = Folder::new("caddy");
    let sites: String = outputs
        .map(|(name, output)| site(&folder, name, output))
        .collect();
    let output = command(&folder, "validate", 1, &sites)
        .output()
        .expect("caddy runs");
    (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Returns an output that uses the address in `X-Forwarded-For`.
pub(crate) fn forwarded(output: &str) -> String {
    output
        .replace("{\n\t\tremote_ip ", "{\n\t\tremote_ip forwarded ")
        .replace("{\n\tremote_ip ", "{\n\tremote_ip forwarded ")
}

/// Returns the form of a client's address that Caddy reads. Go prints an IPv4-mapped address as an
/// IPv4 address, so Caddy's rules never see a mapped address.
pub(crate) fn spelling(client: IpAddr) -> String {
    client.to_canonical().to_string()
}

/// Returns the URL path of the page that these rules protect.
pub(crate) fn path(name: &str) -> String {
    format!("/{name}/page.txt")
}

/// Returns the configuration that `docs/web-servers.md` shows for an output.
fn site(folder: &Folder, name: &str, output: &str) -> String {
    let file = format!("rules/{name}.caddy");
    folder.write(&file, output);
    folder.write(&format!("root/{name}/page.txt"), "in\n");
    let path = |file: &str| folder.path().join(file).display().to_string();
    let route = documented::part(documented::block("caddyfile"), "\troute {", "\n\t}");
    let route = documented::with(route, "/etc/caddy/clients/acme.caddy", &path(&file));
    let route = documented::with(&route, "/var/www/clients/acme", &path("root"));
    let mut site = String::new();
    let _ = writeln!(site, "\thandle /{name}/* {{\n{route}\n\t}}");
    site
}

fn command(folder: &Folder, verb: &str, port: u16, sites: &str) -> Command {
    let root = folder.path().display();
    let configuration = format!(
        "{{\n\tadmin off\n\tauto_https off\n}}\n\
         http://:{port} {{\n\tbind 127.0.0.1\n\
         \theader X-Seen {{http.request.header.X-Forwarded-For}}\n\
         \thandle /ready.txt {{\n\t\troot * {root}/root\n\t\tfile_server\n\t}}\n\
         {sites}}}\n"
    );
    folder.write("Caddyfile", &configuration);
    // Caddy also stores its own data and configuration in the test's folder.
    let mut command = Command::new("env");
    command
        .arg(format!("HOME={root}"))
        .arg("--unset=XDG_CONFIG_HOME")
        .arg("--unset=XDG_DATA_HOME")
        .arg(program("caddy", "caddy"))
        .args([verb, "--adapter", "caddyfile", "--config"])
        .arg(folder.path().join("Caddyfile"));
    command
}
