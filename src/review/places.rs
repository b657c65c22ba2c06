//! The places of recorded rows, each as a small number.
//!
//! A row of the file itself has its line as number. The rules of lists and of the common CSV, which few
//! files have, are numbered from 2^31 on, so that the usual row takes no more memory than its line.

use crate::list::Place;
use crate::review::warned_lines::WarnedLines;

/// The first number that is not a line of the file.
const FIRST_OTHER: u32 = 1 << 31;

/// The places that are not just a line of the file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    others: Vec<Place>,
}

impl Places {
    /// Returns the number of a row of the file itself. `None` if its line is too high.
    #[inline]
    pub(crate) fn of_line(line: u64) -> Option<u32> {
        u32::try_from(line).ok().filter(|line| *line < FIRST_OTHER)
    }

    /// Adds a place, and returns its number. `None` if there are too many.
    pub(crate) fn add(&mut self, place: Place) -> Option<u32> {
        let index = u32::try_from(self.others.len()).ok()?;
        let number = FIRST_OTHER.checked_add(index)?;
        self.others.push(place);
        Some(number)
    }

    /// Returns whether a number is that of a row of the file itself which names addresses.
    pub(crate) fn is_own(number: u32) -> bool {
        number < FIRST_OTHER
    }

    fn other(&self, number: u64) -> Option<&Place> {
        let index = number.checked_sub(FIRST_OTHER.into())?;
        self.others.get(usize::try_from(index).ok()?)
    }

    /// Returns the line of a row in the file itself. `None` for a row of the common CSV.
    pub(crate) fn own_line(&self, number: u64) -> Option<u64> {
        match self.other(number) {
            None => Some(number),
            Some(place) => place.own_line(),
        }
    }

    /// Names a place: `line 4`, or `line 4: @office (lists/office.csv, line 17)`.
    pub(crate) fn name(&self, number: u64) -> String {
        match self.other(number) {
            None => format!("line {number}"),
            Some(place) => place.to_string(),
        }
    }

    /// Returns the first line in the file itself.
    pub(crate) fn first_line<T>(&self, rows: &WarnedLines<T>) -> Option<u64> {
        rows.numbers()
            .filter_map(|number| self.own_line(number))
            .min()
    }

    /// Lists the rows: `lines 3, 4 and 6`, or the names of all if some are not just lines.
    pub(crate) fn list(&self, rows: &WarnedLines<()>) -> Option<String> {
        let mut numbers = rows.numbers();
        if numbers.any(|number| self.other(number).is_some()) {
            rows.describe(|number, ()| self.name(number))
        } else {
            rows.list()
        }
    }
}
