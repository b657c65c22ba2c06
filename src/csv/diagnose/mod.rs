//! Explains what is wrong with a cell, a row, a header or a file, and what it could say instead.
//!
//! Explaining knows parsing; parsing does not know explaining.

mod address;
mod characters;
mod file_kind;
mod header;
mod ipv4;
mod mixed;
mod rule;

pub(crate) use self::file_kind::{binary_kind, text_kind, wide_text_kind};
pub(crate) use self::header::{missing_column, second_header};
pub(crate) use self::rule::{explain_rule, suggested_rule};
