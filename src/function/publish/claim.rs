//! Decides whether an upload may write its output, which other uploads may have as well. `publisher.rs`
//! explains the rule.

use crate::answer::{Refusal, RefusalCode};
use crate::function::error::Error;
use crate::function::publish::object::PublishedObject;
use crate::function::publish::owner::Owner;
use crate::function::settings::OnDelete;
use crate::function::store::{ObjectName, Store};
use crate::text::{Segment, rich};

/// The decision about whether an upload may write its output.
pub(crate) enum Claim {
    /// The output does not exist, belongs to this upload, or belongs to no upload.
    Granted,
    /// The output belongs to this other upload, which no longer exists.
    OwnerIsGone(ObjectName),
    /// The output belongs to another upload, which exists or may exist. Contains the refusal of this upload.
    Refused(Refusal),
}

/// Decides whether this upload may write the output. Calls the store only if the output belongs to another
/// upload.
///
/// # Errors
///
/// If the call to the store fails.
pub(crate) async fn claim<S: Store>(
    store: &S,
    input: &ObjectName,
    output: &PublishedObject,
) -> Result<Claim, Error> {
    let output_key = Segment::quoted(&output.name.key);
    let message = match output.owner(&input.key) {
        None | Some(Owner::Own | Owner::Nobody) => return Ok(Claim::Granted),
        Some(Owner::Other(key)) => {
            let bucket = input.bucket.clone();
            let owner = ObjectName { bucket, key };
            if store.head(&owner).await?.is_none() {
                return Ok(Claim::OwnerIsGone(owner));
            }
            rich!(
                "the output {} belongs to the upload {}: delete that upload and upload this file \
                 again, or rename one of the files so that their outputs differ",
                output_key,
                Segment::quoted(&owner.key)
            )
        }
        Some(Owner::OtherWithLongKey) => rich!(
            "the output {} belongs to another upload, whose key is too long to be recorded: rename \
             one of the files so that their outputs differ, or delete the output if that upload no \
             longer exists",
            output_key
        ),
    };
    let refusal = Refusal::new(RefusalCode::OutputTaken, message);
    Ok(Claim::Refused(refusal))
}

/// Returns whether the report on a publication may be written before the output. Returns false if the output
/// could have another owner between the two writes, because another invocation could then refuse the input
/// and replace the report.
pub(crate) fn may_write_report_first(
    output: &PublishedObject,
    input: &ObjectName,
    on_delete: OnDelete,
) -> bool {
    match output.owner(&input.key) {
        Some(owner) => owner == Owner::Own,
        // With `remove`, another upload can publish the output and be deleted, which removes the output
        // again, between the two writes.
        None => on_delete != OnDelete::Remove,
    }
}
