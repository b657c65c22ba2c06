//! Standard output, files that are replaced in one step, and report pages.

mod file;
mod report;
mod signals;
mod stdout;

pub(crate) use self::file::write_file;
pub(crate) use self::report::Reports;
pub(crate) use self::stdout::{Stdout, cannot_print, print_data, print_json};
