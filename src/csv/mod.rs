//! Reads an upload: bytes → text → lines → records → rows.
//!
//! Reading follows the push model. The caller pushes the pieces of an upload as they arrive, and each
//! stage pushes its results to the next one, which is its sink:
//!
//! - [`TextDecoder`] (`decode.rs`) decompresses the bytes (`gzip.rs`), decodes them, and pushes the text to a
//!   [`TextSink`].
//! - [`Parser`] (`parser.rs`) cuts the text into lines (`lines.rs`), reads the header (`header.rs`), then the
//!   records (`record.rs`) and their cells (`cells.rs`, `cell.rs`, `dates.rs`), and pushes rows (`row.rs`) to
//!   a [`RowSink`]. `kind.rs` defines what the rows of a site, of a list and of the common CSV may contain.
//!   `common_rows.rs` adds the rows that apply to every site, and `hidden_rows.rs` finds rows that are hidden
//!   by a missing quote. `columns.rs` has the names of the columns that are read, and `conditions.rs` the
//!   names of columns that must not be ignored silently. `fast_path` reads the most common rows faster, with
//!   the same results.
//! - `diagnose` explains a rejected row or a refused file (`error.rs`).
//!
//! `contents.rs` recognizes a CSV by its first bytes. `quoted_row.rs` quotes a row in a message, and
//! `snippet.rs` reads an upload again to quote rows that were not quoted while they were parsed. This folder
//! does no input or output, keeps no rows and does not decide which clients get in.

mod cell;
mod cells;
mod columns;
mod common_rows;
mod conditions;
mod contents;
mod dates;
mod decode;
mod diagnose;
mod error;
mod fast_path;
mod gzip;
mod header;
mod hidden_rows;
mod kind;
mod limits;
mod lines;
mod parser;
mod quoted_row;
mod reading;
mod record;
mod row;
mod snippet;

pub(crate) use self::contents::first_lines;
pub use self::contents::{Contents, FileStart};
pub use self::decode::{TextDecoder, TextSink};
pub use self::error::{CsvError, ListProblem};
pub use self::kind::{CsvKind, Named, RowContext};
pub use self::parser::{Parser, read_rows};
pub use self::quoted_row::{Field, Snippet};
pub use self::row::{HiddenRow, MemberRow, OwnedRow, Row, RowError, RowRule, RowSink};
pub use self::snippet::SnippetFinder;
