//! Defers Ctrl-C and the signals that end a program until the file that is being written is complete,
//! so that no partial file is left next to it.

use std::sync::{Once, RwLock};

/// Read-locked while a file is being written; write-locked forever once the program is ending.
static WRITING: RwLock<()> = RwLock::new(());

/// Defers the signals until the returned guard is dropped.
pub(crate) fn defer_signals() -> impl Drop {
    static WATCH: Once = Once::new();
    WATCH.call_once(watch);
    WRITING
        .read()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Starts to watch the signals. If that fails, they end the program at once, as they do by default.
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
            let _locked = WRITING.write();
            let _ = emulate_default_handler(signal);
        }
    });
}

/// Returns the signals that `nohup` or a shell has told this program to ignore, so that they stay
/// ignored. One bit for each signal, the lowest for signal 1. Only known on Linux, elsewhere 0.
#[cfg(unix)]
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

#[cfg(not(unix))]
fn watch() {}
