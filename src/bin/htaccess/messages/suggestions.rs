//! Suggestions after wrong usage, derived from the typed arguments.

use std::path::Path;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, Parser};

use htaccess_generator::render::BUILT_IN;
use htaccess_generator::text::{escape_invisible, is_unprintable};

use crate::cli::Arguments;
use crate::input::{nearest, nearest_file};

/// Parses the arguments. If the usage is wrong, prints a message, with a suggestion if possible, and ends the
/// program with exit status 2. For example, if a file was typed in place of a command, suggests the command.
pub(crate) fn parse() -> Arguments {
    Arguments::try_parse().unwrap_or_else(|err| {
        let mut err = without_controls(err);
        if err.kind() == ErrorKind::UnknownArgument && tip(&err).is_some() {
            // The parser suggests options with similar names that do something else. Its usage text also
            // contains them, so the usage is replaced.
            err.remove(ContextKind::SuggestedArg);
            if let Some(usage) = usage() {
                err.insert(ContextKind::Usage, ContextValue::StyledStr(usage));
            }
        }
        // The parser suggests passing an unknown option as a value, which is never what the user meant.
        err.remove(ContextKind::Suggested);
        if let Some(tip) = tip(&err) {
            let tips = ContextValue::StyledStrs(vec![StyledStr::from(tip)]);
            err.insert(ContextKind::Suggested, tips);
        }
        err.exit()
    })
}

/// Returns the error for the same arguments with invisible characters escaped, because clap prints arguments
/// as they were typed.
fn without_controls(err: clap::Error) -> clap::Error {
    let typed: Vec<String> = std::env::args_os()
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    if !typed
        .iter()
        .any(|argument| argument.contains(is_unprintable))
    {
        return err;
    }
    let escaped = typed
        .iter()
        .map(|argument| escape_invisible(argument, None));
    match Arguments::try_parse_from(escaped) {
        Err(err) => err,
        // The arguments are valid once they are escaped, so there is no error to return.
        Ok(_) => Arguments::command().error(
            err.kind(),
            "an argument contains invisible characters: type it again without them",
        ),
    }
}

fn tip(err: &clap::Error) -> Option<String> {
    if let Some(path) = file_instead_of_command(err) {
        return Some(format!(
            "to create a .htaccess from the file: htaccess render {path}"
        ));
    }
    if err.kind() == ErrorKind::UnknownArgument {
        return file_with_leading_dash()
            .map(|path| format!("to name the file, write ./{path}"))
            .or_else(|| option_of_other_programs(err));
    }
    let Some(ContextValue::String(value)) = err.get(ContextKind::InvalidValue) else {
        return None;
    };
    // The arguments may be in the wrong order, for example `htaccess explain 192.0.2.7 acme.csv`.
    let is_address = matches!(
        err.get(ContextKind::InvalidArg),
        Some(ContextValue::String(name)) if name.contains("<ADDRESS>")
    );
    (is_address && Path::new(value).is_file())
        .then(|| format!("the file comes before the addresses: htaccess explain {value} ADDRESS"))
}

/// Returns the usage text of the typed command.
fn usage() -> Option<StyledStr> {
    let mut command = Arguments::command();
    command.build();
    let typed = std::env::args().nth(1)?;
    Some(command.find_subcommand_mut(typed)?.render_usage())
}

/// Returns a tip for an option that is common in other programs but does not exist for the typed command.
fn option_of_other_programs(err: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(option)) = err.get(ContextKind::InvalidArg) else {
        return None;
    };
    let command = std::env::args().nth(1).unwrap_or_default();
    let tip = match (command.as_str(), option.as_str()) {
        ("render", "-t") => "--template NAME chooses the template",
        ("check" | "explain" | "diff" | "upcoming", "-t" | "--template") => {
            "only render has templates: htaccess render FILE --template NAME"
        }
        ("check" | "explain" | "diff" | "upcoming", "-o" | "--output") => {
            "only render writes files: htaccess render FILE -o DIR"
        }
        ("render" | "check", "-j") => {
            "--jobs N sets the number of files to process at the same time"
        }
        (_, "--format" | "-f") => {
            "--json prints JSON, and render --template NAME writes the format of another server"
        }
        (_, "-v" | "--verbose") => {
            "messages are always complete; htaccess --version prints the version"
        }
        (_, "-q" | "--quiet" | "--silent") => "only check and render have --quiet",
        (_, "-n" | "--dry-run") => "htaccess check reports problems and writes no output",
        (_, "-r" | "-R" | "--recursive") => "a folder is always read with its subfolders",
        _ => return None,
    };
    Some(tip.to_owned())
}

/// Returns the first typed argument that is an existing file and starts with a dash. The parser reads such an
/// argument as an option.
fn file_with_leading_dash() -> Option<String> {
    let typed = std::env::args_os().skip(1);
    typed
        .filter_map(|argument| argument.into_string().ok())
        .find(|argument| argument.starts_with('-') && Path::new(argument).is_file())
        .map(|argument| escape_invisible(&argument, None))
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

/// Returns the end of a message, which suggests a template with a similar name: a file in the same folder or
/// a built-in template. Returns an empty text if no template has a similar name.
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
