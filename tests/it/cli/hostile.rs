//! Untrusted text never controls the terminal: file names, arguments, templates and cells with control
//! characters, in every command.

use std::fmt::Write as _;

use super::{Folder, Ran};

/// Terminal escape sequences in 7 and 8 bits, other control characters, and characters that move or
/// hide the text around them.
const HOSTILE: &str = "\u{1b}[31m\u{1b}]0;owned\u{7}\u{9b}2J\u{90}q\u{9c}\u{8}\r\u{7f}\u{85}\u{202e}\u{2066}\u{200b}\u{2028}\u{feff}";

/// A file name that a key may have, because it has no control characters. It moves the text around it.
const MOVING: &str = "\u{202e}\u{2066}vsc.csv";

/// Checks that no character in the two streams controls a terminal, except line feeds and tabs. Because
/// no command enables colours, the control sequences of colours are not allowed either.
#[track_caller]
fn check_streams(ran: &Ran) {
    for text in [&ran.stdout, &ran.stderr] {
        let bad: String = text
            .chars()
            .filter(|&c| c != '\n' && c != '\t')
            .filter(|&c| {
                c.is_control()
                    || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
            })
            .flat_map(char::escape_unicode)
            .collect();
        assert_eq!(bad, "", "{text}");
        // A file name must not look like a separate message.
        assert!(
            text.lines().all(|line| !line.starts_with("owned")),
            "{text}"
        );
    }
}

/// Runs a command in a folder with hostile files, and checks both streams. Returns the standard error.
#[track_caller]
fn check(folder: &Folder, arguments: &[&str]) -> String {
    let ran = folder.run(arguments);
    check_streams(&ran);
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    ran.stderr
}

fn csv() -> String {
    let mut csv = format!("IP Address,Rule,Comment,\"{HOSTILE}\"\n192.0.2.1,Allow,\"{HOSTILE}\"\n");
    let _ = writeln!(csv, "\"1.2.3{HOSTILE}\",Allow,x");
    let _ = writeln!(csv, "192.0.2.2,\"{HOSTILE}\",x");
    let _ = writeln!(csv, "192.0.2.1,Allow,\"a\n{HOSTILE}\"");
    csv
}

/// Returns a CSV with a row that ends later, a row with a bad date, and a row that has ended.
fn dated_csv() -> String {
    format!(
        "IP,Rule,Comment,Expires\n192.0.2.1,Allow,\"{HOSTILE}\",2100-12-31\n\
         192.0.2.2,Allow,x,\"31/12/2026{HOSTILE}\"\n192.0.2.3,Allow,x,2020-12-31\n"
    )
}

/// Returns a hostile file name with a line feed.
fn name(ending: &str) -> String {
    format!("{HOSTILE}\nowned{ending}")
}

fn folder() -> Folder {
    let header = format!("{HOSTILE},\"{HOSTILE}\"\n1.1.1.1,Allow\n");
    let fails = format!("{{# {HOSTILE} #}}\n{{{{ nothing }}}} {HOSTILE}\n");
    Folder::new()
        .with(&name(".csv"), csv())
        .with(&format!("sites/{}", name(".csv")), csv())
        .with(&format!("sites/{}", name("-refused.csv")), &header)
        .with(&name("-refused.csv"), header)
        .with("plain.csv", csv())
        .with(&name("-dated.csv"), dated_csv())
        .with(MOVING, csv())
        .with(
            &name(".tera"),
            format!("{{{{ allow.count }}}} {{% {HOSTILE}\n"),
        )
        .with(&name("-fails.tera"), fails)
        .with(
            &name("-throws.tera"),
            "{{ throw(message=rules[0].comment) }}",
        )
        .with(&name("-warns.tera"), "constant\n")
        .with(&name("-bytes.tera"), b"\xff")
}

#[test]
fn hostile_files_cannot_control_the_terminal() {
    let folder = folder();
    let (file, refused, missing) = (name(".csv"), name("-refused.csv"), name("-gone.csv"));
    for file in [&*file, &*refused, &*missing, "sites", "plain.csv", MOVING] {
        check(&folder, &["check", file]);
        check(&folder, &["check", file, "--json"]);
        check(&folder, &["check", file, "--strict", "--json"]);
        check(&folder, &["check", file, "--report", &name(".html")]);
        check(&folder, &["render", file, "--json"]);
        check(&folder, &["render", file, "-o", &name("-out")]);
        check(&folder, &["render", file, "-o", &name(".htaccess")]);
        check(&folder, &["render", file, "--template", "json"]);
        check(&folder, &["explain", file, "192.0.2.1"]);
        check(&folder, &["explain", file, "192.0.2.1", "--json"]);
        check(&folder, &["diff", file, "plain.csv"]);
        check(&folder, &["diff", "plain.csv", file, "--json"]);
    }
    let dated = name("-dated.csv");
    for arguments in [
        &["upcoming", &*dated][..],
        &["upcoming", &dated, &missing, &refused],
        &["upcoming", &dated, "--json"],
        &["check", &dated],
        &["check", &dated, "--json"],
        &["explain", &dated, "192.0.2.1", "192.0.2.3"],
        &["explain", &dated, "192.0.2.1", "--json"],
    ] {
        check(&folder, arguments);
    }
    let pattern = format!("{HOSTILE}*\nowned[");
    check(&folder, &["check", &pattern]);
    check(&folder, &["check", &name("*.nothing")]);
    check(
        &folder,
        &["check", &file, &file, "--report", &name("-pages/")],
    );
    check(&folder, &["render", &file, &file, "-o", "out"]);
    check(&folder, &["render", &file, "--report", &file]);
    check(&folder, &["man", "-o", &file]);
}

#[test]
fn hostile_templates_cannot_control_the_terminal() {
    let folder = folder();
    for ending in [
        ".tera",
        "-fails.tera",
        "-throws.tera",
        "-warns.tera",
        "-bytes.tera",
        "-gone.tera",
    ] {
        let template = name(ending);
        for arguments in [
            &["template", "check", &template][..],
            &["template", "check", &template, "plain.csv"],
            &["template", "check", &template, &name(".csv")],
            &["template", "check", &template, &name("-refused.csv")],
            &["render", "plain.csv", "--template", &template],
            &["render", "plain.csv", "--template", &template, "--json"],
            &["render", "plain.csv", "--template", &template, "-o", "out"],
        ] {
            let errors = check(&folder, arguments);
            assert!(!errors.is_empty(), "{arguments:?}");
        }
    }
    let said = check(&folder, &["template", "check", &name("-fails.tera")]);
    assert!(said.contains("2 | {{ nothing }} \\u{1b}[31m"), "{said}");
}

#[test]
fn hostile_arguments_cannot_control_the_terminal() {
    let folder = folder();
    let word = name("");
    let option = format!("--{word}");
    let short = format!("-{word}");
    let value = |flag: &str| format!("{flag}={word}");
    for arguments in [
        &[&*word][..],
        &[&*option],
        &[&*short],
        &["help", &word],
        &["check"],
        &["check", "plain.csv", &option],
        &["check", "plain.csv", &short],
        &["check", "plain.csv", &value("--jobs")],
        &["check", "plain.csv", &value("--default-policy")],
        &["check", "plain.csv", &value("--max-csv-bytes")],
        &["check", "plain.csv", &value("--color")],
        &["check", "plain.csv", &value("--strict")],
        &["check", "plain.csv", &value("--time-zone")],
        &["check", "plain.csv", &value("--at")],
        &["upcoming", "plain.csv", &value("--within")],
        &["render", "plain.csv", &value("--output-key")],
        &[
            "render",
            "plain.csv",
            "--output-key",
            &format!("{{{{ {word} }}}}"),
        ],
        &[
            "render",
            "plain.csv",
            "-o",
            "out",
            "--output-key",
            &format!("{{{{ path }}}}{word}"),
        ],
        &["explain", "plain.csv", &word],
        &["explain", "plain.csv", &format!("192.0.2.1{word}")],
        &["diff", "plain.csv", &value("--exit-code"), "plain.csv"],
        &["diff", "plain.csv", "plain.csv", &word],
        &["template", &word],
        &["template", "show", &word],
        &["completions", &word],
        &["man", &word],
    ] {
        let errors = check(&folder, arguments);
        assert!(!errors.is_empty(), "{arguments:?}");
        // For a short option, the message shows only the first character.
        let is_shown = |argument: &&str| argument.contains(HOSTILE) && **argument != short;
        if arguments.iter().any(is_shown) {
            assert!(errors.contains("\\u{1b}"), "{arguments:?}: {errors}");
        }
    }
    // This file exists.
    let dashed = folder.with(&format!("-{HOSTILE}.csv"), csv());
    let errors = check(&dashed, &["check", &format!("-{HOSTILE}.csv")]);
    assert!(
        errors.contains("to name the file, write ./-\\u{1b}[31m"),
        "{errors}"
    );
}

/// A name that is not UTF-8 is shown with replacement characters.
#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf_8_cannot_control_the_terminal() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let folder = folder();
    let hostile = OsStr::from_bytes(b"\x1b[31m\xff\x9b.csv");
    std::fs::write(folder.path("").join(hostile), csv()).unwrap();
    for command in ["check", "render", "explain"] {
        let output = super::program()
            .args([OsStr::new(command), hostile, hostile])
            .current_dir(folder.path(""))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        check_streams(&Ran::of(&output));
    }
}

/// Other programs need the original texts.
#[test]
fn json_has_the_texts_unchanged() {
    let ran = folder().run(&["check", &name(".csv"), MOVING, "--json"]);
    let answers = ran.json();
    assert_eq!(answers[0]["source"], name(".csv"));
    assert_eq!(answers[1]["source"], MOVING);
    let value = answers[1]["rejections"][0]["value"].as_str().unwrap();
    assert!(
        value.contains('\u{1b}') && value.contains('\u{9b}') && value.contains('\u{202e}'),
        "{value:?}"
    );
}
