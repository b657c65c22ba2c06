//! Reads an upload: bytes → text → lines → records → rows.

mod diagnose;
mod fast_path;
mod cell;
mod decode;
mod encoding;
mod header;
mod lines;
mod parser;
mod record;
mod row;
mod snippet;

pub use self::decode::{TextDecoder, TextSink, too_large};
pub use self::parser::{Parser, Rows, Rule};
pub use self::snippet::{Excerpt, Excerpts, HEADER_LINE, Part};
