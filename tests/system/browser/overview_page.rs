//! Prints the overview page for the browser tests. Reads the sites from standard input, one JSON
//! object per line.

use std::io::{self, Read as _, Write as _};

use htaccess_generator::report::overview::{Site, overview_page};
use htaccess_generator::time::{Instant, TimeZone};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut input = String::new();
    io::stdin().read_to_string(&mut input)?;
    let sites = input
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<Vec<Site>, _>>()?;
    let zone = TimeZone::named("UTC").map_err(|_| "UTC is no time zone")?;
    let page = overview_page(&sites, Instant::from_seconds(0), &zone);
    io::stdout().write_all(page.as_bytes())?;
    Ok(())
}
