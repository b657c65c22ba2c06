//! The `OUTPUT_KEY` setting: a Tera expression for the key of an output.

use tera::{Context, Tera};

use crate::answer::{Refusal, RefusalCode};
use crate::settings::error::SettingError;
use crate::source::{check_key, split_key};

/// The default of `OUTPUT_KEY`: a folder for each site, so that a sync copies it into the web root.
pub(crate) const DEFAULT_OUTPUT_KEY: &str = "{{ path }}/.htaccess";

/// A Tera template for the key of an output, over `path`, `dir` and `stem` of the source's key.
#[derive(Clone, Debug)]
pub struct OutputKey {
    tera: Tera,
    text: String,
}

impl Default for OutputKey {
    fn default() -> Self {
        Self::new("OUTPUT_KEY", DEFAULT_OUTPUT_KEY).unwrap_or_else(|_| Self {
            tera: Tera::new(),
            text: String::new(),
        })
    }
}

impl OutputKey {
    /// Compiles the expression and tries it with two keys.
    ///
    /// # Errors
    ///
    /// If it does not compile, fails, or gives both sources the same output.
    pub fn new(name: &str, text: &str) -> Result<Self, SettingError> {
        let allowed =
            "expected a Tera template over path, dir and stem, such as {{ path }}/.htaccess";
        let mut tera = Tera::new();
        tera.autoescape_on(Vec::<&'static str>::new());
        if let Err(err) = tera.add_raw_template(name, text) {
            return Err(SettingError::new(name, text, &format!("{allowed}: {err}")));
        }
        let key = Self {
            tera,
            text: text.to_owned(),
        };
        match (key.of("some/site.csv"), key.of("other/place.csv")) {
            (Ok(one), Ok(other)) if one != other => Ok(key),
            (Ok(_), Ok(_)) => Err(SettingError::new(
                name,
                text,
                "every CSV would have the same output; use path, or dir and stem",
            )),
            (Err(refusal), _) | (_, Err(refusal)) => Err(SettingError::new(
                name,
                text,
                &format!("{allowed}: {}", refusal.message),
            )),
        }
    }

    /// The expression.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the key of a source's output.
    ///
    /// # Errors
    ///
    /// `unsafe-key` if the source or the output could leave its folder.
    pub fn of(&self, source_key: &str) -> Result<String, Refusal> {
        let parts = split_key(source_key)?;
        let mut context = Context::new();
        context.insert_value("path", parts.path.into());
        context.insert_value("dir", parts.dir.into());
        context.insert_value("stem", parts.stem.into());
        let name = self.tera.get_template_names().next().unwrap_or_default();
        let output = self.tera.render(name, &context).map_err(|err| {
            Refusal::new(
                RefusalCode::UnsafeKey,
                format!("the output's key cannot be made: {err}"),
            )
        })?;
        check_key(&output)?;
        Ok(output)
    }
}
