//! Reads each bad file again in a separate process, and checks the peak of the process's resident
//! memory, which the kernel reports.
//!
//! For each file, the test starts this test binary again, and asks it to run one test.

#![cfg(target_os = "linux")]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "one process tells the other, and `--nocapture` shows what each file takes"
)]

use std::process::Command;

use crate::library::bad_files::{bad_files, setup};

/// The environment variable with the name of the file that the measured process reads.
const NAME: &str = "IT_BAD_FILE";

/// Returns the peak of this process's resident memory so far, in KiB.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.and_then(|number| number.parse().ok()).unwrap()
}

#[test]
fn one_bad_file_by_itself() {
    let name = std::env::var(NAME).unwrap_or("a PNG".to_owned());
    let mut files = bad_files().into_iter();
    let file = files.find(|file| file.name == name).unwrap();
    let setup = setup();
    let before = peak_kib();
    let (refusal, _) = file.run(&setup);
    assert!(!refusal.is_empty(), "{name} was published");
    println!("\nrise={}", peak_kib() - before);
}

#[test]
fn bad_files_take_little_memory() {
    let mut problems = Vec::new();
    for file in bad_files() {
        let child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "library::memory::one_bad_file_by_itself",
                "--nocapture",
            ])
            .env(NAME, file.name)
            .output()
            .unwrap();
        let stdout = String::from_utf8_lossy(&child.stdout);
        let rise = stdout.lines().find_map(|line| line.strip_prefix("rise="));
        match rise.and_then(|rise| rise.parse::<u64>().ok()) {
            Some(kib) if kib <= file.peak_kib_max => eprintln!("{}: {kib} KiB", file.name),
            Some(kib) => {
                let max = file.peak_kib_max;
                problems.push(format!("{}: {kib} KiB, more than {max}\n", file.name));
            }
            // The test in `bad_files` reports this problem.
            None => eprintln!("{}: not refused, {}", file.name, child.status),
        }
    }
    assert!(problems.is_empty(), "\n{}", problems.concat());
}
