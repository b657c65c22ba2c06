//! The behaviour of S3. An entity tag identifies the bytes and the form in which they were written, but
//! not the write. `Last-Modified` has a resolution of one second. Every read sees every earlier write.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use htaccess_generator::function::ErrorKind;
use htaccess_generator::function::schedule::Schedule;
use htaccess_generator::function::store::{Checksum, Head, ObjectName, Precondition, Put, PutKind};

use super::alarms::START;

use super::scenario::KEYS;

/// An entity tag for which a condition is always true, even if there is no object. Only the broken
/// protocols in these tests write without a condition.
pub(crate) const ANYTHING: &str = "anything";

/// An object. For equal objects, S3 gives equal answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Object {
    pub(crate) etag: String,
    pub(crate) version_id: String,
    pub(crate) last_modified: i64,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) bytes: Vec<u8>,
    /// The index of the step whose upload the output was generated from. Only the checks use it.
    pub(crate) rank: Option<usize>,
    /// The time that the output was generated for. Only the checks use it.
    pub(crate) as_of: Option<i64>,
}

impl Object {
    pub(crate) fn head(&self) -> Head {
        Head {
            etag: self.etag.clone(),
            version_id: self.version_id.clone(),
            last_modified: self.last_modified,
            bytes: Some(self.bytes.len() as u64),
            metadata: self.metadata.clone(),
            checksum: Checksum::Unknown,
        }
    }
}

/// The ways in which a store can be broken on purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Bend {
    /// Not broken.
    #[default]
    Sound,
    /// Ignores `If-Match` and `If-None-Match`.
    IgnoresPreconditions,
    /// Gives the same entity tag to every form, even with an additional blank line.
    SameTagInEveryForm,
    /// Drops the metadata about the replaced entity tags.
    ForgetsReplacedTags,
    /// Drops the metadata about the permanent delete of a version.
    ForgetsReverted,
    /// Drops the metadata with the key of the input.
    ForgetsOwner,
    /// Drops the metadata with the time that the output was generated for.
    ForgetsInstant,
    /// Keeps only the last alarm for each input.
    OneAlarmForEachKey,
    /// Loses the events that a new compiled list causes.
    NoFanOut,
    /// Answers a HEAD of an input like the GET before it.
    HeadRepeatsGet,
    /// Answers the second read of an object in an invocation like the first read.
    RepeatsFirstRead,
}

impl Bend {
    pub(crate) fn etag_of(self, bytes: &[u8], form: PutKind) -> String {
        let bytes = match self {
            Self::SameTagInEveryForm => bytes.trim_ascii_end(),
            _ => bytes,
        };
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let digest = hasher.finish();
        match form {
            PutKind::Multipart if self != Self::SameTagInEveryForm => {
                format!("\"{digest:016x}-1\"")
            }
            _ => format!("\"{digest:016x}\""),
        }
    }

    pub(crate) fn holds(self, precondition: &Precondition, current: Option<&Object>) -> bool {
        match precondition {
            _ if self == Self::IgnoresPreconditions => true,
            Precondition::Matches(etag) if etag == ANYTHING => true,
            Precondition::Absent => current.is_none(),
            Precondition::Matches(etag) => current.is_some_and(|current| current.etag == *etag),
        }
    }

    pub(crate) fn kept(self, mut metadata: BTreeMap<String, String>) -> BTreeMap<String, String> {
        match self {
            Self::ForgetsReplacedTags => metadata.remove("replaced"),
            Self::ForgetsReverted => metadata.remove("reverted"),
            Self::ForgetsOwner => metadata.remove("source-key"),
            Self::ForgetsInstant => metadata.remove("as-of"),
            _ => None,
        };
        metadata
    }
}

/// A request to S3 or to EventBridge Scheduler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Head(ObjectName),
    Get(ObjectName, Option<String>),
    Put(ObjectName, Put),
    Delete(ObjectName, String),
    /// Creates a schedule in EventBridge Scheduler.
    Schedule(Schedule),
}

impl Call {
    pub(crate) fn name(&self) -> &ObjectName {
        match self {
            Self::Head(name) | Self::Get(name, _) | Self::Put(name, _) | Self::Delete(name, _) => {
                name
            }
            Self::Schedule(schedule) => &schedule.object,
        }
    }

    /// Returns whether the call can conflict with another write.
    pub(crate) fn is_write(&self) -> bool {
        matches!(self, Self::Put(..) | Self::Delete(..))
    }

    pub(crate) fn has_effect(&self) -> bool {
        self.is_write() || matches!(self, Self::Schedule(_))
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        match self {
            Self::Head(_) => write!(f, "HEAD {name}"),
            Self::Get(..) => write!(f, "GET {name}"),
            Self::Put(_, put) => {
                write!(f, "PUT {name}")?;
                match &put.precondition {
                    Precondition::Matches(etag) if etag == ANYTHING => Ok(()),
                    Precondition::Absent => write!(f, " if absent"),
                    Precondition::Matches(etag) => write!(f, " if {}", short(etag)),
                }?;
                match put.form {
                    PutKind::Single => Ok(()),
                    PutKind::Multipart => write!(f, ", in one part"),
                }
            }
            Self::Delete(_, etag) => write!(f, "DELETE {name} if {}", short(etag)),
            Self::Schedule(schedule) => {
                let seconds = schedule.at.seconds() - START;
                write!(f, "set the alarm of {name} at {seconds} s")
            }
        }
    }
}

/// Returns the start of an entity tag, which is enough to distinguish it from others.
pub(crate) fn short(etag: &str) -> String {
    let etag = etag.trim_matches('"');
    let (digest, form) = etag.split_once('-').unwrap_or((etag, ""));
    let sign = if form.is_empty() { "" } else { "-" };
    format!("{}{sign}{form}", &digest[..4])
}

/// The result of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Answer {
    Found(ObjectId),
    /// The object exists, but its bytes cannot be read.
    Damaged(ObjectId),
    NotModified(ObjectId),
    Missing,
    Written(ObjectId),
    Removed,
    /// The alarm exists now.
    Scheduled,
    Conflict,
    Failed(Failure),
}

/// A kind of error, ordered by its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Failure(pub(crate) ErrorKind);

impl Ord for Failure {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.code().cmp(other.0.code())
    }
}

impl PartialOrd for Failure {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// The index of an object in [`Objects`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ObjectId(usize);

/// All objects that have ever existed, each stored once.
#[derive(Default)]
pub(crate) struct Objects {
    all: Vec<Rc<Object>>,
    ids: HashMap<Rc<Object>, ObjectId>,
}

impl Objects {
    pub(crate) fn id(&mut self, object: Object) -> ObjectId {
        if let Some(id) = self.ids.get(&object) {
            return *id;
        }
        let id = ObjectId(self.all.len());
        let object = Rc::new(object);
        self.all.push(Rc::clone(&object));
        self.ids.insert(object, id);
        id
    }

    pub(crate) fn get(&self, id: ObjectId) -> &Rc<Object> {
        &self.all[id.0]
    }
}

/// The objects that currently exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Buckets {
    pub(crate) inputs: [Option<ObjectId>; KEYS.len()],
    pub(crate) output: Option<ObjectId>,
    pub(crate) reports: [Option<ObjectId>; KEYS.len()],
    pub(crate) template: Option<ObjectId>,
    /// The compiled list.
    pub(crate) compiled: Option<ObjectId>,
    /// The approval of a change to the first CSV.
    pub(crate) approval: Option<ObjectId>,
}

impl Buckets {
    pub(crate) fn at(&mut self, name: &ObjectName) -> &mut Option<ObjectId> {
        match (name.bucket.as_str(), name.key.as_str()) {
            ("uploads", "approvals/acme.csv") => &mut self.approval,
            ("uploads", key) => {
                let index = KEYS.iter().position(|known| *known == key);
                &mut self.inputs[index.unwrap()]
            }
            ("sites", "acme/.htaccess") => &mut self.output,
            ("reports", "compiled/lists/office.list") => &mut self.compiled,
            ("reports", key) => {
                let key = key.strip_suffix(".html");
                let index = KEYS.iter().position(|known| Some(*known) == key);
                &mut self.reports[index.unwrap()]
            }
            ("templates", "own") => &mut self.template,
            _ => panic!("nobody knows of {name}"),
        }
    }
}
