//! Why a line is not a header, and what to change so that it is one.

use crate::answer::{Refusal, RefusalCode};
use crate::csv::cell::unwrapped;
use crate::csv::columns::{DELIMITERS, is_address_name, is_rule_name, normalized};
use crate::csv::diagnose::rule::distance;
use crate::ip::parse_address;
use crate::text::{quote, quoted_list};

/// Names that people give the address column, in the languages of our spreadsheets. They are
/// suggested and not read: the names that count are few, so that every file says the same.
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
/// The same for the rule column.
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

/// `found` are the cells under the likeliest delimiter.
pub(crate) fn missing_column(number: u64, line: &[u8], found: &[String]) -> Refusal {
    Refusal::new(RefusalCode::MissingColumn, message(number, line, found))
}

/// The same refusal, where a header stands further down.
pub(crate) fn second_header(refusal: &Refusal, number: u64) -> Refusal {
    Refusal::new(
        refusal.code,
        format!(
            "{}; line {number} has them: remove the lines above it, or begin them with #",
            refusal.message
        ),
    )
}

fn message(number: u64, line: &[u8], found: &[String]) -> String {
    if let Some(address) = found.iter().find(|cell| names_addresses(cell)) {
        return format!(
            "line {number} is a row already, it has the address {}: write the header \
             IP Address,Rule,Comment above it, with as many columns and the same delimiter",
            quote(address)
        );
    }
    let is_address = |name: &String| is_address_name(name);
    let is_rule = |name: &String| is_rule_name(name);
    let mut missing = Vec::new();
    let mut renames = Vec::new();
    let mut miss = |column: &str, others: &str, alike: &[&str]| {
        missing.push(format!("{} (or {others})", quote(column)));
        let similar = found
            .iter()
            .find(|name| is_like(name, &normalized(column), alike));
        renames.extend(similar.map(|name| format!("{} to {}", quote(name), quote(column))));
    };
    if !found.iter().any(is_address) {
        miss("IP Address", "IP, Address, Network, CIDR", &LIKE_ADDRESS);
    }
    if !found.iter().any(is_rule) {
        miss("Rule", "Action, Policy", &LIKE_RULE);
    }
    let way_out = match found {
        [only] if line.trim_ascii().starts_with(b"\"") && has_delimiter(only) => {
            "; the whole line is one quoted cell: remove the quotes around the lines".to_owned()
        }
        [_] => "; cells are separated by a comma, a semicolon, a tab or |".to_owned(),
        _ if renames.is_empty() => String::new(),
        _ => format!("; rename {}", renames.join(" and ")),
    };
    format!(
        "the header has no column {}: found {}{way_out}",
        missing.join(" and no column "),
        quoted_list(found.iter().map(String::as_str)),
    )
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
        || (name.len() > 3 && distance(&name, column) <= 1)
}

fn has_delimiter(text: &str) -> bool {
    DELIMITERS
        .iter()
        .any(|delimiter| text.contains(char::from(*delimiter)))
}
