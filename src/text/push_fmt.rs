//! Formats into a string.

use std::fmt::{self, Write as _};

/// Appends formatted text to a string. Unlike `write!`, the function returns no result, because writing to
/// memory cannot fail.
pub fn push_fmt(text: &mut String, arguments: fmt::Arguments<'_>) {
    let _ = text.write_fmt(arguments);
}
