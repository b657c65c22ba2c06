//! skeleton
pub mod address;
pub mod decode;
mod explain_address;
pub mod generate;
mod header;
pub mod ip_set;
pub mod key;
mod lines;
pub mod parse;
pub mod policy;
pub mod quote;
mod record;
pub mod render;
pub mod report;
pub mod settings;
pub mod template;
