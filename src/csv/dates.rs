//! Reads the date cells of a row as its period.

use crate::csv::cell::{may_be_wrapped, unwrapped};
use crate::csv::row::RowErrorKind;
use crate::time::{Bound, DateReader, Instant, InvalidDate, Period};

/// Reads the period of a row from the text of its date cells. A missing cell is an empty text.
pub(super) fn read_period<'a>(
    starts: &'a str,
    expires: &'a str,
    dates: &'a mut DateReader,
) -> Result<Period, RowErrorKind<'a>> {
    let read = [(Bound::Starts, starts), (Bound::Expires, expires)]
        .map(|(bound, text)| read_cell(bound, text, dates));
    let invalid = |bound, text| RowErrorKind::Date { bound, text, dates };
    match read {
        [Err(InvalidDate), _] => Err(invalid(Bound::Starts, starts)),
        [_, Err(InvalidDate)] => Err(invalid(Bound::Expires, expires)),
        [Ok(first), Ok(end)] => {
            let period = Period {
                starts: first,
                expires: end,
            };
            if period.is_reversed() {
                Err(RowErrorKind::ReversedPeriod { starts, expires })
            } else {
                Ok(period)
            }
        }
    }
}

/// Reads a cell. If that fails, reads it again without the formula or the quotes that a spreadsheet put
/// around it.
fn read_cell(
    bound: Bound,
    text: &str,
    dates: &mut DateReader,
) -> Result<Option<Instant>, InvalidDate> {
    match dates.read(bound, text) {
        Err(InvalidDate) if may_be_wrapped(text) => {
            let plain = unwrapped(text).ok_or(InvalidDate)?;
            dates.read(bound, &plain)
        }
        read => read,
    }
}
