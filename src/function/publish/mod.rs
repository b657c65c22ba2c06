//! Publishes an upload by writing one output and its report, or refuses or holds the upload.
//!
//! `publisher.rs` describes the publishing protocol and its invariant. This module uses S3 only through
//! [`Store`](crate::function::store::Store). It does not parse events and does not print metrics.

mod answers;
mod claim;
mod commands;
mod delete;
mod destination;
mod findings;
mod generate_upload;
mod hold;
mod in_force;
mod job;
mod next_change;
mod object;
mod orphan;
mod other_file;
mod owner;
mod preview;
mod provenance;
mod published;
mod publisher;
mod reading;
mod report;
mod retry;
mod shared_inputs;
mod upload;
mod writes;

pub(crate) use self::destination::kind_of;
pub use self::findings::Findings;
pub use self::orphan::{FoundOutput, settle_output};
pub use self::publisher::Publisher;
pub use self::upload::answer_object;
pub(crate) use self::upload::is_published;
