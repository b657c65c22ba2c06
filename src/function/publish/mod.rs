//! Publishes each upload: writes one output and its report, or refuses the upload.
//!
//! `publisher.rs` has the publishing protocol and its invariant.

mod answers;
mod delete;
mod destination;
mod generate_upload;
mod object;
mod other_file;
mod provenance;
mod publisher;
mod refuse;
mod report;
mod retry;
mod upload;

pub use self::publisher::Publisher;
pub use self::upload::answer_object;
