//! Defers Ctrl-C and other signals that end a program until the current file is completely written, so that
//! no temporary file is left next to it.
//!
//! A signal is deferred for at most five seconds, because a file system may never answer.

use std::sync::{Once, RwLock};
use std::time::Duration;

/// The maximum time that a signal is deferred.
const PATIENCE: Duration = Duration::from_secs(5);

/// Read-locked while a file is being written. Write-locked before a signal ends the program.
static WRITING: RwLock<()> = RwLock::new(());

/// Defers signals until the returned guard is dropped.
pub(crate) fn defer_signals() -> impl Drop {
    static WATCH: Once = Once::new();
    WATCH.call_once(watch);
    WRITING
        .read()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Starts to watch the signals. If that fails, signals end the program immediately, which is the default.
#[cfg(unix)]
fn watch() {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    use signal_hook::low_level::emulate_default_handler;

    let ignored = ignored_signals();
    let watched = [SIGHUP, SIGINT, SIGTERM]
        .into_iter()
        .filter(|signal| ignored & (1 << (signal - 1)) == 0);
    let Ok(mut signals) = Signals::new(watched) else {
        return;
    };
    std::thread::spawn(move || {
        for signal in signals.forever() {
            std::thread::spawn(move || {
                std::thread::sleep(PATIENCE);
                let _ = emulate_default_handler(signal);
            });
            let _locked = WRITING.write();
            let _ = emulate_default_handler(signal);
        }
    });
}

/// Returns the signals that this program must keep ignoring, because `nohup` or a shell started it that way.
/// Each signal is one bit, and the lowest bit is signal 1. Returns 0 on systems other than Linux.
#[cfg(unix)]
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

#[cfg(not(unix))]
fn watch() {}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::{Command, Stdio};

    use super::*;

    const CHILD: &str = "HTACCESS_TEST_WRITES_FOREVER";

    /// The test runs itself again in a child process, because a signal ends the whole process.
    #[test]
    fn a_signal_ends_a_write_that_never_ends() {
        if std::env::var_os(CHILD).is_some() {
            let _deferred = defer_signals();
            // The parent waits until this file exists before it sends the signal.
            assert!(std::fs::write(std::env::var(CHILD).unwrap(), "").is_ok());
            std::thread::sleep(Duration::from_mins(1));
            return;
        }
        let ready = std::env::temp_dir().join(format!("htaccess-signals-{}", std::process::id()));
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "output::signals::tests::a_signal_ends_a_write_that_never_ends",
                "--exact",
            ])
            .env(CHILD, &ready)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while !ready.exists() && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(5));
        }
        let id = child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", "TERM", &id])
                .status()
                .unwrap()
                .success()
        );
        let status = child.wait().unwrap();
        std::fs::remove_file(&ready).unwrap();
        assert_eq!(status.signal(), Some(15));
    }
}
