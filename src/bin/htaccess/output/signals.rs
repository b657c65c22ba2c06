//! Ctrl-C, and the signals that ask a program to end: a file that is being written is finished
//! first, so that no part of one is left beside it.

use std::sync::{Once, RwLock};

/// Held for reading by who writes a file, and for good by who ends the program.
static WRITING: RwLock<()> = RwLock::new(());

/// Nobody ends the program until this is dropped.
pub(crate) fn defer_signals() -> impl Drop {
    static WATCH: Once = Once::new();
    WATCH.call_once(watch);
    WRITING
        .read()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Where signals cannot be watched the program ends as it would have.
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
            let _nobody_writes = WRITING.write();
            let _ = emulate_default_handler(signal);
        }
    });
}

/// One bit each, the lowest for signal 1: what `nohup` and shells told this program not to heed
/// stays unheeded. Known on Linux.
#[cfg(unix)]
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

#[cfg(not(unix))]
fn watch() {}
