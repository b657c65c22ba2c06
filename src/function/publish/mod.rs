//! Publishes uploads: one upload → one output and its report.
//!
//! `publisher.rs` explains the publishing protocol.

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
