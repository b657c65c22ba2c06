//! An object that is only replaced by newer content: its head is fetched, and a write has the
//! condition that the object is still the one whose head was fetched. `publisher.rs` explains why this
//! is enough.

use crate::function::error::Error;
use crate::function::publish::provenance::Provenance;
use crate::function::store::{Head, ObjectName, Precondition, Put, PutKind, PutResult, Store};

pub(crate) const OUTPUT_CONTENT_TYPE: &str = "text/plain; charset=utf-8";
/// The maximum number of blank lines that are added to make bytes differ from those of recorded
/// predecessors. It is more than all of them need.
const MAX_BLANK_LINES: usize = 8;

/// An output or a report, as it was when its head was fetched.
pub(crate) struct PublishedObject {
    pub(crate) name: ObjectName,
    head: Option<Head>,
    made_from: Option<Provenance>,
}

impl PublishedObject {
    /// Fetches the head of an object.
    pub(crate) async fn fetch<S: Store>(store: &S, name: ObjectName) -> Result<Self, Error> {
        let head = store.head(&name).await?;
        let made_from = head.as_ref().map(Provenance::from_metadata);
        Ok(Self {
            name,
            head,
            made_from,
        })
    }

    /// Returns the head, or `None` if the object does not exist.
    pub(crate) fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// Returns whether the object was made from this input and these settings.
    pub(crate) fn is_made_from(&self, provenance: &Provenance) -> bool {
        let made_from = self.made_from.as_ref();
        made_from.is_some_and(|made_from| provenance.is_same(made_from))
    }

    /// Returns whether the object was made from an input with this key, or does not exist.
    pub(crate) fn belongs_to(&self, source_key: &str) -> bool {
        let made_from = self.made_from.as_ref();
        made_from.is_none_or(|made_from| made_from.is_from(source_key))
    }

    /// Returns whether the object may have been made from an input that is newer than `input`, which was
    /// read while the head was fetched.
    pub(crate) fn may_be_newer_than(&self, source_key: &str, input: &Head) -> bool {
        let made_from = self.made_from.as_ref();
        made_from.is_some_and(|made_from| {
            !(made_from.is_from(source_key) && made_from.is_strictly_older_than(input))
        })
    }

    /// Replaces the object if it is still the one whose head was fetched.
    pub(crate) async fn replace<S: Store>(
        &self,
        store: &S,
        mut bytes: Vec<u8>,
        content_type: &'static str,
        provenance: Provenance,
    ) -> Result<PutResult, Error> {
        let (provenance, precondition) = match &self.head {
            None => (provenance, Precondition::Absent),
            Some(head) => (
                provenance.with_history_of(head, store.now()),
                Precondition::Matches(head.etag.clone()),
            ),
        };
        for blank_lines in 0..=MAX_BLANK_LINES {
            if blank_lines > 0 {
                bytes.push(b'\n');
            }
            for form in PutKind::ALL {
                let provenance = provenance.clone().with_content(&bytes, form);
                if provenance.reuses_recent_etag() {
                    continue;
                }
                let put = Put {
                    bytes: bytes.clone(),
                    content_type,
                    metadata: provenance.metadata(),
                    precondition,
                    form,
                };
                return store.put(&self.name, put).await;
            }
        }
        Ok(PutResult::Conflict)
    }

    /// Removes the object if it is still the one whose head was fetched.
    pub(crate) async fn remove<S: Store>(&self, store: &S) -> Result<PutResult, Error> {
        match &self.head {
            Some(head) => store.delete(&self.name, &head.etag).await,
            None => Ok(PutResult::Conflict),
        }
    }
}
