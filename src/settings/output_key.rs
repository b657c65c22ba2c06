//! The `OUTPUT_KEY` setting: a Tera template for the key of an output.
//!
//! Outputs are synced to a disk, where a file and a folder cannot have the same path. All outputs therefore
//! have the same file name or the same ending, and no folder may have such a name.

use std::collections::BTreeSet;

use tera::{Context, Tera};

use crate::answer::{Refusal, RefusalCode};
use crate::settings::error::SettingError;
use crate::source::{check_key, split_key};
use crate::text::{Segment, rich};

/// The default of `OUTPUT_KEY`: a folder for each site, so that a sync copies it into the web root.
pub(crate) const DEFAULT_OUTPUT_KEY: &str = "{{ path }}/.htaccess";
/// Sources that differ in their folder, their name or both. Both the names and the folders have different
/// endings, so a common ending of the outputs can only come from the template.
const SAMPLES: [&str; 4] = [
    "some/site.csv",
    "some/shop.csv",
    "other/site.csv",
    "other/shop.csv",
];

/// A Tera template for the key of an output. Its variables are `path`, `dir` and `stem` of the source's key.
#[derive(Clone, Debug)]
pub struct OutputKey {
    tera: Tera,
    text: String,
    file_name: FileName,
}

/// The file names that outputs can have.
#[derive(Clone, Debug, PartialEq, Eq)]
enum FileName {
    /// All outputs have this file name.
    Whole(String),
    /// All file names end in this text.
    EndsIn(String),
}

impl FileName {
    /// Finds the common ending of the outputs. `None` if there is none.
    fn of(outputs: &BTreeSet<String>) -> Option<Self> {
        let first = outputs.first()?;
        let common = first
            .char_indices()
            .map(|(start, _)| first.get(start..).unwrap_or_default())
            .find(|ending| outputs.iter().all(|output| output.ends_with(ending)))?;
        Some(match common.rsplit_once('/') {
            Some((_, name)) => Self::Whole(name.to_owned()),
            None if outputs.len() == 1 => Self::Whole(common.to_owned()),
            None => Self::EndsIn(common.to_owned()),
        })
    }

    fn is_of(&self, segment: &str) -> bool {
        match self {
            Self::Whole(name) => segment == name,
            Self::EndsIn(ending) => segment.ends_with(ending),
        }
    }
}

impl Default for OutputKey {
    fn default() -> Self {
        Self::new("OUTPUT_KEY", DEFAULT_OUTPUT_KEY).unwrap_or_else(|_| Self {
            tera: Tera::new(),
            text: String::new(),
            file_name: FileName::Whole(String::new()),
        })
    }
}

impl OutputKey {
    /// Compiles the template, and tries it with source keys that have their folder or their name in common. A
    /// constant is accepted, for use with only one CSV.
    ///
    /// # Errors
    ///
    /// A [`SettingError`] if the template does not compile or fails, if it gives the same output to some of
    /// the sources but not to all, or if one output could be a folder of another output.
    pub fn new(name: &str, text: &str) -> Result<Self, SettingError> {
        let allowed =
            "expected a Tera template with path, dir and stem, such as {{ path }}/.htaccess";
        let refuse = |problem: &str| Err(SettingError::new(name, text, problem));
        let mut tera = Tera::new();
        tera.autoescape_on(Vec::<&'static str>::new());
        if let Err(err) = tera.add_raw_template(name, text) {
            return refuse(&format!("{allowed}: {err}"));
        }
        let key = Self {
            tera,
            text: text.to_owned(),
            file_name: FileName::Whole(String::new()),
        };
        let outputs: Result<BTreeSet<String>, Refusal> =
            SAMPLES.iter().map(|source| key.of(source)).collect();
        let outputs = match outputs {
            Ok(outputs) => outputs,
            Err(refusal) => return refuse(&format!("{allowed}: {}", refusal.message)),
        };
        if outputs.len() != SAMPLES.len() && outputs.len() != 1 {
            return refuse(
                "some CSVs would have the same output; use path, or both dir and stem, or none of these if \
                 there is only one CSV",
            );
        }
        let Some(file_name) = FileName::of(&outputs) else {
            return refuse(
                "one output could be a folder of another output; end the key with a file name or an extension, \
                 such as {{ path }}/.htaccess or {{ path }}.conf",
            );
        };
        let key = Self { file_name, ..key };
        match SAMPLES.iter().find_map(|source| key.of(source).err()) {
            Some(refusal) => refuse(&format!("{allowed}: {}", refusal.message)),
            None => Ok(key),
        }
    }

    /// Returns the text of the template.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the key of a source's output.
    ///
    /// # Errors
    ///
    /// `unsafe-key` if the source or the output could leave its folder, or if a folder of the output has a
    /// name that is reserved for output files.
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
                format!("the output key cannot be created: {err}"),
            )
        })?;
        check_key(&output)?;
        self.check_folders(&output)?;
        Ok(output)
    }

    /// Checks that no folder of this output can have the name of another output.
    fn check_folders(&self, output: &str) -> Result<(), Refusal> {
        let (folders, _) = output.rsplit_once('/').unwrap_or_default();
        match folders
            .split('/')
            .find(|folder| self.file_name.is_of(folder))
        {
            None | Some("") => Ok(()),
            Some(folder) => Err(Refusal::new(
                RefusalCode::UnsafeKey,
                rich!(
                    "the output {} would be in the folder {}, whose name is reserved for \
                     outputs: rename the CSV or its folder",
                    Segment::quoted(output),
                    Segment::quoted(folder)
                ),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_accepted(text: &str, file_name: &FileName) {
        assert_eq!(
            OutputKey::new("OUTPUT_KEY", text).unwrap().file_name,
            *file_name
        );
    }

    #[track_caller]
    fn check_refused(text: &str, problem: &str) {
        let err = OutputKey::new("OUTPUT_KEY", text).unwrap_err().to_string();
        assert!(err.contains(problem), "{err}");
    }

    fn whole(name: &str) -> FileName {
        FileName::Whole(name.to_owned())
    }

    fn ends_in(ending: &str) -> FileName {
        FileName::EndsIn(ending.to_owned())
    }

    #[test]
    fn accepts_outputs_that_do_not_meet() {
        check_accepted("{{ path }}/.htaccess", &whole(".htaccess"));
        check_accepted("{{ dir }}/sites/{{ stem }}.conf", &ends_in(".conf"));
        check_accepted(
            "{% if dir %}{{ dir }}/{% endif %}{{ stem }}.lst",
            &ends_in(".lst"),
        );
        check_accepted("{{ path | upper }}/rules", &whole("rules"));
        check_accepted(".htaccess", &whole(".htaccess"));
        check_accepted("conf/site.conf", &whole("site.conf"));
    }

    #[test]
    fn refuses_outputs_that_meet() {
        let same = "some CSVs would have the same output; use path, or both dir and stem, or none of these";
        check_refused("{{ stem }}/.htaccess", same);
        check_refused("{{ dir }}/.htaccess", same);
        check_refused("{{ stem }}.conf", same);
        let nested = "one output could be a folder of another output; end the key with a file name or an extension";
        check_refused("{{ path }}", nested);
        check_refused("{{ dir }}/{{ stem }}", nested);
        check_refused("{{ dir }}-{{ stem }}", nested);
        check_refused(
            "{{ path }}/.htaccess/.htaccess",
            "rename the CSV or its folder",
        );
        check_refused(
            "{{ path",
            "expected a Tera template with path, dir and stem",
        );
    }

    #[test]
    fn refuses_keys_with_a_folder_that_is_named_like_an_output() {
        let key = |text: &str, source: &str| OutputKey::new("OUTPUT_KEY", text).unwrap().of(source);
        let code = |text: &str, source: &str| key(text, source).unwrap_err().code;
        let default = DEFAULT_OUTPUT_KEY;
        for source in [
            "acme/.htaccess.csv",
            ".htaccess.csv",
            "a/.htaccess/b.csv.gz",
        ] {
            assert_eq!(code(default, source), RefusalCode::UnsafeKey, "{source}");
        }
        assert_eq!(
            code("{{ path }}.conf", "a.conf/b.csv"),
            RefusalCode::UnsafeKey
        );
        assert_eq!(
            key("{{ path }}.conf", "a/b.conf.csv").unwrap(),
            "a/b.conf.conf"
        );
        assert_eq!(
            key(default, "a.htaccess/b.csv").unwrap(),
            "a.htaccess/b/.htaccess"
        );
        let message = key(default, "acme/.htaccess.csv")
            .unwrap_err()
            .message
            .to_string();
        assert_eq!(
            message,
            "the output \"acme/.htaccess/.htaccess\" would be in the folder \".htaccess\", whose name \
             is reserved for outputs: rename the CSV or its folder"
        );
    }
}
