//! `diff` with folders, the limit for long differences, and comments in differences.

use crate::cli::Folder;

fn folders() -> Folder {
    Folder::new()
        .with(
            "old/a.csv",
            "IP,Rule,Comment\n10.0.0.0/24,Allow,office\n192.0.2.7,Allow,guest\n",
        )
        .with(
            "new/a.csv",
            "IP,Rule,Comment\n10.0.0.0/24,Allow,office\n192.0.2.8,Allow,\n",
        )
        .with("old/same.csv", "IP,Rule\n10.0.0.0/24,Allow\n")
        .with(
            "new/same.csv",
            "IP,Rule\n10.0.0.0/25,Allow\n10.0.0.128/25,Allow\n",
        )
        .with("old/gone/x.csv", "IP,Rule\n10.0.0.0/24,Allow\n")
        .with("new/added.csv", "IP,Rule\n10.0.0.9,Allow\n")
}

#[test]
fn folders_are_compared_by_the_names_of_their_files() {
    let folder = folders();
    let text = "a.csv\n\
         Gain access: 1 IPv4 address, in 1 network\n  + 192.0.2.8\n\
         Lose access: 1 IPv4 address, in 1 network\n  - 192.0.2.7  guest\n\
         added.csv (added)\n\
         Gain access: 1 IPv4 address, in 1 network\n  + 10.0.0.9\n\
         gone/x.csv (removed)\n\
         4 files: 1 changed, 1 added, 1 removed, 1 unchanged, 0 refused\n";
    let ran = folder.run(&["diff", "old", "new"]).expect(0, "");
    assert_eq!(ran.stdout, text);
    assert_eq!(
        folder.run(&["diff", "old/", "./new", "--exit-code"]).status,
        3
    );
    assert_eq!(folder.run(&["diff", "old", "old", "--exit-code"]).status, 0);
    let json = folder.run(&["diff", "old", "new", "--json"]).json();
    let results: Vec<_> = json
        .as_array()
        .unwrap()
        .iter()
        .map(|file| {
            (
                file["file"].as_str().unwrap(),
                file["result"].as_str().unwrap(),
                file["changed"].as_bool(),
            )
        })
        .collect();
    assert_eq!(
        results,
        [
            ("a.csv", "changed", Some(true)),
            ("added.csv", "added", Some(true)),
            ("gone/x.csv", "removed", None),
            ("same.csv", "unchanged", Some(false)),
        ]
    );
    assert_eq!(
        json[0]["lost"]["networks"],
        serde_json::json!(["192.0.2.7"])
    );
    assert!(
        json[1]["old"].is_null() && json[2]["new"].is_null(),
        "{json}"
    );
}

#[test]
fn a_refused_file_of_a_folder_is_named_and_the_others_are_compared() {
    let folder = folders().with("new/same.csv", "a,b\n");
    let ran = folder.run(&["diff", "old", "new", "--exit-code"]);
    assert_eq!(ran.status, 1);
    assert!(
        ran.stderr.contains("error[missing-column]"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stdout.contains("\nsame.csv (refused)\n"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout
            .ends_with("4 files: 1 changed, 1 added, 1 removed, 0 unchanged, 1 refused\n"),
        "{}",
        ran.stdout
    );
    folder
        .run(&["diff", "old", "new/a.csv"])
        .expect_failure("old is a folder and new/a.csv is not: name two files or two folders");
    folder
        .run(&["diff", "old/a.csv", "new"])
        .expect_failure("new is a folder and old/a.csv is not: name two files or two folders");
}

/// Addresses that do not merge.
fn hosts(third: u32, count: u32) -> String {
    let row = |host: u32| format!("10.0.{third}.{},Allow\n", 2 * host);
    (0..count).map(row).collect()
}

#[test]
fn long_differences_are_cut_unless_all_is_given() {
    let csv = |rows: &str| format!("IP,Rule\n{rows}");
    let folder = Folder::new()
        .with("none.csv", csv("1.1.1.1,Allow\n"))
        .with(
            "many.csv",
            csv(&format!("1.1.1.1,Allow\n{}", hosts(1, 120))),
        )
        .with(
            "others.csv",
            csv(&format!("1.1.1.1,Allow\n{}", hosts(2, 30))),
        );
    let lines = |arguments: &[&str], start: &str| {
        let ran = folder.run(arguments).expect(0, "");
        let matching = ran.stdout.lines().filter(|line| line.starts_with(start));
        (matching.count(), ran.stdout)
    };
    let (count, text) = lines(&["diff", "none.csv", "many.csv"], "  + ");
    assert_eq!(count, 50);
    assert!(
        text.ends_with("  … and 70 more networks: --all lists them\n"),
        "{text}"
    );
    assert_eq!(
        lines(&["diff", "none.csv", "many.csv", "--all"], "  + ").0,
        120
    );
    // The limit of 50 is for both lists together.
    assert_eq!(lines(&["diff", "many.csv", "others.csv"], "  + ").0, 25);
    assert_eq!(lines(&["diff", "many.csv", "others.csv"], "  - ").0, 25);
    assert_eq!(lines(&["diff", "none.csv", "others.csv"], "  + ").0, 30);
    let json = folder
        .run(&["diff", "none.csv", "many.csv", "--json"])
        .json();
    assert_eq!(json["gained"]["networks"].as_array().unwrap().len(), 120);
}

#[test]
fn the_comments_of_the_rows_that_let_networks_in_are_shown() {
    let folder = Folder::new()
        .with(
            "old.csv",
            "IP,Rule,Comment\n10.0.0.0/25,Allow,Jean\n10.0.0.128/25,Allow,Ana\n10.0.1.0/24,Allow,\n\
             192.0.2.1,Allow,\u{1b}[31mred\n",
        )
        .with("new.csv", "IP,Rule,Comment\n172.16.0.1,Allow,\"new, here\"\n172.16.0.1,Deny,not\n172.16.0.3,Allow,Eve\n");
    let ran = folder.run(&["diff", "old.csv", "new.csv"]).expect(0, "");
    assert_eq!(
        ran.stdout,
        "old.csv -> new.csv\n\
         Gain access: 1 IPv4 address, in 1 network\n  + 172.16.0.3  Eve\n\
         Lose access: 513 IPv4 addresses, in 2 networks\n  \
           - 10.0.0.0/23  Jean and 1 more\n  \
           - 192.0.2.1  \\u{1b}[31mred\n"
    );
    // Standard input can be read only once, but its comments are shown too.
    let old = folder.text("old.csv");
    let ran = folder.run_with_input(&["diff", "-", "new.csv"], &old);
    assert!(
        ran.stdout.contains("\n  - 10.0.0.0/23  Jean and 1 more\n"),
        "{}",
        ran.stdout
    );
}

/// Versions of a site. Some changes between them would be held, and others would not.
fn versions() -> Folder {
    let csv = |rows: &str| format!("IP,Rule\n{rows}");
    Folder::new()
        .with("old/a.csv", csv(&hosts(1, 40)))
        .with("new/a.csv", csv(&hosts(1, 20)))
        .with("small/a.csv", csv(&hosts(1, 39)))
        .with("open/a.csv", csv("all,Allow\n"))
        .with("open/b.csv", csv("all,Allow\n"))
        .with("bad/a.csv", "a,b\n")
}

const OPENS: &str = "the site opens to everybody: at least half of all IPv4 addresses get in";

#[test]
fn a_change_that_would_be_held_has_its_own_exit_status() {
    let folder = versions();
    let check = |old: &str, new: &str, flags: &str, status: i32, sentence: &str| {
        let flags: Vec<&str> = flags.split_whitespace().collect();
        let ran = folder.run(&[&["diff", old, new], &flags[..]].concat());
        let held = ran
            .stdout
            .lines()
            .find_map(|line| line.strip_prefix("Would be held: "));
        assert_eq!(
            (ran.status, held.unwrap_or_default()),
            (status, sentence),
            "{old} {new} {flags:?}"
        );
    };
    let loses = "the networks that lose access are 50% of the networks that got in before, and the limit is 30%.";
    check("old/a.csv", "new/a.csv", "--hold-above 30", 4, loses);
    check(
        "old/a.csv",
        "new/a.csv",
        "--hold-above 30 --exit-code",
        4,
        loses,
    );
    check(
        "old/a.csv",
        "open/a.csv",
        "--hold-above 30",
        4,
        &format!("{OPENS}."),
    );
    check("old/a.csv", "new/a.csv", "--hold-above 60", 0, "");
    check("old/a.csv", "new/a.csv", "--hold-above 0", 0, "");
    check("old/a.csv", "new/a.csv", "", 0, "");
    check("old/a.csv", "small/a.csv", "--hold-above 30", 0, "");
    check(
        "old/a.csv",
        "small/a.csv",
        "--hold-above 30 --exit-code",
        3,
        "",
    );
    // A first upload is never held.
    check("/dev/null", "open/a.csv", "--hold-above 30", 0, "");
    check("old/a.csv", "bad/a.csv", "--hold-above 30", 1, "");
}

#[test]
fn one_held_file_of_a_folder_is_enough() {
    let folder = versions();
    let limit = ["--hold-above", "30"];
    let ran = folder.run(&[&["diff", "old", "open"], &limit[..]].concat());
    // A file that was added counts as a first upload.
    assert_eq!(
        (ran.status, ran.stdout.matches("Would be held").count()),
        (4, 1)
    );
    let files = ["diff", "old/a.csv", "open/a.csv", "--json"];
    let json = folder.run(&[&files[..], &limit[..]].concat()).json();
    assert_eq!(json["held"], OPENS);
    assert!(folder.run(&files).json()["held"].is_null());
    folder
        .run(&["diff", "old", "open", "--hold-above", "30%"])
        .expect_failure("--hold-above is \"30%\": expected a percentage from 1 to 100");
}
