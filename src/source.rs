//! Object keys and file paths of sources. Splits keys for the `OUTPUT_KEY` setting, and refuses keys that
//! would point outside their folder when a bucket is synced to a disk.

use std::fmt;

use crate::answer::{Refusal, RefusalCode};
use crate::text::{RichText, Segment, rich};

/// The maximum length of a segment between two slashes, in bytes. Common file systems have this limit.
const MAX_SEGMENT_BYTES: usize = 255;
/// The maximum length of a key in S3, in bytes.
const MAX_KEY_BYTES: usize = 1024;
/// The key of the page that gives an overview of all sites, in the report bucket.
pub const OVERVIEW_KEY: &str = "index.html";
/// The file name extensions of a CSV, in any case.
const CSV_ENDINGS: [&str; 2] = [".csv", ".csv.gz"];

/// A key that cannot become a path. `Display` writes the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyError {
    key: String,
    problem: KeyProblem,
}

/// The reason why a key cannot become a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyProblem {
    /// The key is empty or longer than 1,024 bytes.
    Length,
    /// The key contains a control character.
    ControlCharacter,
    /// A segment is `.` or `..`.
    DotSegment,
    /// A segment is empty: a slash at the start or the end, or two in a row.
    EmptySegment,
    /// A segment is longer than 255 bytes.
    LongSegment,
    /// The key has no name before its extension.
    NoName,
    /// The key of the report would be longer than 1,024 bytes.
    LongReportKey,
    /// The key of the report would be [`OVERVIEW_KEY`].
    OverviewKey,
}

impl KeyError {
    fn new(key: &str, problem: KeyProblem) -> Self {
        Self {
            key: key.to_owned(),
            problem,
        }
    }

    /// Returns the reason.
    #[must_use]
    pub fn problem(&self) -> KeyProblem {
        self.problem
    }

    fn explain(&self) -> RichText {
        let reason = match self.problem {
            KeyProblem::Length => "it must have 1 to 1,024 bytes",
            KeyProblem::ControlCharacter => "it contains a control character",
            KeyProblem::DotSegment => "it contains the segment . or ..",
            KeyProblem::EmptySegment => {
                "it starts or ends with a slash, or contains two slashes in a row"
            }
            KeyProblem::LongSegment => "a segment is longer than 255 bytes",
            KeyProblem::NoName => "it has no name before its extension",
            KeyProblem::LongReportKey => "the key of its report would be longer than 1,024 bytes",
            KeyProblem::OverviewKey => "its report would have the key of the overview",
        };
        rich!(
            "the key {} cannot be used as a path: {}",
            Segment::quoted(&self.key),
            reason
        )
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.explain().fmt(f)
    }
}

impl std::error::Error for KeyError {}

impl From<KeyError> for Refusal {
    fn from(err: KeyError) -> Self {
        Self::new(RefusalCode::UnsafeKey, err.explain())
    }
}

/// The parts of a key, for the `OUTPUT_KEY` setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyParts<'a> {
    /// The key without its extension: `clients/acme`.
    pub path: &'a str,
    /// The part before the last slash: `clients`, or empty.
    pub dir: &'a str,
    /// The part after the last slash, without the extension: `acme`.
    pub stem: &'a str,
}

/// Checks and splits a key. Any extension is removed, and `.gz` together with the extension before it, in
/// any case.
///
/// ```
/// let parts = htaccess_generator::source::split_key("clients/acme.csv.gz").unwrap();
/// assert_eq!((parts.path, parts.dir, parts.stem), ("clients/acme", "clients", "acme"));
/// ```
///
/// # Errors
///
/// Fails as described for [`check_key`], and for a key without a name before its extension.
pub fn split_key(key: &str) -> Result<KeyParts<'_>, KeyError> {
    check_key(key)?;
    let name_start = key.rfind('/').map_or(0, |slash| slash + 1);
    let name = key.get(name_start..).unwrap_or_default();
    let stem = without_extension(strip_suffix_any_case(name, ".gz").unwrap_or(name));
    if stem.is_empty() {
        return Err(KeyError::new(key, KeyProblem::NoName));
    }
    Ok(KeyParts {
        path: key.get(..name_start + stem.len()).unwrap_or_default(),
        dir: key.get(..name_start.saturating_sub(1)).unwrap_or_default(),
        stem,
    })
}

/// Checks that a key stays inside its folder when it becomes a path.
///
/// # Errors
///
/// Fails for a leading or trailing slash, an empty segment, a segment `.` or `..` (backslashes are
/// separators here), a control character, a segment over 255 bytes, and a key that is empty or over 1,024
/// bytes.
pub fn check_key(key: &str) -> Result<(), KeyError> {
    if key.is_empty() || key.len() > MAX_KEY_BYTES {
        return Err(KeyError::new(key, KeyProblem::Length));
    }
    if key.chars().any(char::is_control) {
        return Err(KeyError::new(key, KeyProblem::ControlCharacter));
    }
    if key
        .split(['/', '\\'])
        .any(|segment| matches!(segment, "." | ".."))
    {
        return Err(KeyError::new(key, KeyProblem::DotSegment));
    }
    for segment in key.split('/') {
        if segment.is_empty() {
            return Err(KeyError::new(key, KeyProblem::EmptySegment));
        }
        if segment.len() > MAX_SEGMENT_BYTES {
            return Err(KeyError::new(key, KeyProblem::LongSegment));
        }
    }
    Ok(())
}

/// Returns whether a key or a file name ends in `.csv` or `.csv.gz`, in any case.
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

/// Returns every CSV key that differs from this key only in its extension, which is `.csv` or `.csv.gz` in
/// any case. The key itself is included.
pub fn keys_of_the_same_path(key: &str) -> impl Iterator<Item = String> {
    let path = CSV_ENDINGS
        .iter()
        .rev()
        .find_map(|ending| strip_suffix_any_case(key, ending))
        .unwrap_or(key);
    CSV_ENDINGS.iter().flat_map(move |ending| {
        (0..1_u32 << ending.len()).filter_map(move |upper| {
            let letters = ending.char_indices().map(|(index, letter)| {
                if upper & (1 << index) == 0 {
                    letter
                } else {
                    letter.to_ascii_uppercase()
                }
            });
            // The bit of a dot would have no effect, so only combinations without it are used. Each ending
            // therefore occurs only once.
            let is_new = ending
                .match_indices('.')
                .all(|(index, _)| upper & (1 << index) == 0);
            is_new.then(|| path.chars().chain(letters).collect())
        })
    })
}

/// Returns the key of the report for a source.
///
/// ```
/// assert_eq!(htaccess_generator::source::report_key("clients/acme.csv"), "clients/acme.csv.html");
/// ```
#[must_use]
pub fn report_key(source_key: &str) -> String {
    format!("{source_key}.html")
}

/// Checks the key of the report for a source whose own key was already checked with [`check_key`].
///
/// # Errors
///
/// Fails if the report's key would be longer than 1,024 bytes, which S3 does not accept, or would be
/// [`OVERVIEW_KEY`].
pub fn check_report_key(source_key: &str) -> Result<(), KeyError> {
    if report_key(source_key).len() > MAX_KEY_BYTES {
        return Err(KeyError::new(source_key, KeyProblem::LongReportKey));
    }
    if report_key(source_key) == OVERVIEW_KEY {
        return Err(KeyError::new(source_key, KeyProblem::OverviewKey));
    }
    Ok(())
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
    /// The decoded key of the object, or the path of the file.
    pub key: String,
    /// The bucket of the object. Empty for a file.
    pub bucket: String,
    /// The version ID of the object. Empty without versioning.
    pub version_id: String,
    /// The entity tag of the object. Empty for a file.
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
    fn lists_the_keys_that_differ_only_in_their_ending() {
        let keys: Vec<String> = keys_of_the_same_path("a.b/c.CSV.gz").collect();
        assert_eq!(keys.len(), 8 + 32);
        let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len());
        for key in ["a.b/c.csv", "a.b/c.cSv", "a.b/c.csv.gz", "a.b/c.CSV.gz"] {
            assert!(keys.iter().any(|listed| listed == key), "{key}");
        }
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
            assert!(split_key(key).is_err(), "{key:?}");
        }
    }
}
