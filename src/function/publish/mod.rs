//! Publishes uploads: one upload → one output and its report.
//!
//! `publisher.rs` explains the publishing protocol.

mod answers;
mod delete;
mod destination;
mod generate_upload;
mod object;
mod provenance;
mod publisher;
mod refuse;
mod report;
mod retry;

pub use self::publisher::Publisher;
pub use self::refuse::refuse;
