//! The style sheet of all pages, and its digest for their Content-Security-Policy.

/// The style sheet, which is embedded in each page.
pub(crate) const STYLE: &str = include_str!("page.css");
/// The SHA-256 digest of [`STYLE`] in base64. The page's Content-Security-Policy contains this digest, and
/// allows this style and no other. If the style changes, a test prints the new value.
pub(crate) const STYLE_SHA256: &str = "Gb0tCVyAE3+gaXZGXgyQomkiiMkKZaZYc/iZGTpLK7Y=";
