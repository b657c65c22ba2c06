//! Objects in buckets: the few calls the function makes, and what their answers mean.
//!
//! [`Store`] is the seam: [`crate::function::store`] is S3 itself, tests have one in memory.

mod s3;
mod roots;

pub use self::roots::check_roots;
pub use self::s3::S3;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;

use crate::function::error::Error;

/// Where an object is.
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

/// What S3 says of an object beside its bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Opaque: it names these bytes, compare it and nothing else.
    pub etag: String,
    /// Empty in a bucket without versioning.
    pub version_id: String,
    /// In seconds since 1970, which is as fine as S3 tells.
    pub last_modified: i64,
    /// In bytes, where S3 tells.
    pub bytes: Option<u64>,
    /// The user's metadata: lower-case names without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
}

/// What came of a GET.
pub enum Fetched<B> {
    /// The object, its bytes still to be read.
    Found(Head, B),
    /// It is not there.
    Missing,
    /// It is still the one with the entity tag that was named.
    NotModified,
}

/// An object on its way from the store.
pub trait Body {
    /// The next piece; `None` at the end.
    ///
    /// # Errors
    ///
    /// Where the rest cannot be read, or is not what was stored.
    fn next(&mut self) -> impl Future<Output = Result<Option<impl AsRef<[u8]>>, Error>>;
}

/// What must hold for a PUT to take effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing.
    None,
    /// No such object is there.
    Absent,
    /// The object is the one with this entity tag.
    Matches(String),
}

/// How an object is written. The same bytes bear another entity tag in each form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutKind {
    /// By one request.
    Single,
    /// As a multipart upload of one part.
    Multipart,
}

impl PutKind {
    /// Both forms, in the order to try them.
    pub const ALL: [Self; 2] = [Self::Single, Self::Multipart];
}

/// An object to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its `Content-Type`.
    pub content_type: &'static str,
    /// The user's metadata, in ASCII.
    pub metadata: BTreeMap<String, String>,
    /// What must hold for it to be written.
    pub precondition: Precondition,
    /// How it is written.
    pub form: PutKind,
}

/// What came of a PUT or a DELETE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PutResult {
    /// The object is written, or gone.
    Written {
        /// The entity tag it has now; empty if it is gone.
        etag: String,
    },
    /// The precondition did not hold, or another write was under way: nothing is written.
    Conflict,
}

/// Reads and writes objects.
pub trait Store {
    /// How this store hands over an object.
    type Body: Body;

    /// Asks about an object; `None` if it is not there.
    ///
    /// # Errors
    ///
    /// What a retry or an operator could mend.
    fn head(&self, name: &ObjectName) -> impl Future<Output = Result<Option<Head>, Error>>;

    /// Reads an object, or learns that it is still the one with the entity tag `unless`.
    ///
    /// # Errors
    ///
    /// What a retry or an operator could mend.
    fn get(
        &self,
        name: &ObjectName,
        unless: Option<&str>,
    ) -> impl Future<Output = Result<Fetched<Self::Body>, Error>>;

    /// Writes an object.
    ///
    /// # Errors
    ///
    /// What a retry or an operator could mend; the object may or may not be written then.
    fn put(&self, name: &ObjectName, put: Put) -> impl Future<Output = Result<PutResult, Error>>;

    /// Removes an object if it is the one with this entity tag.
    ///
    /// # Errors
    ///
    /// What a retry or an operator could mend; the object may or may not be gone then.
    fn delete(
        &self,
        name: &ObjectName,
        etag: &str,
    ) -> impl Future<Output = Result<PutResult, Error>>;

    /// The time, in seconds since 1970.
    fn now(&self) -> i64;
}
