//! The integration tests: one binary, because linking takes most of the time.
//!
//! `cargo test --test it` needs nothing installed. `UPDATE_EXPECT=1` rewrites what the cases
//! expect; read the difference before you commit it.

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
/// The oracle and the random policies that `tests/servers` uses as well.
#[cfg(feature = "command-line")]
#[path = "../common/mod.rs"]
mod common;
/// The documents show what the code prints.
mod docs;
/// The function: events in, objects and answers out.
#[cfg(feature = "function")]
mod function;
/// The library: uploads in, outputs and answers out.
mod library;
/// Helpers for several modules: running an upload, and writing the same text in other encodings.
mod support;
