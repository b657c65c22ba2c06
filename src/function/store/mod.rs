//! Reads and writes objects in buckets: the few calls of the function and their results.
//!
//! [`Store`] is the interface. [`S3`] implements it, and the tests have a store in memory.

mod digest;
mod s3;

pub use self::digest::ContentDigest;
pub use self::s3::S3;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;

use crate::function::error::Error;

/// The name of an object.
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
    /// The ETag. It identifies the bytes and can only be compared.
    pub etag: String,
    /// The version id. Empty in a bucket that never had versioning, and `null` for an object from before
    /// versioning was enabled or from a time in which it was suspended
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/VersionSuspendedBehavior.html>).
    pub version_id: String,
    /// The time of the last change in seconds since 1970. S3 returns no finer time.
    pub last_modified: i64,
    /// The size in bytes, if S3 returns it.
    pub bytes: Option<u64>,
    /// The user's metadata: lower-case names without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
    /// The checksum that the store computed when the object was written.
    pub checksum: Checksum,
}

impl Head {
    /// Returns the ETag with `Last-Modified`, so that an object that was written again is another one even if
    /// it has the bytes of before.
    #[must_use]
    pub(crate) fn identity(&self) -> String {
        identity(&self.etag, self.last_modified)
    }

    /// Returns whether both are the same version of an object.
    #[must_use]
    pub(crate) fn is_same_version(&self, other: &Self) -> bool {
        (&self.version_id, &self.etag, self.last_modified)
            == (&other.version_id, &other.etag, other.last_modified)
    }
}

/// Returns [`Head::identity`] of an object whose head is not at hand.
pub(crate) fn identity(etag: &str, last_modified: i64) -> String {
    format!("{etag}@{last_modified}")
}

/// The checksum that is stored with an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Checksum {
    /// There is none: the store is an emulator without checksums, or did not return it.
    #[default]
    Unknown,
    /// A SHA-256 digest, in the form of [`ContentDigest::stored_as`].
    Sha256(String),
    /// Only one of another algorithm, which this program never asks for.
    Other,
}

/// The result of a GET.
pub enum Fetched<B> {
    /// The object. Its bytes are still to be read.
    Found(Head, B),
    /// The object does not exist.
    Missing,
    /// The object still has the ETag of the request. Its `Last-Modified` follows, in seconds since 1970, if
    /// the store states it: the same bytes may have been written again.
    NotModified(Option<i64>),
}

/// The body of an object that is being received.
pub trait Body {
    /// Returns the next piece, or `None` at the end.
    ///
    /// # Errors
    ///
    /// If the rest cannot be read, or differs from the stored bytes.
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

/// The way in which an object is written. The same bytes have another ETag in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutKind {
    /// One request.
    Single,
    /// A multipart upload of one part.
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
    /// Their digest, which the store checks and keeps.
    pub digest: ContentDigest,
    /// The `Content-Type`.
    pub content_type: &'static str,
    /// The user's metadata, in ASCII.
    pub metadata: BTreeMap<String, String>,
    /// The condition of the write.
    pub precondition: Precondition,
    /// The way in which it is written.
    pub form: PutKind,
}

/// The result of a PUT or a DELETE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PutResult {
    /// The object is written, or removed.
    Written,
    /// Nothing is written, because the precondition did not hold or another write was in progress.
    Conflict,
}

/// Reads and writes objects.
pub trait Store {
    /// The body of an object from this store.
    type Body: Body;

    /// Fetches the head of an object, or `None` if it does not exist.
    ///
    /// # Errors
    ///
    /// Errors that a retry or an operator can fix.
    fn head(&self, name: &ObjectName) -> impl Future<Output = Result<Option<Head>, Error>>;

    /// Reads an object unless it has the ETag `unless`.
    ///
    /// # Errors
    ///
    /// Errors that a retry or an operator can fix.
    fn get(
        &self,
        name: &ObjectName,
        unless: Option<&str>,
    ) -> impl Future<Output = Result<Fetched<Self::Body>, Error>>;

    /// Reads a version of an object, which may be an old one.
    ///
    /// # Errors
    ///
    /// Errors that a retry or an operator can fix.
    fn get_version(
        &self,
        name: &ObjectName,
        version_id: &str,
    ) -> impl Future<Output = Result<Fetched<Self::Body>, Error>>;

    /// Lists the keys of a bucket that start with a prefix.
    ///
    /// # Errors
    ///
    /// Errors that a retry or an operator can fix.
    fn list(&self, bucket: &str, prefix: &str) -> impl Future<Output = Result<Vec<String>, Error>>;

    /// Writes an object.
    ///
    /// # Errors
    ///
    /// Errors that a retry or an operator can fix. The object may or may not be written then.
    fn put(&self, name: &ObjectName, put: Put) -> impl Future<Output = Result<PutResult, Error>>;

    /// Removes an object if it has this ETag.
    ///
    /// # Errors
    ///
    /// Errors that a retry or an operator can fix. The object may or may not be removed then.
    fn delete(
        &self,
        name: &ObjectName,
        etag: &str,
    ) -> impl Future<Output = Result<PutResult, Error>>;

    /// Returns the time, in seconds since 1970.
    fn now(&self) -> i64;
}
