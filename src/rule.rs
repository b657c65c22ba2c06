//! The action of a rule, and the default for addresses that no rule lists.

use serde::Serialize;

/// The action that a rule applies to its addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// The addresses are permitted, unless another rule denies them.
    Allow,
    /// The addresses are refused.
    Deny,
    /// The addresses are permitted, even if another rule denies them.
    Always,
}

impl Action {
    /// The name in templates and messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Always => "always",
        }
    }

    /// The name in a CSV.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Allow => "Allow",
            Self::Deny => "Deny",
            Self::Always => "Always",
        }
    }
}

/// The treatment of addresses that no rule lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DefaultPolicy {
    /// Only addresses that are allowed are permitted.
    #[default]
    Deny,
    /// All addresses except those that are denied are permitted.
    Allow,
}

impl DefaultPolicy {
    /// The name in settings, templates and messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Allow => "allow",
        }
    }
}
