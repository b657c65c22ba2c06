//! An httpd that allows every directive in `.htaccess` files, so that an injected directive would work.

use std::fmt::Write as _;
use std::process::Command;

use crate::process::{Folder, Process, program};

/// An httpd whose `.htaccess` files may contain any directive of the loaded modules.
pub(crate) struct OpenApache {
    // Dropped first, because the process must end before its folder is removed.
    pub(crate) process: Process,
    pub(crate) folder: Folder,
}

impl OpenApache {
    pub(crate) fn start() -> Self {
        let httpd = program("apache2", "apache2-bin");
        let folder = Folder::new("open-apache");
        folder.make("run");
        let process = Process::start(&folder, |port| {
            let file = folder.path().join("httpd.conf");
            folder.write("httpd.conf", &configuration(&folder, port));
            let mut command = Command::new(&httpd);
            command.arg("-DFOREGROUND").arg("-f").arg(file);
            command
        });
        Self { process, folder }
    }

    pub(crate) fn put(&self, name: &str, htaccess: &str) -> String {
        let file = |file: &str| format!("root/{name}/{file}");
        self.folder.write(&file(".htaccess"), htaccess);
        self.folder.write(&file("page.txt"), "in\n");
        format!("/{name}/page.txt")
    }
}

fn configuration(folder: &Folder, port: u16) -> String {
    let mut text = format!(
        "ServerRoot \"{root}\"\nDocumentRoot \"{root}/root\"\nServerName localhost\n\
         Listen 127.0.0.1:{port}\nDefaultRuntimeDir run\nPidFile run/httpd.pid\nErrorLog error.log\n\
         <Directory \"{root}/root\">\nAllowOverride All\nOptions +FollowSymLinks\n</Directory>\n",
        root = folder.path().display()
    );
    for name in [
        "mpm_event",
        "authz_core",
        "authz_host",
        "access_compat",
        "remoteip",
        "alias",
        "rewrite",
        "env",
        "dir",
    ] {
        let _ = writeln!(
            text,
            "LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so"
        );
    }
    text += "RemoteIPHeader X-Client\nRemoteIPInternalProxy 127.0.0.0/8\n";
    if folder.is_roots() {
        text += "User www-data\nGroup www-data\n";
    }
    text
}
