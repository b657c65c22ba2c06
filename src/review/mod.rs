//! Shows a reviewer of a CSV what the rows do, which rows are probably mistakes, and what would change.
//!
//! - [`warnings`](warnings()) compares the rows with the policy that is built from them. A [`RowRecorder`]
//!   records the rows (`row_log.rs`) and their places (`places.rs`) while the upload is read.
//!   `warned_lines.rs` formats the line numbers. `first_rows.rs` keeps the rows that a report prints.
//! - [`explain`] reads an upload and finds the rows that decide whether an address gets in (`verdict.rs`).
//!   [`explain_networks`] does this for networks (`network_verdict.rs`). `rejected_rows.rs` finds the
//!   rejected rows that concern an address or a network.
//! - [`diff`](diff()) compares two policies. [`Change`] counts and lists the differences, and [`held`]
//!   decides whether a person must approve them.
//! - `rejected_denies.rs` finds the rejected rows that may have been meant to deny somebody who gets in.
//! - [`upcoming`](upcoming()) lists the rows that start or end, and their effect.
//!
//! This folder does no I/O, and changes neither the policy nor the output.

mod always_wins;
mod change;
mod diff;
mod duplicates;
mod first_rows;
mod hold;
mod network_verdict;
mod places;
mod rejected_denies;
mod rejected_rows;
mod row_log;
mod time_warnings;
mod upcoming;
mod verdict;
mod warned_lines;
mod warnings;

pub use self::change::{Change, MAX_SAMPLED, Version};
pub use self::diff::{Diff, diff};
pub use self::first_rows::FirstRows;
pub(crate) use self::first_rows::{FirstRow, NamedByRow};
pub use self::hold::{AddressFamily, Hold, MIN_NETWORKS, Share, ShareOf, held};
pub use self::network_verdict::{NetworkExplanation, PermittedPart, explain_networks};
pub(crate) use self::rejected_denies::{MissedDenies, RejectedDenies};
pub use self::rejected_rows::RejectedRows;
pub use self::row_log::{RecordedRows, RowRecorder};
pub use self::upcoming::{RowChange, Upcoming, upcoming};
pub use self::verdict::{BearingRow, Explanation, explain};
pub(crate) use self::warned_lines::WarnedLines;
pub use self::warnings::{shared_warnings, warnings};
