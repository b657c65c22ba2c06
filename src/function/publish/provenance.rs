//! Records in an output's object metadata the input and the settings it was made from, and digests of
//! its recent predecessors: of their bytes and their [`PutKind`], because an ETag identifies bytes, not
//! an upload.
//!
//! S3 keeps up to 2 KB of metadata, in ASCII. So values are percent-encoded, and a value that is too
//! long is replaced by its digest.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use sha2::{Digest, Sha256};

use crate::function::store::{Head, PutKind};
use crate::render::{GENERATOR_NAME, GENERATOR_VERSION, Template};
use crate::settings::Settings;
use crate::text::{RichText, push_fmt};

/// The time for which a replaced object is recorded, in seconds. It is longer than any invocation can
/// last (15 minutes), so that no writer is left that has its ETag in a condition.
const REPLACED_SECONDS: i64 = 20 * 60;
/// The maximum number of replaced objects that are recorded.
const MAX_REPLACED: usize = 16;
/// The maximum length of a value, in bytes. The names, the values and the digests of the replaced objects
/// together stay below 2 KB.
const MAX_VALUE_BYTES: usize = 240;

/// The input and the settings that an output or a report was made from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Provenance {
    values: BTreeMap<String, String>,
    /// The digest of the object's bytes and their form. It identifies the ETag before S3 returns it.
    written_as: String,
    replaced: Vec<ReplacedObject>,
}

/// A predecessor of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ReplacedObject {
    /// The digest of its bytes and their form.
    digest: String,
    /// The time when it was replaced, in seconds since 1970.
    at: i64,
}

impl Provenance {
    /// Creates the provenance of an output made from `input`, or from an input that is gone (`None`).
    #[must_use]
    pub(crate) fn new(source_key: &str, input: Option<&Head>, settings_digest: &str) -> Self {
        let last_modified = input.map(|input| input.last_modified.to_string());
        let values = [
            ("source-key", source_key),
            ("source-etag", input.map_or("", |input| &input.etag)),
            (
                "source-version",
                input.map_or("", |input| &input.version_id),
            ),
            (
                "source-last-modified",
                last_modified.as_deref().unwrap_or_default(),
            ),
            ("settings", settings_digest),
            (
                "generator",
                &format!("{GENERATOR_NAME}/{GENERATOR_VERSION}"),
            ),
        ];
        Self {
            values: values
                .map(|(name, value)| (name.to_owned(), metadata_text(value)))
                .into(),
            written_as: String::new(),
            replaced: Vec::new(),
        }
    }

    /// Adds the content of a report: the reason for a refusal (`None` if the input was published) and the
    /// key of the output. Both depend on more settings than the bytes of an output do.
    #[must_use]
    pub(crate) fn with_report(mut self, refusal: Option<&RichText>, output_key: &str) -> Self {
        let refusal = refusal.map(RichText::to_string).unwrap_or_default();
        let digest = digest_of(&[&refusal, output_key]);
        self.values.insert("tells".to_owned(), digest);
        self
    }

    /// Adds the digest of an object with these bytes in this form.
    #[must_use]
    pub(crate) fn with_content(self, bytes: &[u8], form: PutKind) -> Self {
        let mut digest = Sha256::new();
        digest.update([form as u8]);
        digest.update(bytes);
        Self {
            written_as: hexadecimal(digest),
            ..self
        }
    }

    /// Returns whether a recent predecessor had the same bytes in the same form, and so the same ETag. A
    /// slow writer may be left that would take this object for the predecessor.
    #[must_use]
    pub(crate) fn reuses_recent_etag(&self) -> bool {
        self.replaced
            .iter()
            .any(|entry| entry.digest == self.written_as)
    }

    /// Reads the provenance of an existing output or report from its metadata.
    #[must_use]
    pub(crate) fn from_metadata(output: &Head) -> Self {
        let mut values = output.metadata.clone();
        let replaced = values.remove("replaced").unwrap_or_default();
        let written_as = values.remove("written-as").unwrap_or_default();
        let replaced = replaced
            .split(' ')
            .filter_map(|entry| {
                let (digest, at) = entry.rsplit_once('@')?;
                Some(ReplacedObject {
                    digest: digest.to_owned(),
                    at: at.parse().ok()?,
                })
            })
            .collect();
        Self {
            values,
            written_as,
            replaced,
        }
    }

    /// Returns whether both record the same input and the same settings. A store may not keep an empty
    /// value, so an empty value equals a missing one.
    #[must_use]
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.values
            .iter()
            .all(|(name, value)| other.value(name) == value)
    }

    /// Returns whether the output was made from an input with this key.
    #[must_use]
    pub(crate) fn is_from(&self, source_key: &str) -> bool {
        self.value("source-key") == metadata_text(source_key)
    }

    /// Returns whether the output was made from an input that is strictly older, by `Last-Modified`.
    #[must_use]
    pub(crate) fn is_strictly_older_than(&self, input: &Head) -> bool {
        let seconds = self.value("source-last-modified").parse::<i64>();
        seconds.is_ok_and(|seconds| seconds < input.last_modified)
    }

    fn value(&self, name: &str) -> &str {
        self.values.get(name).map_or("", String::as_str)
    }

    /// Adds the object that is replaced, `current`, and the predecessors that it records.
    #[must_use]
    pub(crate) fn with_history_of(self, current: &Head, now: i64) -> Self {
        let current = Self::from_metadata(current);
        let mut replaced = vec![ReplacedObject {
            digest: current.written_as,
            at: now,
        }];
        replaced.extend(current.replaced);
        replaced.retain(|entry| now - entry.at < REPLACED_SECONDS);
        replaced.truncate(MAX_REPLACED);
        Self { replaced, ..self }
    }

    /// Returns the object metadata.
    #[must_use]
    pub(crate) fn metadata(&self) -> BTreeMap<String, String> {
        let mut metadata = self.values.clone();
        metadata.insert("written-as".to_owned(), self.written_as.clone());
        if !self.replaced.is_empty() {
            let entries: Vec<String> = self
                .replaced
                .iter()
                .map(|entry| format!("{}@{}", entry.digest, entry.at))
                .collect();
            metadata.insert("replaced".to_owned(), entries.join(" "));
        }
        metadata
    }
}

/// Returns a digest of the settings that decide an output's bytes or whether it is published, and of
/// the program's version.
#[must_use]
pub(crate) fn settings_digest(settings: &Settings, template: &Template) -> String {
    digest_of(&[
        GENERATOR_VERSION,
        settings.default_policy.name(),
        settings.strict.name(),
        &settings.max_output_bytes.to_string(),
        template.source(),
    ])
}

/// Returns a digest of the texts. Each text has its length before it, so that the borders count.
fn digest_of(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    hexadecimal(digest)
}

/// Encodes a value in ASCII, or replaces it by its digest if it is too long.
fn metadata_text(text: &str) -> String {
    const ENCODED: &AsciiSet = &CONTROLS.add(b'%').add(b' ');
    let encoded = utf8_percent_encode(text, ENCODED).to_string();
    if encoded.len() <= MAX_VALUE_BYTES {
        return encoded;
    }
    format!("sha256:{}", hexadecimal(Sha256::new_with_prefix(text)))
}

/// Returns the first 128 bits as hexadecimal digits.
fn hexadecimal(digest: Sha256) -> String {
    let mut text = String::new();
    for byte in digest.finalize().iter().take(16) {
        push_fmt(&mut text, format_args!("{byte:02x}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(etag: &str, metadata: BTreeMap<String, String>) -> Head {
        Head {
            etag: etag.to_owned(),
            metadata,
            ..Head::default()
        }
    }

    #[test]
    fn reads_back_what_it_wrote() {
        let input = Head {
            etag: "\"e\"".to_owned(),
            version_id: "v 1".to_owned(),
            last_modified: 7,
            ..Head::default()
        };
        let written = Provenance::new("é à.csv", Some(&input), "digest");
        let read = Provenance::from_metadata(&head("\"o\"", written.metadata()));
        assert!(written.is_same(&read) && read.is_from("é à.csv") && !read.is_from("e.csv"));
        assert!(!read.is_strictly_older_than(&input));
        assert!(read.is_strictly_older_than(&Head {
            last_modified: 8,
            ..input
        }));
    }

    #[test]
    fn remembers_what_it_replaced_for_as_long_as_a_writer_can_wait_for_it() {
        let write = |bytes: &[u8], form, current: &Provenance, now| {
            let current = head("", current.metadata());
            Provenance::default()
                .with_history_of(&current, now)
                .with_content(bytes, form)
        };
        let a = Provenance::default().with_content(b"a", PutKind::Single);
        let b = write(b"b", PutKind::Single, &a, 1000);
        assert!(!b.reuses_recent_etag());
        assert!(write(b"a", PutKind::Single, &b, 1500).reuses_recent_etag());
        assert!(write(b"b", PutKind::Single, &b, 1500).reuses_recent_etag());
        assert!(!write(b"a", PutKind::Multipart, &b, 1500).reuses_recent_etag());
        assert!(!write(b"a", PutKind::Single, &b, 1000 + REPLACED_SECONDS).reuses_recent_etag());
    }

    #[test]
    fn stays_below_the_limit_of_metadata() {
        let long = "é".repeat(500);
        let input = Head {
            etag: format!("\"{}-1\"", "f".repeat(32)),
            version_id: "v".repeat(1024),
            last_modified: i64::MAX,
            ..Head::default()
        };
        let mut provenance = Provenance::new(&long, Some(&input), &"d".repeat(32))
            .with_report(Some(&RichText::from(&long)), &long);
        for _ in 0..100 {
            let current = head(&input.etag, provenance.metadata());
            provenance = provenance
                .with_history_of(&current, 1_800_000_000)
                .with_content(b"", PutKind::Single);
        }
        let bytes: usize = provenance
            .metadata()
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        assert!(bytes < 2048, "{bytes}");
        assert!(provenance.is_from(&long) && !provenance.is_from(&"é".repeat(501)));
    }
}
