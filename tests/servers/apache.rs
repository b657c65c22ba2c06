//! A private Apache httpd 2.4 with a separate folder in its document root for each `.htaccess`.
//!
//! `mod_remoteip` takes the client's address from `X-Client`, so that the tests can send requests
//! from any address. `AllowOverride` permits exactly the directives that the built-in templates use.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use crate::documented;
use crate::process::{Folder, Process, program};

/// The folder of Apache modules in Debian and Ubuntu.
const MODULES: &str = "/usr/lib/apache2/modules";

/// The required modules. Each entry has the module's name in `LoadModule` and the name of its file.
const MODULES_LOADED: [(&str, &str); 6] = [
    ("mpm_event", "mod_mpm_event"),
    ("authz_core", "mod_authz_core"),
    ("authz_host", "mod_authz_host"),
    ("access_compat", "mod_access_compat"),
    ("remoteip", "mod_remoteip"),
    ("headers", "mod_headers"),
];

/// A running httpd.
pub(crate) struct Apache {
    // Dropped first, because the process must end before its folder is removed.
    process: Process,
    folder: Folder,
}

impl Apache {
    /// Starts a server without any `.htaccess`.
    pub(crate) fn start() -> Self {
        Self::start_in(Folder::new("apache"), "")
    }

    /// Starts a server whose configuration includes the files, each for the folder with the file's
    /// name, as `docs/web-servers.md` shows. The server ignores `.htaccess` files in these folders.
    pub(crate) fn start_including<'a>(files: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let folder = Folder::new("apache-including");
        let sections: String = files
            .map(|(name, file)| {
                put(&folder, name, file);
                let site = folder.path().join("root").join(name);
                documented::with(
                    documented::block("apache"),
                    DOCUMENTED_SITE,
                    &site.display().to_string(),
                )
            })
            .collect();
        Self::start_in(folder, &sections)
    }

    fn start_in(folder: Folder, sections: &str) -> Self {
        let httpd = program("apache2", "apache2-bin");
        folder.make("run");
        let process = Process::start(&folder, |port| {
            let configuration = configuration(&folder, port) + sections;
            folder.write("httpd.conf", &configuration);
            let mut command = Command::new(&httpd);
            command
                .args(["-DFOREGROUND", "-d"])
                .arg(folder.path())
                .arg("-f")
                .arg(folder.path().join("httpd.conf"));
            command
        });
        Self { process, folder }
    }

    /// The port that the server listens on.
    pub(crate) fn port(&self) -> u16 {
        self.process.port()
    }

    /// Writes a `.htaccess` and a page into the folder `name`. Returns the URL path of the page.
    /// The server applies the rules from the next request on.
    pub(crate) fn put(&self, name: &str, htaccess: &str) -> String {
        put(&self.folder, name, htaccess);
        path(name)
    }

    /// Returns the end of the error log.
    pub(crate) fn errors(&self) -> String {
        self.folder.tail("error.log")
    }
}

/// Returns the URL path of the page next to a `.htaccess`.
pub(crate) fn path(name: &str) -> String {
    format!("/{name}/page.txt")
}

fn put(folder: &Folder, name: &str, htaccess: &str) {
    folder.write(&format!("root/{name}/.htaccess"), htaccess);
    folder.write(&format!("root/{name}/page.txt"), "in\n");
}

/// The path of the site in the example in `docs/web-servers.md`.
const DOCUMENTED_SITE: &str = "/var/www/clients/acme";

/// The log level `crit` includes errors in `.htaccess` files, which Apache logs as `alert`. The
/// level `error` would also log thousands of 403 answers.
fn configuration(folder: &Folder, port: u16) -> String {
    let mut modules = String::new();
    for (name, file) in MODULES_LOADED {
        let file = Path::new(MODULES).join(file).with_extension("so");
        let _ = writeln!(modules, "LoadModule {name}_module \"{}\"", file.display());
    }
    let user = if folder.is_roots() {
        "User www-data\nGroup www-data\n"
    } else {
        ""
    };
    format!(
        r#"ServerName localhost
Listen 127.0.0.1:{port}
{modules}{user}DefaultRuntimeDir "run"
PidFile "run/httpd.pid"
ErrorLog "error.log"
LogLevel crit
StartServers 1
ThreadsPerChild 25
KeepAlive On
KeepAliveTimeout 60
MaxKeepAliveRequests 0
RemoteIPHeader X-Client
RemoteIPInternalProxy 127.0.0.0/8
Header always set X-Seen "expr=%{{REMOTE_ADDR}}"
DocumentRoot "{root}/root"
<Directory />
  AllowOverride None
  Require all denied
</Directory>
<Directory "{root}/root">
  AllowOverride AuthConfig Limit
  Require all granted
</Directory>
"#,
        root = folder.path().display()
    )
}
