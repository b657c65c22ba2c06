//! FIFOs, sockets, devices and folders in place of regular outputs and inputs.
//!
//! A program that opens a FIFO without a writer waits. If a program hangs, the time limit of
//! [`run`] makes the test fail.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::{Folder, Ran, program};

const CSV: &str = "IP Address,Rule\n192.0.2.1,Allow\n";
/// The time limit, which only a program that hangs exceeds.
const PATIENCE: Duration = Duration::from_mins(1);

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

fn spawn(folder: &Folder, arguments: &[&str]) -> Child {
    program()
        .args(arguments)
        .current_dir(folder.path(""))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits until a program exits. The program must print so little that its output fits into the pipes.
#[track_caller]
fn wait(child: &mut Child) -> ExitStatus {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if start.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("the program hangs");
        }
        thread::sleep(Duration::from_millis(5));
    }
}

#[track_caller]
fn run(folder: &Folder, arguments: &[&str]) -> Ran {
    let mut child = spawn(folder, arguments);
    wait(&mut child);
    Ran::of(&child.wait_with_output().unwrap())
}

/// Returns six sites, of which only `good` can be written.
fn sites() -> Folder {
    let mut folder = Folder::new();
    for site in ["device", "fifo", "folder", "good", "link", "socket"] {
        folder = folder.with(&format!("sites/{site}.csv"), CSV);
        fs::create_dir_all(folder.path(&format!("out/{site}"))).unwrap();
    }
    let output = |site: &str| folder.path(&format!("out/{site}/.htaccess"));
    symlink("/dev/zero", output("device")).unwrap();
    fifo(&output("fifo"));
    fs::create_dir(output("folder")).unwrap();
    symlink("../fifo/.htaccess", output("link")).unwrap();
    UnixListener::bind(output("socket")).unwrap();
    folder
}

#[test]
fn an_output_that_is_no_file_is_reported_and_all_others_are_written() {
    for jobs in ["1", "4"] {
        let folder = sites();
        let ran = run(&folder, &["render", "sites", "-o", "out", "--jobs", jobs]);
        assert_eq!(ran.status, 2, "{}", ran.stderr);
        let expected = [
            ("device", "a device"),
            ("fifo", "a FIFO"),
            ("folder", "a folder"),
            ("link", "a FIFO"),
            ("socket", "a socket"),
        ];
        let errors = expected.map(|(site, kind)| {
            format!(
                "error: cannot write out/{site}/.htaccess: {kind} is in its place: delete or rename it, or choose \
                 another output\n"
            )
        });
        let summary = "1 file written, 0 unchanged, 0 refused, 5 failed; 0 rows rejected\n";
        assert_eq!(ran.stderr, errors.concat() + summary);
        let good = fs::read_to_string(folder.path("out/good/.htaccess")).unwrap();
        assert!(good.contains("Require ip 192.0.2.1"), "{good}");
        let kind = |site: &str| {
            let path = folder.path(&format!("out/{site}/.htaccess"));
            fs::symlink_metadata(path).unwrap().file_type()
        };
        assert!(kind("fifo").is_fifo() && kind("socket").is_socket());
        assert!(kind("folder").is_dir() && kind("link").is_symlink());
    }
}

#[test]
fn json_has_the_files_that_did_not_fail() {
    let folder = sites();
    let ran = run(&folder, &["render", "sites", "-o", "out", "--json"]);
    assert_eq!(ran.status, 2);
    let answers = ran.json();
    assert_eq!(answers.as_array().unwrap().len(), 1);
    assert_eq!(answers[0]["source"], "good.csv");
}

#[test]
fn a_report_and_a_manual_page_in_place_of_a_fifo_do_not_wait() {
    let folder = Folder::new().with("a.csv", CSV);
    fifo(&folder.path("report.html"));
    run(&folder, &["check", "a.csv", "--report", "report.html"])
        .expect_failure("cannot write report.html: a FIFO is in its place");
    fifo(&folder.path("htaccess.1"));
    run(&folder, &["man", "-o", "."])
        .expect_failure("cannot write ./htaccess.1: a FIFO is in its place");
}

#[test]
fn a_fifo_in_a_folder_is_reported_and_all_others_are_read() {
    let folder = Folder::new()
        .with("sites/a.csv", CSV)
        .with("sites/z.csv", CSV);
    fifo(&folder.path("sites/fifo.csv"));
    // Editors create hidden files of all kinds, so hidden files are skipped.
    fifo(&folder.path("sites/.hidden.csv"));
    for named in ["sites", "sites/*.csv"] {
        let ran = run(&folder, &["check", named]);
        assert_eq!(ran.status, 2, "{}", ran.stderr);
        assert_eq!(
            ran.stderr,
            "error: cannot read sites/fifo.csv: it is a FIFO, which is read only if you name it on the \
             command line\n\
             2 files fine, 0 refused, 1 failed; 0 rows rejected\n"
        );
    }
}

#[test]
fn a_fifo_that_is_named_is_read() {
    let folder = Folder::new();
    fifo(&folder.path("fifo.csv"));
    let path = folder.path("fifo.csv");
    let writer = thread::spawn(move || fs::write(path, CSV).unwrap());
    let ran = run(&folder, &["render", "fifo.csv"]);
    writer.join().unwrap();
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(
        ran.stdout.contains("Require ip 192.0.2.1"),
        "{}",
        ran.stdout
    );
    let substitution = format!(
        "'{}' check <(printf 'IP,Rule\\n1.1.1.1,Allow\\n')",
        env!("CARGO_BIN_EXE_htaccess")
    );
    let output = Command::new("bash")
        .args(["-c", &substitution])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn many_failures_are_counted() {
    let mut folder = Folder::new();
    for index in 10..40 {
        folder = folder.with(&format!("sites/{index}.csv"), CSV);
        fs::create_dir_all(folder.path(&format!("out/{index}/.htaccess"))).unwrap();
    }
    let ran = run(&folder, &["render", "sites", "-o", "out"]);
    assert_eq!(ran.status, 2);
    assert_eq!(ran.stderr.matches("error: cannot write").count(), 20);
    assert!(
        ran.stderr
            .contains("0 files written, 0 unchanged, 0 refused, 30 failed"),
        "{}",
        ran.stderr
    );
}

/// The program waits for the writer of an input, before and after it has written other files. Only
/// a program that writes files handles SIGINT. Other programs ignore SIGINT if a shell started the
/// tests in the background.
#[test]
fn a_signal_ends_a_program_that_waits_for_an_input() {
    for (arguments, signal) in [
        (
            &["render", "a.csv", "fifo.csv", "-o", "out", "--jobs", "1"][..],
            "TERM",
        ),
        (
            &["render", "a.csv", "fifo.csv", "-o", "out", "--jobs", "1"],
            "INT",
        ),
        (&["check", "fifo.csv"], "TERM"),
        (&["explain", "fifo.csv", "192.0.2.1"], "TERM"),
        (&["diff", "a.csv", "fifo.csv"], "TERM"),
        (&["template", "check", "fifo.csv"], "TERM"),
        (&["render", "a.csv", "--template", "fifo.csv"], "TERM"),
    ] {
        let folder = Folder::new().with("a.csv", CSV);
        fifo(&folder.path("fifo.csv"));
        let mut child = spawn(&folder, arguments);
        if arguments.contains(&"-o") {
            while !folder.path("out/a/.htaccess").exists() {
                thread::sleep(Duration::from_millis(1));
            }
        }
        let kill = ["-s", signal, &child.id().to_string()];
        assert!(Command::new("kill").args(kill).status().unwrap().success());
        let status = wait(&mut child);
        assert!(
            matches!(status.signal(), Some(2 | 15)),
            "{arguments:?}: {status}"
        );
    }
}
