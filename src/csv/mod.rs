//! Reads an upload: bytes → text → lines → records → rows.

mod diagnose;
mod error;
mod fast_path;
mod cell;
mod contents;
mod decode;
mod header;
mod lines;
mod parser;
mod record;
mod row;
mod snippet;
mod columns;
mod limits;

pub use self::contents::{Contents, FileStart};
pub use self::decode::{TextDecoder, TextSink};
pub use self::error::CsvError;
pub use self::parser::Parser;
pub use self::row::{OwnedRow, Row, RowError, RowSink};
pub use self::snippet::{Field, Snippet, SnippetFinder};
