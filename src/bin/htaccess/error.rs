//! What ends a command: a failure, or what its exit status says.

/// Wrong usage, or a failure to read or write: a sentence that names the path.
pub(crate) struct CliError(pub(crate) String);

/// What the exit status says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    /// Every file is fine.
    Fine,
    /// A file was refused.
    Refused,
    /// Who gets in changes, and the exit status was to say so.
    Changed,
}
