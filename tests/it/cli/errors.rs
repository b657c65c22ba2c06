//! Wrong usage of the command line, and the help in the error messages.

use std::fs;
use std::path::Path;

use crate::cli::{Folder, program};

/// Runs `htaccess` in the folder `examples`, and returns its standard error. The exit status must be 2.
fn said(arguments: &[&str]) -> String {
    said_in(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("examples"),
        arguments,
    )
}

fn said_in(folder: &Path, arguments: &[&str]) -> String {
    let output = program()
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[track_caller]
fn check(slips: &[(&[&str], &str)]) {
    for (arguments, way_out) in slips {
        let said = said(arguments);
        assert!(said.contains(way_out), "{arguments:?}: {said}");
    }
}

#[test]
fn wrong_names_are_reported_with_help() {
    check(&[
        // A file without a command.
        (&["1-allowlist.csv"][..], "htaccess render 1-allowlist.csv"),
        (&["7-sites"], "htaccess render 7-sites"),
        (&["rendr", "1-allowlist.csv"], "'render'"),
        (
            &["render", "gone.csv"],
            "help: the folder . contains 1-allowlist.csv, 2-blocklist.csv, 3-exception.csv and 5 more CSVs",
        ),
        (
            &["check", "../examples/1-alowlist.csv"],
            "help: did you mean ../examples/1-allowlist.csv?",
        ),
        (
            &["explain", "1-allow-list.csv", "192.0.2.7"],
            "help: did you mean 1-allowlist.csv?",
        ),
        (
            &["diff", "1-allowlist.csv", "nowhere/new.csv"],
            "help: the folder nowhere does not exist or cannot be read",
        ),
        (
            &["check", "../infra/gone.csv"],
            "help: the folder ../infra contains no CSVs",
        ),
        (&["render", "7-sites"], "-o DIR"),
        (
            &["render", "../src"],
            "there is no .csv or .csv.gz file below ../src",
        ),
        (
            &["render", "../src"],
            "help: to read a file with another extension, name the file, such as ../src/",
        ),
    ]);
}

#[test]
fn wrong_values_are_reported_with_help() {
    check(&[
        (
            &["render", "1-allowlist.csv", "--template", "nginxx"][..],
            "apache24, apache22, nginx",
        ),
        (
            &["render", "1-allowlist.csv", "--template", "nginxx"],
            "did you mean nginx?",
        ),
        (
            &["template", "show", "iptables"],
            "a similar value exists: 'nftables'",
        ),
        (
            &["template", "check", "nginx_geo"],
            "did you mean nginx-geo?",
        ),
        (
            &["render", "1-allowlist.csv", "--default-policy", "Allow"],
            "a similar value exists: 'allow'",
        ),
        (
            &["render", "1-allowlist.csv", "--jobs", "0"],
            "'--jobs <N>': expected a number of files, at least 1",
        ),
        (
            &["render", "1-allowlist.csv", "--jobs", "-1"],
            "'--jobs <N>': expected a number of files, at least 1",
        ),
        (
            &["explain", "192.0.2.7", "1-allowlist.csv"],
            "the file comes before the addresses: htaccess explain 1-allowlist.csv ADDRESS",
        ),
        (
            &["template", "check", "../src/render/templates/apache42.tera"],
            "did you mean ../src/render/templates/apache24.tera?",
        ),
        (
            &["render", "1-allowlist.csv", "--output-key", "{{ pth }}"],
            " --> --output-key:1:4",
        ),
        (
            &["check", "1-allowlist.csv", "--max-csv-bytes", "1G"],
            "--max-csv-bytes is \"1G\": expected a number of bytes",
        ),
        (
            &[
                "render",
                "7-sites",
                "-o",
                "out",
                "--output-key",
                "{{ stem }}/x",
            ],
            "--output-key is \"{{ stem }}/x\": some CSVs would have the same output",
        ),
        (
            &["check", "1-allowlist.csv", "--max-output-bytes", "1G"],
            "--max-output-bytes is \"1G\": expected a number of bytes",
        ),
        (
            &["render", "7-sites", "-o", "out", "--output-key", "one"],
            "7-sites/clients/acme.csv and 7-sites/clients/blog.csv would both become one: rename one of them, or \
             choose another --output-key",
        ),
        (&["render", "7-sites", "-o", "README.md"], "README.md"),
    ]);
}

#[test]
fn a_file_name_that_starts_with_a_dash_is_not_an_option() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dash");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("-acme.csv"), "").unwrap();
    let said = said_in(&folder, &["check", "-acme.csv"]);
    assert!(
        said.contains("to name the file, write ./-acme.csv"),
        "{said}"
    );
}

#[test]
fn a_name_cannot_control_the_terminal() {
    let said = said(&[
        "check",
        "--color",
        "always",
        "gone\u{1b}[31m.csv",
        "gone\u{1b}[.csv",
    ]);
    assert!(said.contains("gone\\u{1b}["), "{said}");
    assert!(!said.contains("\u{1b}[31m.csv"), "{said}");
}

#[test]
fn a_word_that_is_neither_command_nor_file_is_not_rendered() {
    assert!(!said(&["frobnicate"]).contains("htaccess render"));
}

#[test]
fn folders_without_csvs_are_reported_with_help() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("slips");
    let _ = fs::remove_dir_all(&folder);
    for (name, file, help) in [
        (
            "workbook",
            Some("list.xlsx"),
            "to read a workbook, name it: htaccess check workbook/list.xlsx",
        ),
        (
            "other",
            Some("list.ods"),
            "save other/list.ods as CSV first",
        ),
        ("empty", None, "name the file, or the folder above it"),
    ] {
        fs::create_dir_all(folder.join(name)).unwrap();
        if let Some(file) = file {
            fs::write(folder.join(name).join(file), "").unwrap();
        }
        let said = said_in(&folder, &["check", name]);
        assert!(said.contains(&format!("help: {help}")), "{said}");
    }
}

#[test]
fn a_folder_is_not_blamed_for_other_failures() {
    let said = said(&["render", "7-sites", "-o", "README.md/7-sites"]);
    assert!(said.contains("README.md/7-sites"), "{said}");
    assert!(!said.contains("help:"), "{said}");
    // Both arguments match existing files, so no other name is suggested.
    let said = self::said(&["diff", "[12]-*.csv", "1-allowlist.csv"]);
    assert!(
        said.contains("matches more than one file: name one file"),
        "{said}"
    );
    assert!(!said.contains("help:"), "{said}");
}

#[test]
fn a_name_that_is_unlike_every_template_gets_no_suggestion() {
    let said = said(&["render", "1-allowlist.csv", "--template", "xyz"]);
    assert!(!said.contains("did you mean"), "{said}");
}

/// The options belong to other programs. Without the tips, the parser would only suggest
/// passing them as values.
#[test]
fn options_of_other_programs_are_answered_with_those_of_this_one() {
    check(&[
        (
            &["render", "1-allowlist.csv", "-t", "nginx"],
            "\n  tip: --template NAME chooses the template\n",
        ),
        (
            &["check", "1-allowlist.csv", "-o", "out"],
            "\n  tip: only render writes files: htaccess render FILE -o DIR\n",
        ),
        (
            &["check", "1-allowlist.csv", "--output", "out"],
            "\n  tip: only render writes files: htaccess render FILE -o DIR\n",
        ),
        (
            &["check", "1-allowlist.csv", "--format", "json"],
            "\n  tip: --json prints JSON, and render --template NAME writes the format of another server\n",
        ),
        (
            &["render", "1-allowlist.csv", "-v"],
            "\n  tip: messages are always complete; htaccess --version prints the version\n",
        ),
        (
            &["explain", "1-allowlist.csv", "192.0.2.7", "-q"],
            "\n  tip: only check and render have --quiet\n",
        ),
        (
            &["render", "1-allowlist.csv", "--out", "x"],
            "\n  tip: a similar argument exists: '--output'\n",
        ),
        (
            &["template", "check", "1-allowlist.csv"],
            "error: 1-allowlist.csv is a CSV, but this command checks templates\n  \
             = help: htaccess check 1-allowlist.csv checks the CSV\n",
        ),
    ]);
    for arguments in [
        ["check", "1-allowlist.csv", "-z"],
        ["check", "1-allowlist.csv", "--output"],
        ["check", "1-allowlist.csv", "--unheard-of"],
    ] {
        let said = said(&arguments);
        assert!(!said.contains("as a value"), "{said}");
        assert!(!said.contains("--output-key"), "{said}");
    }
}

#[test]
fn byte_counts_have_units() {
    let folder = Folder::new().with("a.csv", "IP,Rule\n1.1.1.1,Allow\n");
    for (limit, status) in [("10", 1), ("10B", 2), ("1kB", 0), ("1 KiB", 0), ("1mb", 0)] {
        let ran = folder.run(&["check", "a.csv", "--max-csv-bytes", limit]);
        assert_eq!(ran.status, status, "{limit}: {}", ran.stderr);
    }
    for limit in ["0kB", "1G", "-1", "0"] {
        folder
            .run(&["render", "a.csv", &format!("--max-output-bytes={limit}")])
            .expect_failure(&format!(
                "--max-output-bytes is \"{limit}\": expected a number of bytes, such as 1000000, 10MB \
                 (10,000,000 bytes) or 10MiB (10,485,760 bytes)"
            ));
    }
}
