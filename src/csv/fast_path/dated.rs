//! Takes plain rows of a file that has date columns.

use crate::csv::columns::Columns;
use crate::csv::fast_path::Cursor;
use crate::csv::limits::MAX_COLUMNS;
use crate::csv::lines::Taken;
use crate::csv::row::RowSink;
use crate::ip::AddrRange;
use crate::rule::Action;
use crate::time::{Bound, DateReader, Instant, Period};

/// Takes the plain rows at the start of a text, up to the first line that is not a plain row.
pub(crate) fn take_dated_rows(
    first_line: u64,
    text: &[u8],
    columns: Columns,
    dates: &mut DateReader,
    rows: &mut impl RowSink,
) -> Taken {
    let mut taken = Taken::default();
    while let Some(rest) = text.get(taken.bytes..) {
        let Some(row) = DatedRow::at_start_of(rest, columns, dates) else {
            break;
        };
        rows.accept_ipv4(
            first_line + taken.lines,
            row.action,
            row.addresses,
            row.period,
        );
        taken.lines += 1;
        taken.bytes += row.bytes;
    }
    taken
}

/// A row with its period, and its length in bytes with its terminator.
struct DatedRow {
    action: Action,
    addresses: AddrRange<u32>,
    period: Period,
    bytes: usize,
}

impl DatedRow {
    /// Reads the row at the start of `text`. `None` if it is not a plain row, or if `text` may end
    /// before the row does.
    fn at_start_of(text: &[u8], columns: Columns, dates: &mut DateReader) -> Option<Self> {
        let delimiter = columns.delimiter;
        let mut cursor = Cursor { text, at: 0 };
        let mut addresses = None;
        let mut action = None;
        let mut period = Period::ALWAYS;
        let mut goes_on = true;
        for index in 0..=columns.last() {
            if !goes_on {
                break;
            }
            goes_on = if index == columns.address {
                let mut cell = cursor.start_cell()?;
                addresses = Some(cell.addresses()?);
                cursor.end_cell(cell, delimiter)?
            } else if index == columns.rule {
                let mut cell = cursor.start_cell()?;
                action = Some(cell.action()?);
                cursor.end_cell(cell, delimiter)?
            } else if Some(index) == columns.starts {
                period.starts = cursor.date(Bound::Starts, delimiter, dates)?;
                cursor.take(delimiter)
            } else if Some(index) == columns.expires {
                period.expires = cursor.date(Bound::Expires, delimiter, dates)?;
                cursor.take(delimiter)
            } else {
                cursor.skip_cell(delimiter)?
            };
        }
        if goes_on {
            cursor.skip_to_terminator(delimiter)?;
        }
        cursor.terminator()?;
        // `parser.rs` rejects a reversed period, and a line with too many cells.
        (!period.is_reversed() && cursor.at < MAX_COLUMNS).then_some(Self {
            action: action?,
            addresses: addresses?,
            period,
            bytes: cursor.at,
        })
    }
}

impl Cursor<'_> {
    /// Reads a date up to the delimiter or the end of the line. `None` if it is not one, or if there is a
    /// character around it.
    #[inline]
    fn date(
        &mut self,
        bound: Bound,
        delimiter: u8,
        dates: &mut DateReader,
    ) -> Option<Option<Instant>> {
        let is_quoted = self.take(b'"');
        let is_end = |byte: &u8| *byte == delimiter || matches!(byte, b'"' | b'\n' | b'\r');
        let length = self.rest().iter().position(is_end)?;
        let date = dates.read_bytes(bound, self.rest().get(..length)?).ok()?;
        self.at += length;
        (self.take(b'"') == is_quoted).then_some(date)
    }
}
