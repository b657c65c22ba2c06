//! Object keys and paths of sources. Splits keys for the `OUTPUT_KEY` setting, and refuses keys that
//! would leave their folder when a bucket is synced to a disk.

use crate::answer::{Refusal, RefusalCode};
use crate::text::quote;

/// The maximum length of a segment between two slashes, in bytes. This is the limit of file systems.
const MAX_SEGMENT_BYTES: usize = 255;
/// The maximum length of a key in S3, in bytes.
const MAX_KEY_BYTES: usize = 1024;
/// The endings of a CSV's name, in any case.
const CSV_ENDINGS: [&str; 2] = [".csv", ".csv.gz"];

/// A key in parts, for the `OUTPUT_KEY` setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyParts<'a> {
    /// The key without its extension: `clients/acme`.
    pub path: &'a str,
    /// The part before the last slash: `clients`, or empty.
    pub dir: &'a str,
    /// The part after the last slash, without the extension: `acme`.
    pub stem: &'a str,
}

/// Splits a safe key. The extension is `.csv`, `.csv.gz` or any other, in any case.
///
/// ```
/// let parts = htaccess_generator::source::split_key("clients/acme.csv.gz").unwrap();
/// assert_eq!((parts.path, parts.dir, parts.stem), ("clients/acme", "clients", "acme"));
/// ```
///
/// # Errors
///
/// `unsafe-key`, see [`check_key`]; also for a key without a name before its extension.
pub fn split_key(key: &str) -> Result<KeyParts<'_>, Refusal> {
    check_key(key)?;
    let name_start = key.rfind('/').map_or(0, |slash| slash + 1);
    let name = key.get(name_start..).unwrap_or_default();
    let stem = without_extension(strip_suffix_any_case(name, ".gz").unwrap_or(name));
    if stem.is_empty() {
        return Err(unsafe_key(key, "it has no name before its extension"));
    }
    Ok(KeyParts {
        path: key.get(..name_start + stem.len()).unwrap_or_default(),
        dir: key.get(..name_start.saturating_sub(1)).unwrap_or_default(),
        stem,
    })
}

/// Checks that a key stays in its folder when it becomes a path.
///
/// # Errors
///
/// `unsafe-key` for a leading or trailing slash, a segment that is empty, `.` or `..` (also
/// between backslashes), control characters, a segment over 255 bytes, or a key over 1,024 bytes.
pub fn check_key(key: &str) -> Result<(), Refusal> {
    if key.is_empty() || key.len() > MAX_KEY_BYTES {
        return Err(unsafe_key(key, "it must have 1 to 1,024 bytes"));
    }
    if key.chars().any(char::is_control) {
        return Err(unsafe_key(key, "it has a control character"));
    }
    if key
        .split(['/', '\\'])
        .any(|segment| matches!(segment, "." | ".."))
    {
        return Err(unsafe_key(key, "it has a segment . or .."));
    }
    for segment in key.split('/') {
        if segment.is_empty() {
            return Err(unsafe_key(
                key,
                "it starts or ends with a slash or has two in a row",
            ));
        }
        if segment.len() > MAX_SEGMENT_BYTES {
            return Err(unsafe_key(key, "a segment is longer than 255 bytes"));
        }
    }
    Ok(())
}

/// Returns whether a key or a file's name is that of a CSV: it ends in `.csv` or `.csv.gz`, in any
/// case.
///
/// ```
/// use htaccess_generator::source::is_csv_name;
///
/// assert!(is_csv_name("clients/acme.csv") && is_csv_name("ACME.CSV.GZ"));
/// assert!(!is_csv_name("acme.xlsx") && !is_csv_name("acme.csv.txt") && !is_csv_name("acmecsv"));
/// ```
#[must_use]
pub fn is_csv_name(name: &str) -> bool {
    CSV_ENDINGS
        .iter()
        .any(|ending| strip_suffix_any_case(name, ending).is_some())
}

/// Returns the key of the report on a source.
///
/// ```
/// assert_eq!(htaccess_generator::source::report_key("clients/acme.csv"), "clients/acme.csv.html");
/// ```
#[must_use]
pub fn report_key(source_key: &str) -> String {
    format!("{source_key}.html")
}

/// Checks that the key of a source's report is not too long. The source's key is safe.
///
/// # Errors
///
/// `unsafe-key` if the report's key would have more than 1,024 bytes, which S3 does not accept.
pub fn check_report_key(source_key: &str) -> Result<(), Refusal> {
    if report_key(source_key).len() > MAX_KEY_BYTES {
        let reason = "the key of its report would have more than 1,024 bytes";
        return Err(unsafe_key(source_key, reason));
    }
    Ok(())
}

fn unsafe_key(key: &str, reason: &str) -> Refusal {
    Refusal::new(
        RefusalCode::UnsafeKey,
        format!("the key {} cannot become a path: {reason}", quote(key)),
    )
}

fn strip_suffix_any_case<'a>(text: &'a str, suffix: &str) -> Option<&'a str> {
    let start = text.len().checked_sub(suffix.len())?;
    let (before, end) = text.split_at_checked(start)?;
    end.eq_ignore_ascii_case(suffix).then_some(before)
}

fn without_extension(name: &str) -> &str {
    name.rfind('.')
        .and_then(|dot| name.get(..dot))
        .unwrap_or(name)
}

/// The origin of a CSV.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The object's key, decoded, or the file's path.
    pub key: String,
    /// The object's bucket; empty for a file.
    pub bucket: String,
    /// The object's version; empty without versioning.
    pub version_id: String,
    /// The object's entity tag; empty for a file.
    pub etag: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_split(key: &str, path: &str, dir: &str, stem: &str) {
        assert_eq!(split_key(key).unwrap(), KeyParts { path, dir, stem });
    }

    #[test]
    fn splits_keys_of_any_case_and_depth() {
        check_split("clients/acme.csv", "clients/acme", "clients", "acme");
        check_split("acme.CSV", "acme", "", "acme");
        check_split(
            "a/b/www.acme.fr.CSV.GZ",
            "a/b/www.acme.fr",
            "a/b",
            "www.acme.fr",
        );
        check_split("no-extension", "no-extension", "", "no-extension");
        check_split("été à+b.csv", "été à+b", "", "été à+b");
    }

    #[test]
    fn refuses_keys_that_would_leave_their_folder() {
        let long = format!("{}.csv", "a".repeat(252));
        let keys = [
            "",
            "/a.csv",
            "../a.csv",
            "a/../../b.csv",
            "a//b.csv",
            "./a.csv",
            "a/",
            "a\0.csv",
            "a\nb.csv",
            "a\\..\\b.csv",
            "..",
            ".csv",
            "a/.csv.gz",
            &long,
            &"a/".repeat(600),
        ];
        for key in keys {
            assert_eq!(
                split_key(key).unwrap_err().code,
                RefusalCode::UnsafeKey,
                "{key:?}"
            );
        }
    }
}
