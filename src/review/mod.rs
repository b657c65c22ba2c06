//! What a reviewer asks of a CSV: warnings, the verdict on an address, and what a change does.

mod diff;
mod row_log;
mod verdict;
mod warned_lines;
mod warnings;

pub use self::diff::{Diff, diff};
pub use self::row_log::{RecordedRows, RowRecorder};
pub use self::verdict::{BearingRow, Explanation, explain};
pub use self::warnings::warnings;
