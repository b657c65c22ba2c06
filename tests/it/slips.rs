//! Wrong usage that is told with its way out.

use std::path::Path;
use std::process::Command;

/// Standard error of `htaccess`, run in the folder of the tour; exit status 2.
fn said(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_htaccess"))
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn slips_are_told_with_their_way_out() {
    for (arguments, way_out) in [
        // A file, and no command.
        (&["1-allowlist.csv"][..], "htaccess render 1-allowlist.csv"),
        (&["6-sites"], "htaccess render 6-sites"),
        (&["rendr", "1-allowlist.csv"], "'render'"),
        (&["render", "gone.csv"], "gone.csv"),
        (&["render", "6-sites"], "-o DIR"),
        (&["render", "../src"], ".csv"),
        (
            &["render", "1-allowlist.csv", "--template", "nginxx"],
            "apache24, apache22, nginx",
        ),
        (
            &["render", "1-allowlist.csv", "--default-policy", "Allow"],
            "deny or allow",
        ),
        (&["render", "6-sites", "-o", "README.md"], "README.md"),
    ] {
        let said = said(arguments);
        assert!(said.contains(way_out), "{arguments:?}: {said}");
    }
}

#[test]
fn what_is_neither_command_nor_file_is_not_rendered() {
    assert!(!said(&["frobnicate"]).contains("htaccess render"));
}
