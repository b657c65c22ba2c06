//! Measures uploads that are designed to be slow, in nanoseconds of processor time for each byte.
//! `make bench-pathological` runs this benchmark and prints a table of the results.
//!
//! The bytes of the decompressed text and of the output are counted. Each upload is processed with all
//! steps of the Lambda function: it is read in pieces, decided, rendered, reviewed and reported. The
//! result of each upload is asserted, so that no other work is measured. The last row of the table is the
//! slowest input that the fuzz target `time` found (`fuzz/corpus/time`), extended to the usual length.
//!
//! Every upload must take at most [`MAX_NS_PER_BYTE`], except in a quick run, whose times have no
//! meaning. Uploads that consist of only a header may take [`HEADER_FACTOR`] times as long.

#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that meets an error must stop and show it"
)]
#![allow(clippy::print_stdout, reason = "the table is the result")]

use std::fs;
use std::path::Path;
use std::time::Duration;

use htaccess_generator::answer::RefusalCode;
use htaccess_generator::render::Template;
use htaccess_generator::settings::{Settings, Strict};
use htaccess_generator::time::TimeZone;
use rustix::time::{ClockId, clock_gettime};

#[path = "../fuzz/checks/time.rs"]
#[allow(
    dead_code,
    clippy::indexing_slicing,
    reason = "the fuzz target uses the rest, and a panic is its result"
)]
mod time;
#[path = "pathological/uploads.rs"]
mod uploads;

use time::{Run, process};
use uploads::{Upload, uploads};

/// The maximum time for each byte of an upload, in nanoseconds.
const MAX_NS_PER_BYTE: f64 = 50.0;
/// The factor by which a byte of a header may take longer. A header has at most 1 MiB.
const HEADER_FACTOR: f64 = 8.0;
/// The size of most uploads when decompressed, in bytes.
const UPLOAD_BYTES: usize = 8 * 1024 * 1024;
/// The size of most uploads in a quick run, in bytes.
const QUICK_BYTES: usize = 64 * 1024;
/// The number of runs for each upload. The fastest run is the result.
const RUNS: usize = 3;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_quick = arguments.iter().any(|argument| argument == "--quick");
    let filter = arguments.iter().find(|argument| !argument.starts_with('-'));
    let is_wanted = |name: &str| filter.is_none_or(|filter| name.contains(filter.as_str()));
    let text_bytes = if is_quick { QUICK_BYTES } else { UPLOAD_BYTES };
    let mut worst = 0.0_f64;
    for upload in uploads(text_bytes) {
        if is_wanted(&upload.name) {
            worst = worst.max(weighed(measure(&upload), upload.is_only_header));
        }
    }
    if is_wanted("corpus") {
        worst = worst.max(measure_corpus(text_bytes));
    }
    assert!(
        is_quick || worst <= MAX_NS_PER_BYTE,
        "{worst:.1} ns per byte are more than {MAX_NS_PER_BYTE}"
    );
}

/// Measures an upload and prints its row of the table. Returns the nanoseconds for each byte.
fn measure(upload: &Upload) -> f64 {
    let template = Template::built_in(upload.template).unwrap();
    let mut settings = Settings {
        // Paris has daylight saving time, so its dates take longer to convert than dates in UTC.
        time_zone: TimeZone::named("Europe/Paris").unwrap(),
        ..Settings::default()
    };
    if upload.expected.is_none() {
        settings.strict = Strict::None;
    }
    let (time, (code, output_bytes)) = fastest(|| {
        let answer = process(&upload.bytes, &settings, &template);
        (answer.code, answer.bytes)
    });
    assert_eq!(code, upload.expected, "{}", upload.name);
    let result = code.map_or("published".to_owned(), |code: RefusalCode| code.to_string());
    print_row(
        &upload.name,
        &result,
        upload.text_bytes + output_bytes,
        time,
    )
}

fn measure_corpus(text_bytes: usize) -> f64 {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/time");
    let mut slowest: Option<(f64, String, usize, Duration)> = None;
    for path in fs::read_dir(folder).unwrap() {
        let path = path.unwrap().path();
        let Some(run) = Run::of(&fs::read(&path).unwrap(), text_bytes) else {
            continue;
        };
        let (time, work) = fastest(|| run.work());
        let bytes = work.bytes;
        let ns = weighed(ns_per_byte(time, bytes), work.is_only_header);
        if slowest.as_ref().is_none_or(|(slowest, ..)| *slowest < ns) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            slowest = Some((ns, name, bytes, time));
        }
    }
    let (_, name, bytes, time) = slowest.unwrap();
    print_row(
        &format!("the slowest of the corpus: {name}"),
        "",
        bytes,
        time,
    )
}

/// Returns the time for a byte that is compared with [`MAX_NS_PER_BYTE`].
fn weighed(ns: f64, is_only_header: bool) -> f64 {
    if is_only_header {
        ns / HEADER_FACTOR
    } else {
        ns
    }
}

/// Runs the work [`RUNS`] times. Returns the time and the result of the fastest run.
fn fastest<T>(work: impl Fn() -> T) -> (Duration, T) {
    let runs = (0..RUNS).map(|_| {
        let start = processor_time();
        let result = work();
        (processor_time().saturating_sub(start), result)
    });
    runs.min_by_key(|(time, _)| *time).unwrap()
}

fn print_row(name: &str, result: &str, bytes: usize, time: Duration) -> f64 {
    let ns = ns_per_byte(time, bytes);
    let ms = time.as_secs_f64() * 1e3;
    println!("{name}\t{result}\t{bytes}\t{ns:.1}\t{ms:.1}");
    ns
}

fn ns_per_byte(time: Duration, bytes: usize) -> f64 {
    time.as_secs_f64() * 1e9 / f64::from(u32::try_from(bytes).unwrap())
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.try_into().unwrap(),
        time.tv_nsec.try_into().unwrap(),
    )
}
