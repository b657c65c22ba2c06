//! Suggestions for wrong usage, derived from the typed arguments.

use std::path::Path;

use clap::Parser;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use htaccess_generator::render::BUILT_IN;

use crate::cli::Arguments;
use crate::input::{nearest, nearest_file};

/// Parses the arguments. Wrong usage ends the program with exit status 2 and, if possible, with a
/// suggestion, such as the command to use if a file was typed in its place.
pub(crate) fn parse() -> Arguments {
    Arguments::try_parse().unwrap_or_else(|mut err| {
        if let Some(tip) = tip(&err) {
            let tips = ContextValue::StyledStrs(vec![StyledStr::from(tip)]);
            err.insert(ContextKind::Suggested, tips);
        }
        err.exit()
    })
}

fn tip(err: &clap::Error) -> Option<String> {
    if let Some(path) = file_instead_of_command(err) {
        return Some(format!("to make a .htaccess of it: htaccess render {path}"));
    }
    if err.kind() == ErrorKind::UnknownArgument {
        return file_with_leading_dash().map(|path| format!("to name the file: ./{path}"));
    }
    let Some(ContextValue::String(value)) = err.get(ContextKind::InvalidValue) else {
        return None;
    };
    // The arguments are in the wrong order, as in `htaccess explain 192.0.2.7 acme.csv`.
    let is_address = matches!(
        err.get(ContextKind::InvalidArg),
        Some(ContextValue::String(name)) if name.contains("<ADDRESS>")
    );
    (is_address && Path::new(value).is_file())
        .then(|| format!("the file comes before the addresses: htaccess explain {value} ADDRESS"))
}

/// Returns a typed file name that starts with a dash, which the parser takes for options.
fn file_with_leading_dash() -> Option<String> {
    let typed = std::env::args_os().skip(1);
    typed
        .filter_map(|argument| argument.into_string().ok())
        .find(|argument| argument.starts_with('-') && Path::new(argument).is_file())
}

fn file_instead_of_command(err: &clap::Error) -> Option<String> {
    if err.kind() != ErrorKind::InvalidSubcommand {
        return None;
    }
    match err.get(ContextKind::InvalidSubcommand)? {
        ContextValue::String(word) if word == "-" || Path::new(word).exists() => Some(word.clone()),
        _ => None,
    }
}

/// Returns the end of a message with the template that was probably meant: a file in the same folder
/// or a built-in template. Returns an empty text if none is similar.
pub(crate) fn template_suggestion(template: &Path) -> String {
    let built_in = || {
        let typed = template.to_str()?;
        let name = nearest(typed, BUILT_IN.map(|template| template.name))?;
        Some(name.to_owned())
    };
    let is_missing = !template.exists();
    let same_folder = || is_missing.then(|| nearest_file(template)).flatten();
    match same_folder().or_else(built_in) {
        Some(meant) => format!("; did you mean {meant}?"),
        None => String::new(),
    }
}
