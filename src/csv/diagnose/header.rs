//! Explains why a line is not a header, and how to correct it.

use strsim::osa_distance;

use crate::csv::cell::{cell_text, unwrapped};
use crate::csv::columns::{DELIMITERS, is_address_name, is_rule_name, normalized};
use crate::csv::diagnose::rule::meant_in;
use crate::csv::error::CsvError;
use crate::csv::kind::CsvKind;
use crate::ip::parse_address;
use crate::text::{RichText, Segment, quoted_list, rich};

/// Names that people use for the address column, in several languages. A column with such a name is not
/// accepted, but the message suggests renaming it. There are few accepted names, so that all files look
/// alike.
const LIKE_ADDRESS: [&str; 22] = [
    "adresseip",
    "adresse",
    "adressesip",
    "ipaddresses",
    "ips",
    "ipv4",
    "ipv6",
    "iprange",
    "range",
    "plage",
    "réseau",
    "reseau",
    "subnet",
    "prefix",
    "host",
    "hôte",
    "source",
    "src",
    "ipadresse",
    "direcciónip",
    "direccionip",
    "indirizzoip",
];
/// Names that people use for the rule column. These names are not accepted either.
const LIKE_RULE: [&str; 20] = [
    "règle",
    "regle",
    "règles",
    "rules",
    "actions",
    "policies",
    "type",
    "permission",
    "permissions",
    "access",
    "accès",
    "acces",
    "autorisation",
    "decision",
    "décision",
    "status",
    "statut",
    "regel",
    "regla",
    "regola",
];

/// Explains why a line is not a header. `text` is the line. `cells` are its first cells with the most likely
/// delimiter, and `count` is the total number of cells.
pub(crate) fn missing_column(
    kind: CsvKind,
    line: u64,
    text: &[u8],
    cells: &[String],
    count: usize,
) -> CsvError {
    CsvError::MissingColumn {
        line,
        explanation: explain(kind, line, text, cells, count),
        header: None,
    }
}

fn explain(kind: CsvKind, number: u64, line: &[u8], cells: &[String], count: usize) -> RichText {
    if let Some(address) = cells.iter().find(|cell| names_addresses(cell)) {
        let header = match (kind.needs_rules(), count) {
            (true, _) => "IP Address,Rule,Comment",
            (false, 1) => {
                return rich!(
                    "line {} is a member, not a header, because it contains the address {}: write the header \
                     IP Address above it",
                    number,
                    Segment::quoted(address)
                );
            }
            (false, _) => "IP Address,Comment",
        };
        return rich!(
            "line {} is a row, not a header, because it contains the address {}: write the header {} \
             above it, with the same delimiter and number of columns",
            number,
            Segment::quoted(address),
            header
        );
    }
    let is_address = |name: &String| is_address_name(name);
    let is_rule = |name: &String| is_rule_name(name);
    let mut missing = RichText::default();
    let mut renames = RichText::default();
    let mut miss = |column: &str, others: &str, alike: &[&str]| {
        if !missing.is_empty() {
            missing.push(" and no column ");
        }
        missing.push(&rich!("{} (or {})", Segment::quoted(column), others));
        let similar = cells
            .iter()
            .find(|name| is_like(name, &normalized(column), alike));
        if let Some(name) = similar {
            renames.push(if renames.is_empty() {
                "; rename "
            } else {
                " and "
            });
            renames.push(&rich!(
                "{} to {}",
                Segment::quoted(name),
                Segment::quoted(column)
            ));
        }
    };
    if !cells.iter().any(is_address) {
        miss("IP Address", "IP, Address, Network, CIDR", &LIKE_ADDRESS);
    }
    if kind.needs_rules() && !cells.iter().any(is_rule) {
        miss("Rule", "Action, Policy", &LIKE_RULE);
    }
    let help = match cells {
        [only] if line.trim_ascii().starts_with(b"\"") && has_delimiter(only) => {
            "; the whole line is one quoted cell: remove the quotes around the lines".into()
        }
        [_] => "; separate the cells with a comma, a semicolon, a tab or |".into(),
        _ if renames.is_empty() && cells.iter().any(is_address) => {
            "; add the column Rule, with Allow or Deny in each row".into()
        }
        _ => renames,
    };
    rich!(
        "the header has no column {}: found {}{}",
        &missing,
        &quoted_list(cells.iter().map(String::as_str), count),
        &help
    )
}

/// Returns whether a line above the header could be a row, and not a title: with some delimiter, one of its
/// cells is an address, or is or would be corrected to a rule.
pub(crate) fn could_be_row(line: &[u8]) -> bool {
    let is_of_row = |cell: &[u8]| {
        let text = cell_text(cell);
        names_addresses(&text)
            || names_addresses(text.trim_matches('"'))
            || meant_in(cell).is_some()
    };
    DELIMITERS
        .iter()
        .any(|delimiter| line.split(|byte| byte == delimiter).any(is_of_row))
}

fn names_addresses(cell: &str) -> bool {
    let plain = unwrapped(cell);
    let text = plain.as_deref().unwrap_or(cell);
    text.contains(['.', ':']) && parse_address(text).is_ok()
}

fn is_like(name: &str, column: &str, alike: &[&str]) -> bool {
    let name: String = normalized(name)
        .chars()
        .filter(|c| c.is_alphanumeric())
        .collect();
    alike.contains(&name.as_str())
        || name == column
        || (name.len() > 3 && osa_distance(&name, column) <= 1)
}

fn has_delimiter(text: &str) -> bool {
    DELIMITERS
        .iter()
        .any(|delimiter| text.contains(char::from(*delimiter)))
}
