//! Tests that the command line renders exactly the networks that Python computes, for sites that use
//! lists and a common CSV. `lists_oracle.py` writes the folders. The environment variable
//! `LIST_FOLDERS` sets the number of folders, each of which has 20 sites.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::{MAX_DIFFERENCES_SHOWN, output_of};

const ORACLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/lists_oracle.py");
const DEFAULT_FOLDERS: usize = 100;
const SITES_OF_EACH_FOLDER: usize = 20;
/// The kinds of rows that must occur in the folders, so that the comparison covers all of them.
const KINDS: [&str; 6] = [
    "Always inside Deny",
    "a contradicting rule",
    "a period in a list",
    "a period in a row",
    "a refused list",
    "an unknown list",
];

/// Renders the sites of a folder at the time `at`. Sites with rejected rows are published.
fn render(folder: &Path, at: &str) {
    let output = Command::new(env!("CARGO_BIN_EXE_htaccess"))
        .current_dir(folder)
        .args(["render", "sites", "-o", "out", "--common", "common.csv"])
        .args(["--template", "plain", "--output-key", "{{ path }}.txt"])
        .args(["--strict=none", "--color=never", "--at", at])
        .output()
        .expect("the command line runs");
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{messages}");
}

/// Returns the networks of an output, or `Null` if the site was refused.
fn ours(folder: &Path, site: &str) -> Value {
    let Ok(file) = fs::read_to_string(folder.join(format!("out/{site}.txt"))) else {
        return Value::Null;
    };
    file.lines().filter(|line| !line.starts_with('#')).collect()
}

#[test]
fn sites_with_lists_let_in_the_networks_that_python_finds() {
    let folders = std::env::var("LIST_FOLDERS").map_or(DEFAULT_FOLDERS, |number| {
        number.parse().expect("LIST_FOLDERS is a number")
    });
    let parent = TempDir::new().expect("a temporary folder");
    let path = parent.path().to_str().expect("its path is UTF-8");
    let answers = output_of(ORACLE, &[path, &folders.to_string()]);
    let (mut sites, mut refused, mut differences) = (0, 0, Vec::new());
    let mut kinds = BTreeSet::new();
    for line in answers.lines() {
        let case: Value = serde_json::from_str(line).expect("the oracle writes JSON");
        let (Some(name), Some(at), Some(expected)) = (
            case["folder"].as_str(),
            case["at"].as_str(),
            case["sites"].as_object(),
        ) else {
            panic!("the oracle wrote {line}")
        };
        let folder = parent.path().join(name);
        render(&folder, at);
        for (site, expected) in expected {
            let found = ours(&folder, site);
            if found != *expected {
                differences.push(format!(
                    "{name}/sites/{site}.csv: expected {expected}, found {found}"
                ));
            }
            sites += 1;
            refused += usize::from(expected.is_null());
        }
        let of_folder = case["kinds"].as_array().into_iter().flatten();
        kinds.extend(of_folder.filter_map(Value::as_str).map(str::to_owned));
    }
    println!(
        "{sites} sites with lists, {refused} refused, {} different",
        differences.len()
    );
    differences.truncate(MAX_DIFFERENCES_SHOWN);
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
    assert_eq!(sites, folders * SITES_OF_EACH_FOLDER);
    assert!(kinds.iter().eq(KINDS.iter()), "{kinds:?}");
}
