//! Words and quotation marks: the wording of untrusted text in messages. Knows nothing of CSVs or addresses.

mod quote;
mod rich;
mod list;
mod numbers;

pub(crate) use self::list::{FirstFew, quoted_list};
pub use self::numbers::grouped;
pub(crate) use self::numbers::{milliseconds, thousands};
pub use self::quote::{MAX_QUOTED_CHARS, escape, escape_invisible, is_unprintable, quote};
pub(crate) use self::rich::rich;
pub use self::rich::{Part, RichText, Segment, SegmentKind};
