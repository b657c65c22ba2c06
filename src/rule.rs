//! What a rule does, and the default for addresses that no rule lists.

use serde::Serialize;

/// What a rule does to its addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// They get in, unless a rule denies them.
    Allow,
    /// They are kept out.
    Deny,
}

impl Action {
    /// The word for it in templates and messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }
}

/// Who gets in without being named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DefaultPolicy {
    /// Only addresses that are allowed get in.
    #[default]
    Deny,
    /// Everybody but addresses that are denied gets in.
    Allow,
}

impl DefaultPolicy {
    /// The word for it in settings, templates and messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Allow => "allow",
        }
    }
}
