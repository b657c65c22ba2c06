//! The integration tests: one binary, for linking is what takes the time.
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

/// What is no CSV, too much, or broken: each gets its refusal.
mod bad_files;
/// The folders of `tests/cases`: CSV and settings in, file and answer out, byte for byte.
mod cases;
/// What the documents show is what comes out.
mod docs;
/// The real S3 client against an S3 that fails, and in races.
#[cfg(feature = "function")]
mod faults;
/// What rejections suggest, and what surrounds a value.
mod fixes;
/// What the fuzzers kept, through the checks of their targets; huge ranges.
mod fuzz_corpus;
/// Every name of a column, delimiter and order of columns that a header may have.
mod headers;
/// How much memory the worst files take, measured on a process of their own.
mod memory;
/// The sentences of rejections and refusals, as people read them.
mod messages;
/// Long lists: every line of the output stays under the limit.
mod packing;
/// What must hold for any input at all.
mod properties;
/// The pages of the cases, and of uploads that are as large and as bad as can be.
mod report;
/// Plain rows and built-in templates take a shorter way, to the same end.
mod shortcuts;
/// The guide for those who come from the Python script.
mod migration;
/// What several modules use: running an upload, and the same text in other encodings.
mod support;
/// The built-in templates on long lists, and where they refuse a file.
mod templates;

/// The command line as a process: files, streams and exit statuses.
#[cfg(feature = "command-line")]
mod cli;
/// The command line's diagnostics.
#[cfg(feature = "command-line")]
mod diagnostics;
/// What nothing may be lost by, on the command line.
#[cfg(feature = "command-line")]
mod hazards;
/// `diff`, and the commands that describe the command line, as a user runs them.
#[cfg(feature = "command-line")]
mod usage;
/// `diff` and `explain` beside the oracle of the servers' tests, on their random policies.
#[cfg(feature = "command-line")]
mod verdicts;
#[cfg(feature = "command-line")]
#[path = "../servers/csv_text.rs"]
mod csv_text;
#[cfg(feature = "command-line")]
#[path = "../servers/oracle.rs"]
mod oracle;
#[cfg(feature = "command-line")]
#[path = "../servers/probes.rs"]
mod probes;
#[cfg(feature = "command-line")]
#[path = "../servers/random.rs"]
mod random;
#[cfg(feature = "command-line")]
#[path = "../servers/random_policy.rs"]
mod random_policy;
/// Wrong usage of the command line, and what it says.
#[cfg(feature = "command-line")]
mod slips;
/// What becomes of an output when its CSV is gone.
#[cfg(feature = "function")]
mod deletes;
/// Every envelope an event can come in, answered in the shape its source wants.
#[cfg(feature = "function")]
mod envelopes;
/// Events in, objects and answers out, on buckets in memory.
#[cfg(feature = "function")]
mod handler;
/// Those buckets: conditional writes as S3 has them, and calls that can be made to fail.
#[cfg(feature = "function")]
mod memory_store;
/// What an invocation counts, on those buckets.
#[cfg(feature = "function")]
mod metrics;
/// The publishing protocol in every order of its calls: the real code on a modelled S3.
#[cfg(feature = "function")]
mod model;
/// The function as a process: answers, log lines, metrics, and what a bad setting comes to.
#[cfg(feature = "function")]
mod runtime;
/// A template of one's own: from S3, and checked by the command line.
#[cfg(all(feature = "function", feature = "command-line"))]
mod own_templates;
/// What becomes of outputs when the settings or the program change.
#[cfg(feature = "function")]
mod upgrades;
