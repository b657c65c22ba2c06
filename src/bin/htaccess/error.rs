//! The ways in which a command ends: an error or an exit status.

/// Wrong usage, or a failure to read or write. The exit status is 2.
#[derive(Debug)]
pub(crate) struct CliError {
    /// The description, with the path.
    pub(crate) message: String,
    /// The instruction that solves the problem.
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

/// The exit status of a command that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    /// 0: no file was refused.
    Success,
    /// 1: a file was refused.
    Refused,
    /// 2: some files could not be read or written. Each failure was printed.
    Failed,
    /// 3: `diff --exit-code` found that some addresses gain or lose access.
    Changed,
    /// 4: `diff --hold-above` found a change that would be held.
    Held,
}
