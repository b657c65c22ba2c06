//! Wrong usage whose way out can be told from what was typed.

use std::path::Path;

use clap::Parser;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::arguments::Arguments;

/// What was typed; wrong usage ends the program with exit status 2. Who names a file where a
/// command should be is told the command.
pub(crate) fn parse() -> Arguments {
    Arguments::try_parse().unwrap_or_else(|mut err| {
        if let Some(path) = file_in_place_of_command(&err) {
            let tip = format!("to make a .htaccess of it: htaccess render {path}");
            let tips = ContextValue::StyledStrs(vec![StyledStr::from(tip)]);
            err.insert(ContextKind::Suggested, tips);
        }
        err.exit()
    })
}

fn file_in_place_of_command(err: &clap::Error) -> Option<String> {
    if err.kind() != ErrorKind::InvalidSubcommand {
        return None;
    }
    match err.get(ContextKind::InvalidSubcommand)? {
        ContextValue::String(word) if word == "-" || Path::new(word).exists() => Some(word.clone()),
        _ => None,
    }
}
