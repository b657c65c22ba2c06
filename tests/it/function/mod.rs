//! The function: events in, objects and answers out.

/// What becomes of an output when its CSV is gone.
mod deletes;
/// Every envelope an event can come in, answered in the shape its source wants.
mod event_formats;
/// The real S3 client against an S3 that fails, and in races.
mod faults;
/// Events in, objects and answers out, on buckets in memory.
pub(crate) mod handler;
/// Those buckets: conditional writes as S3 has them, and calls that can be made to fail.
pub(crate) mod memory_store;
/// What an invocation counts, on those buckets.
mod metrics;
/// The publishing protocol in every order of its calls: the real code on a modelled S3.
mod model;
/// The function as a process: answers, log lines, metrics, and what a bad setting comes to.
mod process;
/// What becomes of outputs when the settings or the program change.
mod upgrades;
