//! The target `time`: fails for an upload that takes more than [`MAX_NS_PER_BYTE`] nanoseconds of
//! processor time for each byte that is read or written.
//!
//! The limit is higher than in `benches/pathological.rs`, because the target is instrumented and the
//! machine may be busy. `make bench-pathological` measures the inputs that were found, without
//! instrumentation.

#![no_main]

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

#[path = "../checks/mod.rs"]
#[allow(dead_code, reason = "each target runs one of the checks")]
mod checks;

use checks::time::Run;

/// The minimum length of an upload's text, in bytes.
const TEXT_BYTES: usize = 128 * 1024;
/// The maximum time for each byte, in nanoseconds. Without instrumentation, the limit is 50.
const MAX_NS_PER_BYTE: u64 = 120;
/// The factor by which a byte of a header may take longer.
const HEADER_FACTOR: u64 = 8;
/// The time that an upload may take in addition, whatever its size, for example for the report's maps.
const FIXED_TIME: Duration = Duration::from_millis(4);
/// The number of times that a slow run is repeated, because another process may have been the cause.
const REPETITIONS: u32 = 5;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some(run) = Run::of(input, TEXT_BYTES) else {
        return;
    };
    let ns_per_byte = || {
        let start = thread_time();
        let work = run.work();
        let time = (thread_time() - start).saturating_sub(FIXED_TIME);
        let ns = u64::try_from(time.as_nanos()).unwrap() / work.bytes as u64;
        if work.is_only_header {
            ns / HEADER_FACTOR
        } else {
            ns
        }
    };
    let mut fastest = ns_per_byte();
    for _ in 0..REPETITIONS {
        if fastest < MIN_NOTED {
            break;
        }
        fastest = fastest.min(ns_per_byte());
    }
    note(fastest);
    assert!(fastest <= MAX_NS_PER_BYTE, "{fastest} ns for each byte");
});

fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.try_into().unwrap(),
        time.tv_nsec.try_into().unwrap(),
    )
}

/// The lowest time per byte that is reported to the fuzzer.
const MIN_NOTED: u64 = 30;

/// Tells the fuzzer that a run was slow. Each threshold is a separate branch, so a slower run
/// increases the coverage and its input is kept.
fn note(ns_per_byte: u64) {
    macro_rules! thresholds {
        ($($threshold:literal)*) => {
            $(if ns_per_byte >= $threshold {
                std::hint::black_box($threshold);
            })*
        };
    }
    thresholds!(30 34 38 42 46 50 54 58 62 66 70 74 78 82 86 90 95 100 105 110);
}
