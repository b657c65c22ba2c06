//! Decides which of several uploads with the same output may write it. `publisher.rs` explains the rule.

use crate::answer::{Refusal, RefusalCode};
use crate::function::error::Error;
use crate::function::publish::object::PublishedObject;
use crate::function::publish::owner::Owner;
use crate::function::settings::OnDelete;
use crate::function::store::{ObjectName, Store};
use crate::text::{Segment, rich};

/// The right of an upload to its output.
pub(crate) enum Claim {
    /// The output is missing, or belongs to this upload or to none.
    Granted,
    /// The output belongs to this other upload, which was deleted.
    OwnerIsGone(ObjectName),
    /// The output belongs to another upload.
    Refused(Refusal),
}

/// Returns whether this upload may have the output. Only an output of another upload costs a call.
///
/// # Errors
///
/// If that call fails.
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

/// Returns whether the report on a publication may be written before the output. It may not if another
/// invocation can refuse the input between the two writes, because of another owner of the output.
pub(crate) fn may_write_report_first(
    output: &PublishedObject,
    input: &ObjectName,
    on_delete: OnDelete,
) -> bool {
    match output.owner(&input.key) {
        Some(owner) => owner == Owner::Own,
        // With `remove`, another owner can write the output and remove it again in between.
        None => on_delete != OnDelete::Remove,
    }
}
