//! Text for messages: quoting of untrusted text, numbers and lists. Does not depend on CSVs or
//! addresses.

mod quote;
mod rich;
mod list;
mod numbers;
mod push_fmt;

pub(crate) use self::list::{FirstFew, quoted_list};
pub use self::numbers::grouped;
pub(crate) use self::numbers::{milliseconds, thousands, thousands_if_any};
pub use self::push_fmt::push_fmt;
pub use self::quote::{MAX_QUOTED_CHARS, escape, escape_invisible, is_unprintable, quote};
pub(crate) use self::rich::rich;
pub use self::rich::{Part, RichText, Segment, SegmentKind};
