//! Writes data to standard output, files that are replaced in one step, and report pages.
//!
//! An output file is either complete or not written, even if the program is interrupted. This module does not
//! write messages, and does not choose the content or the path of an output.

mod file;
mod report;
mod signals;
mod stdout;

pub(crate) use self::file::write_file;
pub(crate) use self::report::Reports;
pub(crate) use self::stdout::{Stdout, cannot_print, print_data, print_json};
