//! Answers the questions of a reviewer of a CSV.
//!
//! - [`warnings`](warnings()) compares the rows with the policy that they make. A [`RowRecorder`]
//!   records the rows while the upload is read (`row_log.rs`), with their places (`places.rs`).
//!   `warned_lines.rs` formats their lines. `first_rows.rs` keeps the rows that a report prints.
//! - [`explain`] reads an upload and finds the rows that decide on an address (`verdict.rs`), and
//!   [`explain_networks`] those that decide on a network (`network_verdict.rs`). `rejected_rows.rs` finds the
//!   rejected rows that name the address.
//! - [`diff`](diff()) compares two policies. [`Change`] counts and names what differs, and [`held`] decides
//!   whether somebody must approve it.
//! - `rejected_denies.rs` finds the rejected rows that may have denied somebody who gets in.
//! - [`upcoming`](upcoming()) lists the rows that start or end, and their effect.
//!
//! This folder does no input or output, and changes neither the policy nor the output.

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
