//! Situations in which files could be lost: names that are not UTF-8, outputs that would replace their
//! inputs, links without a target, and interruptions.

use std::fs;
use std::path::Path;

use crate::cli::Folder;

const CSV: &str = "IP,Rule\n192.0.2.1,Allow\n";

/// Returns the names in a folder and its subfolders, sorted.
fn names(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        names.extend(self::names(&path));
        names.push(path.file_name().unwrap().to_string_lossy().into_owned());
    }
    names.sort();
    names
}

#[cfg(unix)]
#[test]
fn a_name_that_is_not_utf_8_is_reported_and_stops_no_pattern() {
    use std::os::unix::ffi::OsStrExt as _;

    let folder = Folder::new().with("good.csv", CSV).with("good.txt", CSV);
    let bad = std::ffi::OsStr::from_bytes(b"caf\xe9.csv");
    fs::write(folder.path("").join(bad), CSV).unwrap();
    let told = "caf\u{fffd}.csv is not UTF-8, but a key must be UTF-8: rename the file";
    for named in ["*.csv", "**/*.csv", "."] {
        folder.run(&["check", named]).expect_failure(told);
    }
    // This pattern does not match the name.
    assert_eq!(folder.run(&["check", "*.txt"]).status, 0);
}

#[test]
fn patterns_match_hidden_names_only_with_a_dot() {
    let folder = Folder::new()
        .with("a.csv", CSV)
        .with(".b.csv", CSV)
        .with(".git/c.csv", CSV)
        .with("sub/.git/d.csv", CSV);
    let sources = |pattern: &str| {
        let json = folder.run(&["check", "--json", pattern]).json();
        let answers = json.as_array().unwrap().iter();
        let sources = answers.map(|answer| answer["source"].as_str().unwrap().to_owned());
        sources.collect::<Vec<String>>()
    };
    assert_eq!(sources("*.csv"), ["a.csv"]);
    assert_eq!(sources("**/*.csv"), ["a.csv"]);
    assert_eq!(sources(".*.csv"), [".b.csv"]);
    assert_eq!(sources("**/.git/*.csv"), [".git/c.csv", "sub/.git/d.csv"]);
    assert_eq!(sources("sub/../[a].csv"), ["a.csv"]);
}

#[test]
fn no_csv_is_replaced_by_its_own_output() {
    let folder = Folder::new()
        .with("acme.csv", CSV)
        .with("other.csv", CSV)
        .with("page.html", CSV);
    for (arguments, told) in [
        (
            &[
                "render",
                "acme.csv",
                "-o",
                ".",
                "--output-key",
                "{{ path }}.csv",
            ][..],
            "acme.csv would be replaced by its own output: choose another -o or --output-key",
        ),
        // The user may take `--report` for a flag without a value.
        (
            &["check", "--report", "acme.csv", "other.csv"],
            "--report acme.csv is a CSV: name the page to write, such as acme.html",
        ),
        (
            &["check", "page.html", "--report", "./page.html"],
            "page.html would be replaced by its own output: choose another --report",
        ),
        (
            &["render", "acme.csv", "-o", "acme.csv"],
            "-o acme.csv is not a folder, but -o needs a folder: \
             for one file, htaccess render acme.csv > .htaccess",
        ),
    ] {
        folder.run(arguments).expect_failure(told);
    }
    for name in ["acme.csv", "other.csv", "page.html"] {
        assert_eq!(folder.text(name), CSV);
    }
}

#[test]
fn a_file_where_a_folder_is_needed_is_reported() {
    let folder = Folder::new().with("acme.csv", CSV).with("b.csv", CSV);
    for (output, told) in [
        (
            ".htaccess",
            "-o .htaccess looks like a file, but -o needs a folder: \
             for one file, htaccess render acme.csv > .htaccess",
        ),
        (
            "acme.nginx.conf",
            "htaccess render acme.csv > acme.nginx.conf",
        ),
        ("/dev/null", "-o /dev/null is not a folder"),
    ] {
        folder
            .run(&["render", "acme.csv", "-o", output])
            .expect_failure(told);
    }
    folder
        .run(&["render", "*.csv", "-o", "x.conf"])
        .expect_failure("-o x.conf looks like a file, but -o needs a folder\n");
    assert_eq!(names(&folder.path("")), ["acme.csv", "b.csv"]);
    // A name with a trailing slash is always a folder.
    let ran = folder.run(&["render", "acme.csv", "-o", "sites.conf/"]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert_eq!(names(&folder.path("sites.conf/acme")), [".htaccess"]);
}

#[test]
fn an_output_for_another_server_is_not_silently_named_htaccess() {
    let folder = Folder::new().with("acme.csv", CSV);
    let said = |options: &[&str]| {
        let render = ["render", "acme.csv", "-o", "out"];
        let ran = folder.run(&[&render, options].concat());
        assert_eq!(ran.status, 0);
        ran.stderr
    };
    assert_eq!(
        said(&["--template", "nginx"]),
        "warning: --template nginx is not for Apache, but only Apache reads files named .htaccess\n  \
         = help: add --output-key '{{ path }}.nginx.conf'\n\n\
         1 file written, 0 unchanged, 0 refused; 0 rows rejected\n"
    );
    for silent in [
        &["--template", "apache22"][..],
        &[
            "--template",
            "nginx",
            "--output-key",
            "{{ path }}.nginx.conf",
        ],
    ] {
        assert!(!said(silent).contains("warning"));
    }
}

#[cfg(unix)]
#[test]
fn a_link_without_a_target_is_reported_except_those_of_editors() {
    let folder = Folder::new().with("sites/a.csv", CSV);
    let link = |name: &str| {
        std::os::unix::fs::symlink("nowhere", folder.path(name)).unwrap();
    };
    link("sites/.#a.csv");
    assert_eq!(folder.run(&["check", "sites"]).status, 0);
    link("sites/b.csv");
    folder
        .run(&["check", "sites"])
        .expect_failure("cannot read sites/b.csv: No such file");
}

#[test]
fn standard_input_is_read_once() {
    Folder::new()
        .run_with_input(&["check", "-", "-"], CSV)
        .expect_failure("standard input can be read only once: write - only once");
}

#[test]
fn an_output_that_cannot_be_written_is_named_as_the_user_typed_it() {
    let folder = Folder::new()
        .with("acme.csv", CSV)
        .with("out/acme", "a file");
    folder
        .run(&["check", "acme.csv", "--report", "gone/../acme.csv/x.html"])
        .expect_failure("cannot write gone/../acme.csv/x.html: ");
    let ran = folder.run(&["render", "acme.csv", "-o", "out"]);
    assert_eq!(ran.status, 2);
    assert!(!ran.stderr.contains(".tmp"), "{}", ran.stderr);
}

/// Without protection, two of three such interruptions left a partial file.
#[cfg(unix)]
#[test]
fn an_interrupted_program_leaves_no_partial_files() {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::{Command, Stdio};

    let mut folder = Folder::new();
    for index in 0..400 {
        folder = folder.with(&format!("sites/{index}.csv"), CSV);
    }
    for (round, signal) in ["TERM", "INT", "HUP"]
        .into_iter()
        .cycle()
        .take(12)
        .enumerate()
    {
        let output = folder.path(&format!("out{round}"));
        let mut child = Command::new(env!("CARGO_BIN_EXE_htaccess"))
            .args(["render", "sites", "-o"])
            .arg(&output)
            .current_dir(folder.path(""))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while names(&output).len() < 2 * round && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        let kill = format!("kill -{signal} {} 2> /dev/null || true", child.id());
        Command::new("sh").args(["-c", &kill]).status().unwrap();
        let status = child.wait().unwrap();
        assert!(
            status.success() || matches!(status.signal(), Some(1 | 2 | 15)),
            "{status}"
        );
        for name in names(&output) {
            assert!(!name.contains(".tmp"), "{signal}: {name}");
        }
    }
}
