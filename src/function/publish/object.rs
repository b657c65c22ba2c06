//! An object that only moves forward: looked at, then replaced on the condition that it is still
//! the one that was looked at. `publish.rs` says why that is enough.

use crate::function::error::Error;
use crate::function::publish::provenance::Provenance;
use crate::function::store::{Head, ObjectName, Precondition, Put, PutKind, PutResult, Store};

pub(crate) const OUTPUT_CONTENT_TYPE: &str = "text/plain; charset=utf-8";
/// More than are needed for every replaced object that is remembered.
const MAX_BLANK_LINES: usize = 8;

/// An output or a report, as it was when it was looked at.
pub(crate) struct PublishedObject {
    pub(crate) name: ObjectName,
    head: Option<Head>,
    made_from: Option<Provenance>,
}

impl PublishedObject {
    /// Looks at an object.
    pub(crate) async fn fetch<S: Store>(store: &S, name: ObjectName) -> Result<Self, Error> {
        let head = store.head(&name).await?;
        let made_from = head.as_ref().map(Provenance::from_metadata);
        Ok(Self {
            name,
            head,
            made_from,
        })
    }

    /// What it is; `None` if it is not there.
    pub(crate) fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// Whether it was made from this.
    pub(crate) fn is_made_from(&self, provenance: &Provenance) -> bool {
        let made_from = self.made_from.as_ref();
        made_from.is_some_and(|made_from| provenance.is_same(made_from))
    }

    /// Whether it was made from something of this key, or is not there.
    pub(crate) fn belongs_to(&self, source_key: &str) -> bool {
        let made_from = self.made_from.as_ref();
        made_from.is_none_or(|made_from| made_from.is_from(source_key))
    }

    /// Whether what was read along with the look may be older than what it was made from.
    pub(crate) fn may_be_newer_than(&self, source_key: &str, input: &Head) -> bool {
        let made_from = self.made_from.as_ref();
        made_from.is_some_and(|made_from| {
            !(made_from.is_from(source_key) && made_from.is_strictly_older_than(input))
        })
    }

    /// Replaces it, if it still is what was looked at.
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

    /// Removes it, if it still is what was looked at.
    pub(crate) async fn remove<S: Store>(&self, store: &S) -> Result<PutResult, Error> {
        match &self.head {
            Some(head) => store.delete(&self.name, &head.etag).await,
            None => Ok(PutResult::Conflict),
        }
    }
}
