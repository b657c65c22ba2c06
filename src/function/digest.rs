//! Short digests, which identify texts that are too long to be stored.

use sha2::{Digest, Sha256};

use crate::text::push_fmt;

/// Returns a digest of the texts. The length of each text is hashed before the text, so that the boundaries
/// between texts matter.
pub(crate) fn digest_of(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    hexadecimal(digest)
}

/// Returns the first 128 bits of a digest, as hexadecimal digits.
pub(crate) fn hexadecimal(digest: Sha256) -> String {
    let mut text = String::new();
    for byte in digest.finalize().iter().take(16) {
        push_fmt(&mut text, format_args!("{byte:02x}"));
    }
    text
}
