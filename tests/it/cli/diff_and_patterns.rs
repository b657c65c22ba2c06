//! `diff`, file patterns, replaced files, and the commands that describe the command line.

use std::fs;

use crate::cli::Folder;

const OLD: &str = "IP,Rule\n10.0.0.0/24,Allow\n";

#[test]
fn diff_shows_which_clients_gain_and_lose_access() {
    let folder = Folder::new()
        .with("old.csv", OLD)
        .with(
            "new.csv",
            "IP,Rule\n10.0.0.0/23,Allow\n10.0.0.7,Deny\n2001:db8::/32,Allow\n",
        )
        .with("open.csv", "IP,Rule\nall,Allow\n10.0.0.0/24,Deny\n");
    let ran = folder.run(&["diff", "old.csv", "new.csv"]).expect(0, "");
    assert_eq!(
        ran.stdout,
        "old.csv -> new.csv\n\
         Gain access: 256 IPv4 addresses and 2^96 IPv6 addresses, in 2 networks\n  \
           + 10.0.1.0/24\n  \
           + 2001:db8::/32\n\
         Lose access: 1 IPv4 address, in 1 network\n  \
           - 10.0.0.7\n"
    );
    let ran = folder.run(&["diff", "new.csv", "open.csv"]).expect(0, "");
    let default = "new.csv -> open.csv\n\
         The default changes from deny to allow: everybody who is not denied gets in.\n\
         Gain access: 4,294,966,784 IPv4 addresses and about 1.99 × 2^127 IPv6 addresses, in ";
    assert!(ran.stdout.starts_with(default), "{}", ran.stdout);
    let ran = folder.run(&["diff", "old.csv", "old.csv"]).expect(0, "");
    assert_eq!(
        ran.stdout,
        "old.csv -> old.csv\nNobody gains or loses access.\n"
    );
}

#[test]
fn diff_takes_standard_input_and_files_that_are_not_there_yet() {
    let folder = Folder::new().with("new.csv", OLD).with("empty.csv", "");
    let gained = "Gain access: 256 IPv4 addresses, in 1 network\n  + 10.0.0.0/24\n";
    for old in ["/dev/null", "empty.csv", "-"] {
        let ran = folder.run(&["diff", old, "new.csv"]).expect(0, "");
        assert!(ran.stdout.ends_with(gained), "{}", ran.stdout);
    }
    let ran = folder.run(&["diff", "/dev/null", "new.csv", "--default-policy", "allow"]);
    assert!(
        ran.stdout.ends_with("\nNobody gains or loses access.\n"),
        "{}",
        ran.stdout
    );
    let ran = folder.run_with_input(&["diff", "new.csv", "-"], "IP,Rule\n10.0.0.0/24,Deny\n");
    assert!(
        ran.stdout.contains("\nLose access: 256 IPv4"),
        "{}",
        ran.stdout
    );
    folder
        .run(&["diff", "-", "-"])
        .expect_failure("standard input cannot be both files");
}

#[test]
fn the_exit_status_of_diff_distinguishes_a_change_from_a_refusal() {
    let folder = Folder::new()
        .with("old.csv", OLD)
        .with("new.csv", "IP,Rule\n10.0.0.0/24,Deny\n2.2.2,Allow\n")
        .with("bad.csv", "a,b\n");
    let status = |arguments: &[&str]| folder.run(arguments).status;
    assert_eq!(status(&["diff", "old.csv", "new.csv"]), 0);
    assert_eq!(status(&["diff", "--exit-code", "old.csv", "new.csv"]), 3);
    assert_eq!(status(&["diff", "--exit-code", "old.csv", "old.csv"]), 0);
    assert_eq!(
        status(&["diff", "--strict", "--exit-code", "old.csv", "new.csv"]),
        1
    );
    // The JSON contains the refused file and the reason.
    let json = folder.run(&["diff", "--json", "old.csv", "bad.csv"]).json();
    assert_eq!(json["new"]["code"], "missing-column");
    for unknown in ["changed", "gained", "lost"] {
        assert!(json[unknown].is_null(), "{json}");
    }
    for files in [
        ["old.csv", "bad.csv"],
        ["bad.csv", "old.csv"],
        ["old.csv", "/dev/null"],
    ] {
        let ran = folder.run(&["diff", files[0], files[1]]);
        assert_eq!((ran.status, ran.stdout.as_str()), (1, ""));
        assert!(
            ran.stderr.contains("error[missing-column]"),
            "{}",
            ran.stderr
        );
    }
    assert_eq!(status(&["diff", "old.csv", "none.csv"]), 2);
    let ran = folder.run(&["diff", "old.csv", "new.csv"]);
    assert!(ran.stderr.contains(" --> new.csv:3:1\n"), "{}", ran.stderr);
    assert!(
        ran.stdout.contains("\nRejected rows: 0 before, 1 now.\n"),
        "{}",
        ran.stdout
    );
}

#[test]
fn patterns_are_expanded_if_the_shell_did_not() {
    let csv = "IP,Rule\n1.1.1.1,Allow\n";
    let folder = Folder::new()
        .with("sites/a.csv", csv)
        .with("sites/b.csv", csv)
        .with("sites/deep/c.csv", csv)
        .with("sites/notes.txt", "x")
        .with("odd[1].csv", csv);
    let sources = |pattern: &str| -> Vec<String> {
        let json = folder.run(&["check", "--json", pattern]).json();
        let answers = json.as_array().unwrap().iter();
        answers
            .map(|answer| answer["source"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(sources("sites/*.csv"), ["a.csv", "b.csv"]);
    assert_eq!(
        sources("**/[a-c].csv"),
        ["sites/a.csv", "sites/b.csv", "sites/deep/c.csv"]
    );
    assert_eq!(sources("sit?s"), ["a.csv", "b.csv", "deep/c.csv"]);
    // A file with exactly this name takes precedence over the pattern.
    assert_eq!(sources("odd[1].csv"), ["odd[1].csv"]);
    folder
        .run(&["check", "sites/*.tsv"])
        .expect_failure("no file matches sites/*.tsv");
    folder
        .run(&["check", "sites/[.csv"])
        .expect_failure("there is no file sites/[.csv, and the name is not a valid pattern: ");
}

#[cfg(unix)]
#[test]
fn a_replaced_file_keeps_its_permissions_and_its_link() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = Folder::new().with("a.csv", OLD).with("real", "old text");
    let real = folder.path("real");
    fs::set_permissions(&real, PermissionsExt::from_mode(0o640)).unwrap();
    fs::create_dir_all(folder.path("out/a")).unwrap();
    let link = folder.path("out/a/.htaccess");
    symlink("../../real", &link).unwrap();
    folder.run(&["render", "a.csv", "-o", "out"]);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(folder.text("real").ends_with("Require ip 10.0.0.0/24\n"));
    assert_eq!(
        fs::metadata(&real).unwrap().permissions().mode() & 0o777,
        0o640
    );
    // The link may exist before its target.
    fs::remove_file(&real).unwrap();
    folder.run(&["render", "a.csv", "-o", "out"]);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(folder.text("real").ends_with("Require ip 10.0.0.0/24\n"));
    // A new file gets the default permissions.
    fs::write(folder.path("plain"), "").unwrap();
    fs::remove_file(&link).unwrap();
    folder.run(&["render", "a.csv", "-o", "out"]);
    let mode = |name: &str| {
        fs::metadata(folder.path(name))
            .unwrap()
            .permissions()
            .mode()
    };
    assert_eq!(mode("out/a/.htaccess"), mode("plain"));
    assert_eq!(fs::read_dir(folder.path("out/a")).unwrap().count(), 1);
}

#[test]
fn help_has_examples_and_short_lines() {
    let folder = Folder::new();
    let overview = folder.run(&["--help"]).expect(0, "").stdout;
    let (_, commands) = overview.split_once("\nCommands:\n").unwrap();
    let (commands, _) = commands.split_once("\n\n").unwrap();
    let mut helps = vec![overview.clone()];
    for command in commands
        .lines()
        .map(|line| line.split_whitespace().next().unwrap())
    {
        if command != "help" {
            helps.push(folder.run(&[command, "--help"]).expect(0, "").stdout);
        }
    }
    assert!(helps.len() > 6, "{overview}");
    for command in ["list", "show", "check"] {
        let ran = folder.run(&["template", command, "--help"]);
        helps.push(ran.expect(0, "").stdout);
    }
    for help in helps {
        assert!(help.contains("\nExamples:\n  htaccess "), "{help}");
        let longest = help
            .lines()
            .max_by_key(|line| line.chars().count())
            .unwrap();
        assert!(longest.chars().count() <= 100, "{longest}");
    }
    let alone = folder.run(&[]);
    assert_eq!((alone.status, alone.stdout.as_str()), (2, ""));
    assert_eq!(alone.stderr, overview);
    folder
        .run(&["rendr"])
        .expect_failure("a similar subcommand exists: 'render'");
}

#[test]
fn the_licences_of_third_parties_are_printed() {
    let licenses = include_str!("../../../THIRD-PARTY-LICENSES.txt");
    let ran = Folder::new().run(&["licenses"]).expect(0, "");
    assert!(ran.stdout == licenses);
}

#[test]
fn every_command_has_its_manual_page() {
    let folder = Folder::new();
    folder
        .run(&["man", "-o", "pages"])
        .expect(0, "13 pages written into pages\n");
    let overview = folder.text("pages/htaccess.1");
    assert_eq!(folder.run(&["man"]).stdout, overview);
    for section in [
        "NAME",
        "SYNOPSIS",
        "OPTIONS",
        "SUBCOMMANDS",
        "EXAMPLES",
        "EXIT STATUS",
    ] {
        assert!(
            overview.contains(&format!(".SH \"{section}\""))
                || overview.contains(&format!(".SH {section}\n")),
            "{section}"
        );
    }
    // Every page that a page refers to exists.
    let pages: Vec<_> = fs::read_dir(folder.path("pages")).unwrap().collect();
    assert!(pages.len() > 10);
    for page in pages {
        let text = fs::read_to_string(page.unwrap().path()).unwrap();
        let named = text.lines().filter_map(|line| line.strip_suffix("(1)"));
        for name in named.map(|name| name.replace('\\', "")) {
            assert!(folder.path(&format!("pages/{name}.1")).exists(), "{name}");
        }
    }
    assert!(
        overview.contains("\nhtaccess\\-template(1)\n"),
        "{overview}"
    );
    assert!(
        folder
            .text("pages/htaccess-diff.1")
            .contains("git show HEAD:acme.csv")
    );
}

#[test]
fn completions_offer_templates_and_files() {
    let names = "apache24 apache22 nginx nginx-geo haproxy caddy nftables aws-waf plain json";
    let folder = Folder::new();
    for (shell, part) in [
        (
            "bash",
            format!(
                "--template)\n                    COMPREPLY=($(compgen -f -W \"{names}\" -- \"${{cur}}\"))\n"
            ),
        ),
        ("zsh", ":NAME|PATH:_htaccess_templates' \\\n".to_owned()),
        (
            "zsh",
            format!(
                "_htaccess_templates() {{\n    _alternative 'templates:template:({names})' 'files:file:_files'\n}}\n"
            ),
        ),
        ("fish", format!(" -r -F -a \"{names}\"\n")),
    ] {
        let script = folder.run(&["completions", shell]).expect(0, "").stdout;
        assert_eq!(
            script.matches(&part).count(),
            1,
            "{shell}: {part}\n{script}"
        );
    }
}

#[test]
fn completions_name_every_command() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = Folder::new()
            .run(&["completions", shell])
            .expect(0, "")
            .stdout;
        for word in ["render", "explain", "exit-code"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
        if ["bash", "zsh", "fish"].contains(&shell) {
            for word in ["nginx-geo", "elvish"] {
                assert!(script.contains(word), "{shell}: {word}");
            }
        }
    }
}
