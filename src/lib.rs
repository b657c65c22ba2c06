//! Turns CSV files of IP rules into correct, fast Apache `.htaccess` files.
//!
//! Data flows in one direction: event → fetch → parse → policy → render → publish → answer. The
//! middle is pure ([`generate`](mod@generate): bytes and settings in, file and answer out). The
//! edges are the Lambda function (`function`, with the feature `function`) and the command line
//! (with the feature `command-line`). `ARCHITECTURE.md` has the layers and the invariants.

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
