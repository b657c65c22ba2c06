//! The SHA-256 digest of an object's bytes, in the form in which S3 stores and returns it.
//!
//! S3 returns this checksum with the head of an object, regardless of the bucket's encryption. An ETag is not
//! a digest of the bytes if the bucket is encrypted with a KMS key. Source:
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html>

use aws_smithy_types::base64;
use sha2::{Digest, Sha256};

use crate::function::store::PutKind;

/// The SHA-256 digest of an object's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentDigest([u8; 32]);

impl ContentDigest {
    /// Computes the digest of the bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Returns the checksum that S3 stores for an object that is written with this kind of request. For a
    /// single PUT, the checksum is the digest in base64. For a multipart upload, it is the digest of the
    /// parts' digests in base64, followed by `-` and the number of parts.
    #[must_use]
    pub fn stored_as(self, form: PutKind) -> String {
        match form {
            PutKind::Single => base64::encode(self.0),
            PutKind::Multipart => format!("{}-1", base64::encode(Sha256::digest(self.0))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_the_form_of_s3() {
        let digest = ContentDigest::of(b"");
        let of_nothing = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        assert_eq!(digest.stored_as(PutKind::Single), of_nothing);
        let of_one_part = "Xfbg4nYTWdMKgnUFjimfzAOBU0VF9Vz0PkGYP11MlFY=-1";
        assert_eq!(digest.stored_as(PutKind::Multipart), of_one_part);
    }
}
