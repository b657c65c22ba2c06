//! The style of all pages, and its digest for their Content-Security-Policy.

/// The style sheet, which is part of each page.
pub(crate) const STYLE: &str = include_str!("page.css");
/// The SHA-256 digest of [`STYLE`] in base64, for the page's Content-Security-Policy, which allows this
/// style and nothing else. A test prints the new value after a change.
pub(crate) const STYLE_SHA256: &str = "Gb0tCVyAE3+gaXZGXgyQomkiiMkKZaZYc/iZGTpLK7Y=";
