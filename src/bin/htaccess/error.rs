//! What ends a command: a failure, or what its exit status says.

/// Wrong usage, or a failure to read or write.
#[derive(Debug)]
pub(crate) struct CliError {
    /// The sentence, which names the path.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) help: Option<String>,
}

impl CliError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: None,
        }
    }

    pub(crate) fn with_help(self, help: String) -> Self {
        Self {
            help: Some(help),
            ..self
        }
    }
}

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
