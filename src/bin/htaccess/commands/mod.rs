//! The commands, one module each. A command reads its inputs with `run`, and writes data and messages with
//! `output` and `messages`.
//!
//! A command returns its exit status or an error. Commands do not end the program, do not print the errors
//! that they return, and do not make decisions about rows or policies, because the library does that.

mod check;
mod diff;
mod docs;
mod explain;
mod member_json;
mod networks;
mod render;
mod rows;
mod template;
mod upcoming;

pub(crate) use self::check::check;
pub(crate) use self::diff::diff_files;
pub(crate) use self::docs::{completions, licenses, man};
pub(crate) use self::explain::explain_addresses;
pub(crate) use self::render::render;
pub(crate) use self::template::template;
pub(crate) use self::upcoming::upcoming_changes;
