//! Doc comments in `src/` start with a noun or a verb, and not with a question word.

use super::layout::rust_files;

/// Openings to avoid, because the reader must first find out which noun is meant.
const OPENINGS: [&str; 8] = [
    "What", "How", "Whether", "Who", "Why", "Where", "The same", "That of",
];

/// The maximum percentage of doc comments that may have such an opening.
const MAX_PERCENT: usize = 3;

/// Returns the first line of every doc comment, with its line number.
fn first_lines(code: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut before = None;
    for (index, line) in code.lines().enumerate() {
        let line = line.trim_start();
        let marker = ["///", "//!"]
            .into_iter()
            .find(|marker| line.starts_with(marker));
        if let Some(marker) = marker.filter(|_| marker != before) {
            found.push((index + 1, line[marker.len()..].trim()));
        }
        before = marker;
    }
    found
}

fn has_bad_opening(line: &str) -> bool {
    OPENINGS.iter().any(|opening| {
        let after = line.strip_prefix(opening);
        after.is_some_and(|after| !after.starts_with(char::is_alphanumeric))
    })
}

#[test]
fn doc_comments_start_with_a_noun_or_a_verb() {
    let mut count = 0;
    let mut bad = Vec::new();
    for (path, code) in rust_files("src") {
        for (line, text) in first_lines(&code) {
            count += 1;
            if has_bad_opening(text) {
                bad.push(format!("{path}:{line}: {text}"));
            }
        }
    }
    assert!(count > 500, "found {count} doc comments");
    assert!(
        bad.len() * 100 < count * MAX_PERCENT,
        "{} of {count} doc comments start with a question word; less than {MAX_PERCENT} % may:\n{}",
        bad.len(),
        bad.join("\n")
    );
}

#[test]
fn finds_the_openings() {
    let code = "//! What a file is.\n//! How it is.\n\n    /// The sum.\n    fn f() {} // Why\n\
                /// The same, but\n/// Whoever\nstruct S;\n/// Whoever\n";
    let expected = [
        (1, "What a file is."),
        (4, "The sum."),
        (6, "The same, but"),
        (9, "Whoever"),
    ];
    assert_eq!(first_lines(code), expected);
    let bad = expected.map(|(_, line)| has_bad_opening(line));
    assert_eq!(bad, [true, false, true, false]);
}
