//! Small trees of files, in which the rules must find each violation.

use super::graph::Tree;
use super::rules::{Layers, circles, past_faces};
use super::source::{Kind, Source};

const TABLE: &str = "\n## Layers\n\n| layer | path | |\n|---|---|---|\n| 1 | `src/ground.rs` | |\n\
                     | 2 | `src/left/` | |\n| 2 | `src/right/` | |\n| 3 | `src/top.rs` | |\n\
                     \n## Next\n\n| 9 | `src/ground.rs` | |\n";

/// Returns a tree of files, given as paths and code. `src/lib.rs` is always part of the tree.
fn tree(files: &[(&str, &str)]) -> Tree {
    Tree::new([("src/lib.rs", "")].iter().chain(files).copied())
}

/// Checks that each problem contains the expected text at the same position.
#[track_caller]
fn check(problems: &[String], expected: &[&str]) {
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, part) in problems.iter().zip(expected) {
        assert!(problem.contains(part), "{problem}");
    }
}

/// Checks the paths in a file, each with its line.
#[track_caller]
fn check_paths(code: &str, expected: &[&str]) {
    let source = Source::read(code);
    let shown = |named: &super::source::Named| {
        let kind = match named.kind {
            Kind::Import => "",
            Kind::ReExport => "pub ",
            Kind::InCode => "code ",
        };
        let test = if named.is_test { " test" } else { "" };
        format!("{} {kind}{}{test}", named.line, named.path.join("::"))
    };
    let found: Vec<String> = source.named.iter().map(shown).collect();
    assert_eq!(found, expected);
}

#[test]
fn reads_every_form_of_an_import() {
    check_paths(
        "use crate::a::B;\npub(crate) use self::c::{\n    D,\n    e::{self, F as G},\n};\nuse super::*;",
        &[
            "1 crate::a::B",
            "3 pub self::c::D",
            "4 pub self::c::e",
            "4 pub self::c::e::F",
            "6 super::*",
        ],
    );
}

#[test]
fn reads_paths_in_code_and_not_in_comments_or_texts() {
    check_paths(
        "// crate::a\n/* crate::b /* crate::c */ crate::d */\nfn f<'a>(x: &'a crate::e::F) -> char {\n\
         let s = \"crate::g \\\" crate::h\";\nlet r = r#\"crate::i \" crate::j\"#;\n\
         crate::k::l::<crate::m::N>(b\"crate::o\", '\"', '\\'', s);\npub(in crate::p) fn q() {}\n}",
        &[
            "3 code crate::e::F",
            "6 code crate::k::l",
            "6 code crate::m::N",
        ],
    );
}

#[test]
fn knows_code_that_is_only_for_tests() {
    check_paths(
        "#[cfg(test)]\nuse crate::{a, b};\nuse crate::c;\n#[cfg(test)]\n#[allow(x)]\nmod tests {\n\
         use crate::d;\nfn e() { crate::f::g() }\n}\nfn h() { crate::i::j() }",
        &[
            "2 crate::a test",
            "2 crate::b test",
            "3 crate::c",
            "7 crate::d test",
            "8 code crate::f::g test",
            "10 code crate::i::j",
        ],
    );
    assert_eq!(
        Source::read("#[cfg(test)]\nmod tests;\nmod other;").test_modules,
        ["tests"]
    );
}

#[test]
fn finds_an_import_upward() {
    let layers = Layers::read(TABLE, "Layers");
    for code in [
        "\nuse crate::top::T;",
        "\nuse crate::{left::L, top::T};",
        "\nfn f() { crate::top::t() }",
        "\n#[cfg(test)] mod tests { use crate::top::T; }",
        "\nmod m { use super::super::top::T; }",
    ] {
        let files = [
            ("src/ground.rs", "pub struct G;"),
            ("src/left/mod.rs", code),
            ("src/top.rs", ""),
        ];
        let found = layers.upward(&tree(&files).imports());
        check(&found, &["src/left/mod.rs:2: "]);
        check(
            &found,
            &["src/left/ is in layer 2 of the table \"Layers\", and src/top.rs in layer 3"],
        );
    }
    let down = [
        ("src/ground.rs", ""),
        ("src/top.rs", "use crate::ground::G;"),
    ];
    check(&layers.upward(&tree(&down).imports()), &[]);
}

/// `src/lib.rs` re-exports items, but belongs to no layer.
#[test]
fn finds_an_import_upward_through_the_root() {
    let files = [
        ("src/lib.rs", "pub mod ground;\npub use top::T;"),
        ("src/ground.rs", "use crate::T;"),
        ("src/top.rs", ""),
    ];
    let found = Layers::read(TABLE, "Layers").upward(&tree(&files).imports());
    check(
        &found,
        &["src/ground.rs:1: `crate::T` leads to src/top.rs: an import upward"],
    );
}

#[test]
fn finds_parts_of_a_layer_that_import_each_other() {
    let layers = Layers::read(TABLE, "Layers");
    let files = [
        ("src/left/mod.rs", ""),
        ("src/left/a.rs", "use crate::right::R;"),
        ("src/right/mod.rs", ""),
        ("src/right/b.rs", "use crate::left::L;"),
    ];
    let found = layers.upward(&tree(&files).imports());
    check(
        &found,
        &[
            "src/left/a.rs:1: `crate::right::R` leads to src/right/mod.rs: an import in a circle",
            "src/right/b.rs:1: ",
        ],
    );
    check(&layers.upward(&tree(&files[..3]).imports()), &[]);
}

#[test]
fn finds_three_parts_of_a_layer_in_a_circle() {
    let table = "\n## Layers\n\n| 1 | `src/x/` |\n| 1 | `src/y/` |\n| 1 | `src/z/` |\n";
    let files = [
        ("src/x/mod.rs", ""),
        ("src/x/a.rs", "use crate::y::Y;"),
        ("src/y/mod.rs", ""),
        ("src/y/a.rs", "use crate::z::Z;"),
        ("src/z/mod.rs", ""),
        ("src/z/a.rs", "use crate::x::X;"),
    ];
    let imports = tree(&files).imports();
    check(&circles(&imports), &[]);
    let found = Layers::read(table, "Layers").upward(&imports);
    check(
        &found,
        &[
            "src/x/ and src/y/",
            "src/y/ and src/z/",
            "src/z/ and src/x/",
        ],
    );
}

#[test]
fn finds_files_without_a_layer_and_layers_without_files() {
    let files = [
        ("src/ground.rs", ""),
        ("src/other.rs", ""),
        ("src/left/mod.rs", ""),
    ];
    let found = Layers::read(TABLE, "Layers").gaps(&tree(&files), "src/", "src/lib.rs");
    check(
        &found,
        &[
            "src/other.rs is in no layer",
            "has src/right/, which has no files",
            "has src/top.rs, which has no files",
        ],
    );
}

#[test]
fn finds_a_circle() {
    let files = [
        (
            "src/x.rs",
            "use crate::y::Y;\n#[cfg(test)]\nuse crate::x::X;",
        ),
        ("src/y.rs", "\nfn f() { crate::z::z() }"),
        ("src/z.rs", "use std::fmt;\nuse crate::x::X;"),
        ("src/w.rs", "use crate::x::X;"),
    ];
    let found = circles(&tree(&files).imports());
    check(
        &found,
        &["a circle of 3 files:\n  src/x.rs:1: `crate::y::Y` leads to src/y.rs\n  src/y.rs:2: "],
    );
    check(&circles(&tree(&files[..2]).imports()), &[]);
}

/// If the face were not followed, there would only be imports between `a`, `mod` and `c`.
#[test]
fn finds_a_circle_through_a_face() {
    let face =
        "mod a;\nmod b;\npub use self::a::A;\npub(crate) use self::b::{self as inner, B as C};";
    for import in [
        "use crate::d::C;",
        "use super::C;",
        "use crate::d::*;",
        "use crate::d::inner;",
    ] {
        let files = [
            ("src/d/mod.rs", face),
            ("src/d/a.rs", import),
            ("src/d/b.rs", "fn f() { crate::d::A::new() }"),
        ];
        let found = circles(&tree(&files).imports());
        match import {
            // A `*` from inside the folder imports only the face.
            "use crate::d::*;" => check(&found, &[]),
            _ => check(&found, &["a circle of 2 files:\n  src/d/a.rs:1: "]),
        }
    }
}

#[test]
fn finds_a_circle_through_a_module_that_is_imported_as_a_whole() {
    let files = [
        ("src/bin/p/main.rs", "mod d;\nmod e;"),
        ("src/bin/p/d/mod.rs", "mod a;\npub(crate) use self::a::a;"),
        ("src/bin/p/d/a.rs", "use crate::e::E;"),
        ("src/bin/p/e.rs", "use crate::d;\nfn f() { d::a() }"),
    ];
    let found = circles(&tree(&files).imports());
    check(
        &found,
        &["src/bin/p/e.rs:2: `d::a` leads to src/bin/p/d/a.rs"],
    );
}

#[test]
fn a_face_imports_nothing_by_its_re_exports() {
    let face = |line| [("src/d/mod.rs", line), ("src/d/a.rs", "use crate::d::Own;")];
    check(
        &circles(&tree(&face("mod a;\npub use self::a::A;\npub use a::B;")).imports()),
        &[],
    );
    check(
        &circles(&tree(&face("mod a;\nuse self::a::A;")).imports()),
        &["a circle of 2"],
    );
    check(
        &circles(&tree(&face("mod a;\nfn f() { a::a() }")).imports()),
        &["a circle of 2"],
    );
}

#[test]
fn tests_may_be_part_of_a_circle() {
    let files = [
        ("src/x.rs", "use crate::y::Y;"),
        ("src/y.rs", "#[cfg(test)]\nmod tests;"),
        ("src/y/tests.rs", "use super::*;\nuse crate::x::X;"),
    ];
    check(&circles(&tree(&files).imports()), &[]);
}

#[test]
fn finds_an_import_past_a_face() {
    let files = |import| {
        [
            (
                "src/d/mod.rs",
                "pub mod a;\npub mod f;\npub use self::a::a;",
            ),
            ("src/d/a.rs", "use crate::d::f::b::B;"),
            ("src/d/f/mod.rs", "pub mod b;"),
            ("src/d/f/b.rs", ""),
            ("src/bin/p/main.rs", import),
        ]
    };
    let inner = "src/d/a.rs:1: `crate::d::f::b::B` leads to src/d/f/b.rs: an import past a face";
    for import in [
        "use htaccess_generator::d::a::A;",
        "use htaccess_generator::d;\nfn f() { d::a::b() }",
    ] {
        let found = past_faces(&tree(&files(import)).imports());
        check(&found, &[inner, "src/d/a.rs is inside a folder"]);
    }
    for import in [
        "use htaccess_generator::d::a;",
        "use htaccess_generator::d::f::F;",
    ] {
        check(&past_faces(&tree(&files(import)).imports()), &[inner]);
    }
}
