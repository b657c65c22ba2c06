//! A private nginx with a `location` for each output of the templates `nginx` and `nginx-geo`.
//!
//! The real-IP module (in Debian's `nginx-light`) takes the client's address from `X-Client`. The
//! locations serve a file, because nginx would run a `return` before it checks the access rules.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::Command;

use crate::documented;
use crate::process::{Folder, Process, program};

/// A running nginx.
pub(crate) struct Nginx {
    // Dropped first, because the process must end before its folder is removed.
    process: Process,
    folder: Folder,
}

impl Nginx {
    /// Starts a server for these outputs, each at the path with the output's name. Panics if `nginx
    /// -t` fails or prints a warning.
    pub(crate) fn start<'a>(outputs: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        Self::start_site(Site::new(outputs))
    }

    /// Like [`Nginx::start`], for outputs of `nginx-geo`.
    pub(crate) fn start_geo<'a>(outputs: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        Self::start_site(Site::geo(outputs))
    }

    fn start_site(site: Site) -> Self {
        if let Some(complaint) = site.complaint() {
            panic!("nginx -t is not content:\n{complaint}");
        }
        let process = Process::start(&site.folder, |port| site.command(port));
        Self {
            process,
            folder: site.folder,
        }
    }

    /// The port that the server listens on.
    pub(crate) fn port(&self) -> u16 {
        self.process.port()
    }

    /// Returns the end of the error log.
    pub(crate) fn errors(&self) -> String {
        self.folder.tail("error.log")
    }
}

/// Returns the message of `nginx -t` about an output, or `None` if it accepts the output.
pub(crate) fn complaint(output: &str) -> Option<String> {
    Site::new(std::iter::once(("one", output))).complaint()
}

/// Returns the form of a client's address that nginx reads. nginx cannot read `255.255.255.255`,
/// because its function `ngx_inet_addr` returns this value for an error. It can read the
/// IPv4-mapped address of the same client in hex.
pub(crate) fn spelling(client: IpAddr) -> String {
    if client.to_canonical() == Ipv4Addr::BROADCAST {
        "::ffff:ffff:ffff".to_owned()
    } else {
        client.to_string()
    }
}

/// Returns the URL path of the page that these rules protect.
pub(crate) fn path(name: &str) -> String {
    format!("/{name}/page.txt")
}

/// The files and the configuration of an nginx.
struct Site {
    folder: Folder,
    /// The configuration outside the `server` block.
    blocks: String,
    locations: String,
}

impl Site {
    fn new<'a>(outputs: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut site = Self::empty();
        for (name, output) in outputs {
            site.add(name, output, &format!("include rules/{name}.conf;"));
        }
        site
    }

    /// Uses the configuration that `docs/web-servers.md` shows for `nginx-geo`.
    fn geo<'a>(outputs: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let documented = documented::block("nginx");
        let geo = documented::part(documented, "geo ", "}");
        let condition = documented::part(documented, "if (", "}");
        let mut site = Self::empty();
        for (index, (name, output)) in outputs.enumerate() {
            let variable = format!("$permitted_{index}");
            let named = |text| documented::with(text, "$acme_permitted", &variable);
            site.add(name, output, &named(condition));
            let file = format!("rules/{name}.conf");
            let _ = writeln!(
                site.blocks,
                "{}",
                documented::with(&named(geo), "/etc/nginx/clients/acme.geo", &file)
            );
        }
        site
    }

    fn empty() -> Self {
        let folder = Folder::new("nginx");
        folder.make("run");
        Self {
            folder,
            blocks: String::new(),
            locations: String::new(),
        }
    }

    fn add(&mut self, name: &str, output: &str, rules: &str) {
        self.folder.write(&format!("rules/{name}.conf"), output);
        self.folder.write(&format!("root/{name}/page.txt"), "in\n");
        let _ = writeln!(self.locations, "    location /{name}/ {{ {rules} }}");
    }

    /// Writes the configuration for this port, and returns the command that starts nginx with it.
    fn command(&self, port: u16) -> Command {
        let configuration = configuration(&self.folder, port, &self.blocks, &self.locations);
        self.folder.write("nginx.conf", &configuration);
        let path: &Path = self.folder.path();
        let mut command = Command::new(program("nginx", "nginx-light"));
        command
            .arg("-p")
            .arg(path)
            .arg("-c")
            .arg(path.join("nginx.conf"))
            .arg("-e")
            .arg(path.join("error.log"));
        command
    }

    fn complaint(&self) -> Option<String> {
        let output = self.command(1).arg("-t").output().expect("nginx runs");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        (!output.status.success() || text.contains("[warn]")).then_some(text)
    }
}

fn configuration(folder: &Folder, port: u16, blocks: &str, locations: &str) -> String {
    let user = if folder.is_roots() {
        "user www-data;\n"
    } else {
        ""
    };
    format!(
        r"daemon off;
worker_processes 1;
{user}pid run/nginx.pid;
error_log error.log crit;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path run/body;
  proxy_temp_path run/proxy;
  fastcgi_temp_path run/fastcgi;
  uwsgi_temp_path run/uwsgi;
  scgi_temp_path run/scgi;
  default_type text/plain;
  keepalive_timeout 60s;
  keepalive_requests 1000000;
  set_real_ip_from 127.0.0.0/8;
  real_ip_header X-Client;
  add_header X-Seen $remote_addr always;
  variables_hash_max_size 8192;
{blocks}  server {{
    listen 127.0.0.1:{port};
    root {root}/root;
{locations}  }}
}}
",
        root = folder.path().display()
    )
}
