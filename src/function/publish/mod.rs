//! Publishes uploads: one upload → one output and its report.
//!
//! `publisher.rs` explains the publishing protocol.

mod object;
mod provenance;
mod publisher;
mod report;

pub use self::publisher::{Publisher, refuse};
