//! The owner of an output, which is the upload whose key is recorded in the output's metadata.
//!
//! Several uploads can have the same output: for example, `a.csv` and `a.csv.gz`, or all uploads if
//! `OUTPUT_KEY` is a constant. The output belongs to one of these uploads until that upload is deleted.
//!
//! The metadata has no room for the longest keys, so a digest of such a key is recorded. The keys of uploads
//! with the same output usually differ only in their file extension, so the key of the owner is found by
//! trying all extensions.

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

use crate::function::digest::hexadecimal;
use crate::source::keys_of_the_same_path;

/// The maximum length of a recorded key after encoding, in bytes.
const MAX_RECORDED_BYTES: usize = 800;
/// The prefix of a recorded digest. No recorded key starts with this prefix, because colons in keys are
/// encoded.
const DIGEST_PREFIX: &str = "sha256:";

/// The owner of an object, relative to one upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The upload itself.
    Own,
    /// Another upload, which has this key.
    Other(String),
    /// Another upload, whose key is too long to be recorded.
    OtherWithLongKey,
    /// No upload, because another program wrote the object.
    Nobody,
}

impl Owner {
    /// Returns the owner that the text `recorded` identifies, relative to the upload with the key
    /// `source_key`.
    pub(crate) fn of(recorded: &str, source_key: &str) -> Self {
        if recorded.is_empty() {
            return Self::Nobody;
        }
        if recorded == recorded_key(source_key) {
            return Self::Own;
        }
        if !recorded.starts_with(DIGEST_PREFIX) {
            let key = percent_decode_str(recorded).decode_utf8_lossy();
            return Self::Other(key.into_owned());
        }
        let found = keys_of_the_same_path(source_key).find(|key| digest(key) == recorded);
        found.map_or(Self::OtherWithLongKey, Self::Other)
    }
}

/// Encodes a key in ASCII. Returns the digest of the key instead if the encoded key is too long.
pub(crate) fn recorded_key(key: &str) -> String {
    const ENCODED: &AsciiSet = &CONTROLS.add(b'%').add(b' ').add(b':');
    let encoded = utf8_percent_encode(key, ENCODED).to_string();
    if encoded.len() <= MAX_RECORDED_BYTES {
        return encoded;
    }
    digest(key)
}

fn digest(key: &str) -> String {
    let digest = hexadecimal(Sha256::new_with_prefix(key));
    format!("{DIGEST_PREFIX}{digest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(owner: &str, other: &str, expected: &Owner) {
        let recorded = recorded_key(owner);
        assert!(recorded.is_ascii() && recorded.len() <= MAX_RECORDED_BYTES);
        assert_eq!(Owner::of(&recorded, owner), Owner::Own);
        assert_eq!(Owner::of(&recorded, other), *expected);
    }

    fn other(key: &str) -> Owner {
        Owner::Other(key.to_owned())
    }

    #[test]
    fn finds_the_owner_of_a_key_of_any_length() {
        check("a.csv", "a.csv.gz", &other("a.csv"));
        check("é %41:+.csv", "b.csv", &other("é %41:+.csv"));
        check("sha256:00.csv", "b.csv", &other("sha256:00.csv"));
        let longest_recorded = format!("{}.csv", "a".repeat(796));
        check(&longest_recorded, "b.csv", &other(&longest_recorded));
        let long = "é".repeat(500);
        for (owner, of_the_same_path) in
            [(".csv", ".csv.gz"), (".CSV.gz", ".csv"), (".cSv", ".CSV")]
        {
            let owner = format!("{long}{owner}");
            check(&owner, &format!("{long}{of_the_same_path}"), &other(&owner));
            check(&owner, "a.csv", &Owner::OtherWithLongKey);
        }
        assert_eq!(Owner::of("", "a.csv"), Owner::Nobody);
    }
}
