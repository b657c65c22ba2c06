//! The error of reading a compiled list or common CSV.

use std::fmt;

/// The reason why bytes cannot be used as a compiled list or common CSV.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormatError {
    /// The bytes do not start like such an object.
    OtherKind,
    /// Another version of this program wrote the object.
    OtherVersion,
    /// The object is damaged or incomplete.
    Damaged,
    /// The checksum is correct, but the content is invalid.
    Malformed,
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherKind => "the object is not a compiled list",
            Self::OtherVersion => "another version of this program compiled the list",
            Self::Damaged => "the compiled list is damaged or incomplete",
            Self::Malformed => "the compiled list contains invalid values",
        })?;
        f.write_str(": publish its CSV again")
    }
}

impl std::error::Error for FormatError {}
