//! The two ways in which a command can end: an error or an exit status.

/// The error for wrong usage, or for a failure to read or write. The exit status is 2.
#[derive(Debug)]
pub(crate) struct CliError {
    /// The description of the error, with the path of the file if there is one.
    pub(crate) message: String,
    /// The instruction for solving the problem.
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
    /// 1: a file was refused, or `template check` found that the template does not work.
    Refused,
    /// 2: some files could not be read or written. The error of each file is already printed.
    Failed,
    /// 3: `diff --exit-code` found that addresses gain or lose access, or that a file is added or removed.
    Changed,
    /// 4: `diff --hold-above` found a change that would be held.
    Held,
}
