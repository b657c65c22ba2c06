//! Turns CSV files of IP rules into correct, fast Apache `.htaccess` files.
//!
//! One direction: event → fetch → parse → policy → render → publish → answer. The middle is pure
//! ([`generate`]: bytes and settings in, file and answer out); the edges are the Lambda function
//! (feature `function`: [`handler`], [`publish`], [`s3`]) and the command line (feature
//! `command-line`). `ARCHITECTURE.md` has the invariants.

// The pure middle, in reading order.
pub mod generate;

// The function.
#[cfg(feature = "function")]
pub mod handler;
#[cfg(feature = "function")]
pub mod metrics;
#[cfg(feature = "function")]
pub mod event;
#[cfg(feature = "function")]
pub mod publish;
#[cfg(feature = "function")]
mod publish_report;
#[cfg(feature = "function")]
mod target;
#[cfg(feature = "function")]
pub mod provenance;
#[cfg(feature = "function")]
mod template_cache;
#[cfg(feature = "function")]
pub mod store;
#[cfg(feature = "function")]
pub mod s3;
#[cfg(feature = "function")]
pub mod error;
#[cfg(feature = "function")]
pub mod logging;
#[cfg(feature = "function")]
pub mod init_error;
pub mod text;
pub mod source;
pub mod answer;
pub mod ip;
pub mod csv;
pub mod policy;
pub mod settings;
pub mod render;
pub mod review;
pub mod report;
