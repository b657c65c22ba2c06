//! The function: events in, objects and answers out.

/// The deadline while an upload is read, and the limit of the output.
mod bounds;
/// The effect of an upload on who gets in, and its origin.
mod changes;
/// Deleted CSVs and their outputs.
mod deletes;
/// Uploads of other buckets or without versions, edited outputs, and changed templates.
mod distrust;
/// Every event format, and the response that its source expects.
mod event_formats;
/// The real S3 client against a server that fails, and in races.
mod faults;
/// Events in, objects and answers out, with buckets in memory.
pub(crate) mod handler;
/// Big changes that are held until somebody approves them.
mod hold;
/// The metrics of an invocation.
mod lists;
/// Buckets in memory: conditional writes like those of S3, and calls that can be made to fail.
pub(crate) mod memory_store;
mod metrics;
/// The publishing protocol in every order of its calls: the real code on a model of S3.
mod model;
/// The notice about files that need attention.
mod notices;
/// Uploads that are not named like a CSV.
mod other_files;
/// CSVs that are reported as if they were published.
mod previews;
/// The function as a process: answers, log lines, metrics, and the error for a bad setting.
mod process;
/// Runs over all sites, and their overview.
mod reconcile;
/// Rows that start and end: the schedules that are created, and the calls that they make.
mod schedules;
/// Two uploads with one output.
mod shared_outputs;
/// Outputs after a change of the settings or of the program.
mod upgrades;
/// A CSV without dates: its calls and its bytes.
mod without_dates;
