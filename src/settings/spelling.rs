//! The spelling of settings, for the user of the function or of the command line.

/// The spelling of settings in messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spelling {
    /// The environment variable of the function: `MAX_CSV_BYTES`.
    #[default]
    Variable,
    /// The flag of the command line: `--max-csv-bytes`.
    Flag,
}

impl Spelling {
    /// Returns the name of a setting, given its environment variable.
    ///
    /// ```
    /// use htaccess_generator::settings::Spelling;
    ///
    /// assert_eq!(Spelling::Flag.of("OUTPUT_KEY"), "--output-key");
    /// ```
    #[must_use]
    pub fn of(self, variable: &str) -> String {
        match self {
            Self::Variable => variable.to_owned(),
            Self::Flag => format!("--{}", variable.to_ascii_lowercase().replace('_', "-")),
        }
    }
}
