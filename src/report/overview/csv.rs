//! Writes `sites.csv`, the table of all sites. Spreadsheets read every text in this table as text, and
//! never as a formula.
//!
//! A spreadsheet interprets a cell that begins with `=`, `+`, `-`, `@` or a tab as a formula, even if the
//! cell is quoted (<https://owasp.org/www-community/attacks/CSV_Injection>). Keys are chosen by the people
//! who upload files, so an apostrophe is written before such a text. Spreadsheets read the apostrophe as
//! "the rest is text". The same is done for the full-width forms of these characters and for line breaks.
//! Every text is quoted, so that no key can end its cell. A program that needs the exact key can decode it
//! from the column `report`, which is percent-encoded.

use crate::report::overview::link::report_link;
use crate::report::overview::site::{LastChange, Site};
use crate::text::push_fmt;
use crate::time::Instant;

/// The header of `sites.csv`. The column names are part of the public interface (docs/overview.md).
const HEADER: &str = "source,output,state,status,code,rows,rejected,networks,bytes,apache_microseconds,next_change,report,kind,lists,changed,gained,lost\r\n";

/// The characters at the start of a cell that a spreadsheet may interpret as the start of a formula.
const FORMULA_STARTS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// Returns the table, with one row for each site. Lines end in CRLF, as RFC 4180 requires.
#[must_use]
pub fn sites_csv(sites: &[Site]) -> String {
    let mut csv = String::with_capacity(HEADER.len() + sites.len() * 150);
    csv.push_str(HEADER);
    for site in sites {
        for text in [
            site.source.as_str(),
            &site.output,
            site.state.name(),
            &site.status,
            &site.code,
        ] {
            push_text(&mut csv, text);
            csv.push(',');
        }
        let facts = site.facts;
        push_fmt(
            &mut csv,
            format_args!(
                "{},{},{},{},{},",
                facts.rows, facts.rejected, facts.networks, facts.bytes, facts.request_microseconds
            ),
        );
        if let Some(seconds) = facts.next_change {
            push_fmt(&mut csv, format_args!("{}", Instant::from_seconds(seconds)));
        }
        csv.push(',');
        push_text(&mut csv, &report_link(&site.source).unwrap_or_default());
        csv.push(',');
        push_text(&mut csv, site.kind.name());
        csv.push(',');
        push_text(&mut csv, &site.lists.join(";"));
        match facts.last_change {
            Some(LastChange { at, gained, lost }) => {
                let at = Instant::from_seconds(at);
                push_fmt(&mut csv, format_args!(",{at},{gained},{lost}"));
            }
            None => csv.push_str(",,,"),
        }
        csv.push_str("\r\n");
    }
    csv
}

/// Appends a quoted cell. An empty cell needs no quotes.
fn push_text(csv: &mut String, text: &str) {
    if text.is_empty() {
        return;
    }
    csv.push('"');
    if text.starts_with(FORMULA_STARTS) {
        csv.push('\'');
    }
    for character in text.chars() {
        if character == '"' {
            csv.push('"');
        }
        csv.push(character);
    }
    csv.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let mut csv = String::new();
        push_text(&mut csv, text);
        assert_eq!(csv, expected);
    }

    #[test]
    fn a_cell_is_never_a_formula_and_never_ends_early() {
        check("", "");
        check("a/b.csv", "\"a/b.csv\"");
        check("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\"");
        for start in ["+", "-", "@", "\t=", "\r", "\n=", "＝"] {
            check(start, &format!("\"'{start}\""));
        }
        check("a,\"\r\n=1", "\"a,\"\"\r\n=1\"");
    }
}
