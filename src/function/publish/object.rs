//! An object that is replaced only by newer content. Its head is fetched first, and a write takes effect only
//! if the object is still the one whose head was fetched. `publisher.rs` explains why this is enough.

use crate::function::error::Error;
use crate::function::publish::owner::Owner;
use crate::function::publish::provenance::Provenance;
use crate::function::store::{
    ContentDigest, Head, ObjectName, Precondition, Put, PutKind, PutResult, Store,
};
use crate::report::overview::SiteFacts;
use crate::time::Instant;

pub(crate) const OUTPUT_CONTENT_TYPE: &str = "text/plain; charset=utf-8";
/// The maximum number of blank lines that are added to make the bytes differ from the bytes of recorded
/// predecessors. With the two kinds of PUT, an object has 18 variants, which is more than the 16 predecessors
/// that can be recorded.
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

    /// Returns the provenance of the object, or `None` if the object does not exist.
    pub(crate) fn made_from(&self) -> Option<&Provenance> {
        self.made_from.as_ref()
    }

    /// Returns whether the object still has the bytes that were written with its provenance.
    pub(crate) fn has_its_bytes(&self) -> bool {
        self.records(|_| true)
    }

    /// Returns whether the object was made from this input and these settings, with any lists, and still has
    /// the bytes that were written with its provenance.
    pub(crate) fn is_made_from_input(&self, provenance: &Provenance) -> bool {
        self.records(|made_from| provenance.is_same_input(made_from))
    }

    /// Returns whether the object was made from this input, these settings and these lists, and still has the
    /// bytes that were written with its provenance.
    pub(crate) fn is_made_from(&self, provenance: &Provenance) -> bool {
        self.records(|made_from| provenance.is_same(made_from))
    }

    /// Returns whether the object's provenance meets `is_expected`, and the object still has the bytes that
    /// were written with this provenance.
    fn records(&self, is_expected: impl FnOnce(&Provenance) -> bool) -> bool {
        let both = self.head.as_ref().zip(self.made_from.as_ref());
        both.is_some_and(|(head, made_from)| {
            is_expected(made_from) && made_from.is_of(&head.checksum)
        })
    }

    /// Returns whether the object was made from this input, these settings and these lists, and no row has
    /// started or ended since the time for which the object was made.
    pub(crate) fn is_current(&self, provenance: &Provenance, now: Instant) -> bool {
        let made_from = self.made_from.as_ref();
        self.is_made_from(provenance) && made_from.is_some_and(|made_from| made_from.holds_at(now))
    }

    /// Returns the time for which the object was made, if it is recorded.
    pub(crate) fn as_of(&self) -> Option<Instant> {
        self.made_from.as_ref().and_then(Provenance::as_of)
    }

    /// Returns the time from which the object is no longer current, if there is one.
    pub(crate) fn holds_until(&self) -> Option<Instant> {
        self.made_from.as_ref().and_then(Provenance::holds_until)
    }

    /// Returns the figures that a report records for the overview. `None` if none are recorded.
    pub(crate) fn facts(&self) -> Option<SiteFacts> {
        self.made_from.as_ref().and_then(Provenance::facts)
    }

    /// Returns the owner of the object, relative to the upload with the key `source_key`. `None` if the
    /// object does not exist.
    pub(crate) fn owner(&self, source_key: &str) -> Option<Owner> {
        let made_from = self.made_from.as_ref();
        made_from.map(|made_from| made_from.owner(source_key))
    }

    /// Returns whether the object exists and was made with other settings.
    pub(crate) fn has_other_settings(&self, settings_digest: &str) -> bool {
        let made_from = self.made_from.as_ref();
        made_from.is_some_and(|made_from| !made_from.has_settings(settings_digest))
    }

    /// Returns whether the object may have been made from an input that is newer than `input`, which was
    /// read while the head was fetched.
    pub(crate) fn may_be_newer_than(&self, source_key: &str, input: &Head) -> bool {
        let made_from = self.made_from.as_ref();
        made_from.is_some_and(|made_from| {
            made_from.owner(source_key) != Owner::Own || !made_from.is_strictly_older_than(input)
        })
    }

    /// Returns whether the object is still the one whose head was fetched.
    pub(crate) async fn is_still_there<S: Store>(&self, store: &S) -> Result<bool, Error> {
        let now = store.head(&self.name).await?;
        let etag_now = now.as_ref().map(|head| &head.etag);
        Ok(etag_now == self.head.as_ref().map(|head| &head.etag))
    }

    /// Replaces the object if it is still the one whose head was fetched. If the new object would have the
    /// ETag of a recent predecessor, writes it with the other kind of PUT or with additional blank lines.
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
            let digest = ContentDigest::of(&bytes);
            for form in PutKind::ALL {
                let provenance = provenance.clone().with_content(digest, form);
                if provenance.reuses_recent_etag() {
                    continue;
                }
                let put = Put {
                    bytes: bytes.clone(),
                    digest,
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
