//! Renders the overview of all sites: the page `index.html` and the table `sites.csv`.
//!
//! The page follows the same rules as the report page: it loads nothing, runs no script, and its size is
//! limited. Each table of the page has at most [`MAX_TABLE_ROWS`] rows, and `sites.csv` lists every site.
//! This module does not know where the facts come from.

mod csv;
mod link;
mod lists;
mod site;
mod table;

pub use self::csv::sites_csv;
pub use self::site::{LastChange, Site, SiteFacts, SiteKind, SiteState};

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Serialize;
use tera::{Context, Tera};

use crate::render::{GENERATOR_NAME, GENERATOR_VERSION};
use crate::report::overview::lists::lists_table;
use crate::report::overview::table::{Table, TableBuilder, number, shown_key, text};
use crate::report::style::{STYLE, STYLE_SHA256};
use crate::text::{milliseconds, thousands};
use crate::time::{Instant, TimeZone};

const NAME: &str = "overview.html";
/// The maximum size of the page, in bytes.
pub const MAX_OVERVIEW_BYTES: usize = 300_000;
/// The maximum number of rows in each table of the page.
pub const MAX_TABLE_ROWS: usize = 100;
/// The number of days before a change by time from which the change is listed.
const DAYS_OF_CHANGES: i64 = 14;
/// The number of days after a publication for which the publication is listed.
const DAYS_OF_PUBLICATIONS: i64 = 7;

/// Counts sites, lists and the common CSV by their state. States that do not occur have no entry.
#[must_use]
pub fn count_states<'a>(sites: impl IntoIterator<Item = &'a Site>) -> BTreeMap<SiteState, u64> {
    let mut counts = BTreeMap::new();
    for site in sites {
        *counts.entry(site.state).or_default() += 1;
    }
    counts
}

/// Renders the page as of an instant, in at most [`MAX_OVERVIEW_BYTES`].
///
/// A key can become several times as long when it is escaped. If such keys make the page too large, its
/// tables have fewer rows.
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

/// The values for the template, which escapes and prints all texts.
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

impl View {
    fn of(sites: &[Site], as_of: Instant, zone: &TimeZone, max_rows: usize) -> Self {
        let of_sites = || sites.iter().filter(|site| site.kind == SiteKind::Site);
        let states = count_states(of_sites());
        let count = |state| states.get(&state).copied().unwrap_or_default();
        let has_rejected = sites.iter().any(|site| site.facts.rejected > 0);
        let attention = sites.iter().any(|site| site.state != SiteState::InForce);
        let mut tables = tables(sites, as_of, zone, max_rows);
        tables.push(lists_table(sites, max_rows));
        let sum = |fact: fn(&SiteFacts) -> u64| -> String {
            thousands(sites.iter().map(|site| fact(&site.facts)).sum::<u64>())
        };
        Self {
            headline: headline(sites),
            tone: match (attention, has_rejected) {
                (true, _) => "bad",
                (false, true) => "warn",
                (false, false) => "good",
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
                    value: thousands(of_sites().count() as u64),
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
                    label: "Output bytes",
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

/// Returns the sentence at the top of the page.
fn headline(sites: &[Site]) -> String {
    let needing = |is_site: fn(SiteKind) -> bool| {
        let of_kind = sites.iter().filter(|site| is_site(site.kind));
        of_kind
            .filter(|site| site.state != SiteState::InForce)
            .count() as u64
    };
    let of_sites = needing(|kind| kind == SiteKind::Site);
    let of_lists = needing(|kind| kind != SiteKind::Site);
    let shown = |count: u64, noun: &str| match count {
        0 => None,
        1 => Some(format!("1 {noun}")),
        _ => Some(format!("{} {noun}s", thousands(count))),
    };
    let (sites, lists) = (shown(of_sites, "site"), shown(of_lists, "list"));
    let verb = if of_sites + of_lists == 1 {
        "needs"
    } else {
        "need"
    };
    match (sites, lists) {
        (None, None) => "Every site is published".to_owned(),
        (Some(sites), Some(lists)) => format!("{sites} and {lists} {verb} attention"),
        (Some(some), None) | (None, Some(some)) => format!("{some} {verb} attention"),
    }
}

/// Returns the tables of sites, including tables without rows.
fn tables(sites: &[Site], as_of: Instant, zone: &TimeZone, max_rows: usize) -> Vec<Table> {
    let until = as_of.plus_days(DAYS_OF_CHANGES).seconds();
    let next_change = |site: &Site| site.facts.next_change.filter(|seconds| *seconds < until);
    let is_site = |site: &Site| site.kind == SiteKind::Site;
    let builder = TableBuilder { sites, max_rows };
    vec![
        builder.build(
            ("attention", "CSVs that need attention", ""),
            &[text("State"), text("Reason")],
            |site| (!matches!(site.state, SiteState::InForce | SiteState::Orphan)).then_some(site.state),
            |site| vec![site.state.label().to_owned(), site.code.clone()],
        ),
        builder.build(
            (
                "orphans",
                "Orphans",
                "Outputs without a CSV, and outputs whose key no longer matches OutputKey.",
            ),
            &[text("Output"), text("Result")],
            |site| (site.state == SiteState::Orphan).then_some(()),
            |site| vec![shown_key(&site.output), orphan_effect(site).to_owned()],
        ),
        builder.build(
            ("changes", "Changes within 14 days", "Sites in which a row starts or ends."),
            &[text("Next change")],
            next_change,
            |site| {
                let instant = site.facts.next_change.map(Instant::from_seconds);
                vec![instant.map_or_else(String::new, |instant| zone.show(instant))]
            },
        ),
        recent_publications(&builder, as_of, zone),
        builder.build(
            ("rejected", "Files with rejected rows", "Rejected rows are not used."),
            &[number("Rejected"), number("Rows")],
            |site| (site.facts.rejected > 0).then_some(Reverse(site.facts.rejected)),
            |site| vec![thousands(site.facts.rejected), thousands(site.facts.rows)],
        ),
        builder.build(
            ("largest", "Largest files", ""),
            &[number("Bytes"), number("Networks")],
            |site| (is_site(site) && site.facts.bytes > 0).then_some(Reverse(site.facts.bytes)),
            |site| vec![thousands(site.facts.bytes), thousands(site.facts.networks)],
        ),
        builder.build(
            (
                "slowest",
                "Slowest for Apache",
                "Apache reads the file again for each request. The time is an estimate for one processor core.",
            ),
            &[number("Time per request"), number("Networks")],
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

fn recent_publications(builder: &TableBuilder<'_>, as_of: Instant, zone: &TimeZone) -> Table {
    let since = as_of.plus_days(-DAYS_OF_PUBLICATIONS).seconds();
    let recent = |site: &Site| {
        let change = site.facts.last_change?;
        let is_recent = change.at >= since && change.gained + change.lost > 0;
        (is_recent && site.state == SiteState::InForce).then_some(change)
    };
    builder.build(
        (
            "published",
            "Changed in the last 7 days",
            "Networks that gained and lost access when the site was last published.",
        ),
        &[text("Published"), number("Gained"), number("Lost")],
        |site| recent(site).map(|change| Reverse(change.at)),
        |site| {
            recent(site).map_or_else(Vec::new, |change| {
                let published = zone.show(Instant::from_seconds(change.at));
                vec![published, thousands(change.gained), thousands(change.lost)]
            })
        },
    )
}

fn orphan_effect(site: &Site) -> &'static str {
    match site.status.as_str() {
        "removed" => "removed",
        "written" | "unchanged" => "lets nobody in",
        _ => "stays in place",
    }
}

#[cfg(test)]
mod tests;
