//! Renders the overview of all sites: the page `index.html` and the table `sites.csv`.
//!
//! The page has the rules of the report page: it loads nothing, runs no script, and its size is bounded. Each of
//! its tables has at most [`MAX_TABLE_ROWS`] rows; `sites.csv` has every site. This folder knows nothing
//! about where the facts come from.

mod csv;
mod link;
mod site;

pub use self::csv::sites_csv;
pub use self::site::{Site, SiteFacts, SiteState};

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Serialize;
use tera::{Context, Tera};

use crate::render::{GENERATOR_NAME, GENERATOR_VERSION};
use crate::report::overview::link::report_link;
use crate::report::style::{STYLE, STYLE_SHA256};
use crate::text::{escape_invisible, milliseconds, thousands};
use crate::time::{Instant, TimeZone};

const NAME: &str = "overview.html";
/// The maximum size of the page, in bytes.
pub const MAX_OVERVIEW_BYTES: usize = 300_000;
/// The maximum number of rows of each table of the page.
pub const MAX_TABLE_ROWS: usize = 100;
/// The number of days in which a change is listed.
const DAYS_OF_CHANGES: i64 = 14;
/// The maximum length of a key that is shown, in characters. Its link has all of it.
const MAX_KEY_CHARACTERS: usize = 160;

/// The number of sites in each state. A state without sites has no entry.
#[must_use]
pub fn count_states(sites: &[Site]) -> BTreeMap<SiteState, u64> {
    let mut counts = BTreeMap::new();
    for site in sites {
        *counts.entry(site.state).or_default() += 1;
    }
    counts
}

/// Renders the page as of an instant, in at most [`MAX_OVERVIEW_BYTES`].
///
/// Escaped, a key can be several times as long. If such keys make the page too large, its tables have fewer
/// rows.
#[must_use]
pub fn overview_page(sites: &[Site], as_of: Instant, zone: &TimeZone) -> String {
    let mut rows = MAX_TABLE_ROWS;
    loop {
        let page = page_of(&View::of(sites, as_of, zone, rows));
        if page.len() <= MAX_OVERVIEW_BYTES || rows == 0 {
            return page;
        }
        rows /= 2;
    }
}

fn page_of(view: &View) -> String {
    static TERA: OnceLock<Option<Tera>> = OnceLock::new();
    let tera = TERA.get_or_init(|| {
        let mut tera = Tera::new();
        tera.autoescape_on([".html"]);
        tera.add_raw_template(NAME, include_str!("page.html"))
            .ok()?;
        Some(tera)
    });
    let mut context = Context::new();
    context.insert("page", view);
    context.insert_value("style", STYLE.into());
    context.insert_value("style_sha256", STYLE_SHA256.into());
    tera.as_ref()
        .and_then(|tera| tera.render(NAME, &context).ok())
        .unwrap_or_default()
}

/// The values for the template: texts, which the template escapes and prints.
#[derive(Serialize)]
struct View {
    headline: String,
    /// `good`, `warn` or `bad`.
    tone: &'static str,
    checked: String,
    states: Vec<Figure>,
    totals: Vec<Figure>,
    tables: Vec<Table>,
    generator: String,
}

#[derive(Serialize)]
struct Figure {
    label: &'static str,
    value: String,
}

#[derive(Serialize)]
struct Table {
    id: &'static str,
    title: &'static str,
    note: &'static str,
    /// The headers of the columns after the site.
    columns: Vec<Column>,
    rows: Vec<Row>,
    all: String,
    /// The number of sites that are not listed, or an empty text.
    more: String,
}

#[derive(Clone, Copy, Serialize)]
struct Column {
    label: &'static str,
    is_number: bool,
}

#[derive(Serialize)]
struct Row {
    site: String,
    link: Option<String>,
    cells: Vec<String>,
}

const fn text(label: &'static str) -> Column {
    Column {
        label,
        is_number: false,
    }
}

const fn number(label: &'static str) -> Column {
    Column {
        label,
        is_number: true,
    }
}

impl View {
    fn of(sites: &[Site], as_of: Instant, zone: &TimeZone, max_rows: usize) -> Self {
        let states = count_states(sites);
        let count = |state| states.get(&state).copied().unwrap_or_default();
        let attention: u64 = SiteState::ALL[1..].iter().map(|state| count(*state)).sum();
        let has_rejected = sites.iter().any(|site| site.facts.rejected > 0);
        let tables = tables(sites, as_of, zone, max_rows);
        let sum = |fact: fn(&SiteFacts) -> u64| -> String {
            thousands(sites.iter().map(|site| fact(&site.facts)).sum::<u64>())
        };
        Self {
            headline: match attention {
                0 => "Every site is in force".to_owned(),
                1 => "1 site needs attention".to_owned(),
                sites => format!("{} sites need attention", thousands(sites)),
            },
            tone: match attention {
                0 if has_rejected => "warn",
                0 => "good",
                _ => "bad",
            },
            checked: zone.show(as_of),
            states: SiteState::ALL
                .iter()
                .map(|state| Figure {
                    label: state.label(),
                    value: thousands(count(*state)),
                })
                .collect(),
            totals: vec![
                Figure {
                    label: "Sites",
                    value: thousands(sites.len() as u64),
                },
                Figure {
                    label: "Rows",
                    value: sum(|facts| facts.rows),
                },
                Figure {
                    label: "Rejected rows",
                    value: sum(|facts| facts.rejected),
                },
                Figure {
                    label: "Networks",
                    value: sum(|facts| facts.networks),
                },
                Figure {
                    label: "Bytes",
                    value: sum(|facts| facts.bytes),
                },
            ],
            tables: tables
                .into_iter()
                .filter(|table| !table.rows.is_empty() || !table.more.is_empty())
                .collect(),
            generator: format!("{GENERATOR_NAME} {GENERATOR_VERSION}"),
        }
    }
}

/// Returns all tables, also those without rows.
fn tables(sites: &[Site], as_of: Instant, zone: &TimeZone, max_rows: usize) -> Vec<Table> {
    let until = as_of.plus_days(DAYS_OF_CHANGES).seconds();
    let next_change = |site: &Site| site.facts.next_change.filter(|seconds| *seconds < until);
    let builder = TableBuilder { sites, max_rows };
    vec![
        builder.build(
            ("attention", "Sites that need attention", ""),
            &[text("State"), text("Reason")],
            |site| (!matches!(site.state, SiteState::InForce | SiteState::Orphan)).then_some(site.state),
            |site| vec![site.state.label().to_owned(), site.code.clone()],
        ),
        builder.build(
            (
                "orphans",
                "Orphans",
                "Outputs without a CSV, or under a key that OutputKey does not give any more.",
            ),
            &[text("Output"), text("What was done")],
            |site| (site.state == SiteState::Orphan).then_some(()),
            |site| vec![shown_key(&site.output), orphan_effect(site).to_owned()],
        ),
        builder.build(
            ("changes", "Changes within 14 days", "A row starts or ends."),
            &[text("Next change")],
            next_change,
            |site| {
                let instant = site.facts.next_change.map(Instant::from_seconds);
                vec![instant.map_or_else(String::new, |instant| zone.show(instant))]
            },
        ),
        builder.build(
            ("rejected", "Files with rejected rows", "Rejected rows are not used."),
            &[number("Rejected"), number("Rows")],
            |site| (site.facts.rejected > 0).then_some(Reverse(site.facts.rejected)),
            |site| vec![thousands(site.facts.rejected), thousands(site.facts.rows)],
        ),
        builder.build(
            ("largest", "Largest files", ""),
            &[number("Bytes"), number("Networks")],
            |site| (site.facts.bytes > 0).then_some(Reverse(site.facts.bytes)),
            |site| vec![thousands(site.facts.bytes), thousands(site.facts.networks)],
        ),
        builder.build(
            (
                "slowest",
                "Slowest for Apache",
                "Apache reads the file again on every request. The estimated time is that of one core.",
            ),
            &[number("Each request"), number("Networks")],
            |site| {
                let microseconds = site.facts.request_microseconds;
                (microseconds > 0).then_some(Reverse(microseconds))
            },
            |site| {
                let time = milliseconds(site.facts.request_microseconds);
                vec![format!("{time} ms"), thousands(site.facts.networks)]
            },
        ),
    ]
}

struct TableBuilder<'a> {
    sites: &'a [Site],
    max_rows: usize,
}

impl TableBuilder<'_> {
    /// Builds a table of the sites that have a rank, the lowest rank first. Sites of the same rank keep their
    /// order.
    fn build<R: Ord>(
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
        let more = all - ranked.len();
        Table {
            id,
            title,
            note,
            columns: columns.to_vec(),
            rows: ranked
                .iter()
                .map(|(_, _, site)| Row {
                    site: shown_site(site),
                    link: report_link(&site.source),
                    cells: cells(site),
                })
                .collect(),
            all: thousands(all as u64),
            more: match more {
                0 => String::new(),
                more => thousands(more as u64),
            },
        }
    }
}

/// Returns the key of the CSV, or that of the output if it names no CSV.
fn shown_site(site: &Site) -> String {
    if site.source.is_empty() {
        shown_key(&site.output)
    } else {
        shown_key(&site.source)
    }
}

fn shown_key(key: &str) -> String {
    match key.char_indices().nth(MAX_KEY_CHARACTERS) {
        None => escape_invisible(key, None),
        Some((end, _)) => {
            let start = escape_invisible(key.get(..end).unwrap_or_default(), None);
            format!("{start}…")
        }
    }
}

fn orphan_effect(site: &Site) -> &'static str {
    match site.status.as_str() {
        "removed" => "removed",
        "written" | "unchanged" => "lets nobody in",
        _ => "stays in force",
    }
}

#[cfg(test)]
mod tests;
