//! Formats the lines of the rows that a warning is about, for the end of the warning's sentence.

use crate::text::FirstFew;

/// The maximum number of rows that a warning lists by their lines only.
const MAX_LINES: usize = 10;
/// The maximum number of rows that a warning describes, as in `line 4 repeats line 3`.
const MAX_PAIRS: usize = 5;

/// The rows that a warning is about. All rows are counted, and the first few rows by line are kept, each with
/// a value of type `T`.
#[derive(Clone, Debug)]
pub(crate) struct WarnedLines<T> {
    pub(crate) count: u64,
    /// The first rows, in ascending order of lines.
    first: Vec<(u64, T)>,
}

impl<T> Default for WarnedLines<T> {
    fn default() -> Self {
        Self {
            count: 0,
            first: Vec::new(),
        }
    }
}

impl<T> WarnedLines<T> {
    /// Collects the rows, which can be in any order.
    pub(crate) fn of(rows: impl Iterator<Item = (u64, T)>) -> Self {
        let mut lines = Self::default();
        for (line, row) in rows {
            lines.add(line, row);
        }
        lines
    }

    /// Counts a row, and keeps it if it is one of the first rows by line.
    pub(crate) fn add(&mut self, line: u64, row: T) {
        self.count += 1;
        let place = self.first.partition_point(|(other, _)| *other < line);
        if place < MAX_LINES {
            self.first.insert(place, (line, row));
            self.first.truncate(MAX_LINES);
        }
    }

    /// Returns the lines of the kept rows.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u64> {
        self.first.iter().map(|(line, _)| *line)
    }

    /// Returns the lowest line. `None` if there are no rows.
    pub(crate) fn first_line(&self) -> Option<u64> {
        self.first.first().map(|(line, _)| *line)
    }

    /// Describes the first few rows, followed by the number of other rows. `None` if there are no rows.
    pub(crate) fn describe(&self, row: impl Fn(u64, &T) -> String) -> Option<String> {
        self.name(MAX_PAIRS, row).map(|named| named.to_string())
    }

    fn name(&self, max_names: usize, row: impl Fn(u64, &T) -> String) -> Option<FirstFew> {
        let mut named = FirstFew::new(max_names);
        for (line, of) in &self.first {
            named.add(|| row(*line, of));
        }
        named.count = self.count;
        (self.count > 0).then_some(named)
    }
}

impl WarnedLines<()> {
    /// Adds the rows of another collection.
    pub(crate) fn add_all(&mut self, others: &Self) {
        others.numbers().for_each(|line| self.add(line, ()));
        self.count += others.count - others.first.len() as u64;
    }

    /// Formats the rows as `line 3` or `lines 3, 4 and 6`. `None` if there are no rows.
    pub(crate) fn list(&self) -> Option<String> {
        let named = self.name(MAX_LINES, |line, ()| line.to_string())?;
        Some(match self.count {
            1 => format!("line {named}"),
            _ => format!("lines {named}"),
        })
    }
}
