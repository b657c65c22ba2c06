//! The action of a rule, and the default policy for addresses without a rule.

use serde::Serialize;

/// The action that a rule applies to its addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// The addresses are permitted unless another rule denies them.
    Allow,
    /// The addresses are refused unless an `Always` rule permits them.
    Deny,
    /// The addresses are permitted, even if another rule denies them.
    Always,
}

impl Action {
    /// Returns the name in templates and messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Always => "always",
        }
    }

    /// Returns the name in a CSV.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Allow => "Allow",
            Self::Deny => "Deny",
            Self::Always => "Always",
        }
    }
}

/// The treatment of addresses without a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DefaultPolicy {
    /// Only addresses with an `Allow` or `Always` rule can be permitted.
    #[default]
    Deny,
    /// All addresses are permitted except denied addresses.
    Allow,
}

impl DefaultPolicy {
    /// Returns the name in settings, templates and messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Allow => "allow",
        }
    }
}
