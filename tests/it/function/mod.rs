//! The function: events in, objects and answers out.

/// The deadline while an upload is read, and the limit of the output.
mod bounds;
/// The change in who gets in after an upload, and the origin of the upload.
mod changes;
/// Deleted CSVs and their outputs.
mod deletes;
/// Uploads from other buckets or without versions, edited outputs, and changed templates.
mod distrust;
/// Every event format, and the response that its source expects.
mod event_formats;
/// The real clients against a server that fails, and in races.
mod faults;
/// Events in, objects and answers out, with buckets in memory.
pub(crate) mod handler;
/// Big changes, which are held until somebody approves them.
mod hold;
/// Lists and the common CSV, which are compiled once and read by the sites that use them.
mod lists;
/// Buckets in memory with conditional writes like those of S3, and with calls that can fail on demand.
pub(crate) mod memory_store;
/// The metrics of an invocation.
mod metrics;
/// The publishing protocol with every order of its calls: the real code on a model of S3.
mod model;
/// The notice about files that need attention.
mod notices;
/// Uploads whose names are not those of CSVs.
mod other_files;
/// CSVs that are reported as if they were published.
mod previews;
/// The function as a process: answers, log lines, metrics, and the error for a bad setting.
mod process;
/// Runs over all sites, and their overview.
mod reconcile;
/// Refused uploads: their answers and reports, and the outputs that stay.
mod refusals;
/// Rows that start and end: the schedules that are created, and their calls.
mod schedules;
/// Two uploads with one output.
mod shared_outputs;
/// Outputs after a change of the settings or of the program.
mod upgrades;
/// A CSV without dates: its calls and its bytes.
mod without_dates;
