//! `--strict`: the exit status and the outputs of a file with a rejected Deny.

use crate::cli::Folder;

/// Everybody gets in, although line 3 is probably meant to deny somebody.
const BLOCKLIST: &str = "IP,Rule\nall,Allow\n203.0.113.7/24,Deny\n";
/// Line 3 would not deny anybody who gets in.
const ALLOWLIST: &str = "IP,Rule\n10.0.0.0/8,Allow\n203.0.113.7,Block\n";

fn folder() -> Folder {
    Folder::new()
        .with("block.csv", BLOCKLIST)
        .with("allow.csv", ALLOWLIST)
}

#[track_caller]
fn check(arguments: &[&str], status: i32, code: &str) {
    let ran = folder().run(arguments);
    assert_eq!(ran.status, status, "{arguments:?}: {}", ran.stderr);
    let names_code = ran.stderr.contains(&format!("[{code}]: "));
    assert!(names_code, "{arguments:?}: {}", ran.stderr);
}

#[test]
fn a_rejected_deny_refuses_the_file_in_every_command() {
    for command in [
        &["check", "block.csv"][..],
        &["check", "block.csv", "--json"],
        &["render", "block.csv"],
        &["render", "block.csv", "-o", "out"],
        &["explain", "block.csv", "203.0.113.7"],
        &["diff", "allow.csv", "block.csv"],
        &["diff", "block.csv", "allow.csv"],
    ] {
        check(command, 1, "deny-rejected");
        check(&[command, &["--strict=deny"]].concat(), 1, "deny-rejected");
    }
    let folder = folder();
    let ran = folder.run(&["render", "block.csv", "-o", "out"]);
    assert!(
        !folder.path("out/block/.htaccess").exists(),
        "{}",
        ran.stderr
    );
    for command in [
        &["render", "block.csv"][..],
        &["explain", "block.csv", "203.0.113.7"],
    ] {
        assert_eq!(folder.run(command).stdout, "", "{command:?}");
    }
    let json = folder.run(&["check", "block.csv", "--json"]).json();
    assert_eq!(json[0]["code"], "deny-rejected");
    assert_eq!(json[0]["status"], "refused");
}

#[test]
fn strict_alone_is_for_every_rejected_row() {
    check(&["check", "allow.csv"], 0, "unknown-rule");
    check(&["check", "--strict", "allow.csv"], 1, "rows-rejected");
    check(&["check", "--strict=all", "allow.csv"], 1, "rows-rejected");
    check(&["check", "--strict=true", "allow.csv"], 1, "rows-rejected");
}

#[test]
fn with_none_the_file_is_published_with_a_warning() {
    for command in [
        &["check", "block.csv"][..],
        &["render", "block.csv"],
        &["render", "block.csv", "-o", "out"],
        &["explain", "block.csv", "203.0.113.7"],
        &["diff", "allow.csv", "block.csv"],
    ] {
        for none in ["--strict=none", "--strict=false"] {
            check(&[command, &[none]].concat(), 0, "deny-rejected");
        }
    }
    let ran = folder().run(&["explain", "--strict=none", "block.csv", "203.0.113.7"]);
    assert!(
        ran.stdout.starts_with("203.0.113.7 gets in"),
        "{}",
        ran.stdout
    );
    // The warning is red, because somebody gets in who may be meant to stay out.
    let ran = folder().run(&["check", "--strict=none", "block.csv", "--color", "always"]);
    let red = "\u{1b}[1m\u{1b}[31mwarning[deny-rejected]";
    assert!(ran.stderr.contains(red), "{:?}", ran.stderr);
}

#[test]
fn another_value_is_wrong_usage() {
    let ran = folder().run(&["check", "--strict=some", "allow.csv"]);
    assert_eq!(ran.status, 2);
    let allowed = "[possible values: deny, all, none]";
    assert!(ran.stderr.contains(allowed), "{}", ran.stderr);
}
