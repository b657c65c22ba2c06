//! Checks that the files of `src/` import each other only as `ARCHITECTURE.md` allows.
//!
//! The test reads the `use` lines and the other paths of every file, and follows each path to the file
//! that contains the item, even if a face (the `mod.rs` of a folder) re-exports the item. The tables in
//! `ARCHITECTURE.md` define the order that the test checks. The test does not detect an `impl` block
//! outside the file of its type.
//!
//! Tests in `src/` may import from their own layer and from lower layers, and only through faces, like
//! other code. Unlike other code, they may be part of a circle.

/// The files of the project, and the search for the file of a path.
mod graph;
/// The rules of the layout.
mod rules;
/// Small trees of files, in which the rules must find each violation.
mod snippets;
/// The paths in one file.
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

/// Returns the path and the text of each Rust file in a folder and its subfolders.
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
