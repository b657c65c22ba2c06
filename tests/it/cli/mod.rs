//! The command line as a process: files, streams and exit statuses.

/// Custom templates, which the function reads from S3 and the command line checks.
#[cfg(feature = "function")]
mod custom_templates;
/// The diagnostics of the command line.
mod diagnostics;
/// `diff`, file patterns, and the commands that describe the command line.
mod diff_and_patterns;
/// `diff` with folders and long lists.
mod diff_folders;
/// Wrong usage of the command line, and the help in the error messages.
mod errors;
/// `explain` for rejected rows, networks and folders.
mod explain;
/// Situations in which files could be lost.
mod files;
/// Names, arguments, templates and cells that try to control the terminal.
mod hostile;
/// The places of outputs and reports, and the summary.
mod layout;
/// `diff` and `explain` compared with the oracle, on the random policies of `tests/servers`.
mod oracle;
/// `--max-output-bytes`.
mod output_limit;
/// FIFOs, sockets, devices and folders in place of regular files.
#[cfg(unix)]
mod special_files;
/// `--strict`, and the exit status of a file with a rejected Deny.
mod strict;
/// `--at`, `--time-zone` and `upcoming`.
mod time;
/// Excel workbooks in place of CSVs.
mod workbooks;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

const ACME: &str =
    "IP Address,Rule\n192.168.1.10,Allow\n172.100.2.11,Allow\n2.2.2,Allow\n1.1.1.1,Deny\n";

/// Returns the program as a command, without the environment variables that affect its colours and its width.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_htaccess"));
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "LINES"] {
        command.env_remove(name);
    }
    command
}

/// A temporary folder, which is deleted when the value is dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("htaccess-cli-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn with(self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|err| panic!("{name}: {err}"))
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with_input(arguments, "")
    }

    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &str) -> Ran {
        self.spawn(arguments, &[], input)
    }

    pub(crate) fn run_in(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
        self.spawn(arguments, variables, "")
    }

    fn spawn(&self, arguments: &[&str], variables: &[(&str, &str)], input: &str) -> Ran {
        let mut child = program()
            .args(arguments)
            .envs(variables.iter().copied())
            .current_dir(&self.0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that does not read standard input may have closed it.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        Ran::of(&child.wait_with_output().unwrap())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    fn of(output: &Output) -> Self {
        Self {
            status: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout.clone()).unwrap(),
            stderr: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    #[track_caller]
    pub(crate) fn expect(self, status: i32, stderr: &str) -> Self {
        assert_eq!((self.status, self.stderr.as_str()), (status, stderr));
        self
    }

    #[track_caller]
    pub(crate) fn expect_failure(self, part: &str) {
        assert_eq!(self.status, 2, "{}", self.stderr);
        assert!(self.stderr.contains(part), "{}", self.stderr);
        assert_eq!(self.stdout, "");
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap()
    }
}

const REJECTED: &str = "\
rejected[invalid-address]: \"2.2.2\" is not an IP address: expected 4 octets, found 3
 --> acme.csv:4:1
  |
4 | 2.2.2,Allow
  | ^^^^^

";

#[test]
fn one_file_is_rendered_to_stdout_and_problems_go_to_stderr() {
    let folder = Folder::new().with("acme.csv", ACME);
    let ran = folder.run(&["render", "acme.csv"]).expect(
        0,
        &format!("{REJECTED}1 file rendered, 0 refused; 1 row rejected\n"),
    );
    assert_eq!(
        ran.stdout.lines().last(),
        Some("Require ip 172.100.2.11 192.168.1.10")
    );
}

#[test]
fn standard_input_is_rendered() {
    let folder = Folder::new();
    let ran = folder
        .run_with_input(&["render", "-"], "IP,Rule\n1.1.1.1,Allow\n")
        .expect(0, "");
    assert!(
        ran.stdout
            .ends_with("from stdin. Do not edit: upload a new CSV.\nRequire ip 1.1.1.1\n")
    );
}

#[test]
fn a_folder_and_a_file_are_laid_out_below_the_folder_of_both() {
    let folder = Folder::new()
        .with("sites/clients/acme.csv", ACME)
        .with("sites/b.CSV", "IP,Rule\n1.1.1.1,Allow\n")
        .with("sites/notes.txt", "not a CSV")
        .with("lone.csv", "IP,Rule\n2.2.2.2,Allow\n");
    let lone = folder.path("lone.csv");
    let ran = folder.run(&[
        "render",
        "sites",
        lone.to_str().unwrap(),
        "-o",
        "out",
        "--json",
    ]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let json = ran.json();
    let outputs: Vec<_> = json
        .as_array()
        .unwrap()
        .iter()
        .map(|answer| &answer["output"])
        .collect();
    assert_eq!(
        outputs,
        [
            "sites/b/.htaccess",
            "sites/clients/acme/.htaccess",
            "lone/.htaccess"
        ]
    );
    assert!(
        folder
            .text("out/sites/clients/acme/.htaccess")
            .contains("from sites/clients/acme.csv.")
    );
    assert!(
        folder
            .text("out/lone/.htaccess")
            .contains("Require ip 2.2.2.2")
    );
    assert!(!folder.path("out/sites/notes").exists());
}

#[test]
fn identical_and_refused_outputs_are_left_alone() {
    let folder = Folder::new().with("acme.csv", ACME);
    let render = || {
        folder
            .run(&["render", "acme.csv", "-o", "out", "--json"])
            .json()[0]["status"]
            .clone()
    };
    assert_eq!(render(), "written");
    let output = folder.path("out/acme/.htaccess");
    let before = (
        fs::metadata(&output).unwrap().modified().unwrap(),
        fs::read(&output).unwrap(),
    );
    assert_eq!(render(), "unchanged");
    fs::write(folder.path("acme.csv"), "no,such,column\n").unwrap();
    assert_eq!(render(), "refused");
    let after = (
        fs::metadata(&output).unwrap().modified().unwrap(),
        fs::read(&output).unwrap(),
    );
    assert_eq!(before, after);
    let files: Vec<_> = fs::read_dir(folder.path("out/acme")).unwrap().collect();
    assert_eq!(files.len(), 1, "a temporary file was left: {files:?}");
}

/// Addresses that are so far apart that none of them merge.
fn scattered(rows: u32) -> String {
    let row = |index: u32| format!("10.{}.{}.200,Allow\n", index / 250, index % 250);
    let rows: String = (0..rows).map(row).collect();
    format!("IP,Rule\n{rows}")
}

#[test]
fn check_reports_the_cost_of_a_large_file_in_apache() {
    let folder = Folder::new()
        .with("large.csv", scattered(5_000))
        .with("small.csv", scattered(500));
    folder.run(&["check", "large.csv", "small.csv"]).expect(
        0,
        "note: Apache reads these 5,000 networks again for each request, which takes about 1.2 ms \
         of processor time; include the file in the server's configuration, which Apache reads only once \
         (docs/web-servers.md)\n --> large.csv\n\n2 files fine, 0 refused; 0 rows rejected\n",
    );
}

#[test]
fn refused_files_change_the_exit_status() {
    let folder = Folder::new()
        .with("acme.csv", ACME)
        .with("bad.csv", "a,b\n");
    folder.run(&["check", "acme.csv"]).expect(
        0,
        &format!("{REJECTED}0 files fine, 1 with problems, 0 refused; 1 row rejected\n"),
    );
    let strict = folder.run(&["check", "--strict", "acme.csv", "--json"]);
    assert_eq!(
        (strict.status, &strict.json()[0]["code"]),
        (1, &Value::from("rows-rejected"))
    );
    let ran = folder.run(&["render", "acme.csv", "bad.csv", "-o", "out"]);
    assert_eq!(ran.status, 1);
    assert!(
        ran.stderr
            .contains("error[missing-column]: the header has no column"),
        "{}",
        ran.stderr
    );
    assert!(folder.path("out/acme/.htaccess").exists());
    assert_eq!(folder.run(&["render", "bad.csv"]).stdout, "");
}

#[test]
fn explain_shows_the_lines_for_an_address() {
    let folder = Folder::new().with(
        "a.csv",
        "IP,Rule,Note\n10.0.0.0/8,Allow,office\n10.1.0.0/16,Deny,\n",
    );
    let ran = folder
        .run(&["explain", "a.csv", "10.1.2.3", "10.2.0.1", "8.8.8.8"])
        .expect(0, "");
    assert_eq!(
        ran.stdout,
        "10.1.2.3 is kept out: line 3 denies it\n  line 3: 10.1.0.0/16,Deny\n  \
           line 2: 10.0.0.0/8,Allow office (changes nothing)\n\
         10.2.0.1 gets in: line 2 allows it\n  line 2: 10.0.0.0/8,Allow office\n\
         8.8.8.8 is kept out: no row allows it, and the default is deny\n"
    );
    folder
        .run(&["explain", "a.csv", "8.8"])
        .expect_failure("\"8.8\" is not an IP address: expected 4 octets, found 2");
    folder
        .run(&["explain", "a.csv", "all"])
        .expect_failure("'all' for '<ADDRESS>...': expected an address or a network, such as");
}

#[test]
fn templates_are_chosen_by_name_and_by_path() {
    let folder = Folder::new()
        .with("a.csv", "IP,Rule\n1.1.1.1,Allow\n")
        .with("own.tera", "{{ allow.count }} allowed");
    assert_eq!(
        folder
            .run(&["render", "a.csv", "--template", "own.tera"])
            .stdout,
        "1 allowed\n"
    );
    assert!(
        folder
            .run(&["render", "a.csv", "--template", "nginx"])
            .stdout
            .ends_with("allow 1.1.1.1;\ndeny all;\n")
    );
    folder
        .run(&["render", "a.csv", "--template", "apache"])
        .expect_failure(
            "template apache: neither a built-in template (apache24, apache22, nginx, \
             nginx-geo, haproxy, caddy, nftables, aws-waf, plain, json) nor a file",
        );
}

#[test]
fn the_report_of_one_file_is_written_to_the_given_path() {
    let folder = Folder::new().with("acme.csv", ACME);
    let rendered = folder.run(&["render", "acme.csv", "--report", "acme.html"]);
    let told = format!("{REJECTED}1 file rendered, 0 refused; 1 row rejected\n");
    assert_eq!((rendered.status, rendered.stderr), (0, told));
    assert_eq!(
        rendered.stdout,
        folder.run(&["render", "acme.csv"]).stdout,
        "a report changes nothing of the file"
    );
    let page = folder.text("acme.html");
    assert!(page.contains("can be published") && page.contains("<u class=\"cell\">2.2.2</u>"));
    folder.run(&["check", "acme.csv", "--report", "pages/"]);
    assert!(
        folder
            .text("pages/acme.csv.html")
            .contains("This was a check")
    );
    folder.run_with_input(&["check", "-", "--report", "pages"], ACME);
    assert!(folder.text("pages/stdin.html").contains("<h1><bdi>stdin"));
}

#[test]
fn the_reports_of_several_files_are_laid_out_like_the_bucket() {
    let folder = Folder::new()
        .with("sites/clients/acme.csv", ACME)
        .with("sites/b.csv", "IP,Rule\n1.1.1.1,Deny\n")
        .with("sites/bad.csv", "a,b\n");
    let ran = folder.run(&["render", "sites", "-o", "out", "--report", "pages"]);
    assert_eq!(ran.status, 1, "{}", ran.stderr);
    assert!(
        folder
            .text("pages/clients/acme.csv.html")
            .contains("clients/acme/.htaccess")
    );
    assert!(folder.text("pages/b.csv.html").contains("Nobody gets in."));
    assert!(folder.text("pages/bad.csv.html").contains("missing-column"));
    assert!(!folder.path("out/bad").exists());
    folder
        .run(&["check", "sites", "--report", "sites/b.csv"])
        .expect_failure("sites/b.csv is a file, but the reports need a folder");
    let absolute = folder.path("sites/b.csv");
    let same = ["check", "sites/../sites/b.csv", absolute.to_str().unwrap()];
    folder
        .run(&[&same[..], &["--report", "pages"]].concat())
        .expect_failure("would both have the report b.csv.html: write one report at a time");
}

#[test]
fn check_and_json_show_warnings() {
    let folder = Folder::new().with("a.csv", "IP,Rule\n1.1.1.1,Deny\n");
    let checked = folder.run(&["check", "a.csv"]);
    assert!(
        checked.stderr.contains("nobody gets in: the file has no"),
        "{}",
        checked.stderr
    );
    for arguments in [
        ["check", "a.csv", "--json"].as_slice(),
        &["render", "a.csv", "--json"],
        &["render", "a.csv", "--json", "-o", "out"],
    ] {
        let code = folder.run(arguments).json()[0]["warnings"][0]["code"].clone();
        assert_eq!(code, "blocks-everybody", "{arguments:?}");
    }
}

#[test]
fn wrong_usage_is_reported_with_help() {
    let folder = Folder::new()
        .with("a.csv", ACME)
        .with("a.csv.gz", ACME)
        .with("empty/x.txt", "");
    folder
        .run(&["render", "a.csv", "a.csv.gz"])
        .expect_failure("2 files need a folder to write to: add -o DIR");
    folder
        .run(&["render", "a.csv", "a.csv.gz", "-o", "out"])
        .expect_failure("a.csv and a.csv.gz would both become a/.htaccess");
    folder
        .run(&["check", "none.csv"])
        .expect_failure("cannot read none.csv: No such file");
    folder
        .run(&["check", "empty"])
        .expect_failure("there is no .csv or .csv.gz file below empty");
    folder
        .run(&["check", "a.csv", "--default-policy", "open"])
        .expect_failure("invalid value 'open' for '--default-policy <POLICY>'\n  [possible values: deny, allow]");
    folder
        .run(&["check", "a.csv", "--jobs", "0"])
        .expect_failure("invalid value '0'");
    folder
        .run(&["publish"])
        .expect_failure("unrecognized subcommand");
}

#[test]
fn the_result_is_the_same_with_any_number_of_jobs() {
    let mut folder = Folder::new();
    for number in 0..50 {
        folder = folder.with(
            &format!("sites/{number:02}.csv"),
            format!("IP,Rule\n10.0.0.{number},Allow\nx,Allow\n"),
        );
    }
    let one = folder.run(&["check", "sites", "--jobs", "1", "--json"]);
    let four = folder.run(&["check", "sites", "--jobs", "4", "--json"]);
    assert_eq!((one.stdout, one.stderr), (four.stdout, four.stderr));
}

#[test]
fn a_path_that_is_absolute_or_leaves_the_folder_is_known_by_its_file_name() {
    let folder = Folder::new().with("deep/a.csv", "IP,Rule\n1.1.1.1,Allow\n");
    let absolute = folder.path("deep/a.csv");
    for path in ["deep/../deep/a.csv", absolute.to_str().unwrap()] {
        assert_eq!(
            folder.run(&["check", path, "--json"]).json()[0]["source"],
            "a.csv"
        );
    }
    assert_eq!(
        folder.run(&["check", "./deep/a.csv", "--json"]).json()[0]["source"],
        "deep/a.csv"
    );
    assert!(Path::new(&absolute).exists());
}
