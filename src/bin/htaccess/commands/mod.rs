//! The commands, one file each. A command reads its inputs through `run`, and writes through `output`
//! and `messages`.
//!
//! A command returns its exit status. It does not end the program, does not print its own error, and
//! does not decide anything about rows or policies: that is the library's work.

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
