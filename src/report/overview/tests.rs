use super::*;

fn site(source: &str, state: SiteState) -> Site {
    Site {
        source: source.to_owned(),
        output: format!("{source}/.htaccess"),
        kind: SiteKind::Site,
        lists: Vec::new(),
        state,
        status: "unchanged".to_owned(),
        code: String::new(),
        facts: SiteFacts {
            rows: 5,
            rejected: 1,
            networks: 2,
            bytes: 200,
            request_microseconds: 1_250,
            next_change: Some(86_400),
            last_change: None,
        },
    }
}

fn page(sites: &[Site]) -> String {
    let utc = TimeZone::named("UTC").unwrap();
    overview_page(sites, Instant::from_seconds(0), &utc)
}

/// Returns the links of the page, in order.
fn links(page: &str) -> Vec<&str> {
    let starts = page.split("href=\"").skip(1);
    starts.map(|rest| rest.split('"').next().unwrap()).collect()
}

#[test]
fn each_state_is_counted_and_each_site_linked() {
    let sites: Vec<Site> = SiteState::ALL
        .iter()
        .map(|state| site(&format!("{}.csv", state.name()), *state))
        .collect();
    let page = page(&sites);
    for state in SiteState::ALL {
        let figure = format!("<dt>{}</dt><dd>1</dd>", state.label());
        assert!(page.contains(&figure), "{figure}: {page}");
        let link = format!("{}.csv.html", state.name());
        assert!(links(&page).contains(&link.as_str()), "{link}");
    }
    assert!(page.contains("6 sites need attention"));
    assert!(page.contains("2 January 1970, 00:00 UTC"));
    assert!(page.contains("1.3 ms") || page.contains("1.2 ms"), "{page}");
}

#[test]
fn a_table_has_at_most_100_rows_the_worst_first() {
    let mut sites: Vec<Site> = (0..10_000)
        .map(|index| site(&format!("clients/site-{index:05}.csv"), SiteState::InForce))
        .collect();
    for (index, site) in sites.iter_mut().enumerate() {
        site.facts.bytes = index as u64;
        site.facts.rejected = 0;
        site.facts.next_change = None;
        site.facts.request_microseconds = 0;
    }
    let page = page(&sites);
    assert_eq!(
        page.matches("<tr><th scope=\"row\">").count(),
        MAX_TABLE_ROWS
    );
    assert!(
        page.contains("And 9,899 more"),
        "the site of 0 bytes has no rank"
    );
    let first = page.find("site-09999.csv").unwrap();
    assert!(first < page.find("site-09900.csv").unwrap());
    assert!(!page.contains("site-09899.csv"));
    assert!(page.len() < MAX_OVERVIEW_BYTES, "{}", page.len());
    assert_eq!(sites_csv(&sites).lines().count(), 10_001);
}

#[test]
fn a_change_is_listed_until_14_days_before_it() {
    let day = 86_400;
    for (days, is_listed) in [(-1, true), (13, true), (14, false)] {
        let mut site = site("a.csv", SiteState::InForce);
        site.facts.next_change = Some(days * day);
        assert_eq!(
            page(&[site]).contains("Changes within"),
            is_listed,
            "{days}"
        );
    }
}

#[test]
fn a_publication_is_listed_for_7_days_the_newest_first() {
    let day = 86_400;
    let change = |at, gained, lost| Some(LastChange { at, gained, lost });
    let published = |name: &str, last_change, state| {
        let mut site = site(name, state);
        site.facts.last_change = last_change;
        site
    };
    let sites = [
        published("old.csv", change(-8 * day, 1, 1), SiteState::InForce),
        published("same.csv", change(-day, 0, 0), SiteState::InForce),
        published("held.csv", change(-day, 1, 1), SiteState::Held),
        published("week.csv", change(-7 * day, 1, 1), SiteState::InForce),
        published("new.csv", change(-day, 2_000, 3), SiteState::InForce),
    ];
    let page = page(&sites);
    let (_, table) = page.split_once("<h2 id=\"published\">").unwrap();
    let (table, _) = table.split_once("</section>").unwrap();
    assert_eq!(links(table), ["new.csv.html", "week.csv.html"]);
    for cell in ["31 December 1969", "<bdi>2,000</bdi>", "<bdi>3</bdi>"] {
        assert!(table.contains(cell), "{cell}: {table}");
    }
    let csv = sites_csv(&sites);
    assert!(csv.contains(",1969-12-31T00:00:00Z,2000,3\r\n"), "{csv}");
}

#[test]
fn hostile_keys_stay_text_and_the_page_small() {
    let hostile = "\"><script>alert(1)</script>\u{202e}javascript:é".repeat(20);
    let sites: Vec<Site> = (0..200)
        .map(|index| site(&format!("{index}{hostile}.csv"), SiteState::Refused))
        .collect();
    let page = page(&sites);
    assert!(!page.contains("<script") && !page.contains('\u{202e}'));
    assert!(page.len() <= MAX_OVERVIEW_BYTES, "{}", page.len());
    assert!(page.contains("Sites by state"));
    for link in links(&page) {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/.-_~%".contains(&byte);
        assert!(link.bytes().all(is_plain), "{link}");
    }
}

#[test]
fn an_empty_fleet_has_a_page() {
    let page = page(&[]);
    assert!(page.contains("Every site is published") && page.ends_with("</html>\n"));
}
