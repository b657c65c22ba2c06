//! Text for messages: quotes untrusted text, formats numbers and lists, and builds sentences whose quoted
//! values stay separate from the words.
//!
//! Every message that contains untrusted text uses this folder to escape and truncate that text. This
//! folder does not depend on CSVs, addresses or answers, and contains no messages itself.

mod list;
mod numbers;
mod push_fmt;
mod quote;
mod rich;

pub(crate) use self::list::{FirstFew, quoted_list};
pub use self::numbers::grouped;
pub(crate) use self::numbers::{milliseconds, thousands, thousands_if_any};
pub use self::push_fmt::push_fmt;
pub use self::quote::{
    MAX_QUOTED_CHARS, escape, escape_block, escape_invisible, escape_json, is_unprintable, quote,
};
pub(crate) use self::rich::rich;
pub use self::rich::{Part, RichText, Segment, SegmentKind};
