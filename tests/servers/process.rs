//! The common parts of all servers: a temporary folder, a free port of this machine, and a process
//! that cannot outlive the test.

use std::fs::{self, File, Permissions};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::http::Connection;

/// The time limit for starting a server on a busy machine.
const START_PATIENCE: Duration = Duration::from_mins(1);
/// The number of ports to try if a server does not start, because another program may have taken
/// the port.
const PORTS_TRIED: u32 = 3;

/// Starts a server, and kills it when standard input ends. Standard input is a pipe from the test,
/// so the server ends with the test in any case, and only the started process is killed.
const KEEPER: &str = r#""$@" & server=$!
read -r line
kill -TERM "$server"
wait "$server""#;

/// A temporary folder that is removed with its owner. Other users may read it, because a server
/// that root starts runs as another user.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// A new empty folder.
    pub(crate) fn new(name: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let unique = format!("htaccess-servers-{}-{count}-{name}", std::process::id());
        let path = std::env::temp_dir().join(unique);
        fs::create_dir(&path).unwrap_or_else(|err| panic!("cannot make {}: {err}", path.display()));
        open_to_all(&path, 0o755);
        Self(path)
    }

    /// The folder itself.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file, and the folders above it.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        self.make_all(path.parent().unwrap_or(&self.0));
        fs::write(&path, text)
            .unwrap_or_else(|err| panic!("cannot write {}: {err}", path.display()));
        open_to_all(&path, 0o644);
    }

    /// Creates a folder in it.
    pub(crate) fn make(&self, name: &str) {
        self.make_all(&self.0.join(name));
    }

    fn make_all(&self, path: &Path) {
        fs::create_dir_all(path)
            .unwrap_or_else(|err| panic!("cannot make {}: {err}", path.display()));
        let below = path.ancestors().take_while(|folder| *folder != self.0);
        below.for_each(|folder| open_to_all(folder, 0o755));
    }

    /// Returns whether the user who runs the tests, and therefore owns the folder, is root.
    pub(crate) fn is_roots(&self) -> bool {
        fs::metadata(&self.0).is_ok_and(|metadata| metadata.uid() == 0)
    }

    /// The end of a log in the folder, for messages.
    pub(crate) fn tail(&self, name: &str) -> String {
        const MAX_LINES: usize = 20;
        let text = fs::read(self.0.join(name)).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let start = lines.len().saturating_sub(MAX_LINES);
        format!("--- {name}, its end\n{}", lines[start..].join("\n"))
    }
}

/// Makes the path readable for others, whatever the umask of the user.
fn open_to_all(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode))
        .unwrap_or_else(|err| panic!("cannot open {} to all: {err}", path.display()));
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The path of a program. Fails with a message that says how to install it, because a test must not
/// be skipped silently.
pub(crate) fn program(name: &str, debian_package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/usr/local/sbin".into()])
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
        .unwrap_or_else(|| {
            panic!(
                "{name} is not installed, and these tests need a real one: run `make test`, which \
                 installs it, or `apt-get install {debian_package}`"
            )
        })
}

/// A server that runs until this value is dropped.
pub(crate) struct Process {
    keeper: Child,
    port: u16,
}

impl Process {
    /// Starts a server on a free port and waits until it answers. `configure` writes the files that
    /// depend on the port. `/ready.txt` must contain the folder's path, so that no other server is
    /// mistaken for it.
    pub(crate) fn start(folder: &Folder, configure: impl Fn(u16) -> Command) -> Self {
        let token = folder.path().display().to_string();
        folder.write("root/ready.txt", &token);
        for _ in 0..PORTS_TRIED {
            let port = free_port();
            let process = Self {
                keeper: keep(&configure(port), folder),
                port,
            };
            if process.is_ready(token.as_bytes()) {
                return process;
            }
        }
        panic!(
            "the server did not start:\n{}\n{}",
            folder.tail("output.log"),
            folder.tail("error.log")
        );
    }

    /// The port it listens on.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    fn is_ready(&self, token: &[u8]) -> bool {
        let start = Instant::now();
        let mut connection = Connection::to(self.port);
        while start.elapsed() < START_PATIENCE {
            match connection.get("/ready.txt", "192.0.2.1") {
                Ok(response) => return response.body == token,
                Err(_) => thread::sleep(Duration::from_millis(20)),
            }
        }
        false
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .expect("this machine has a free port")
        .port()
}

fn keep(server: &Command, folder: &Folder) -> Child {
    let log = folder.path().join("output.log");
    let output = File::create(&log).expect("a new folder can be written to");
    let errors = output.try_clone().expect("a file can be shared");
    Command::new("sh")
        .args(["-c", KEEPER, "keeper"])
        .arg(server.get_program())
        .args(server.get_args())
        .stdin(Stdio::piped())
        .stdout(output)
        .stderr(errors)
        .spawn()
        .expect("every Unix has sh")
}
