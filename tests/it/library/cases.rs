//! Runs each folder in `tests/cases` and `tests/spreadsheets` as a case. The uploads in
//! `tests/spreadsheets` were written by other programs.
//!
//! - `rules.csv`, or any other `rules.*`: the upload;
//! - `settings.env` (optional): `NAME=value` lines that are named like the function's environment
//!   variables, and `AT`, the time as of which the rows are read. A `settings.env` next to the folders
//!   applies to all of them;
//! - `template.tera` (optional): a custom template;
//! - `lists/` (optional): the CSVs of lists, and `common.csv` (optional): the common CSV. None
//!   of them may be refused;
//! - `expected.htaccess`: the output file, which is absent if the upload is refused;
//! - `expected.json`: the answer.
//!
//! The same text must give the same bytes and the same line numbers with other line endings, in other
//! encodings, compressed, and in pieces.

use std::fs;
use std::path::{Path, PathBuf};

use htaccess_generator::answer::{RefusalCode, WarningCode};
use htaccess_generator::generate::Outcome;

use crate::support::{Setup, answer_json, gzip, text_of, utf16_be, utf16_le, with_line_ends};

/// The sizes of the pieces in which each upload is pushed.
const PIECE_BYTES: [usize; 4] = [1, 2, 3, 7];

struct Case {
    folder: PathBuf,
    setup: Setup,
    /// True if the case sets a limit in bytes. Its text can exceed the limit in a longer encoding.
    is_limited: bool,
    upload: Vec<u8>,
}

impl Case {
    fn read(folder: PathBuf) -> Self {
        let settings = [folder.join("settings.env"), folder.join("../settings.env")]
            .map(|path| fs::read_to_string(path).unwrap_or_default())
            .concat();
        let setting = |name: &str| {
            settings
                .lines()
                .filter_map(|line| line.split_once('='))
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value.to_owned())
        };
        let template = fs::read_to_string(folder.join("template.tera")).ok();
        let upload = files(&folder)
            .into_iter()
            .find(|path| path.file_prefix().is_some_and(|prefix| prefix == "rules"))
            .unwrap_or_else(|| panic!("{} has no rules.csv", folder.display()));
        let mut setup = Setup::new(setting, template.as_deref());
        let lists = folder.join("lists");
        for path in lists.is_dir().then(|| files(&lists)).into_iter().flatten() {
            let name = path.file_stem().unwrap().to_str().unwrap();
            let answer = setup.add_list(name, &fs::read_to_string(&path).unwrap());
            assert_eq!(answer.message, None, "{}", path.display());
        }
        if let Ok(common) = fs::read_to_string(folder.join("common.csv")) {
            let answer = setup.set_common(&common);
            assert_eq!(answer.message, None, "{}", folder.display());
        }
        Self {
            setup,
            is_limited: setting("MAX_CSV_BYTES").is_some(),
            upload: fs::read(upload).unwrap(),
            folder,
        }
    }

    fn name(&self) -> String {
        self.folder.file_name().unwrap().display().to_string()
    }

    /// Compares the result of the upload in one piece with the expected files in the folder.
    fn check_files(&self, problems: &mut Vec<String>) {
        let outcome = self.setup.run(&self.upload);
        let name = self.name();
        compare_file(
            &self.folder.join("expected.json"),
            Some(&answer_json(&outcome)),
            &name,
            problems,
        );
        compare_file(
            &self.folder.join("expected.htaccess"),
            outcome.file.as_deref(),
            &name,
            problems,
        );
    }

    /// Compares each variant of the text with the upload in one piece.
    fn check_variants(&self, problems: &mut Vec<String>) {
        let expected = text_of(&self.setup.run(&self.upload));
        for bytes in PIECE_BYTES {
            let found = text_of(&self.setup.run_pieces(self.upload.chunks(bytes)));
            if found != expected {
                problems.push(difference(
                    &format!("{} in pieces of {bytes}", self.name()),
                    &expected,
                    &found,
                ));
            }
        }
        for (variant, bytes) in self.variants() {
            let found = text_of(&self.setup.run(&bytes));
            if found != expected {
                problems.push(difference(
                    &format!("{} {variant}", self.name()),
                    &expected,
                    &found,
                ));
            }
        }
    }

    fn variants(&self) -> Vec<(&'static str, Vec<u8>)> {
        let upload = self.upload.as_slice();
        let is_binary = upload.contains(&0) || upload.starts_with(&[0x1f, 0x8b]);
        if is_binary {
            return Vec::new();
        }
        let mut variants = vec![("compressed", gzip(upload))];
        if self.is_limited {
            return variants;
        }
        if let Some(shorter) = upload.strip_suffix(b"\n") {
            variants.push(("without its last newline", shorter.to_owned()));
        }
        if !upload.contains(&b'\r') {
            variants.push(("with CRLF", with_line_ends(upload, b"\r\n")));
            variants.push(("with CR", with_line_ends(upload, b"\r")));
        }
        let Ok(text) = std::str::from_utf8(upload) else {
            return variants;
        };
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        variants.push(("with a byte order mark", format!("\u{feff}{text}").into()));
        variants.push(("without a byte order mark", text.into()));
        variants.push(("in UTF-16, low byte first", utf16_le(text)));
        variants.push(("in UTF-16, high byte first", utf16_be(text)));
        if !text.contains('\r') {
            let as_excel_writes_it = utf16_le(&text.replace('\n', "\r\n"));
            variants.push(("in UTF-16 with CRLF, compressed", gzip(&as_excel_writes_it)));
        }
        variants
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
}

fn cases_in(folder: &str, least: usize) -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let folders = files(&folder).into_iter().filter(|path| path.is_dir());
    let folders = folders.filter(|path| !path.ends_with("__pycache__"));
    let cases: Vec<Case> = folders.map(Case::read).collect();
    assert!(cases.len() >= least, "only {} cases found", cases.len());
    cases
}

fn cases() -> Vec<Case> {
    let mut cases = cases_in("tests/cases", 40);
    cases.extend(cases_in("tests/spreadsheets", 70));
    cases
}

/// Every program exported the same table, so all outputs must be identical. The table has a rejected
/// Deny, so it is published only with `STRICT=none`, and with a warning. The only other warning allowed
/// is the one about text that is not UTF-8. The test skips the folders in which a program changed the
/// table or a person wrote another table. Only their expected files are compared.
#[test]
fn every_program_exports_the_table_to_the_same_policy() {
    const OTHERS: [&str; 7] = [
        "awk",
        "excel-damaged",
        "excel-failed-lookups",
        "excel-title-rows",
        "gnumeric-",
        "hand-",
        "excel-sep-line-of-another",
    ];
    let mut expected: Option<String> = None;
    let mut published = 0;
    for case in cases_in("tests/spreadsheets", 70) {
        let name = case.name();
        if OTHERS.iter().any(|other| name.starts_with(other)) {
            continue;
        }
        let outcome = case.setup.run(&case.upload);
        let Some(file) = outcome.file else {
            continue;
        };
        assert_eq!(*expected.get_or_insert(file.clone()), file, "{name}");
        assert_eq!(outcome.answer.accepted, 5, "{name}");
        let is_utf8 = std::str::from_utf8(&case.upload).is_ok();
        let has_a_sign = [&[0xff, 0xfe][..], &[0x1f, 0x8b]];
        let is_certain = is_utf8 || has_a_sign.iter().any(|sign| case.upload.starts_with(sign));
        let codes: Vec<_> = outcome.answer.warnings.iter().map(|one| one.code).collect();
        let expected = [WarningCode::Guessed, WarningCode::DenyRejected];
        let expected = expected.get(usize::from(is_certain)..).unwrap();
        assert_eq!(codes, expected, "{name}");
        let by_default = Setup::default().run(&case.upload).answer;
        assert_eq!(by_default.code, Some(RefusalCode::DenyRejected), "{name}");
        published += 1;
    }
    assert!(published >= 40, "only {published} were published");
}

/// Runs every case, for tests of properties that all outcomes share.
pub(crate) fn outcomes() -> impl Iterator<Item = (String, Outcome)> {
    cases()
        .into_iter()
        .map(|case| (case.name(), case.setup.run(&case.upload)))
}

/// Compares a file with the expected file, or rewrites the expected file if `UPDATE_EXPECT` is set. If
/// `found` is `None`, the file must not exist.
fn compare_file(path: &Path, found: Option<&str>, name: &str, problems: &mut Vec<String>) {
    let expected = fs::read_to_string(path).ok();
    if expected.as_deref() == found {
        return;
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        match found {
            Some(found) => fs::write(path, found).unwrap(),
            None => fs::remove_file(path).unwrap(),
        }
        return;
    }
    problems.push(difference(
        &format!("{name}/{}", path.file_name().unwrap().display()),
        expected.as_deref().unwrap_or("(no file)"),
        found.unwrap_or("(no file)"),
    ));
}

/// Shows the lines that differ, without the common lines at the start and at the end.
fn difference(what: &str, expected: &str, found: &str) -> String {
    let expected: Vec<&str> = expected.lines().collect();
    let found: Vec<&str> = found.lines().collect();
    let pairs = || expected.iter().zip(&found);
    let before = pairs().take_while(|(a, b)| a == b).count();
    let common = expected.len().min(found.len()) - before;
    let behind = expected.iter().rev().zip(found.iter().rev());
    let after = behind.take(common).take_while(|(a, b)| a == b).count();
    let mut text = format!("=== {what}, from line {} on\n", before + 1);
    for (sign, lines) in [('-', &expected), ('+', &found)] {
        for line in lines.get(before..lines.len() - after).unwrap_or_default() {
            text.extend([sign, ' ']);
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

#[track_caller]
fn assert_none(problems: &[String]) {
    assert!(
        problems.is_empty(),
        "\n{}{} differences (UPDATE_EXPECT=1 accepts what was found)",
        problems.concat(),
        problems.len()
    );
}

#[test]
fn every_case_gives_its_file_and_its_answer() {
    let mut problems = Vec::new();
    for case in cases() {
        case.check_files(&mut problems);
    }
    assert_none(&problems);
}

#[test]
fn line_ends_encodings_and_cuts_change_nothing() {
    let mut problems = Vec::new();
    for case in cases() {
        case.check_variants(&mut problems);
    }
    assert_none(&problems);
}
