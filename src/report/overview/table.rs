//! The tables of the overview, each with a maximum number of rows.

use serde::Serialize;

use crate::report::overview::link::report_link;
use crate::report::overview::site::Site;
use crate::text::{escape_invisible, thousands};

/// The maximum length of a key on the page, in characters. The link always contains the whole key.
const MAX_KEY_CHARACTERS: usize = 160;

/// A table of the page. The template escapes all texts in it.
#[derive(Serialize)]
pub(super) struct Table {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) note: &'static str,
    /// The header of the first column, which contains the names of sites or lists.
    pub(super) first: &'static str,
    /// The headers of the columns after the first one.
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Row>,
    /// The total number of rows, including rows that are not listed.
    pub(super) all: String,
    /// The number of rows that are not listed. Empty if all rows are listed.
    pub(super) more: String,
}

impl Table {
    /// Sets the total number of rows, of which the table contains the first ones.
    pub(super) fn of(self, all: usize) -> Self {
        let more = all - self.rows.len();
        Self {
            all: thousands(all as u64),
            more: match more {
                0 => String::new(),
                more => thousands(more as u64),
            },
            ..self
        }
    }
}

/// A column after the first one.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Column {
    pub(super) label: &'static str,
    pub(super) is_number: bool,
}

/// A row about a site or a list.
#[derive(Serialize)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) link: Option<String>,
    pub(super) cells: Vec<String>,
}

/// Returns a column that contains text.
pub(super) const fn text(label: &'static str) -> Column {
    Column {
        label,
        is_number: false,
    }
}

/// Returns a column that contains numbers.
pub(super) const fn number(label: &'static str) -> Column {
    Column {
        label,
        is_number: true,
    }
}

/// Builds the tables of sites.
pub(super) struct TableBuilder<'a> {
    pub(super) sites: &'a [Site],
    pub(super) max_rows: usize,
}

impl TableBuilder<'_> {
    /// Builds a table of the sites that have a rank, in ascending order of rank. Sites with the same rank
    /// keep their order.
    pub(super) fn build<R: Ord>(
        &self,
        (id, title, note): (&'static str, &'static str, &'static str),
        columns: &[Column],
        rank: impl Fn(&Site) -> Option<R>,
        cells: impl Fn(&Site) -> Vec<String>,
    ) -> Table {
        let mut ranked: Vec<(R, usize, &Site)> = self
            .sites
            .iter()
            .enumerate()
            .filter_map(|(index, site)| Some((rank(site)?, index, site)))
            .collect();
        let all = ranked.len();
        let by_rank = |a: &(R, usize, &Site), b: &(R, usize, &Site)| (&a.0, a.1).cmp(&(&b.0, b.1));
        if self.max_rows > 0 && self.max_rows < all {
            ranked.select_nth_unstable_by(self.max_rows, by_rank);
        }
        ranked.truncate(self.max_rows);
        ranked.sort_unstable_by(by_rank);
        let rows = ranked.iter().map(|(_, _, site)| Row {
            name: shown_site(site),
            link: report_link(&site.source),
            cells: cells(site),
        });
        let table = Table {
            id,
            title,
            note,
            first: "Site",
            columns: columns.to_vec(),
            rows: rows.collect(),
            all: String::new(),
            more: String::new(),
        };
        table.of(all)
    }
}

/// Returns the key of the CSV, or the key of the output if its CSV is not known.
fn shown_site(site: &Site) -> String {
    if site.source.is_empty() {
        shown_key(&site.output)
    } else {
        shown_key(&site.source)
    }
}

/// Shortens a key, and escapes the invisible characters in it.
pub(super) fn shown_key(key: &str) -> String {
    match key.char_indices().nth(MAX_KEY_CHARACTERS) {
        None => escape_invisible(key, None),
        Some((end, _)) => {
            let start = escape_invisible(key.get(..end).unwrap_or_default(), None);
            format!("{start}…")
        }
    }
}
