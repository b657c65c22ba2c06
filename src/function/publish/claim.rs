//! Decides which of several uploads with the same output may write that output. `publisher.rs` explains the
//! rule.

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
    /// The output belongs to another upload, which exists or may exist.
    Refused(Refusal),
}

/// Decides whether this upload may write the output. This takes a call only if the output belongs to another
/// upload.
///
/// # Errors
///
/// If the call fails.
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

/// Returns whether the report on a publication may be written before the output. Returns false if another
/// invocation could refuse the input between the two writes because the output has another owner.
pub(crate) fn may_write_report_first(
    output: &PublishedObject,
    input: &ObjectName,
    on_delete: OnDelete,
) -> bool {
    match output.owner(&input.key) {
        Some(owner) => owner == Owner::Own,
        // With `remove`, another owner can write the output and remove it again between the two writes.
        None => on_delete != OnDelete::Remove,
    }
}
