//! Reads and writes objects in S3 buckets. Covers only the calls that the function makes, and their results.
//!
//! [`Store`] is the interface. [`S3`] implements it, and the tests implement it in memory.

mod digest;
mod s3;

pub use self::digest::ContentDigest;
pub use self::s3::S3;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;

use crate::function::error::Error;

/// The name of an object: its bucket and its key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectName {
    /// The bucket.
    pub bucket: String,
    /// The key, decoded.
    pub key: String,
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, crate::text::escape(&self.key))
    }
}

/// The properties of an object, without its bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The ETag, which identifies the bytes. An ETag can only be compared with other ETags.
    pub etag: String,
    /// The version id. Empty in a bucket that never had versioning, and `null` for an object that was written
    /// before versioning was enabled or while it was suspended
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/VersionSuspendedBehavior.html>).
    pub version_id: String,
    /// The time of the last change, in seconds since 1970. S3 does not return fractions of a second.
    pub last_modified: i64,
    /// The size in bytes, if S3 returns it.
    pub bytes: Option<u64>,
    /// The user-defined metadata. The names are in lower case and without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
    /// The checksum that the store computed when the object was written.
    pub checksum: Checksum,
}

impl Head {
    /// Returns the ETag and `Last-Modified` as one text, which distinguishes an object from an earlier object
    /// with the same bytes.
    #[must_use]
    pub(crate) fn identity(&self) -> String {
        identity(&self.etag, self.last_modified)
    }

    /// Returns whether both heads belong to the same version of an object.
    #[must_use]
    pub(crate) fn is_same_version(&self, other: &Self) -> bool {
        (&self.version_id, &self.etag, self.last_modified)
            == (&other.version_id, &other.etag, other.last_modified)
    }
}

/// Returns the same text as [`Head::identity`] for an ETag and a `Last-Modified`.
pub(crate) fn identity(etag: &str, last_modified: i64) -> String {
    format!("{etag}@{last_modified}")
}

/// The checksum that is stored with an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Checksum {
    /// No checksum was returned, for example by an emulator without checksums.
    #[default]
    Unknown,
    /// A SHA-256 digest, in the form of [`ContentDigest::stored_as`].
    Sha256(String),
    /// Only a checksum of another algorithm, which this program never requests. The object was therefore
    /// written by another program.
    Other,
}

/// The result of a GET.
pub enum Fetched<B> {
    /// The object's head, and its body, which is not read yet.
    Found(Head, B),
    /// The object does not exist.
    Missing,
    /// The object still has the ETag in the request. The field is the object's `Last-Modified` in seconds
    /// since 1970, if the store returns it. The time may be new, because the same bytes may have been written
    /// again.
    NotModified(Option<i64>),
}

/// The body of an object that is being received.
pub trait Body {
    /// Returns the next piece, or `None` at the end.
    ///
    /// # Errors
    ///
    /// If the rest of the body cannot be read, or does not match the stored length or checksum.
    fn next(&mut self) -> impl Future<Output = Result<Option<impl AsRef<[u8]>>, Error>>;
}

/// The condition under which a PUT takes effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// The object does not exist.
    Absent,
    /// The object has this ETag.
    Matches(String),
}

/// The kind of request that writes an object. The same bytes have a different ETag with each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutKind {
    /// A single PUT request.
    Single,
    /// A multipart upload with one part.
    Multipart,
}

impl PutKind {
    /// Both kinds, in the order in which to try them.
    pub const ALL: [Self; 2] = [Self::Single, Self::Multipart];
}

/// An object to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The digest of the bytes, which the store verifies and stores with the object.
    pub digest: ContentDigest,
    /// The `Content-Type`.
    pub content_type: &'static str,
    /// The user-defined metadata, in ASCII.
    pub metadata: BTreeMap<String, String>,
    /// The condition of the write.
    pub precondition: Precondition,
    /// The kind of request that writes the object.
    pub form: PutKind,
}

/// The result of a PUT or a DELETE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PutResult {
    /// The object was written or removed.
    Written,
    /// Nothing was changed, because the precondition was false or another write was in progress.
    Conflict,
}

/// Reads and writes objects.
pub trait Store {
    /// The body of an object from this store.
    type Body: Body;

    /// Fetches the head of an object. Returns `None` if the object does not exist.
    ///
    /// # Errors
    ///
    /// An error that a retry or an operator can fix.
    fn head(&self, name: &ObjectName) -> impl Future<Output = Result<Option<Head>, Error>>;

    /// Starts to read an object. Returns [`Fetched::NotModified`] if the object still has the ETag `unless`.
    ///
    /// # Errors
    ///
    /// An error that a retry or an operator can fix.
    fn get(
        &self,
        name: &ObjectName,
        unless: Option<&str>,
    ) -> impl Future<Output = Result<Fetched<Self::Body>, Error>>;

    /// Starts to read a version of an object, which may be an old version.
    ///
    /// # Errors
    ///
    /// An error that a retry or an operator can fix.
    fn get_version(
        &self,
        name: &ObjectName,
        version_id: &str,
    ) -> impl Future<Output = Result<Fetched<Self::Body>, Error>>;

    /// Lists the keys in a bucket that start with `prefix`.
    ///
    /// # Errors
    ///
    /// An error that a retry or an operator can fix.
    fn list(&self, bucket: &str, prefix: &str) -> impl Future<Output = Result<Vec<String>, Error>>;

    /// Writes an object.
    ///
    /// # Errors
    ///
    /// An error that a retry or an operator can fix. The object may be written despite the error.
    fn put(&self, name: &ObjectName, put: Put) -> impl Future<Output = Result<PutResult, Error>>;

    /// Removes an object if it still has this ETag.
    ///
    /// # Errors
    ///
    /// An error that a retry or an operator can fix. The object may be removed despite the error.
    fn delete(
        &self,
        name: &ObjectName,
        etag: &str,
    ) -> impl Future<Output = Result<PutResult, Error>>;

    /// Returns the current time, in seconds since 1970.
    fn now(&self) -> i64;
}
