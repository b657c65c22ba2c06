//! An object that only moves forward: looked at, then replaced on the condition that it is still
//! the one that was looked at. `publish.rs` says why that is enough.

use crate::error::Error;
use crate::provenance::Provenance;
use crate::store::{Form, Head, ObjectName, Precondition, Put, PutResult, Store};

/// An output or a report, as it was when it was looked at.
pub(crate) struct Target {
    pub(crate) name: ObjectName,
    head: Option<Head>,
    remembered: Option<Provenance>,
}

impl Target {
    /// Looks at an object.
    pub(crate) async fn look<S: Store>(store: &S, name: ObjectName) -> Result<Self, Error> {
        let head = store.head(&name).await?;
        let remembered = head.as_ref().map(Provenance::of);
        Ok(Self {
            name,
            head,
            remembered,
        })
    }

    /// What it is; `None` if it is not there.
    pub(crate) fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// Whether it was made from this.
    pub(crate) fn is_made_from(&self, provenance: &Provenance) -> bool {
        let remembered = self.remembered.as_ref();
        remembered.is_some_and(|remembered| provenance.is_same(remembered))
    }

    /// Whether it was made from something of this key, or is not there.
    pub(crate) fn is_of_key(&self, source_key: &str) -> bool {
        let remembered = self.remembered.as_ref();
        remembered.is_none_or(|remembered| remembered.is_from(source_key))
    }

    /// Whether what was read along with the look may be older than what it was made from.
    pub(crate) fn is_in_doubt(&self, input: &Head) -> bool {
        let remembered = self.remembered.as_ref();
        remembered.is_some_and(|remembered| !remembered.is_strictly_older_than(input))
    }

    /// Replaces it, if it still is what was looked at.
    pub(crate) async fn replace<S: Store>(
        &self,
        store: &S,
        mut bytes: Vec<u8>,
        content_type: &'static str,
        provenance: Provenance,
    ) -> Result<PutResult, Error> {
        let (provenance, mut precondition) = match &self.head {
            None => (provenance, Precondition::Absent),
            Some(head) => (
                provenance.replacing(head, store.now()),
                Precondition::Matches(head.etag.clone()),
            ),
        };
        for form in Form::ALL {
            // The last resort against an entity tag that is in use: a blank line more.
            if form == Form::InOnePartAndLonger {
                bytes.push(b'\n');
            }
            let put = Put {
                bytes: bytes.clone(),
                content_type,
                metadata: provenance.metadata(),
                precondition,
                form,
            };
            match store.put(&self.name, put).await? {
                PutResult::Written { etag } if provenance.was_lately(&etag) => {
                    precondition = Precondition::Matches(etag);
                }
                result => return Ok(result),
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
