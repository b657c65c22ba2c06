//! Reads the compiled lists and the compiled common CSV that sites use. Earlier invocations of the function
//! wrote them to the report bucket.
//!
//! They are always read after the head of the output is fetched. An output is therefore replaced only by an
//! output whose lists are at least as new. `publisher.rs` explains why this is enough.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::function::digest::digest_of;
use crate::function::error::{Error, ErrorKind};
use crate::function::publish::destination::{
    common_name, compiled_common, list_name_of, published_lists,
};
use crate::function::publish::reading::Reading;
use crate::function::settings::FunctionSettings;
use crate::function::store::{Body, Fetched, Head, ObjectName, Store};
use crate::list::{
    CommonRules, CompiledList, FormatError, ListName, Listed, Shared, nearest_names,
};

/// The maximum number of lists that are read at the same time.
const MAX_CONCURRENT_READS: usize = 8;
/// The maximum number of unknown list names in an upload for which similar names are suggested.
const MAX_UNKNOWN_NAMES: usize = 8;

/// The text that is recorded instead of a version id if the bucket has no versioning. No version has this id.
const NO_VERSION: &str = "-";

/// The lists and the common CSV with which an upload is read.
#[derive(Default)]
pub(crate) struct SharedInputs {
    rules: Shared,
    /// The requested objects by key, including objects that do not exist.
    objects: BTreeMap<String, ReadObject>,
}

/// A requested object. Both texts are empty if the object does not exist.
#[derive(Default)]
struct ReadObject {
    /// The identity of the head, which is not a digest of the bytes. If a list returns to earlier members, it
    /// must have another identity, so that the sites that use it are written again. A slow writer that has
    /// read the intermediate members then cannot replace these outputs, because its condition is false.
    identity: String,
    version: String,
}

impl SharedInputs {
    /// Reads the common CSV and the lists that it uses, if `COMMON_CSV` is set. If the common CSV is not
    /// published yet, the upload is read without it.
    pub(crate) async fn read_common<S: Store>(
        &mut self,
        store: &S,
        settings: &FunctionSettings,
    ) -> Result<(), Error> {
        let Some(name) = common_name(settings) else {
            return Ok(());
        };
        let object = read(store.get(&name, None).await?).await?;
        let mut lists = BTreeSet::new();
        if let Some(Compiled { bytes, .. }) = &object {
            let common = parse(&name, bytes, CommonRules::from_bytes)?;
            lists.extend(common.lists().cloned());
            self.rules.set_common(Listed::InForce(Arc::new(common)));
        }
        self.note(name, object.as_ref().map(|object| &object.head));
        self.read_lists(store, settings, &lists).await?;
        Ok(())
    }

    /// Reads the lists in `names` that were not requested yet. Returns whether any list was requested. A list
    /// that does not exist is left out, so rows that use it are rejected.
    pub(crate) async fn read_lists<S: Store>(
        &mut self,
        store: &S,
        settings: &FunctionSettings,
        names: &BTreeSet<ListName>,
    ) -> Result<bool, Error> {
        let objects: Vec<ObjectName> = names
            .iter()
            .filter_map(|name| list_name_of(settings, name))
            .filter(|name| !self.objects.contains_key(&name.key))
            .collect();
        let read: Vec<(ObjectName, Option<Compiled>)> = stream::iter(objects)
            .map(|name| async move {
                let object = read(store.get(&name, None).await?).await?;
                Ok::<_, Error>((name, object))
            })
            .buffered(MAX_CONCURRENT_READS)
            .try_collect()
            .await?;
        let is_any = !read.is_empty();
        for (name, object) in read {
            if let Some(Compiled { bytes, .. }) = &object {
                let list = parse(&name, bytes, CompiledList::from_bytes)?;
                self.rules.add_list(Arc::new(list));
            }
            self.note(name, object.as_ref().map(|object| &object.head));
        }
        Ok(is_any)
    }

    /// Reads the lists whose names are most similar to the names of missing lists, so that messages can
    /// suggest them. Returns whether any such list was read.
    ///
    /// No row uses these lists, so the output does not depend on them, and the digest does not include them.
    /// If no list is missing, the method does not call the store.
    pub(crate) async fn read_suggestions<S: Store>(
        &mut self,
        store: &S,
        settings: &FunctionSettings,
        names: &BTreeSet<ListName>,
    ) -> Result<bool, Error> {
        let is_unknown = |name: &&ListName| self.rules.list(name).is_none();
        let unknown: Vec<&ListName> = names
            .iter()
            .filter(is_unknown)
            .take(MAX_UNKNOWN_NAMES)
            .collect();
        if unknown.is_empty() {
            return Ok(false);
        }
        let mut published = published_lists(store, settings).await?;
        // A list in `names` that was published just now is left out, because the digest already records that
        // the list does not exist.
        published.retain(|name| !names.contains(name));
        let nearest: BTreeSet<&ListName> = unknown
            .iter()
            .flat_map(|name| nearest_names(name.as_str(), &published))
            .collect();
        let mut is_any = false;
        for name in nearest
            .into_iter()
            .filter_map(|name| list_name_of(settings, name))
        {
            let compiled = read(store.get(&name, None).await?).await?;
            // A damaged list is not suggested. The sites that use it report the damage.
            let list = compiled.and_then(|Compiled { bytes, .. }| {
                parse(&name, &bytes, CompiledList::from_bytes).ok()
            });
            if let Some(list) = list {
                self.rules.add_list(Arc::new(list));
                is_any = true;
            }
        }
        Ok(is_any)
    }

    /// Returns the lists and the common CSV, which are needed to read the rows of an upload.
    pub(crate) fn rules(&self) -> &Shared {
        &self.rules
    }

    /// Returns a digest of the keys and identities of all requested objects. Empty if no object was
    /// requested.
    pub(crate) fn digest(&self) -> String {
        if self.objects.is_empty() {
            return String::new();
        }
        let texts: Vec<&str> = self
            .objects
            .iter()
            .flat_map(|(key, object)| [key.as_str(), object.identity.as_str()])
            .collect();
        digest_of(&texts)
    }

    /// Returns the keys and the version ids of the requested objects. The id of a missing object is empty.
    pub(crate) fn versions(&self) -> impl Iterator<Item = (&str, &str)> {
        let objects = self.objects.iter();
        objects.map(|(key, object)| (key.as_str(), object.version.as_str()))
    }

    fn note(&mut self, name: ObjectName, head: Option<&Head>) {
        let object = head.map(|head| ReadObject {
            identity: head.identity(),
            version: match head.version_id.as_str() {
                "" => NO_VERSION.to_owned(),
                version => version.to_owned(),
            },
        });
        self.objects.insert(name.key, object.unwrap_or_default());
    }
}

/// An object that contains a compiled list or the compiled common CSV.
struct Compiled {
    head: Head,
    bytes: Vec<u8>,
}

/// Reads the common CSV and the lists with these names, in the versions that an output records. Returns
/// `None` if the version of a list is not recorded, or if a recorded version no longer exists.
///
/// # Errors
///
/// If one of the objects cannot be read or parsed.
pub(crate) async fn read_recorded<S: Store>(
    store: &S,
    settings: &FunctionSettings,
    reading: &Reading,
    names: &BTreeSet<ListName>,
) -> Result<Option<Shared>, Error> {
    let mut shared = Shared::default();
    if let Some(name) = compiled_common(settings)
        && reading.version_of(&name.key).is_some()
    {
        let Recorded::Known(bytes) = read_version(store, &name, reading).await? else {
            return Ok(None);
        };
        if let Some(bytes) = bytes {
            let common = parse(&name, &bytes, CommonRules::from_bytes)?;
            shared.set_common(Listed::InForce(Arc::new(common)));
        }
    }
    for name in names {
        let Some(name) = list_name_of(settings, name) else {
            return Ok(None);
        };
        let Recorded::Known(bytes) = read_version(store, &name, reading).await? else {
            return Ok(None);
        };
        if let Some(bytes) = bytes {
            let list = parse(&name, &bytes, CompiledList::from_bytes)?;
            shared.add_list(Arc::new(list));
        }
    }
    Ok(Some(shared))
}

/// A compiled list or common CSV, in the version that an output records.
enum Recorded {
    /// The bytes, or `None` if the object did not exist when the output was made.
    Known(Option<Vec<u8>>),
    Unknown,
}

async fn read_version<S: Store>(
    store: &S,
    name: &ObjectName,
    reading: &Reading,
) -> Result<Recorded, Error> {
    let version = match reading.version_of(&name.key) {
        None => return Ok(Recorded::Unknown),
        Some("") => return Ok(Recorded::Known(None)),
        Some(version) => version,
    };
    Ok(match read(store.get_version(name, version).await?).await? {
        Some(compiled) => Recorded::Known(Some(compiled.bytes)),
        None => Recorded::Unknown,
    })
}

async fn read(fetched: Fetched<impl Body>) -> Result<Option<Compiled>, Error> {
    let Fetched::Found(head, mut body) = fetched else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await? {
        bytes.extend_from_slice(piece.as_ref());
    }
    Ok(Some(Compiled { head, bytes }))
}

/// Parses a compiled list or common CSV. Line feeds at the end are ignored, because the writer adds them only
/// to change the ETag.
fn parse<T>(
    name: &ObjectName,
    mut bytes: &[u8],
    from_bytes: impl Fn(&[u8]) -> Result<T, FormatError>,
) -> Result<T, Error> {
    loop {
        match (from_bytes(bytes), bytes.strip_suffix(b"\n")) {
            (Ok(compiled), _) => return Ok(compiled),
            (Err(_), Some(shorter)) => bytes = shorter,
            (Err(err), None) => {
                let operation = format!("read the compiled list {name}");
                return Err(Error::new(ErrorKind::BadList, operation).with_source(err));
            }
        }
    }
}
