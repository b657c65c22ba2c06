//! Shows a progress bar on standard error if the work takes longer than half a second and standard error is a
//! terminal.

use std::io::{self, IsTerminal as _};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::input::Input;

const SHOW_AFTER: Duration = Duration::from_millis(500);
const REDRAW_INTERVAL: Duration = Duration::from_millis(100);
const FILES: &str = "{wide_bar} {human_pos}/{human_len} files, {per_sec}, {eta} left";
const BYTES: &str = "{wide_bar} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left";
/// The bar for standard input, whose total size is unknown.
const BYTES_OF_UNKNOWN_TOTAL: &str = "{spinner} {bytes}, {bytes_per_sec}";

/// Counts the work that is done, and draws the bar. The bar is removed from the terminal when the value is
/// dropped.
pub(crate) struct Progress {
    started: Instant,
    is_shown: bool,
    /// `true` if the bytes of a single file are counted, `false` if files are counted.
    counts_bytes: bool,
    total: Option<u64>,
    done: AtomicU64,
    bar: OnceLock<ProgressBar>,
}

impl Progress {
    /// Starts the progress of work on `inputs`. The progress of a single file is counted in bytes.
    pub(crate) fn of(inputs: &[Input]) -> Self {
        let (counts_bytes, total) = match inputs {
            [input] => (true, input.bytes()),
            inputs => (false, Some(inputs.len() as u64)),
        };
        Self {
            started: Instant::now(),
            is_shown: io::stderr().is_terminal()
                && std::env::var_os("TERM").is_none_or(|terminal| terminal != "dumb"),
            counts_bytes,
            total,
            done: AtomicU64::new(0),
            bar: OnceLock::new(),
        }
    }

    /// Counts a file as done. Has no effect if bytes are counted.
    pub(crate) fn add_file(&self) {
        if !self.counts_bytes {
            self.advance(1);
        }
    }

    /// Counts bytes as read. Has no effect if files are counted.
    pub(crate) fn add_bytes(&self, bytes: usize) {
        if self.counts_bytes {
            self.advance(bytes as u64);
        }
    }

    fn advance(&self, by: u64) {
        if !self.is_shown {
            return;
        }
        let done = self.done.fetch_add(by, Ordering::Relaxed) + by;
        if self.bar.get().is_some() || self.started.elapsed() >= SHOW_AFTER {
            self.bar.get_or_init(|| self.draw()).set_position(done);
        }
    }

    fn draw(&self) -> ProgressBar {
        let template = match (self.counts_bytes, self.total) {
            (false, _) => FILES,
            (true, Some(_)) => BYTES,
            (true, None) => BYTES_OF_UNKNOWN_TOTAL,
        };
        let target = ProgressDrawTarget::stderr_with_hz(10);
        let bar =
            ProgressBar::with_draw_target(self.total, target).with_elapsed(self.started.elapsed());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.enable_steady_tick(REDRAW_INTERVAL);
        bar
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }
}
