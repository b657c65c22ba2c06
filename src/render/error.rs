//! The reasons why a template cannot be used.

use std::fmt;

use crate::answer::{Refusal, RefusalCode};
use crate::render::built_in::built_in_names;
use crate::text::{RichText, Segment, escape_block, rich, thousands};

/// The reason why a template cannot be used. `Display` writes the message. Reports from Tera contain the
/// line and column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateError {
    /// No built-in template has this name.
    Unknown {
        /// The requested name.
        name: String,
    },
    /// Tera cannot compile the template.
    DoesNotCompile {
        /// Tera's report.
        report: String,
    },
    /// Tera fails on this file, for example because a variable does not exist.
    Fails {
        /// Tera's report.
        report: String,
    },
    /// A built-in template cannot represent this file and stops with a reason.
    Refuses {
        /// The name of the template.
        name: &'static str,
        /// The reason that the template gives.
        reason: String,
    },
    /// The output, or the lists that the template reads, would be too large.
    TooLarge {
        /// The number of networks in the longest list.
        networks: usize,
        /// The maximum size of the output, in bytes.
        max_bytes: u64,
    },
    /// A line of the output is longer than Apache accepts.
    LineTooLong {
        /// The line number in the output, 1-based.
        line: usize,
        /// The maximum length of a line, in bytes.
        max_bytes: usize,
    },
}

impl TemplateError {
    fn explain(&self) -> RichText {
        match self {
            Self::Unknown { name } => rich!(
                "there is no built-in template {}: expected {}",
                Segment::quoted(name),
                built_in_names()
            ),
            // Reports are escaped, because they contain lines of the template and may quote a cell.
            Self::DoesNotCompile { report } => {
                rich!("the template does not compile: {}", escape_block(report))
            }
            Self::Fails { report } => {
                rich!("the template fails on this file: {}", escape_block(report))
            }
            Self::Refuses { name, reason } => {
                rich!(
                    "the template {} cannot be used for this file: {}",
                    *name,
                    escape_block(reason)
                )
            }
            Self::TooLarge {
                networks,
                max_bytes,
            } => rich!(
                "the output would be larger than {} bytes, because it contains {} networks: write \
                 networks instead of ranges, or split the CSV",
                thousands(*max_bytes),
                thousands(*networks as u64)
            ),
            Self::LineTooLong { line, max_bytes } => rich!(
                "line {} of the output is longer than {} bytes, and Apache would refuse the file: in the template, print \
                 allow.lines and deny.lines, and no long comments; if the output is not for Apache, choose an output \
                 key that does not end in .htaccess",
                *line,
                *max_bytes
            ),
        }
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.explain().fmt(f)
    }
}

impl std::error::Error for TemplateError {}

impl From<TemplateError> for Refusal {
    fn from(err: TemplateError) -> Self {
        let code = match err {
            TemplateError::TooLarge { .. } => RefusalCode::TooLarge,
            _ => RefusalCode::BadTemplate,
        };
        Self::new(code, err.explain())
    }
}
