//! Finds templates by the names that the command line accepts: the name of a built-in template, or a path.

use std::path::Path;
use std::{fs, io};

use htaccess_generator::render::{BuiltIn, Template, TemplateError, built_in_names};

use crate::error::CliError;
use crate::input::shown;
use crate::messages::template_suggestion;

/// Returns the `OUTPUT_KEY` that appends an ending to the path of the source: after a slash if the ending
/// starts with a dot, otherwise after a dot.
pub(crate) fn output_key_with_ending(ending: &str) -> String {
    let between = if ending.starts_with('.') { '/' } else { '.' };
    format!("{{{{ path }}}}{between}{ending}")
}

/// Returns a suitable `--output-key` for a built-in template whose output is not a `.htaccess`. `None` for
/// all other templates.
pub(crate) fn suggested_output_key(template: &str) -> Option<String> {
    let ending = BuiltIn::find(template)?.ending;
    (ending != ".htaccess").then(|| output_key_with_ending(ending))
}

/// Compiles a built-in template or a template file.
pub(crate) fn find_template(name_or_path: &str) -> Result<Template, CliError> {
    let compiled = match BuiltIn::find(name_or_path) {
        Some(_) => Template::built_in(name_or_path),
        None => compile_file(Path::new(name_or_path))?,
    };
    compiled.map_err(|err| {
        let name = shown(Path::new(name_or_path));
        CliError::new(format!("template {name}: {err}"))
    })
}

/// Reads and compiles a custom template. The outer error means that the file cannot be read, the inner error
/// that the template does not compile.
pub(crate) fn compile_file(path: &Path) -> Result<Result<Template, TemplateError>, CliError> {
    let source = read_template(path)?;
    Ok(Template::compile_named(&shown(path), &source))
}

fn read_template(path: &Path) -> Result<String, CliError> {
    fs::read_to_string(path).map_err(|err| {
        let name = shown(path);
        CliError::new(match err.kind() {
            io::ErrorKind::InvalidData => {
                format!("template {name}: it is not UTF-8 text: save it as UTF-8")
            }
            _ => format!(
                "template {name}: neither a built-in template ({}) nor a file that can be read: {err}{}",
                built_in_names(),
                template_suggestion(path)
            ),
        })
    })
}
