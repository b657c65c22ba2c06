//! Words and quotation marks: the wording of untrusted text in messages. Knows nothing of CSVs or addresses.

mod quote;

pub use self::quote::{QUOTED_CHARS_MAX, bare, is_unprintable, quote, visible};
