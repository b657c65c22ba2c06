//! Buckets in memory with conditional writes like those of S3, and with calls that can fail on demand.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt as _;

use htaccess_generator::function::store::{
    Body, Checksum, Fetched, Head, ObjectName, Precondition, Put, PutKind, PutResult, Store,
};
use htaccess_generator::function::{Error, ErrorKind};

#[derive(Clone)]
pub(crate) struct Object {
    pub(crate) head: Head,
    pub(crate) bytes: Vec<u8>,
    /// The content type of an object that the function wrote. Empty for an upload.
    pub(crate) content_type: &'static str,
}

#[derive(Default)]
pub(crate) struct MemoryStore {
    objects: RefCell<BTreeMap<ObjectName, Object>>,
    /// Every version that was ever written, by its id.
    versions: RefCell<BTreeMap<(ObjectName, String), Object>>,
    /// Every call, such as `PUT s3://bucket/key`.
    calls: RefCell<Vec<String>>,
    /// Calls that start with this text fail with this kind of error.
    failure: RefCell<Option<(String, ErrorKind)>>,
    /// The failure that starts when the next PUT conflicts with another write.
    failure_after_conflict: RefCell<Option<(String, ErrorKind)>>,
    /// The writes of others that happen just before the next PUT, DELETE or LIST takes
    /// effect. `None` is a delete.
    before_write: RefCell<Vec<(ObjectName, Option<Vec<u8>>)>>,
    /// An upload that happens after the next HEAD of a missing object.
    after_missing: RefCell<Option<(ObjectName, Vec<u8>)>>,
    clock: Cell<i64>,
    writes: Cell<u64>,
    /// The size of the pieces of a body. `None` means a single piece.
    pub(crate) piece_bytes: Cell<Option<usize>>,
    /// The number of the piece whose read takes an hour.
    pub(crate) late_piece: Cell<Option<usize>>,
    /// The number of times that a piece of a body was requested.
    pub(crate) pieces_read: Rc<Cell<usize>>,
    gets_under_way: Cell<usize>,
    /// The maximum number of GETs that were in progress at the same time.
    pub(crate) gets_at_once: Cell<usize>,
    puts_under_way: Cell<usize>,
    /// The maximum number of PUTs that were in progress at the same time.
    pub(crate) puts_at_once: Cell<usize>,
    /// True if objects have no version ids.
    has_no_versions: Cell<bool>,
}

pub(crate) fn name(bucket: &str, key: &str) -> ObjectName {
    ObjectName {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
    }
}

impl MemoryStore {
    pub(crate) fn upload(&self, bucket: &str, key: &str, bytes: &[u8]) {
        self.write(
            &name(bucket, key),
            bytes.to_vec(),
            BTreeMap::new(),
            PutKind::Single,
        );
    }

    pub(crate) fn upload_before_next_write(&self, bucket: &str, key: &str, bytes: &[u8]) {
        self.before_write
            .borrow_mut()
            .push((name(bucket, key), Some(bytes.to_vec())));
    }

    pub(crate) fn delete_before_next_write(&self, bucket: &str, key: &str) {
        self.before_write
            .borrow_mut()
            .push((name(bucket, key), None));
    }

    pub(crate) fn upload_after_next_missing(&self, bucket: &str, key: &str, bytes: &[u8]) {
        *self.after_missing.borrow_mut() = Some((name(bucket, key), bytes.to_vec()));
    }

    pub(crate) fn delete_object(&self, bucket: &str, key: &str) {
        self.objects.borrow_mut().remove(&name(bucket, key));
    }

    pub(crate) fn object(&self, bucket: &str, key: &str) -> Option<Object> {
        self.objects.borrow().get(&name(bucket, key)).cloned()
    }

    /// Forgets all versions of an object, as if a lifecycle rule had expired them.
    pub(crate) fn forget_versions(&self, bucket: &str, key: &str) {
        let name = name(bucket, key);
        let mut versions = self.versions.borrow_mut();
        versions.retain(|(of, _), _| *of != name);
    }

    /// Returns the keys in a bucket that start with a prefix, in order.
    pub(crate) fn keys(&self, bucket: &str, prefix: &str) -> Vec<String> {
        let objects = self.objects.borrow();
        let names = objects.keys().filter(|name| name.bucket == bucket);
        let keys = names.map(|name| name.key.clone());
        keys.filter(|key| key.starts_with(prefix)).collect()
    }

    /// Stores later objects without a version id, like a bucket that never had versioning.
    pub(crate) fn without_versions(&self) {
        self.has_no_versions.set(true);
    }

    /// Sets the version id of an object.
    pub(crate) fn set_version(&self, bucket: &str, key: &str, version: &str) {
        let mut objects = self.objects.borrow_mut();
        let object = objects.get_mut(&name(bucket, key)).unwrap();
        version.clone_into(&mut object.head.version_id);
    }

    /// Replaces the bytes of an object but keeps its metadata, as a person with an S3 client could.
    pub(crate) fn edit(&self, bucket: &str, key: &str, bytes: &[u8], checksum: Checksum) {
        let metadata = self.object(bucket, key).unwrap().head.metadata;
        let name = name(bucket, key);
        self.write(&name, bytes.to_vec(), metadata, PutKind::Single);
        let mut objects = self.objects.borrow_mut();
        objects.get_mut(&name).unwrap().head.checksum = checksum;
    }

    /// Changes one metadata entry of an object, as if another program had written the object.
    pub(crate) fn set_metadata(&self, bucket: &str, key: &str, entry: &str, value: &str) {
        let mut objects = self.objects.borrow_mut();
        let object = objects.get_mut(&name(bucket, key)).unwrap();
        let metadata = &mut object.head.metadata;
        metadata.insert(entry.to_owned(), value.to_owned());
    }

    pub(crate) fn text(&self, bucket: &str, key: &str) -> Option<String> {
        self.object(bucket, key)
            .map(|object| String::from_utf8(object.bytes).unwrap())
    }

    /// Returns the last line of an output.
    pub(crate) fn last_line(&self, output: &str) -> String {
        let text = self.text("sites", output).unwrap();
        text.lines().last().unwrap().to_owned()
    }

    /// Advances the clock, which does not move on its own, by one second.
    pub(crate) fn tick(&self) {
        self.wait(1);
    }

    /// Advances the clock by a number of seconds, or sets it back if the number is negative.
    pub(crate) fn wait(&self, seconds: i64) {
        self.clock.set(self.clock.get() + seconds);
    }

    pub(crate) fn fail(&self, call_prefix: &str, kind: ErrorKind) {
        *self.failure.borrow_mut() = Some((call_prefix.to_owned(), kind));
    }

    pub(crate) fn fail_after_conflict(&self, call_prefix: &str, kind: ErrorKind) {
        *self.failure_after_conflict.borrow_mut() = Some((call_prefix.to_owned(), kind));
    }

    pub(crate) fn mend(&self) {
        *self.failure.borrow_mut() = None;
    }

    pub(crate) fn take_calls(&self) -> Vec<String> {
        self.calls.take()
    }

    fn let_others_write(&self) {
        for (name, bytes) in self.before_write.take() {
            match bytes {
                Some(bytes) => {
                    self.write(&name, bytes, BTreeMap::new(), PutKind::Single);
                }
                None => {
                    self.objects.borrow_mut().remove(&name);
                }
            }
        }
    }

    fn call(&self, method: &str, name: &ObjectName) -> Result<(), Error> {
        let call = format!("{method} {name}");
        self.calls.borrow_mut().push(call.clone());
        match &*self.failure.borrow() {
            Some((prefix, ErrorKind::Panic)) if call.starts_with(prefix) => panic!("in {call}"),
            Some((prefix, kind)) if call.starts_with(prefix) => Err(Error::new(*kind, call)),
            _ => Ok(()),
        }
    }

    fn write(
        &self,
        name: &ObjectName,
        bytes: Vec<u8>,
        metadata: BTreeMap<String, String>,
        form: PutKind,
    ) {
        self.writes.set(self.writes.get() + 1);
        let head = Head {
            etag: etag_of(&bytes, form),
            version_id: if self.has_no_versions.get() {
                String::new()
            } else {
                format!("v{}", self.writes.get())
            },
            last_modified: self.clock.get(),
            bytes: Some(bytes.len() as u64),
            metadata,
            checksum: Checksum::Other,
        };
        let object = Object {
            head,
            bytes,
            content_type: "",
        };
        let version = (name.clone(), object.head.version_id.clone());
        self.versions.borrow_mut().insert(version, object.clone());
        self.objects.borrow_mut().insert(name.clone(), object);
    }
}

impl Store for &MemoryStore {
    type Body = MemoryBody;

    async fn head(&self, name: &ObjectName) -> Result<Option<Head>, Error> {
        self.call("HEAD", name)?;
        let object = self.objects.borrow().get(name).cloned();
        let upload = self
            .after_missing
            .borrow_mut()
            .take_if(|_| object.is_none());
        if let Some((name, bytes)) = upload {
            self.write(&name, bytes, BTreeMap::new(), PutKind::Single);
        }
        Ok(object.map(|object| object.head))
    }

    async fn get(
        &self,
        name: &ObjectName,
        unless: Option<&str>,
    ) -> Result<Fetched<MemoryBody>, Error> {
        self.call("GET", name)?;
        self.gets_under_way.update(|gets| gets + 1);
        self.gets_at_once
            .update(|most| most.max(self.gets_under_way.get()));
        tokio::task::yield_now().await;
        self.gets_under_way.update(|gets| gets - 1);
        Ok(match self.objects.borrow().get(name) {
            None => Fetched::Missing,
            Some(object) if unless == Some(&object.head.etag) => {
                self.calls.borrow_mut().push(format!("304 {name}"));
                Fetched::NotModified(Some(object.head.last_modified))
            }
            Some(object) => {
                let body = MemoryBody {
                    pieces: pieces(&object.bytes, self.piece_bytes.get()),
                    late_piece: self.late_piece.get(),
                    read: self.pieces_read.clone(),
                };
                Fetched::Found(object.head.clone(), body)
            }
        })
    }

    async fn get_version(
        &self,
        name: &ObjectName,
        version_id: &str,
    ) -> Result<Fetched<MemoryBody>, Error> {
        self.call(&format!("GET {version_id} of"), name)?;
        tokio::task::yield_now().await;
        let version = (name.clone(), version_id.to_owned());
        Ok(match self.versions.borrow().get(&version) {
            None => Fetched::Missing,
            Some(object) => {
                let body = MemoryBody {
                    pieces: pieces(&object.bytes, self.piece_bytes.get()),
                    late_piece: None,
                    read: Rc::default(),
                };
                Fetched::Found(object.head.clone(), body)
            }
        })
    }

    async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, Error> {
        self.call("LIST", &name(bucket, prefix))?;
        self.let_others_write();
        Ok(self.keys(bucket, prefix))
    }

    async fn put(&self, name: &ObjectName, put: Put) -> Result<PutResult, Error> {
        self.call("PUT", name)?;
        self.puts_under_way.update(|puts| puts + 1);
        self.puts_at_once
            .update(|most| most.max(self.puts_under_way.get()));
        // The code also yields before it generates the report and while it reads the published version,
        // so a shorter pause would end before these calls.
        for _ in 0..12 {
            tokio::task::yield_now().await;
        }
        self.puts_under_way.update(|puts| puts - 1);
        self.let_others_write();
        let etag = self
            .objects
            .borrow()
            .get(name)
            .map(|object| object.head.etag.clone());
        let holds = match &put.precondition {
            Precondition::Absent => etag.is_none(),
            Precondition::Matches(expected) => etag.as_ref() == Some(expected),
        };
        if !holds {
            if let Some(failure) = self.failure_after_conflict.take() {
                *self.failure.borrow_mut() = Some(failure);
            }
            return Ok(PutResult::Conflict);
        }
        let checksum = put.digest.stored_as(put.form);
        self.write(name, put.bytes, put.metadata, put.form);
        if let Some(object) = self.objects.borrow_mut().get_mut(name) {
            object.content_type = put.content_type;
            object.head.checksum = Checksum::Sha256(checksum);
        }
        Ok(PutResult::Written)
    }

    async fn delete(&self, name: &ObjectName, etag: &str) -> Result<PutResult, Error> {
        self.call("DELETE", name)?;
        self.let_others_write();
        let mut objects = self.objects.borrow_mut();
        if objects
            .get(name)
            .is_none_or(|object| object.head.etag != etag)
        {
            return Ok(PutResult::Conflict);
        }
        objects.remove(name);
        Ok(PutResult::Written)
    }

    fn now(&self) -> i64 {
        self.clock.get()
    }
}

pub(crate) struct MemoryBody {
    pieces: VecDeque<Vec<u8>>,
    late_piece: Option<usize>,
    read: Rc<Cell<usize>>,
}

fn pieces(bytes: &[u8], piece_bytes: Option<usize>) -> VecDeque<Vec<u8>> {
    let piece_bytes = piece_bytes.unwrap_or(bytes.len()).max(1);
    bytes.chunks(piece_bytes).map(<[u8]>::to_vec).collect()
}

impl Body for MemoryBody {
    async fn next(&mut self) -> Result<Option<impl AsRef<[u8]>>, Error> {
        self.read.update(|pieces| pieces + 1);
        if Some(self.read.get()) == self.late_piece {
            // The first poll moves the clock. Further polls would run timers, which a busy thread cannot do.
            let _ = tokio::time::advance(Duration::from_hours(1)).now_or_never();
        }
        Ok(self.pieces.pop_front())
    }
}

/// Returns the ETag. As in S3, it identifies the bytes and the form, not the write.
fn etag_of(bytes: &[u8], form: PutKind) -> String {
    let mut hasher = std::hash::DefaultHasher::new();
    std::hash::Hash::hash(bytes, &mut hasher);
    let digest = std::hash::Hasher::finish(&hasher);
    match form {
        PutKind::Single => format!("\"{digest:016x}\""),
        PutKind::Multipart => format!("\"{digest:016x}-1\""),
    }
}
