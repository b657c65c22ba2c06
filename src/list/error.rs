//! The error of bytes that cannot be used.

use std::fmt;

/// The reason why bytes are not a compiled list or common CSV that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormatError {
    /// The bytes do not start as such an object.
    OtherKind,
    /// The object was written by another version of this program.
    OtherVersion,
    /// The object is damaged or incomplete.
    Damaged,
    /// The checksum is right, but the content is not.
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
