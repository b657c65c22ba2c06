//! The error of a setting that cannot be used.

use std::fmt;

use crate::text::quote;

/// A setting that cannot be used. `Display` writes its name and the problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingError {
    pub(crate) name: String,
    /// The value and the allowed values, as text.
    pub(crate) problem: String,
}

impl SettingError {
    pub(crate) fn new(name: &str, value: &str, allowed: &str) -> Self {
        Self {
            name: name.to_owned(),
            problem: format!("is {}: {allowed}", quote(value)),
        }
    }

    /// Returns the setting's name as the program spells it: a variable or a flag.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.problem)
    }
}

impl std::error::Error for SettingError {}
