//! Takes the plain rows of a file that has date columns.

use crate::csv::columns::Columns;
use crate::csv::fast_path::{Cursor, PlainRow, USUAL_BYTES, first_stop, places};
use crate::csv::limits::MAX_COLUMNS;
use crate::csv::lines::Taken;
use crate::csv::row::RowSink;
use crate::time::{Bound, DateReader, Period};

/// Takes the plain rows at the start of a text, up to the first line that is not a plain row.
pub(crate) fn take_dated_rows(
    first_line: u64,
    text: &[u8],
    columns: Columns,
    dates: &mut DateReader,
    rows: &mut impl RowSink,
) -> Taken {
    let has_usual_order = (columns.address, columns.rule) == (0, Some(1));
    let mut taken = Taken::default();
    while let Some(rest) = text.get(taken.bytes..) {
        let usual = has_usual_order
            .then(|| DatedRow::usual_at_start_of(rest, columns, dates))
            .flatten();
        let Some(DatedRow { row, period }) =
            usual.or_else(|| DatedRow::at_start_of(rest, columns, dates))
        else {
            break;
        };
        let line = first_line + taken.lines;
        if period.is_always() {
            rows.accept_ipv4(line, row.action, row.addresses);
        } else {
            rows.accept_dated_ipv4(line, row.action, row.addresses, period);
        }
        taken.lines += 1;
        taken.bytes += row.bytes;
    }
    taken
}

/// A plain row with its period.
struct DatedRow {
    row: PlainRow,
    period: Period,
}

impl DatedRow {
    /// Reads the row at the start of `text` if it has the usual form: the address, then the rule, no
    /// quotes, at most [`USUAL_BYTES`] bytes.
    #[inline]
    fn usual_at_start_of(text: &[u8], columns: Columns, dates: &mut DateReader) -> Option<Self> {
        let row = PlainRow::usual_at_start_of(text, columns.delimiter)?;
        let window: &[u8; USUAL_BYTES] = text.first_chunk()?;
        let end = first_stop(window)?;
        let delimiters = places(window, |block| block.equal_to(columns.delimiter));
        let mut date = |bound, column: Option<usize>| match column {
            Some(column) => dates.read_bytes(bound, cell_of(window, end, delimiters, column)),
            None => Ok(None),
        };
        let period = Period {
            starts: date(Bound::Starts, columns.starts).ok()?,
            expires: date(Bound::Expires, columns.expires).ok()?,
        };
        (!period.is_reversed()).then_some(Self { row, period })
    }

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
            } else if Some(index) == columns.rule {
                let mut cell = cursor.start_cell()?;
                action = Some(cell.action()?);
                cursor.end_cell(cell, delimiter)?
            } else if Some(index) == columns.starts {
                let cell = cursor.date_cell(delimiter)?;
                period.starts = dates.read_bytes(Bound::Starts, cell).ok()?;
                cursor.take(delimiter)
            } else if Some(index) == columns.expires {
                let cell = cursor.date_cell(delimiter)?;
                period.expires = dates.read_bytes(Bound::Expires, cell).ok()?;
                cursor.take(delimiter)
            } else {
                cursor.skip_cell(delimiter)?
            };
        }
        if goes_on {
            cursor.skip_to_terminator(delimiter)?;
        }
        cursor.terminator()?;
        // `parser.rs` handles a reversed period, and a line that may have too many cells.
        let row = PlainRow {
            action: action?,
            addresses: addresses?,
            bytes: cursor.at,
        };
        (!period.is_reversed() && row.bytes < MAX_COLUMNS).then_some(Self { row, period })
    }
}

/// Returns a cell of a row that ends at `end`. Empty if the row has fewer cells. `delimiters` has one bit for
/// each byte of the window, set if the byte is a delimiter.
#[inline]
fn cell_of(window: &[u8; USUAL_BYTES], end: usize, delimiters: u64, column: usize) -> &[u8] {
    let mut rest = delimiters;
    let mut start = 0;
    for _ in 0..column {
        start = rest.trailing_zeros() as usize + 1;
        rest &= rest.wrapping_sub(1);
    }
    let cell_end = end.min(rest.trailing_zeros() as usize);
    window.get(start..cell_end).unwrap_or_default()
}

impl<'a> Cursor<'a> {
    /// Steps over a cell up to the delimiter or the end of the line, and returns its text. `None` if the cell
    /// does not end in this text, or if it has only one of its two quotes.
    #[inline]
    fn date_cell(&mut self, delimiter: u8) -> Option<&'a [u8]> {
        let is_quoted = self.take(b'"');
        let is_end = |byte: &u8| *byte == delimiter || matches!(byte, b'"' | b'\n' | b'\r');
        let length = self.rest().iter().position(is_end)?;
        let cell = self.rest().get(..length)?;
        self.at += length;
        (self.take(b'"') == is_quoted).then_some(cell)
    }
}
