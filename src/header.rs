//! The header of a CSV: its delimiter, and which column holds what.
//!
//! Columns are found by name, in any order; case, spaces, `_` and `-` in a name do not count. The
//! delimiter is the one under which both required columns are found.

use crate::parse::check_columns;
use crate::record::{RecordReader, Step, cell_text};
use crate::report::{Refusal, RefusalCode, quoted_list};

/// The delimiters that are looked for, the likeliest first.
pub(crate) const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

const ADDRESS_NAMES: [&str; 5] = ["ipaddress", "ip", "address", "network", "cidr"];
const RULE_NAMES: [&str; 3] = ["rule", "action", "policy"];
const COMMENT_NAMES: [&str; 3] = ["comment", "description", "note"];

/// Where the cells of a row are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Columns {
    /// Separates the cells.
    pub(crate) delimiter: u8,
    /// The index of the address column.
    pub(crate) address: usize,
    /// The index of the rule column.
    pub(crate) rule: usize,
    /// The index of the comment column.
    pub(crate) comment: Option<usize>,
}

/// What a header line turned out to be.
pub(crate) enum Header {
    /// Both required columns were found.
    Found(Columns),
    /// A quote is open at its end: the next line belongs to it.
    Unfinished,
}

/// Reads the header from its line, or lines joined by LF. `delimiter` is set where a `sep=` line
/// named it.
///
/// # Errors
///
/// `missing-column`, naming what was found.
pub(crate) fn read_header(
    number: u64,
    line: &[u8],
    delimiter: Option<u8>,
) -> Result<Header, Refusal> {
    let candidates = match &delimiter {
        Some(delimiter) => std::slice::from_ref(delimiter),
        None => &DELIMITERS,
    };
    let mut best: Vec<String> = Vec::new();
    let mut unfinished = false;
    for &delimiter in candidates {
        let Some(names) = names(line, delimiter) else {
            unfinished = true;
            continue;
        };
        if let Some(columns) = find_columns(delimiter, &names) {
            check_columns(number, names.len())?;
            return Ok(Header::Found(columns));
        }
        if names.len() > best.len() {
            best = names;
        }
    }
    if unfinished {
        return Ok(Header::Unfinished);
    }
    Err(missing_column(&best))
}

/// The cells of a header; `None` if a quote is open at its end.
fn names(line: &[u8], delimiter: u8) -> Option<Vec<String>> {
    let text = |cell: &[u8]| cell_text(cell).into_owned();
    if !line.contains(&b'"') {
        return Some(line.split(|byte| *byte == delimiter).map(text).collect());
    }
    let mut reader = RecordReader::new(delimiter);
    match reader.push(line) {
        Step::Unfinished => None,
        Step::Complete => Some(reader.cells().map(text).collect()),
    }
}

/// The delimiter of an Excel `sep=;` line.
#[must_use]
pub(crate) fn separator_line(line: &[u8]) -> Option<u8> {
    match line {
        [s, e, p, b'=', delimiter]
            if [*s, *e, *p].eq_ignore_ascii_case(b"sep") && DELIMITERS.contains(delimiter) =>
        {
            Some(*delimiter)
        }
        _ => None,
    }
}

fn find_columns(delimiter: u8, names: &[String]) -> Option<Columns> {
    let names: Vec<String> = names.iter().map(|name| normalized(name)).collect();
    Some(Columns {
        delimiter,
        address: find(&names, &ADDRESS_NAMES)?,
        rule: find(&names, &RULE_NAMES)?,
        comment: find(&names, &COMMENT_NAMES),
    })
}

/// The first column with the first of the accepted names that any column has.
fn find(names: &[String], accepted: &[&str]) -> Option<usize> {
    accepted
        .iter()
        .find_map(|accepted| names.iter().position(|name| name == accepted))
}

fn normalized(name: &str) -> String {
    name.chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '_' | '-'))
        .flat_map(char::to_lowercase)
        .collect()
}

fn missing_column(found: &[String]) -> Refusal {
    let names: Vec<String> = found.iter().map(|name| normalized(name)).collect();
    let mut missing = Vec::new();
    if find(&names, &ADDRESS_NAMES).is_none() {
        missing.push("\"IP Address\" (or IP, Address, Network, CIDR)");
    }
    if find(&names, &RULE_NAMES).is_none() {
        missing.push("\"Rule\" (or Action, Policy)");
    }
    Refusal::new(
        RefusalCode::MissingColumn,
        format!(
            "the header has no column {}: found {}",
            missing.join(" and no column "),
            quoted_list(found.iter().map(String::as_str)),
        ),
    )
}
