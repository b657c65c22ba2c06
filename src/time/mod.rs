//! Instants, time zones and the periods of rows.
//!
//! [`DateReader`] reads a cell of the columns `Starts` and `Expires` (`cell.rs` has the grammar) as an
//! [`Instant`]. A [`Period`] is the time between two instants. [`TimeZone`] is a zone of the IANA database,
//! which is compiled into the program, so no system files are needed.
//!
//! This folder does not read a clock and contains no messages. An [`InvalidDate`] contains no data, and
//! `csv/diagnose/date/` explains it to people. No other folder uses jiff.

mod cell;
mod date;
mod instant;
mod period;
mod reader;
mod zone;

pub(crate) use self::cell::Clock;
pub(crate) use self::date::Date;
pub use self::instant::Instant;
pub use self::period::{Period, RowState};
pub use self::reader::{Bound, DateReader, InvalidDate};
pub use self::zone::{TimeZone, UnknownZone};
