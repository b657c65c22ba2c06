//! Encodes and parses the part of an output's metadata that records how the input was read: the settings that
//! determine the meaning of rows, and the versions of the lists. With these, the function can read the
//! published version again.
//!
//! The text has the form `POLICY ZONE TAG=VERSION TAG=VERSION …`. A tag is the start of the digest of a
//! compiled list's key, because the metadata has no room for the keys. The version is empty if the list did
//! not exist. If the text is too long for the metadata, the lists are replaced by `?`.

use std::collections::BTreeMap;

use crate::function::digest::digest_of;
use crate::rule::DefaultPolicy;
use crate::settings::{Settings, default_policy};
use crate::time::TimeZone;

/// The number of hexadecimal digits in a tag.
const TAG_DIGITS: usize = 8;
/// The text that replaces the lists if the metadata has no room for them.
const NO_ROOM: &str = "?";

/// The settings and the list versions with which an input was read.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) default_policy: DefaultPolicy,
    pub(crate) time_zone: TimeZone,
    /// The versions of the compiled lists, by tag. `None` if they are not recorded.
    lists: Option<BTreeMap<String, String>>,
}

impl Reading {
    /// Returns the version of a compiled list. `None` if it is not recorded, and an empty text if the list
    /// did not exist.
    pub(crate) fn version_of(&self, key: &str) -> Option<&str> {
        self.lists.as_ref()?.get(&tag(key)).map(String::as_str)
    }

    /// Parses the recorded text. Returns `None` if the text does not start with a valid policy and time zone.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        let default_policy = default_policy("", parts.next()?).ok()?;
        let time_zone = TimeZone::named(parts.next()?).ok()?;
        let lists = parts.map(|part| part.split_once('='));
        let lists =
            lists.map(|part| part.map(|(tag, version)| (tag.to_owned(), version.to_owned())));
        Some(Self {
            default_policy,
            time_zone,
            lists: lists.collect(),
        })
    }
}

/// Returns the text for the metadata, in ASCII. `versions` yields the key and the version id of each list.
pub(crate) fn reading_text<'a>(
    settings: &Settings,
    versions: impl Iterator<Item = (&'a str, &'a str)>,
) -> String {
    let zone = settings.time_zone.name();
    let mut text = format!("{} {zone}", settings.default_policy.name());
    for (key, version) in versions {
        text.push(' ');
        text.push_str(&tag(key));
        text.push('=');
        text.push_str(version);
    }
    text
}

/// Replaces the lists in a text with `?` if the text is longer than `max_bytes`. Returns an empty text if the
/// shortened text is still too long.
pub(crate) fn fitting(text: &str, max_bytes: usize) -> String {
    if text.len() <= max_bytes {
        return text.to_owned();
    }
    let settings: Vec<&str> = text.split(' ').take(2).chain([NO_ROOM]).collect();
    let short = settings.join(" ");
    if short.len() <= max_bytes {
        short
    } else {
        String::new()
    }
}

fn tag(key: &str) -> String {
    let digest = digest_of(&[key]);
    digest.get(..TAG_DIGITS).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            time_zone: TimeZone::named("Europe/Paris").unwrap(),
            default_policy: DefaultPolicy::Allow,
            ..Settings::default()
        }
    }

    #[test]
    fn a_reading_is_read_back() {
        let lists = [
            ("compiled/lists/a.list", "v1"),
            ("compiled/lists/b.list", ""),
        ];
        let text = reading_text(&settings(), lists.into_iter());
        let reading = Reading::parse(&text).unwrap();
        assert_eq!(reading.default_policy, DefaultPolicy::Allow);
        assert_eq!(reading.time_zone.name(), "Europe/Paris");
        assert_eq!(reading.version_of(lists[0].0), Some("v1"));
        assert_eq!(reading.version_of(lists[1].0), Some(""));
        assert_eq!(reading.version_of("compiled/lists/c.list"), None);
        assert!(Reading::parse("").is_none() && Reading::parse("deny Mars/Olympus").is_none());
    }

    #[test]
    fn lists_without_room_are_not_recorded() {
        let text = reading_text(&settings(), [("a", "v1")].into_iter());
        assert_eq!(fitting(&text, text.len()), text);
        let short = fitting(&text, text.len() - 1);
        assert_eq!(short, "allow Europe/Paris ?");
        let reading = Reading::parse(&short).unwrap();
        assert_eq!(reading.version_of("a"), None);
        assert_eq!(fitting(&text, 10), "");
    }
}
