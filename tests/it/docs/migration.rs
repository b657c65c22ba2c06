//! `docs/migration.md` shows the output of this program. `cargo test --test python` runs the original
//! script, and `--test servers` checks the outputs with a real Apache.

use htaccess_generator::render::Template;

use crate::support::Setup;

const GUIDE: &str = include_str!("../../../docs/migration.md");

/// Returns the text of a fenced block in a language. The first block has the index 0.
fn block(language: &str, index: usize) -> &'static str {
    let start = format!("```{language}\n");
    let from_block = GUIDE.split(&start).nth(index + 1).unwrap();
    from_block.split_once("```\n").unwrap().0
}

#[track_caller]
fn check(setup: &Setup, output: usize) {
    let outcome = setup.run(block("csv", 0).as_bytes());
    assert_eq!(outcome.file.unwrap(), block("text", output));
    assert_eq!(outcome.answer.rejected, 1, "2.2.2 alone");
}

#[test]
fn the_migration_guide_shows_the_output_of_its_csv() {
    check(&Setup::default(), 0);
}

#[test]
fn the_ported_templates_print_the_output_of_the_guide() {
    check(&Setup::with_template(block("jinja", 1)), 1);
    check(&Setup::with_template(block("jinja", 2)), 2);
}

/// Every line of the two templates is in the table that compares them.
#[test]
fn the_guide_compares_every_line_of_the_templates() {
    for (template, column) in [(block("jinja", 0), 1), (block("jinja", 1), 2)] {
        for line in template.lines() {
            let words: Vec<&str> = line.split(" from {{").collect();
            for part in words {
                let part = part.trim_start_matches("{{").trim_end_matches("}}").trim();
                let is_in_column = GUIDE.lines().any(|row| {
                    let row = row.replace("\\|", "¦");
                    let cell = row.split('|').nth(column).unwrap_or_default();
                    cell.replace('¦', "|").contains(part)
                });
                assert!(is_in_column, "{part}");
            }
        }
    }
}

/// The original template compiles, but rendering it fails, because there is no variable `entries`.
#[test]
fn the_original_template_compiles_but_cannot_be_rendered() {
    assert!(Template::compile(block("jinja", 0)).is_ok());
    let outcome = Setup::with_template(block("jinja", 0)).run(block("csv", 0).as_bytes());
    assert_eq!(outcome.file, None, "it asks for entries, which are no more");
}
