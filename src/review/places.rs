//! The places of recorded rows, each stored as a 32-bit number.
//!
//! The number of a row of the file itself is its line. The rules of lists and of the common CSV, which few
//! files use, have numbers from 2^31 on. A usual row therefore takes no more memory than its line number.

use crate::list::Place;
use crate::review::warned_lines::WarnedLines;

/// The first number that does not stand for a line of the file.
const FIRST_OTHER: u32 = 1 << 31;

/// The places of rules from a list or from the common CSV.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    others: Vec<Place>,
}

impl Places {
    /// Returns the number of a row of the file itself. `None` if its line is 2^31 or higher.
    #[inline]
    pub(crate) fn of_line(line: u64) -> Option<u32> {
        u32::try_from(line).ok().filter(|line| *line < FIRST_OTHER)
    }

    /// Adds a place and returns its number. `None` if there are too many places.
    pub(crate) fn add(&mut self, place: Place) -> Option<u32> {
        let index = u32::try_from(self.others.len()).ok()?;
        let number = FIRST_OTHER.checked_add(index)?;
        self.others.push(place);
        Some(number)
    }

    /// Returns whether a number stands for a row of the file itself that contains addresses, not a list.
    pub(crate) fn is_own(number: u32) -> bool {
        number < FIRST_OTHER
    }

    fn other(&self, number: u64) -> Option<&Place> {
        let index = number.checked_sub(FIRST_OTHER.into())?;
        self.others.get(usize::try_from(index).ok()?)
    }

    /// Returns the line in the file itself. `None` for a row of the common CSV.
    pub(crate) fn own_line(&self, number: u64) -> Option<u64> {
        match self.other(number) {
            None => Some(number),
            Some(place) => place.own_line(),
        }
    }

    /// Formats a place: `line 4` or `line 4: @office (lists/office.csv, line 17)`.
    pub(crate) fn name(&self, number: u64) -> String {
        match self.other(number) {
            None => format!("line {number}"),
            Some(place) => place.to_string(),
        }
    }

    /// Returns the lowest line in the file itself. `None` if no row is in the file itself.
    pub(crate) fn first_line<T>(&self, rows: &WarnedLines<T>) -> Option<u64> {
        rows.numbers()
            .filter_map(|number| self.own_line(number))
            .min()
    }

    /// Formats the rows as `lines 3, 4 and 6`, or with their full places if a row is more than a line. `None`
    /// if there are no rows.
    pub(crate) fn list(&self, rows: &WarnedLines<()>) -> Option<String> {
        let mut numbers = rows.numbers();
        if numbers.any(|number| self.other(number).is_some()) {
            rows.describe(|number, ()| self.name(number))
        } else {
            rows.list()
        }
    }
}
