//! Records in an output's object metadata the input and the settings it was made from, the instants
//! between which it holds, and digests of its recent predecessors: of their bytes and their [`PutKind`],
//! because an ETag identifies bytes, not an upload.
//!
//! S3 keeps up to 2 KB of metadata, in ASCII. So values are percent-encoded, and a value that is too
//! long is replaced by its digest. `owner.rs` reads the key of the input back.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::answer::Refusal;
use crate::function::digest::digest_of;
use crate::function::publish::owner::{Owner, recorded_key};
use crate::function::store::{Checksum, ContentDigest, Head, PutKind};
use crate::render::{GENERATOR_NAME, GENERATOR_VERSION, Template};
use crate::settings::Settings;
use crate::text::RichText;
use crate::time::Instant;

/// The time for which a replaced object is recorded, in seconds. It is longer than any invocation can
/// last (15 minutes), so that no writer is left that has its ETag in a condition.
const REPLACED_SECONDS: i64 = 20 * 60;
/// The maximum number of replaced objects that are recorded.
const MAX_REPLACED: usize = 16;
/// The maximum length of a value other than the key, in bytes. The names, the values and the digests of
/// the replaced objects together stay below 2 KB.
const MAX_VALUE_BYTES: usize = 100;
/// The length of the digest of a replaced object: 132 bits in base64.
const REPLACED_DIGEST_BYTES: usize = 22;

/// The input and the settings that an output or a report was made from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Provenance {
    values: BTreeMap<String, String>,
    /// The checksum of the object, which depends on its bytes and their form. It identifies the ETag
    /// before S3 returns it.
    written_as: String,
    replaced: Vec<ReplacedObject>,
    /// The last permanent delete of a version that is recorded.
    reverted: Option<Reverted>,
    /// The instant that the object was made for. An object of a deleted input has none.
    as_of: Option<Instant>,
    /// The first instant after it at which a row starts or ends, if there is one.
    holds_until: Option<Instant>,
    /// The digest of the lists and the common CSV that the input was read with. Empty if there were none.
    lists: String,
}

/// A predecessor of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ReplacedObject {
    /// The start of its checksum.
    digest: String,
    /// The time when it was replaced, in seconds since 1970.
    at: i64,
}

/// A permanent delete of a version of the input. It can make an older version the newest one again, so
/// `Last-Modified` does not order the inputs of writers that started before it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Reverted {
    /// The version that was deleted.
    version: String,
    /// The time when the delete was noticed, in seconds since 1970.
    at: i64,
}

impl Provenance {
    /// Creates the provenance of an output made from `input`, or from an input that is gone (`None`).
    #[must_use]
    pub(crate) fn new(source_key: &str, input: Option<&Head>, settings_digest: &str) -> Self {
        let last_modified = input.map(|input| input.last_modified.to_string());
        let values = [
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
        let values = values.map(|(name, value)| (name.to_owned(), metadata_text(value)));
        let key = ("source-key".to_owned(), recorded_key(source_key));
        Self {
            values: values.into_iter().chain([key]).collect(),
            ..Self::default()
        }
    }

    /// Adds the permanent delete of a version of the input. The object is written even if it was made
    /// from the same input before, in order to get another ETag.
    #[must_use]
    pub(crate) fn with_reverted(self, version: &str, now: i64) -> Self {
        Self {
            reverted: Some(Reverted {
                version: metadata_text(version),
                at: now,
            }),
            ..self
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

    /// Adds the instant that the object was made for, and the next one at which a row starts or ends.
    #[must_use]
    pub(crate) fn with_period(self, as_of: Instant, holds_until: Option<Instant>) -> Self {
        Self {
            as_of: Some(as_of),
            holds_until,
            ..self
        }
    }

    /// Adds the digest of the lists and the common CSV that the input was read with.
    #[must_use]
    pub(crate) fn with_lists(self, lists: String) -> Self {
        Self { lists, ..self }
    }

    /// Adds the checksum of an object with these bytes in this form.
    #[must_use]
    pub(crate) fn with_content(self, digest: ContentDigest, form: PutKind) -> Self {
        Self {
            written_as: digest.stored_as(form),
            ..self
        }
    }

    /// Returns whether a recent predecessor had the same bytes in the same form, and so the same ETag. A
    /// slow writer may be left that would take this object for the predecessor.
    #[must_use]
    pub(crate) fn reuses_recent_etag(&self) -> bool {
        self.replaced
            .iter()
            .any(|entry| entry.digest == start_of(&self.written_as))
    }

    /// Reads the provenance of an existing output or report from its metadata.
    #[must_use]
    pub(crate) fn from_metadata(output: &Head) -> Self {
        let mut values = output.metadata.clone();
        let replaced = values.remove("replaced").unwrap_or_default();
        let written_as = values.remove("written-as").unwrap_or_default();
        let reverted = values.remove("reverted").unwrap_or_default();
        let lists = values.remove("lists").unwrap_or_default();
        let replaced = replaced.split(' ').filter_map(parse_entry);
        let mut instant = |name| values.remove(name).map(|text| text.parse::<i64>());
        let (as_of, holds_until) = (instant("as-of"), instant("holds-until"));
        Self {
            as_of: as_of.and_then(Result::ok).map(Instant::from_seconds),
            // What cannot be read must not keep an output in force.
            holds_until: holds_until
                .map(|seconds| seconds.map_or(Instant::MIN, Instant::from_seconds)),
            values,
            written_as,
            replaced: replaced
                .map(|(digest, at)| ReplacedObject { digest, at })
                .collect(),
            reverted: parse_entry(&reverted).map(|(version, at)| Reverted { version, at }),
            lists,
        }
    }

    /// Returns whether `made_from` records the same input, the same settings and the same lists.
    #[must_use]
    pub(crate) fn is_same(&self, made_from: &Self) -> bool {
        self.lists == made_from.lists && self.is_same_input(made_from)
    }

    /// Returns whether `made_from` records the same input, the same settings and, if this provenance
    /// has one, the same permanent delete. A store may not keep an empty value, so an empty value equals
    /// a missing one.
    #[must_use]
    pub(crate) fn is_same_input(&self, made_from: &Self) -> bool {
        let is_recorded = |reverted: &Reverted| {
            let recorded = made_from.reverted.as_ref();
            !reverted.version.is_empty()
                && recorded.is_some_and(|recorded| recorded.version == reverted.version)
        };
        self.reverted.as_ref().is_none_or(is_recorded)
            && self
                .values
                .iter()
                .all(|(name, value)| made_from.value(name) == value)
    }

    /// Returns whether no row starts or ends until this instant, which is not before that of the object.
    #[must_use]
    pub(crate) fn holds_at(&self, instant: Instant) -> bool {
        self.holds_until.is_none_or(|end| instant < end)
    }

    /// Returns the instant that the object was made for, if it is recorded.
    #[must_use]
    pub(crate) fn as_of(&self) -> Option<Instant> {
        self.as_of
    }

    /// Returns the next instant at which a row starts or ends, if there is one.
    #[must_use]
    pub(crate) fn holds_until(&self) -> Option<Instant> {
        self.holds_until
    }

    /// Returns whether an object with this provenance still has the bytes that were written with it. A
    /// store without checksums cannot tell.
    #[must_use]
    pub(crate) fn is_of(&self, checksum: &Checksum) -> bool {
        match checksum {
            Checksum::Unknown => true,
            Checksum::Sha256(stored) => *stored == self.written_as,
            Checksum::Other => false,
        }
    }

    /// Returns the upload that the object belongs to, from the point of view of one upload.
    #[must_use]
    pub(crate) fn owner(&self, source_key: &str) -> Owner {
        Owner::of(self.value("source-key"), source_key)
    }

    /// Returns whether both were made with the same settings, which include the template.
    #[must_use]
    pub(crate) fn has_settings(&self, settings_digest: &str) -> bool {
        self.value("settings") == settings_digest
    }

    /// Returns whether the output was made from an input that is strictly older, by `Last-Modified`. It
    /// is unknown for some time after a version was deleted permanently.
    #[must_use]
    pub(crate) fn is_strictly_older_than(&self, input: &Head) -> bool {
        let seconds = self.value("source-last-modified").parse::<i64>();
        self.reverted.is_none() && seconds.is_ok_and(|seconds| seconds < input.last_modified)
    }

    fn value(&self, name: &str) -> &str {
        self.values.get(name).map_or("", String::as_str)
    }

    /// Adds the object that is replaced, `current`, and the predecessors that it records.
    #[must_use]
    pub(crate) fn with_history_of(self, current: &Head, now: i64) -> Self {
        let current = Self::from_metadata(current);
        let is_recent = |at: i64| now - at < REPLACED_SECONDS;
        let mut replaced = vec![ReplacedObject {
            digest: start_of(&current.written_as).to_owned(),
            at: now,
        }];
        replaced.extend(current.replaced);
        replaced.retain(|entry| is_recent(entry.at));
        replaced.truncate(MAX_REPLACED);
        let inherited = current.reverted.filter(|entry| is_recent(entry.at));
        Self {
            replaced,
            reverted: self.reverted.or(inherited),
            ..self
        }
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
        if let Some(Reverted { version, at }) = &self.reverted {
            metadata.insert("reverted".to_owned(), format!("{version}@{at}"));
        }
        if !self.lists.is_empty() {
            metadata.insert("lists".to_owned(), self.lists.clone());
        }
        let instants = [("as-of", self.as_of), ("holds-until", self.holds_until)];
        for (name, instant) in instants {
            if let Some(instant) = instant {
                metadata.insert(name.to_owned(), instant.seconds().to_string());
            }
        }
        metadata
    }
}

/// The template of a deployment, with the identity of its object, or the reason why it cannot be used.
#[derive(Clone, Copy)]
pub(crate) enum TemplateState<'a> {
    Usable(&'a Template, &'a str),
    Unusable(&'a Refusal, &'a str),
}

/// Returns a digest of the settings that decide an output's bytes or whether it is published, of the
/// template and its identity, and of the program's version.
#[must_use]
pub(crate) fn settings_digest(settings: &Settings, template: TemplateState<'_>) -> String {
    let (text, identity) = match template {
        TemplateState::Usable(template, identity) => (template.source().to_owned(), identity),
        TemplateState::Unusable(refusal, identity) => (refusal.to_string(), identity),
    };
    digest_of(&[
        GENERATOR_VERSION,
        settings.default_policy.name(),
        settings.strict.name(),
        &settings.max_output_bytes.to_string(),
        settings.time_zone.name(),
        &text,
        identity,
    ])
}

/// Splits a text such as `name@seconds`.
fn parse_entry(entry: &str) -> Option<(String, i64)> {
    let (name, at) = entry.rsplit_once('@')?;
    Some((name.to_owned(), at.parse().ok()?))
}

/// Returns the part of a checksum that identifies a replaced object.
fn start_of(checksum: &str) -> &str {
    checksum.get(..REPLACED_DIGEST_BYTES).unwrap_or(checksum)
}

/// Encodes a value in ASCII, or replaces it by its digest if it is too long.
fn metadata_text(text: &str) -> String {
    const ENCODED: &AsciiSet = &CONTROLS.add(b'%').add(b' ');
    let encoded = utf8_percent_encode(text, ENCODED).to_string();
    if encoded.len() <= MAX_VALUE_BYTES {
        return encoded;
    }
    digest_of(&[text])
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
        assert!(written.is_same(&read) && read.owner("é à.csv") == Owner::Own);
        assert_eq!(read.owner("e.csv"), Owner::Other("é à.csv".to_owned()));
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
                .with_content(ContentDigest::of(bytes), form)
        };
        let a = Provenance::default().with_content(ContentDigest::of(b"a"), PutKind::Single);
        let b = write(b"b", PutKind::Single, &a, 1000);
        assert!(!b.reuses_recent_etag());
        assert!(write(b"a", PutKind::Single, &b, 1500).reuses_recent_etag());
        assert!(write(b"b", PutKind::Single, &b, 1500).reuses_recent_etag());
        assert!(!write(b"a", PutKind::Multipart, &b, 1500).reuses_recent_etag());
        assert!(!write(b"a", PutKind::Single, &b, 1000 + REPLACED_SECONDS).reuses_recent_etag());
    }

    #[test]
    fn remembers_a_permanent_delete_for_as_long_as_a_writer_can_have_read_the_version() {
        let input = |last_modified| Head {
            last_modified,
            ..Head::default()
        };
        let of = |last_modified| Provenance::new("a.csv", Some(&input(last_modified)), "digest");
        let marked = of(1).with_reverted("v 2", 1000);
        let read = Provenance::from_metadata(&head("", marked.metadata()));
        assert!(marked.is_same(&read) && of(1).is_same(&read) && !marked.is_same(&of(1)));
        assert!(!of(1).with_reverted("v3", 1000).is_same(&read));
        assert!(of(1).is_strictly_older_than(&input(2)));
        assert!(!read.is_strictly_older_than(&input(2)));
        let later = |seconds| {
            let replaced = head("", marked.metadata());
            of(3).with_history_of(&replaced, 1000 + seconds)
        };
        assert!(!later(REPLACED_SECONDS - 1).is_strictly_older_than(&input(4)));
        assert!(later(REPLACED_SECONDS).is_strictly_older_than(&input(4)));
        let nameless = of(1).with_reverted("", 1000);
        assert!(!nameless.is_same(&nameless), "two deletes can be meant");
    }

    #[test]
    fn records_the_instants_between_which_it_holds() {
        let instant = Instant::from_seconds;
        let written =
            Provenance::new("a.csv", None, "digest").with_period(instant(-5), Some(instant(60)));
        let read = Provenance::from_metadata(&head("", written.metadata()));
        assert_eq!(read, written);
        assert!(read.holds_at(instant(59)) && !read.holds_at(instant(60)));
        let forever = Provenance::new("a.csv", None, "digest").with_period(instant(-5), None);
        let read = Provenance::from_metadata(&head("", forever.metadata()));
        assert_eq!(read, forever);
        assert!(read.holds_at(Instant::MAX));
        assert!(read.is_same(&written), "the input is the same");
        let mut metadata = written.metadata();
        metadata.insert("holds-until".to_owned(), "tomorrow".to_owned());
        assert!(!Provenance::from_metadata(&head("", metadata)).holds_at(instant(0)));
    }

    #[test]
    fn stays_below_the_limit_of_metadata() {
        for long in ["é".repeat(512), "k".repeat(800), "k".repeat(1024)] {
            stays_below_the_limit(&long);
        }
    }

    #[track_caller]
    fn stays_below_the_limit(long: &str) {
        let input = Head {
            etag: format!("\"{}-1\"", "f".repeat(32)),
            version_id: "v".repeat(1024),
            last_modified: i64::MAX,
            ..Head::default()
        };
        let mut provenance = Provenance::new(long, Some(&input), &"d".repeat(32))
            .with_report(Some(&RichText::from(long)), long)
            .with_period(Instant::MAX, Some(Instant::MAX))
            .with_lists("d".repeat(32))
            .with_reverted(&"v".repeat(100), 1_800_000_000);
        for _ in 0..100 {
            let current = head(&input.etag, provenance.metadata());
            provenance = provenance
                .with_history_of(&current, 1_800_000_000)
                .with_content(ContentDigest::of(b""), PutKind::Multipart);
        }
        let bytes: usize = provenance
            .metadata()
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        // The rest is for more values.
        assert!(bytes < 2000, "{bytes}");
        assert_eq!(provenance.owner(long), Owner::Own);
        assert_ne!(provenance.owner(&format!("{long}1")), Owner::Own);
    }
}
