//! Formatting into a string.

use std::fmt::{self, Write as _};

/// Appends formatted text. Like `write!`, but without a result, because writing into memory cannot
/// fail.
pub fn push_fmt(text: &mut String, arguments: fmt::Arguments<'_>) {
    let _ = text.write_fmt(arguments);
}
