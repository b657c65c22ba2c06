//! Rules that many sites share, in compiled form: lists of addresses, and the common CSV.
//!
//! A shared CSV is compiled once, when it is published. The sites that use it read only the compiled form:
//!
//! - [`CompiledList`] contains the members of a list, and [`CommonRules`] the rows of the common CSV.
//! - [`Shared`] contains the lists by name (`name.rs`) and the common CSV, for the rows of a site to look up.
//! - [`Place`] is the place that a rule comes from, down to the line in a list.
//! - `format.rs` writes and reads the compiled form as bytes.
//!
//! This folder does not parse CSVs and does not decide who gets in.

mod bytes;
mod common;
mod compiled;
mod error;
mod format;
mod name;
mod place;
mod shared;

pub use self::common::{CommonAddresses, CommonRow, CommonRules};
pub use self::compiled::{CompiledList, ListBuilder, ListId, Member};
pub use self::error::FormatError;
pub use self::name::{LISTS_FOLDER, ListName};
pub use self::place::{MemberPlace, Place};
pub use self::shared::{Listed, Shared, nearest_names};
