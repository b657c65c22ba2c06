//! The parts that all servers share: a temporary folder, a free port of this machine, and a process
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

/// The time limit for the start of a server, long enough for a busy machine.
const START_PATIENCE: Duration = Duration::from_mins(1);
/// The number of ports to try. A server may fail to start because another program has taken the port.
const PORTS_TRIED: u32 = 3;

/// Starts a server, and kills it when standard input ends. Standard input is a pipe from the test,
/// so the server always ends with the test, and no other process is killed.
const KEEPER: &str = r#""$@" & server=$!
read -r line
kill -TERM "$server"
wait "$server""#;

/// A temporary folder that is removed when this value is dropped. All users may read it, because a
/// server that root starts runs as another user.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Creates an empty folder.
    pub(crate) fn new(name: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let unique = format!("htaccess-servers-{}-{count}-{name}", std::process::id());
        let path = std::env::temp_dir().join(unique);
        fs::create_dir(&path).unwrap_or_else(|err| panic!("cannot make {}: {err}", path.display()));
        open_to_all(&path, 0o755);
        Self(path)
    }

    /// The path of the folder.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file, and creates its parent folders.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        self.make_all(path.parent().unwrap_or(&self.0));
        fs::write(&path, text)
            .unwrap_or_else(|err| panic!("cannot write {}: {err}", path.display()));
        open_to_all(&path, 0o644);
    }

    /// Creates a subfolder.
    pub(crate) fn make(&self, name: &str) {
        self.make_all(&self.0.join(name));
    }

    fn make_all(&self, path: &Path) {
        fs::create_dir_all(path)
            .unwrap_or_else(|err| panic!("cannot make {}: {err}", path.display()));
        let below = path.ancestors().take_while(|folder| *folder != self.0);
        below.for_each(|folder| open_to_all(folder, 0o755));
    }

    /// Returns whether root owns the folder, because root runs the tests.
    pub(crate) fn is_roots(&self) -> bool {
        fs::metadata(&self.0).is_ok_and(|metadata| metadata.uid() == 0)
    }

    /// Returns the end of a log file in the folder, for messages.
    pub(crate) fn tail(&self, name: &str) -> String {
        const MAX_LINES: usize = 20;
        let text = fs::read(self.0.join(name)).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let start = lines.len().saturating_sub(MAX_LINES);
        format!("--- {name}, its end\n{}", lines[start..].join("\n"))
    }
}

/// Sets the mode of a path, so that other users can read it whatever the umask is.
fn open_to_all(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode))
        .unwrap_or_else(|err| panic!("cannot open {} to all: {err}", path.display()));
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Returns the path of a program. Panics with a message that says how to install it, because tests
/// must not be skipped silently.
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
    /// depend on the port. The server must serve the folder's path at `/ready.txt`, so that no
    /// other server is mistaken for it.
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

    /// The port that the server listens on.
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
