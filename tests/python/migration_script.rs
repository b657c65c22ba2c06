//! The Python script in `docs/migration.md` writes the output that the guide shows. The Jinja2
//! template and the CSV also come from the guide.

use std::fs;
use std::path::Path;
use std::process::Command;

const GUIDE: &str = include_str!("../../docs/migration.md");
const RUNNER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/run_original.py");

/// Returns the first fenced block of a language.
fn block(language: &str) -> &'static str {
    let start = format!("```{language}\n");
    let (_, from_block) = GUIDE.split_once(&start).expect("the guide has the block");
    from_block
        .split_once("```\n")
        .expect("the block has an end")
        .0
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    if let Err(err) = fs::write(&path, text) {
        panic!("cannot write {}: {err}", path.display());
    }
}

#[test]
fn the_script_of_the_migration_guide_writes_the_output_that_it_shows() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("migration");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("clients")).expect("the folder of the build can be written to");
    write(&folder, "original.py", block("python"));
    write(&folder, "template.j2", block("jinja"));
    write(&folder, "clients/acme.csv", block("csv"));
    let python = std::env::var("PYTHON").unwrap_or("python3".to_owned());
    let output = Command::new(&python)
        .arg(RUNNER)
        .arg(&folder)
        .args(["original.py", "clients/acme.csv"])
        .output();
    let output = match output {
        Ok(output) => output,
        Err(err) => panic!("{python} cannot be run: {err}; install Python 3"),
    };
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let written = fs::read_to_string(folder.join("clients/acme/.htaccess"));
    assert_eq!(written.expect("it writes a file"), block("apache"));
}
