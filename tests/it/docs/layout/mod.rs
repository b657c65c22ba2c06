//! The files of `src/` import each other as `ARCHITECTURE.md` says.
//!
//! The test reads the `use` lines and the other paths of every file, and follows each to the file
//! that has the item, also through the `pub use` of a face. The tables of `ARCHITECTURE.md` are the
//! order that it checks. It does not see an `impl` block that is not in the file of its type.
//!
//! Tests in `src/` may import from their own layer and from below, and only through faces, like
//! other code. They may be part of a circle.

/// The way from a path to a file.
mod graph;
/// The rules.
mod rules;
/// The rules find what they forbid.
mod snippets;
/// The paths of one file.
mod source;
/// The tokens of one file.
mod tokens;

use std::fs;
use std::path::Path;

use self::graph::Tree;
use self::rules::{Layers, circles, past_faces};

const ARCHITECTURE: &str = include_str!("../../../../ARCHITECTURE.md");

/// The number of `.rs` files that may be directly in `src/`.
const MAX_TOP_FILES: usize = 6;

/// Returns the Rust files of a folder and the folders inside it: path and text.
pub(super) fn rust_files(folder: &str) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{folder}/{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            files.extend(rust_files(&path));
        } else if entry
            .path()
            .extension()
            .is_some_and(|ending| ending == "rs")
        {
            files.push((path, fs::read_to_string(entry.path()).unwrap()));
        }
    }
    files
}

fn project() -> Tree {
    let files = rust_files("src");
    Tree::new(
        files
            .iter()
            .map(|(path, code)| (path.as_str(), code.as_str())),
    )
}

fn layers() -> Layers {
    Layers::read(ARCHITECTURE, "Layers")
}

fn layers_of_the_command_line() -> Layers {
    Layers::read(ARCHITECTURE, "Layers of the command line")
}

#[track_caller]
fn assert_none(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn the_tables_of_the_architecture_have_every_file() {
    let tree = project();
    assert_none(&layers().gaps(&tree, "src/", "src/lib.rs"));
    assert_none(&layers_of_the_command_line().gaps(&tree, "src/bin/htaccess/", ""));
}

#[test]
fn nothing_imports_upward() {
    let imports = project().imports();
    assert!(imports.len() > 200, "found {} imports", imports.len());
    let mut problems = layers().upward(&imports);
    problems.extend(layers_of_the_command_line().upward(&imports));
    assert_none(&problems);
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    assert_none(&circles(&project().imports()));
}

#[test]
fn a_folder_is_known_by_its_face() {
    assert_none(&past_faces(&project().imports()));
}

#[test]
fn few_files_are_directly_in_src() {
    let tree = project();
    let is_top = |path: &&str| path.matches('/').count() == 1;
    let top: Vec<&str> = tree.paths().filter(is_top).collect();
    assert!(
        top.len() <= MAX_TOP_FILES,
        "at most {MAX_TOP_FILES} files may be directly in src/: {top:?}"
    );
}
