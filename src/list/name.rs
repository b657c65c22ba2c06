//! The names of lists.

use std::fmt;

use crate::source::{check_key, is_csv_name, split_key};

/// The folder with the CSVs of lists, with its trailing slash.
pub const LISTS_FOLDER: &str = "lists/";

/// The maximum length of a name, in bytes. It ensures that the key of the CSV, and the keys that are derived
/// from that key, are short enough.
const MAX_NAME_BYTES: usize = 255;

/// The name of a list: the key of its CSV without the folder and the ending. Names are case-sensitive.
///
/// `lists/office.csv` is the list `office`, and `lists/eu/office.csv.gz` is the list `eu/office`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListName(String);

impl ListName {
    /// Checks a name. `None` if no list can have this name, because it is not part of a safe key, is longer
    /// than 255 bytes, or has white space around it.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let is_name = name.len() <= MAX_NAME_BYTES && name.trim() == name;
        (is_name && check_key(name).is_ok()).then(|| Self(name.to_owned()))
    }

    /// Returns the name of the list whose CSV has this key. `None` if this is not the key of a list.
    ///
    /// ```
    /// use htaccess_generator::list::ListName;
    ///
    /// let name = ListName::of_key("lists/office.csv").unwrap();
    /// assert_eq!(name.as_str(), "office");
    /// assert_eq!(ListName::of_key("clients/acme.csv"), None);
    /// assert_eq!(ListName::of_key("lists/office.xlsx"), None);
    /// ```
    #[must_use]
    pub fn of_key(key: &str) -> Option<Self> {
        if !is_csv_name(key) {
            return None;
        }
        let parts = split_key(key).ok()?;
        Self::new(parts.path.strip_prefix(LISTS_FOLDER)?)
    }

    /// Returns the name as text, without `@`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ListName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(key: &str, name: Option<&str>) {
        let found = ListName::of_key(key);
        assert_eq!(found.as_ref().map(ListName::as_str), name, "{key:?}");
    }

    #[test]
    fn a_name_is_the_key_without_the_folder_and_the_ending() {
        check("lists/office.csv", Some("office"));
        check("lists/Office.CSV.gz", Some("Office"));
        check("lists/eu/office.v2.csv", Some("eu/office.v2"));
        check("lists/büro 2.csv", Some("büro 2"));
        check("lists/.csv", None);
        check("lists/ office.csv", None);
        check("lists/office", None);
        check("lists/../office.csv", None);
        check("list/office.csv", None);
        check("clients/lists/office.csv", None);
        check(
            &format!("lists/{}.csv", "x".repeat(250)),
            Some(&"x".repeat(250)),
        );
        check(&format!("lists/{}.csv", "x/".repeat(150)), None);
    }
}
