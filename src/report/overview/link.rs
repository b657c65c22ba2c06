//! Builds links to reports, relative to the overview.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::source::{check_key, check_report_key, report_key};

/// The characters that are percent-encoded: everything except letters, digits, `/`, `.`, `-`, `_` and `~`.
/// A key therefore cannot add a scheme, a query or another server to the link.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'.')
    .remove(b'-')
    .remove(b'_')
    .remove(b'~');

/// Returns the URL of a report, relative to the root of the report bucket. Returns `None` if the key has no
/// report, because the key is empty or unsafe.
pub(crate) fn report_link(source: &str) -> Option<String> {
    check_key(source).ok()?;
    check_report_key(source).ok()?;
    Some(utf8_percent_encode(&report_key(source), ENCODED).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_stays_in_the_bucket() {
        for (source, link) in [
            ("clients/acme.csv", Some("clients/acme.csv.html")),
            ("a b+%41é.csv", Some("a%20b%2B%2541%C3%A9.csv.html")),
            (
                "javascript:alert(1).csv",
                Some("javascript%3Aalert%281%29.csv.html"),
            ),
            ("a?b#c\".csv", Some("a%3Fb%23c%22.csv.html")),
            ("//example.com/a.csv", None),
            ("../a.csv", None),
            ("", None),
        ] {
            assert_eq!(report_link(source).as_deref(), link, "{source}");
        }
    }
}
