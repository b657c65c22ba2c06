//! The section of the page about one publication: what it changes, who uploaded the file, and how to undo
//! or approve the change.

use serde::Serialize;

use crate::answer::Status;
use crate::report::sentence::shown;
use crate::review::Change;
use crate::text::{grouped, thousands, thousands_if_any};
use crate::time::{Instant, TimeZone};

/// A publication, or a change that is held or previewed.
#[derive(Clone, Debug)]
pub struct Publication {
    /// The effect of the change on who gets in.
    pub effect: Effect,
    /// The upload that caused the change.
    pub upload: UploadFacts,
    /// The command that publishes the previous version again, if this command is known.
    pub undo: Option<String>,
    /// The command that approves the change, if it is held.
    pub approve: Option<String>,
}

/// The effect of a publication, compared with the previous version.
#[derive(Clone, Debug)]
pub enum Effect {
    /// There is no previous version.
    First,
    /// The difference from the previous version.
    Changed(Box<Change>),
    /// The previous version cannot be compared. The text is the reason.
    Unknown(&'static str),
}

/// An upload and its origin. Facts that are not known are `None` or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UploadFacts {
    /// The identity that uploaded the file: `userIdentity.principalId` or `requester` of the event.
    pub by: Option<String>,
    /// The IP address from which the file was uploaded, or the AWS service that uploaded it.
    pub from: Option<String>,
    /// The time of the upload.
    pub at: Option<Instant>,
    /// The version ID of the object. Empty if the bucket has no versioning.
    pub version_id: String,
}

/// The values for the template.
#[derive(Debug, Serialize)]
pub(super) struct PublicationView {
    heading: &'static str,
    /// The networks that gain access, followed by the networks that lose access. Empty if nothing changes.
    sides: Vec<SideView>,
    /// The sentence that is shown if there is nothing to compare, or if nothing changes. Otherwise empty.
    sentence: String,
    by: Option<String>,
    from: Option<String>,
    at: String,
    version_id: String,
    undo: Option<String>,
    approve: Option<String>,
}

#[derive(Debug, Serialize)]
struct SideView {
    /// The verb after the number of networks, such as `gain` or `would gain`.
    verb: String,
    networks: String,
    addresses: String,
    sample: Vec<String>,
    /// The number of networks that are not in the sample. Empty if the sample is complete.
    more: String,
}

impl PublicationView {
    /// Describes a publication, with times in the given time zone. If the upload is held or previewed, the
    /// text says what would change.
    pub(super) fn of(publication: &Publication, status: Status, zone: &TimeZone) -> Self {
        let Publication {
            effect,
            upload,
            undo,
            approve,
        } = publication;
        let (sides, sentence) = match effect {
            Effect::First => (Vec::new(), "This is the first version.".to_owned()),
            Effect::Unknown(reason) => (Vec::new(), format!("The change is unknown: {reason}.")),
            Effect::Changed(change) => match sides(change, status) {
                sides if sides.is_empty() => {
                    (sides, "The same addresses get in as before.".to_owned())
                }
                sides => (sides, String::new()),
            },
        };
        Self {
            heading: if is_pending(status) {
                "What would change"
            } else {
                "What changed"
            },
            sides,
            sentence,
            by: upload.by.as_deref().map(shown),
            from: upload.from.as_deref().map(shown),
            at: upload.at.map(|at| zone.show(at)).unwrap_or_default(),
            version_id: shown(&upload.version_id),
            undo: undo.as_deref().map(shown),
            approve: approve.as_deref().map(shown),
        }
    }
}

fn is_pending(status: Status) -> bool {
    matches!(status, Status::Held | Status::Previewed)
}

fn sides(change: &Change, status: Status) -> Vec<SideView> {
    let counts = &change.counts;
    let sides = [
        ("gain", &counts.gained, &change.gained),
        ("lose", &counts.lost, &change.lost),
    ];
    let changed = sides.into_iter().filter(|(_, count, _)| count.networks > 0);
    changed
        .map(|(verb, count, sample)| SideView {
            verb: match count.networks {
                _ if is_pending(status) => format!("would {verb}"),
                1 => format!("{verb}s"),
                _ => verb.to_owned(),
            },
            networks: thousands(count.networks),
            addresses: grouped(&count.addresses),
            sample: sample.clone(),
            more: thousands_if_any(count.networks - sample.len() as u64),
        })
        .collect()
}
