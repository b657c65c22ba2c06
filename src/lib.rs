//! Turns CSV files of IP rules into correct, fast Apache `.htaccess` files.
//!
//! Data flows in one direction: event → fetch → parse → policy → render → publish → answer. The steps
//! from parsing to rendering have no side effects ([`generate`](mod@generate) turns bytes and settings
//! into a file and an answer). The Lambda function (`function`, with the feature `function`) and the
//! command line (with the feature `command-line`) do the input and output. `ARCHITECTURE.md` describes the
//! layers and the invariants.

pub mod answer;
pub mod csv;
pub mod generate;
pub mod ip;
pub mod list;
pub mod policy;
pub mod render;
pub mod report;
pub mod review;
pub mod rule;
pub mod settings;
pub mod source;
pub mod text;
pub mod time;

#[cfg(feature = "function")]
pub mod function;
