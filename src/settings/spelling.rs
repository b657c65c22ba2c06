//! The names of settings, as the user of an edge knows them.

/// The way in which messages name a setting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spelling {
    /// As the environment variable of the function: `MAX_CSV_BYTES`.
    #[default]
    Variable,
    /// As the flag of the command line: `--max-csv-bytes`.
    Flag,
}

impl Spelling {
    /// The name of the setting with this environment variable.
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
