//! The reasons why a workbook cannot be read.

use std::fmt;

use calamine::XlsxError;
use htaccess_generator::text::{grouped, quote};

/// The maximum size of a workbook in bytes, both compressed and uncompressed: 512 MiB. A sheet with a million
/// rows and five columns has about 400 MB when it is uncompressed.
pub(crate) const MAX_WORKBOOK_BYTES: u64 = 512 * 1024 * 1024;
/// The maximum number of sheets that a message lists.
const MAX_SHEETS_NAMED: usize = 10;

/// The reason why a workbook cannot be read.
#[derive(Debug)]
pub(crate) enum WorkbookError {
    /// The workbook is larger than [`MAX_WORKBOOK_BYTES`], compressed or uncompressed.
    TooLarge,
    /// The workbook is encrypted.
    Password,
    /// The workbook is damaged, or its parts contradict each other.
    Damaged,
    /// The workbook has no sheet with cells, only sheets of other kinds, such as charts.
    NoSheet,
    /// The workbook has no sheet with cells that has the requested name. `sheets` contains the existing
    /// names.
    NoSuchSheet { name: String, sheets: Vec<String> },
}

impl fmt::Display for WorkbookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(
                f,
                "the workbook is larger than {} bytes when it is unpacked",
                grouped(&MAX_WORKBOOK_BYTES.to_string())
            ),
            Self::Password => f.write_str("the workbook is protected with a password"),
            Self::Damaged => f.write_str("the workbook is damaged"),
            Self::NoSheet => f.write_str("the workbook has no sheet with cells"),
            Self::NoSuchSheet { name, .. } => {
                write!(f, "the workbook has no sheet {}", quote(name))
            }
        }
    }
}

impl WorkbookError {
    /// Returns an instruction for solving the problem.
    pub(crate) fn help(&self) -> String {
        match self {
            Self::TooLarge | Self::NoSheet => "save the sheet as CSV".to_owned(),
            Self::Password => "save it without a password, or save the sheet as CSV".to_owned(),
            Self::Damaged => "open it in a spreadsheet program and save it again".to_owned(),
            Self::NoSuchSheet { sheets, .. } => {
                format!("choose one of these sheets: {}", named(sheets))
            }
        }
    }
}

impl From<XlsxError> for WorkbookError {
    fn from(err: XlsxError) -> Self {
        match err {
            XlsxError::Password => Self::Password,
            _ => Self::Damaged,
        }
    }
}

fn named(sheets: &[String]) -> String {
    let names: Vec<String> = sheets.iter().map(|name| quote(name)).collect();
    match names.get(..MAX_SHEETS_NAMED) {
        None => names.join(", "),
        Some(first) => format!(
            "{} and {} more",
            first.join(", "),
            names.len() - MAX_SHEETS_NAMED
        ),
    }
}
