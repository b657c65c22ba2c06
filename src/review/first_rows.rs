//! Keeps the first accepted rows of an upload for the table in a report.
//!
//! A report prints only these rows, so other rows are not kept, and long texts are cut.

use std::sync::Arc;

use crate::csv::{Named, Row};
use crate::ip::AddressSpec;
use crate::rule::Action;
use crate::time::{Period, RowState};

/// The maximum number of rows kept from the file itself.
pub(crate) const MAX_OWN_ROWS: usize = 50;
/// The maximum number of rows kept from the common CSV.
const MAX_COMMON_ROWS: usize = 10;
/// The maximum number of characters kept from an address or a comment.
const MAX_CHARS: usize = 120;

/// The first accepted rows of the file itself and of the common CSV, active or not.
#[derive(Clone, Debug, Default)]
pub struct FirstRows {
    pub(crate) own: Vec<FirstRow>,
    pub(crate) common: Vec<FirstRow>,
    /// The name of the common CSV. `None` if it has no rows.
    pub(crate) common_source: Option<Arc<str>>,
    /// The number of rows of the common CSV.
    pub(crate) common_count: u64,
}

/// An accepted row. Its texts are untrusted. A text that was cut ends in `…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FirstRow {
    pub(crate) line: u64,
    pub(crate) action: Action,
    /// The address as written.
    pub(crate) address: String,
    pub(crate) comment: String,
    pub(crate) names: NamedByRow,
    pub(crate) period: Period,
    pub(crate) state: RowState,
}

/// The addresses or the list in the address cell of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NamedByRow {
    Addresses(AddressSpec),
    /// A list with this number of members.
    List {
        members: u64,
    },
}

impl FirstRows {
    /// Returns whether there is room for another row of the file itself.
    #[inline]
    pub(crate) fn has_room(&self) -> bool {
        self.own.len() < MAX_OWN_ROWS
    }

    /// Adds a row if there is room. Rows of the common CSV are counted even if there is no room.
    pub(crate) fn add(&mut self, row: &Row<'_>, state: RowState) {
        let (rows, max_rows) = match row.common {
            None => (&mut self.own, MAX_OWN_ROWS),
            Some(source) => {
                self.common_count += 1;
                self.common_source.get_or_insert_with(|| Arc::clone(source));
                (&mut self.common, MAX_COMMON_ROWS)
            }
        };
        if rows.len() < max_rows {
            rows.push(FirstRow {
                line: row.line,
                action: row.action,
                address: start_of(&row.address()),
                comment: start_of(&row.comment()),
                names: match row.named {
                    Named::Addresses(addresses) => NamedByRow::Addresses(addresses),
                    Named::List(list) => NamedByRow::List {
                        members: list.len() as u64,
                    },
                },
                period: row.period,
                state,
            });
        }
    }

    /// Returns a copy with the first half of the rows, for a report that would be too large.
    pub(crate) fn first_half(&self) -> Self {
        let half = |rows: &[FirstRow]| rows.iter().take(rows.len() / 2).cloned().collect();
        Self {
            own: half(&self.own),
            common: half(&self.common),
            common_source: self.common_source.clone(),
            common_count: self.common_count,
        }
    }

    /// Removes the `all,Allow` rows of the file itself, because they turned out to be rejected.
    pub(crate) fn remove_allow_all(&mut self) {
        let all = NamedByRow::Addresses(AddressSpec::All);
        self.own
            .retain(|row| row.action != Action::Allow || row.names != all);
    }
}

fn start_of(text: &str) -> String {
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
