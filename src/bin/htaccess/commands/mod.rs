//! The commands, a file each. Each returns what the exit status says.

mod check;
mod diff;
mod docs;
mod explain;
mod render;
mod template;

pub(crate) use self::check::check;
pub(crate) use self::diff::diff_files;
pub(crate) use self::docs::{completions, man};
pub(crate) use self::explain::explain_addresses;
pub(crate) use self::render::render;
pub(crate) use self::template::template;
