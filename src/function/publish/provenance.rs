//! Records the provenance of an output or a report in its metadata: the input and the settings from which it
//! was made, the period for which it is valid, and digests of its recent predecessors. The predecessors are
//! recorded because an ETag identifies bytes, not an upload. Each digest depends on the bytes and on the
//! [`PutKind`], as the ETag does.
//!
//! S3 stores at most 2 KB of metadata, in ASCII. Values are therefore percent-encoded, and a value that is
//! too long is replaced with its digest. `owner.rs` decodes the key of the input.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use crate::function::digest::digest_of;
use crate::function::publish::owner::{Owner, recorded_key};
use crate::function::publish::reading::fitting;
use crate::function::store::{Checksum, ContentDigest, Head, PutKind};
use crate::function::template_cache::CurrentTemplate;
use crate::render::{GENERATOR_NAME, GENERATOR_VERSION};
use crate::report::overview::SiteFacts;
use crate::settings::Settings;
use crate::text::RichText;
use crate::time::Instant;

/// The time for which a replaced object is recorded, in seconds. It is longer than an invocation can last (15
/// minutes), so no running writer can still use the ETag of the replaced object as its condition.
const REPLACED_SECONDS: i64 = 20 * 60;
/// The maximum number of replaced objects that are recorded.
const MAX_REPLACED: usize = 16;
/// The maximum total size of all names and values, in bytes
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html>).
const MAX_METADATA_BYTES: usize = 2048;
/// The maximum length of a value other than the key, in bytes. With this limit, the names, the values and the
/// digests of the replaced objects together stay below 2 KB.
const MAX_VALUE_BYTES: usize = 100;
/// The length of the digest of a replaced object, in bytes: 132 bits in base64.
const REPLACED_DIGEST_BYTES: usize = 22;

/// The input and the settings from which an output or a report was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Provenance {
    values: BTreeMap<String, String>,
    /// The checksum of the object, which depends on its bytes and its [`PutKind`]. It takes the place of the
    /// ETag, which is not known until S3 has stored the object.
    written_as: String,
    replaced: Vec<ReplacedObject>,
    /// The last recorded permanent delete of a version of the input.
    reverted: Option<Reverted>,
    /// The time for which the object was made. `None` if the rows were not read, for example because the
    /// input was deleted.
    as_of: Option<Instant>,
    /// The first time after `as_of` at which a row starts or ends, if there is one.
    holds_until: Option<Instant>,
    /// The digest of the lists and the common CSV with which the input was read. Empty if there were none.
    lists: String,
    /// The figures of the upload, which a report records so that the overview needs no other call. They are
    /// not compared with those of another provenance, because the input and the settings determine them.
    facts: Option<SiteFacts>,
    /// The settings and list versions with which the input was read (`reading.rs`). They are needed to read
    /// this version again when it is compared with the next version. They are not compared with those of
    /// another provenance, because `values` and `lists` already cover them.
    reading: String,
}

/// The version of an input that an object records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SourceVersion {
    /// The input was deleted.
    Deleted,
    /// The bucket of the input had no versioning.
    Unversioned,
    /// The version id.
    Id(String),
}

/// A predecessor of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ReplacedObject {
    /// The start of the predecessor's checksum.
    digest: String,
    /// The time at which the predecessor was replaced, in seconds since 1970.
    at: i64,
}

/// A permanent delete of a version of the input. It can make an older version the newest version again, so
/// for writers that started before the delete, `Last-Modified` does not show which input is newer.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Reverted {
    /// The version that was deleted.
    version: String,
    /// The time at which the function noticed the delete, in seconds since 1970.
    at: i64,
}

impl Provenance {
    /// Creates the provenance of an object that is made from `input`, which is `None` if the input no longer
    /// exists.
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

    /// Adds the permanent delete of a version of the input. As a result, the object is written again with
    /// another ETag, even if it was already made from the same input.
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

    /// Adds a digest of the content of a report: the reason for a refusal (`None` if the input was published)
    /// and the key of the output. They are recorded because they depend on more settings than the bytes of an
    /// output do.
    #[must_use]
    pub(crate) fn with_report(mut self, refusal: Option<&RichText>, output_key: &str) -> Self {
        let refusal = refusal.map(RichText::to_string).unwrap_or_default();
        let digest = digest_of(&[&refusal, output_key]);
        self.values.insert("tells".to_owned(), digest);
        self
    }

    /// Adds the time for which the object was made, and the next time at which a row starts or ends.
    #[must_use]
    pub(crate) fn with_period(self, as_of: Instant, holds_until: Option<Instant>) -> Self {
        Self {
            as_of: Some(as_of),
            holds_until,
            ..self
        }
    }

    /// Adds the figures that the overview shows.
    #[must_use]
    pub(crate) fn with_facts(self, facts: SiteFacts) -> Self {
        Self {
            facts: Some(facts),
            ..self
        }
    }

    /// Adds the digest of the lists and the common CSV with which the input was read.
    #[must_use]
    pub(crate) fn with_lists(self, lists: String) -> Self {
        Self { lists, ..self }
    }

    /// Adds the settings and list versions with which the input was read, as text.
    #[must_use]
    pub(crate) fn with_reading(self, reading: String) -> Self {
        Self { reading, ..self }
    }

    /// Returns the settings and list versions with which the input was read, as text. Empty if they are not
    /// recorded.
    #[must_use]
    pub(crate) fn reading(&self) -> &str {
        &self.reading
    }

    /// Returns the digest of the lists and the common CSV with which the input was read.
    #[must_use]
    pub(crate) fn lists(&self) -> &str {
        &self.lists
    }

    /// Returns the version of the input. If the id was too long to be recorded, returns its digest, which is
    /// not the id of any version.
    #[must_use]
    pub(crate) fn source_version(&self) -> SourceVersion {
        match (self.value("source-version"), self.value("source-etag")) {
            ("", "") => SourceVersion::Deleted,
            ("", _) => SourceVersion::Unversioned,
            (id, _) => SourceVersion::Id(percent_decode_str(id).decode_utf8_lossy().into_owned()),
        }
    }

    /// Returns the figures that the overview shows, if they are recorded.
    #[must_use]
    pub(crate) fn facts(&self) -> Option<SiteFacts> {
        self.facts
    }

    /// Adds the checksum of an object that is written in this form and whose bytes have this digest.
    #[must_use]
    pub(crate) fn with_content(self, digest: ContentDigest, form: PutKind) -> Self {
        Self {
            written_as: digest.stored_as(form),
            ..self
        }
    }

    /// Returns whether a recent predecessor had the same bytes in the same form, and therefore the same ETag.
    /// If so, a slow writer could mistake this object for the predecessor.
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
        let facts = values.remove("facts").unwrap_or_default();
        let reading = values.remove("reading").unwrap_or_default();
        let replaced = replaced.split(' ').filter_map(parse_entry);
        let mut instant = |name| values.remove(name).map(|text| text.parse::<i64>());
        let (as_of, holds_until) = (instant("as-of"), instant("holds-until"));
        Self {
            as_of: as_of.and_then(Result::ok).map(Instant::from_seconds),
            // If the time cannot be read, the object is treated as outdated, so that it is replaced.
            holds_until: holds_until
                .map(|seconds| seconds.map_or(Instant::MIN, Instant::from_seconds)),
            values,
            written_as,
            replaced: replaced
                .map(|(digest, at)| ReplacedObject { digest, at })
                .collect(),
            reverted: parse_entry(&reverted).map(|(version, at)| Reverted { version, at }),
            lists,
            facts: SiteFacts::from_text(&facts),
            reading,
        }
    }

    /// Returns whether `made_from` records the same input, settings and lists.
    #[must_use]
    pub(crate) fn is_same(&self, made_from: &Self) -> bool {
        self.lists == made_from.lists && self.is_same_input(made_from)
    }

    /// Returns whether `made_from` records the same input, the same settings and, if this provenance has one,
    /// the same permanent delete. An empty value equals a missing value, because some stores do not keep
    /// empty values.
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

    /// Returns whether no row starts or ends between the time for which the object was made and `instant`.
    /// `instant` must not be earlier than this time.
    #[must_use]
    pub(crate) fn holds_at(&self, instant: Instant) -> bool {
        self.holds_until.is_none_or(|end| instant < end)
    }

    /// Returns the time for which the object was made, if it is recorded.
    #[must_use]
    pub(crate) fn as_of(&self) -> Option<Instant> {
        self.as_of
    }

    /// Returns the next time at which a row starts or ends, if there is one.
    #[must_use]
    pub(crate) fn holds_until(&self) -> Option<Instant> {
        self.holds_until
    }

    /// Returns whether an object with this checksum has the bytes that were written with this provenance.
    /// Returns true if the store does not return checksums.
    #[must_use]
    pub(crate) fn is_of(&self, checksum: &Checksum) -> bool {
        match checksum {
            Checksum::Unknown => true,
            Checksum::Sha256(stored) => *stored == self.written_as,
            Checksum::Other => false,
        }
    }

    /// Returns the owner of the object, relative to the upload with the key `source_key`.
    #[must_use]
    pub(crate) fn owner(&self, source_key: &str) -> Owner {
        Owner::of(self.value("source-key"), source_key)
    }

    /// Returns whether the object was made with these settings, which include the template.
    #[must_use]
    pub(crate) fn has_settings(&self, settings_digest: &str) -> bool {
        self.value("settings") == settings_digest
    }

    /// Returns whether the object was made from an input that is strictly older than `input`, by
    /// `Last-Modified`. Returns false if the object records a permanent delete of a version, because the
    /// order is then not known.
    #[must_use]
    pub(crate) fn is_strictly_older_than(&self, input: &Head) -> bool {
        let seconds = self.value("source-last-modified").parse::<i64>();
        self.reverted.is_none() && seconds.is_ok_and(|seconds| seconds < input.last_modified)
    }

    fn value(&self, name: &str) -> &str {
        self.values.get(name).map_or("", String::as_str)
    }

    /// Records `current`, the object that is being replaced, as a predecessor, and adds the recent
    /// predecessors that `current` records. Also adds a recent permanent delete that `current` records,
    /// unless this provenance already has one.
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

    /// Returns the metadata that records this provenance. The list versions are omitted if they do not fit
    /// into the metadata.
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
        if let Some(facts) = self.facts {
            metadata.insert("facts".to_owned(), facts.to_text());
        }
        let sizes = metadata
            .iter()
            .map(|(name, value)| name.len() + value.len());
        let room = MAX_METADATA_BYTES.saturating_sub(sizes.sum::<usize>() + "reading".len());
        let reading = fitting(&self.reading, room);
        if !reading.is_empty() {
            metadata.insert("reading".to_owned(), reading);
        }
        metadata
    }
}

/// Returns a digest of the settings that determine an output's bytes or whether it is published. The digest
/// also covers the template with its identity, and the program's version.
#[must_use]
pub(crate) fn settings_digest(settings: &Settings, template: &CurrentTemplate) -> String {
    let text = match &template.compiled {
        Ok(compiled) => compiled.source().to_owned(),
        Err(refusal) => refusal.to_string(),
    };
    digest_of(&[
        GENERATOR_VERSION,
        settings.default_policy.name(),
        settings.strict.name(),
        &settings.max_output_bytes.to_string(),
        settings.time_zone.name(),
        &text,
        &template.identity,
    ])
}

/// Parses an entry of the form `NAME@SECONDS`. Returns `None` if the text has another form.
fn parse_entry(entry: &str) -> Option<(String, i64)> {
    let (name, at) = entry.rsplit_once('@')?;
    Some((name.to_owned(), at.parse().ok()?))
}

/// Returns the start of a checksum, which identifies a replaced object.
fn start_of(checksum: &str) -> &str {
    checksum.get(..REPLACED_DIGEST_BYTES).unwrap_or(checksum)
}

/// Encodes a value in ASCII. Returns the digest of the value instead if the encoded value is too long.
fn metadata_text(text: &str) -> String {
    const ENCODED: &AsciiSet = &CONTROLS.add(b'%').add(b' ');
    let encoded = utf8_percent_encode(text, ENCODED).to_string();
    if encoded.len() <= MAX_VALUE_BYTES {
        return encoded;
    }
    digest_of(&[text])
}

#[cfg(test)]
mod tests;
