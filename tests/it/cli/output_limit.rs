//! `--max-output-bytes`: a file above the limit is refused before any part of it is written.

use std::fmt::Write as _;

use crate::cli::Folder;

const REFUSAL: &str = "the output would be larger than 100,000 bytes, because it contains 12,600 \
                       networks: write networks instead of ranges, or split the CSV, or raise --max-output-bytes";

/// A hundred ranges of 126 networks each.
fn ranges() -> String {
    let mut csv = "IP,Rule\n".to_owned();
    for row in 1..=100 {
        let _ = writeln!(
            csv,
            "2001:{row:x}::1-2001:{row:x}::ffff:ffff:ffff:fffe,Allow"
        );
    }
    csv
}

#[test]
fn a_file_with_a_longer_output_is_refused_and_its_output_stays() {
    let folder = Folder::new()
        .with("acme.csv", ranges())
        .with("out/acme/.htaccess", "before\n");
    let limit = ["--max-output-bytes", "100000"];
    let to_stdout = folder.run(&[&["render", "acme.csv"], &limit[..]].concat());
    assert_eq!((to_stdout.status, to_stdout.stdout.as_str()), (1, ""));
    assert!(to_stdout.stderr.contains(REFUSAL), "{}", to_stdout.stderr);

    let to_folder = folder.run(&[&["render", "acme.csv", "-o", "out/"], &limit[..]].concat());
    assert_eq!(to_folder.status, 1, "{}", to_folder.stderr);
    assert_eq!(folder.text("out/acme/.htaccess"), "before\n");

    let checked = folder.run(&[&["check", "acme.csv", "--json"], &limit[..]].concat());
    assert_eq!(checked.status, 1);
    assert_eq!(checked.json()[0]["code"], "too-large");
    assert_eq!(checked.json()[0]["message"], REFUSAL);
}

#[test]
fn the_limit_can_be_raised() {
    let folder = Folder::new().with("acme.csv", ranges());
    let rendered = folder.run(&["render", "acme.csv"]);
    assert_eq!(rendered.status, 0, "{}", rendered.stderr);
    let bytes = rendered.stdout.len();
    assert!(bytes > 100_000);
    let limit = bytes.to_string();
    let again = folder.run(&["render", "acme.csv", "--max-output-bytes", &limit]);
    assert_eq!((again.status, again.stdout.len()), (0, bytes));
}
