//! The places of outputs and reports, which are the same for a folder, its patterns and its subfolders.

use std::fs;

use crate::cli::Folder;

const CSV: &str = "IP,Rule\n1.1.1.1,Allow\n";

fn sites() -> Folder {
    Folder::new()
        .with("sites/clients/acme.csv", CSV)
        .with("sites/clients/blog.csv", CSV)
        .with("sites/legal/law.csv", CSV)
}

/// Returns the outputs in `out`, sorted, and deletes them.
fn outputs(folder: &Folder) -> Vec<String> {
    let mut found = Vec::new();
    let out = folder.path("out");
    let mut folders = vec![out.clone()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let below = path.strip_prefix(&out).unwrap();
                found.push(below.to_str().unwrap().to_owned());
            }
        }
    }
    fs::remove_dir_all(out).unwrap();
    found.sort();
    found
}

#[track_caller]
fn check(folder: &Folder, arguments: &[&str], expected: &[&str]) {
    let ran = folder.run(&[&["render", "-o", "out"], arguments].concat());
    assert_eq!(ran.status, 0, "{arguments:?}: {}", ran.stderr);
    assert_eq!(outputs(folder), expected, "{arguments:?}");
}

#[test]
fn folders_patterns_and_several_inputs_are_laid_out_alike() {
    let folder = sites();
    let all = [
        "clients/acme/.htaccess",
        "clients/blog/.htaccess",
        "legal/law/.htaccess",
    ];
    let absolute = folder.path("sites/clients/acme.csv");
    let absolute = absolute.to_str().unwrap();
    for arguments in [
        &["sites"][..],
        &["sites/"],
        &["./sites"],
        &["sites/**/*.csv"],
        &["sites/*/*.csv"],
        &["sites/clients", "sites/legal"],
        &["sites/clients/*.csv", "sites/legal/*.csv"],
        &["sites/clients", "sites/legal/law.csv"],
        &[
            absolute,
            "sites/clients/blog.csv",
            "sites/legal/../legal/law.csv",
        ],
        &[
            "sites/clients/acme.csv",
            "sites/clients/blog.csv",
            "sites/legal/law.csv",
            "--root",
            "sites",
        ],
        &["sites", "--root", "./sites"],
    ] {
        check(&folder, arguments, &all);
    }
}

#[test]
fn files_below_the_current_folder_keep_their_paths() {
    let folder = sites();
    let typed = ["sites/clients/acme/.htaccess", "sites/legal/law/.htaccess"];
    check(&folder, &["sites/clients/acme.csv"], &typed[..1]);
    check(
        &folder,
        &["sites/clients/acme.csv", "sites/legal/law.csv"],
        &typed,
    );
    check(
        &folder,
        &["sites/clients/acme.csv", "--root", "sites/clients"],
        &["acme/.htaccess"],
    );
    let absolute = folder.path("sites/clients/acme.csv");
    check(&folder, &[absolute.to_str().unwrap()], &["acme/.htaccess"]);
    let below = ["clients/acme/.htaccess", "clients/blog/.htaccess"];
    check(&folder, &["sites/clients", "--root", "sites"], &below);
    folder
        .run(&[
            "render",
            "sites/clients",
            "sites/legal",
            "-o",
            "out",
            "--root",
            "sites/legal",
        ])
        .expect_failure(
            "sites/clients/acme.csv is not below --root sites/legal: choose a folder that \
        contains all files",
        );
}

#[test]
fn a_report_for_several_files_is_not_one_page() {
    let folder = sites();
    for arguments in [
        &["check", "sites", "--report", "x.html"][..],
        &["render", "sites", "-o", "out", "--report", "x.html"],
        &["check", "sites/*/*.csv", "--report", "x.html"],
    ] {
        folder.run(arguments).expect_failure(
            "--report x.html is one page, but each CSV needs a separate page: name a folder, such as x/",
        );
    }
    folder
        .run(&["check", "sites/legal/law.csv", "--report", "-"])
        .expect_failure("--report needs the name of a file, such as report.html");
    folder
        .run(&["render", "sites/legal/law.csv", "-o", "-"])
        .expect_failure("-o needs a folder: to print one file on standard output, leave out -o");
    let names = |name: &str| -> Vec<String> {
        let entries = fs::read_dir(folder.path(name)).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(""), ["sites"]);
    folder.run(&["check", "sites", "--report", "x.html/"]);
    assert_eq!(names("x.html"), ["clients", "legal"]);
}

#[test]
fn the_summary_counts_written_and_unchanged_outputs() {
    let folder = sites();
    let render = ["render", "sites", "-o", "out"];
    folder.run(&render).expect(
        0,
        "3 files written, 0 unchanged, 0 refused; 0 rows rejected\n",
    );
    let folder = folder.with("sites/clients/acme.csv", "IP,Rule\n1.1.1.2,Allow\n");
    folder.run(&render).expect(
        0,
        "1 file written, 2 unchanged, 0 refused; 0 rows rejected\n",
    );
}

#[test]
fn quiet_prints_the_summary_and_failures_only() {
    let folder = Folder::new()
        .with(
            "sites/a.csv",
            "IP,Rule,Owner\n1.1.1.1,Allow,me\n2.2.2,Allow,me\n",
        )
        .with("sites/b.csv", "a,b\n");
    let summary = "0 files fine, 1 with problems, 1 refused; 1 row rejected\n";
    folder.run(&["check", "sites", "-q"]).expect(1, summary);
    folder
        .run(&["check", "sites", "--quiet"])
        .expect(1, summary);
    folder.run(&["render", "sites", "-q", "-o", "out"]).expect(
        1,
        "1 file written, 0 unchanged, 1 refused; 1 row rejected\n",
    );
    folder
        .run(&["render", "sites/a.csv", "-q"])
        .expect(0, "1 file rendered, 0 refused; 1 row rejected\n");
    let ran = folder.run(&["check", "sites/a.csv", "none.csv", "-q"]);
    assert_eq!(ran.status, 2);
    assert!(
        ran.stderr.starts_with("error: cannot read none.csv: "),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr
            .contains("\n0 files fine, 1 with problems, 0 refused, 1 failed; "),
        "{}",
        ran.stderr
    );
    // `-q` does not suppress the answers, because they are data and not messages.
    let json = folder.run(&["check", "sites/a.csv", "-q", "--json"]).json();
    assert_eq!(json[0]["rejections"][0]["line"], 3);
}

/// Files that are not written have no status that says so, and values that were not measured are left out.
#[test]
fn the_json_of_commands_that_write_nothing_says_so() {
    let folder = Folder::new()
        .with("a.csv", CSV)
        .with("bad.csv", "a,b\n")
        .with("sites/lists/office.csv", CSV)
        .with("sites/b.csv", "IP,Rule\n@office,Allow\n");
    let checked = &folder.run(&["check", "a.csv", "--json"]).json()[0];
    assert_eq!(checked["status"], "checked");
    assert_eq!(checked["output"], "a/.htaccess");
    assert_eq!(checked["networks"]["allow"], 1);
    assert!(checked["bytes"].as_u64().unwrap() > 100);
    let rendered = &folder.run(&["render", "a.csv", "--json"]).json()[0];
    assert_eq!(rendered["status"], "checked");
    let written = &folder
        .run(&["render", "a.csv", "-o", "out", "--json"])
        .json()[0];
    assert_eq!(written["status"], "written");
    let refused = &folder.run(&["check", "bad.csv", "--json"]).json()[0];
    assert_eq!(refused["status"], "refused");
    let diff = folder.run(&["diff", "a.csv", "bad.csv", "--json"]).json();
    let lists = folder.run(&["check", "sites", "--json"]).json();
    let list = lists
        .as_array()
        .unwrap()
        .iter()
        .find(|answer| answer["source"] == "lists/office.csv")
        .unwrap();
    assert_eq!(
        (&list["status"], &list["rows"]),
        (&"checked".into(), &1.into())
    );
    assert_eq!(
        (&diff["old"]["status"], &diff["new"]["status"]),
        (&"checked".into(), &"refused".into())
    );
    for unmeasured in [refused, &diff["old"], &diff["new"], list] {
        for field in ["networks", "bytes", "output"] {
            assert!(unmeasured.get(field).is_none(), "{unmeasured}");
        }
    }
}
