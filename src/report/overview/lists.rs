//! The table of the lists and the common CSV: their states, and the number of sites that use each of them.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::list::ListName;
use crate::report::overview::link::report_link;
use crate::report::overview::site::{Site, SiteKind, SiteState};
use crate::report::overview::table::{Row, Table, number, shown_key, text};
use crate::text::thousands;

/// The state of a list that sites still use although its CSV was deleted.
const WITHOUT_CSV: &str = "Published, but its CSV was deleted";

/// A list or the common CSV, and the number of sites that use it.
#[derive(Default)]
struct Shared<'a> {
    /// The CSV. `None` if it was deleted.
    csv: Option<&'a Site>,
    users: u64,
}

/// Builds the table. The lists that most sites use are first.
pub(super) fn lists_table(sites: &[Site], max_rows: usize) -> Table {
    let all = sites.iter().filter(|site| is_csv_of_site(site)).count() as u64;
    let mut rows: Vec<(String, Shared<'_>)> = Vec::new();
    let mut lists: BTreeMap<&str, Shared<'_>> = BTreeMap::new();
    let names: Vec<Option<ListName>> = sites.iter().map(name_of_list).collect();
    for (site, name) in sites.iter().zip(&names) {
        for used in &site.lists {
            lists.entry(used).or_default().users += u64::from(site.kind == SiteKind::Site);
        }
        if let Some(name) = name {
            lists.entry(name.as_str()).or_default().csv = Some(site);
        }
    }
    for common in sites.iter().filter(|site| site.kind == SiteKind::Common) {
        for used in &common.lists {
            lists.entry(used).or_default().users = all;
        }
        let csv = Some(common);
        rows.push((shown_key(&common.source), Shared { csv, users: all }));
    }
    let lists = lists.into_iter();
    rows.extend(lists.map(|(name, list)| (format!("@{}", shown_key(name)), list)));
    rows.sort_by_key(|(_, shared)| Reverse(shared.users));
    let count = rows.len();
    let table = Table {
        id: "lists",
        title: "Lists and the common CSV",
        note: "The number of sites that use each list. Every site uses the lists that the common CSV uses.",
        first: "List",
        columns: vec![text("State"), number("Sites")],
        rows: rows.into_iter().take(max_rows).map(row).collect(),
        all: String::new(),
        more: String::new(),
    };
    table.of(count)
}

fn row((name, Shared { csv, users }): (String, Shared<'_>)) -> Row {
    let state = csv.map_or(WITHOUT_CSV, |csv| csv.state.label());
    Row {
        name,
        link: csv.and_then(|csv| report_link(&csv.source)),
        cells: vec![state.to_owned(), thousands(users)],
    }
}

fn is_csv_of_site(site: &Site) -> bool {
    site.kind == SiteKind::Site && site.state != SiteState::Orphan
}

fn name_of_list(site: &Site) -> Option<ListName> {
    ListName::of_key(&site.source).filter(|_| site.kind == SiteKind::List)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::overview::site::SiteFacts;

    fn csv(kind: SiteKind, source: &str, lists: &[&str]) -> Site {
        Site {
            source: source.to_owned(),
            output: String::new(),
            kind,
            state: SiteState::InForce,
            status: "unchanged".to_owned(),
            code: String::new(),
            lists: lists.iter().map(|&name| name.to_owned()).collect(),
            facts: SiteFacts::default(),
        }
    }

    fn rows(sites: &[Site]) -> Vec<String> {
        let table = lists_table(sites, 100);
        let rows = table.rows.iter();
        rows.map(|row| {
            let link = row.link.as_deref().unwrap_or("no link");
            format!("{}: {}, {link}", row.name, row.cells.join(", "))
        })
        .collect()
    }

    #[test]
    fn each_list_has_the_number_of_its_sites() {
        let mut sites = vec![
            csv(SiteKind::Site, "a.csv", &["deleted", "office"]),
            csv(SiteKind::Site, "b.csv", &["office"]),
            csv(SiteKind::Site, "c.csv", &[]),
            csv(SiteKind::List, "lists/office.csv", &[]),
            csv(SiteKind::List, "lists/unused.csv", &[]),
        ];
        sites[4].state = SiteState::NeverPublished;
        assert_eq!(
            rows(&sites),
            [
                "@office: Published, 2, lists/office.csv.html",
                "@deleted: Published, but its CSV was deleted, 1, no link",
                "@unused: Never published, 0, lists/unused.csv.html",
            ]
        );
    }

    #[test]
    fn every_site_uses_what_the_common_csv_names() {
        let mut orphan = csv(SiteKind::Site, "gone.csv", &[]);
        orphan.state = SiteState::Orphan;
        let sites = [
            csv(SiteKind::Common, "_common.csv", &["bots"]),
            csv(SiteKind::Site, "a.csv", &["bots"]),
            csv(SiteKind::Site, "b.csv", &[]),
            orphan,
            csv(SiteKind::List, "lists/bots.csv", &[]),
        ];
        assert_eq!(
            rows(&sites),
            [
                "_common.csv: Published, 2, _common.csv.html",
                "@bots: Published, 2, lists/bots.csv.html",
            ]
        );
    }

    #[test]
    fn a_table_is_cut() {
        let sites = [csv(SiteKind::Site, "a.csv", &["a", "b", "c"])];
        let table = lists_table(&sites, 2);
        assert_eq!((table.rows.len(), table.more.as_str()), (2, "1"));
    }
}
