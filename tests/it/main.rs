//! The integration tests: one binary, because linking takes most of the time.
//!
//! `cargo test --test it` needs no other programs. `UPDATE_EXPECT=1` rewrites the expected files of the
//! cases. Read the difference before you commit it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and prints what it counted"
)]

/// The command line as a process: files, streams and exit statuses.
#[cfg(feature = "command-line")]
mod cli;
/// The oracle and the random policies, which `tests/servers` also uses.
#[cfg(feature = "command-line")]
#[path = "../common/mod.rs"]
mod common;
/// The documents, compared with the output of the code.
mod docs;
/// The function: events in, objects and answers out.
#[cfg(feature = "function")]
mod function;
/// The library: uploads in, outputs and answers out.
mod library;
/// Helpers for several modules: processing an upload, and converting text to other encodings.
mod support;
