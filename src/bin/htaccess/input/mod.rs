//! Finds the files that are given on the command line, and reads them.
//!
//! An input is a file, standard input, or a CSV below a given folder or pattern. A workbook, which is not
//! looked for in folders, is read as the CSV of one of its sheets. This folder also checks that no output
//! overwrites an input. It does not parse CSVs, and it does not write anything.

mod file;
mod find;
mod glob;
mod layout;
mod nearby;
mod outputs;
mod paths;
mod shared;
mod workbook;

pub(crate) use self::file::Input;
pub(crate) use self::find::{DEFAULT_ROOT, check_sites, find, find_common, find_lists, find_one};
pub(crate) use self::nearby::{nearest, nearest_file};
pub(crate) use self::outputs::{InputPaths, check_outputs};
pub(crate) use self::paths::{folder_of, is_csv, kind_of_file, shown};
pub(crate) use self::shared::SharedPlaces;
pub(crate) use self::workbook::is_workbook_name;
