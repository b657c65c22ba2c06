//! Policy and template → the text of the output.
//!
//! What a template is handed (`docs/templates.md` has the whole list) is made here, and only the
//! parts it asks for.

use std::collections::HashMap;

use tera::{Context, Value};

use crate::ip_set::{IpSet, Network, Word};
use crate::parse::{Action, Rule};
use crate::policy::Policy;
use crate::report::Refusal;
use crate::template::{Needs, Template};

/// The longest text in `lines`, in bytes. With a directive and its indentation before it a line
/// stays under 8,000 bytes, and Apache's limit for a line of `.htaccess` is 8,190.
pub const NETWORK_LINE_BYTES_MAX: usize = 7900;

/// This program's name, as templates print it.
pub const GENERATOR_NAME: &str = "htaccess-generator";
/// This program's version, as templates print it.
pub const GENERATOR_VERSION: &str = env!("CARGO_PKG_VERSION");

/// Where a CSV came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The object's key, decoded, or the file's path.
    pub key: String,
    /// The object's bucket; empty for a file.
    pub bucket: String,
    /// The object's version; empty without versioning.
    pub version_id: String,
    /// The object's entity tag; empty for a file.
    pub etag: String,
}

/// One accepted row, kept for templates that list the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleRow {
    /// Where the row starts.
    pub line: u64,
    /// What it does.
    pub action: Action,
    /// The address as it was written.
    pub address: String,
    /// The comment, empty if there is none.
    pub comment: String,
}

impl RuleRow {
    /// Keeps a row.
    #[must_use]
    pub fn of(rule: &Rule<'_>) -> Self {
        Self {
            line: rule.line,
            action: rule.action,
            address: rule.address().into_owned(),
            comment: rule.comment().into_owned(),
        }
    }
}

/// The text for a policy.
///
/// # Errors
///
/// `bad-template`, see [`Template::render`].
pub fn render(
    template: &Template,
    source: &Source,
    policy: &Policy,
    rules: &[RuleRow],
    rejected: u64,
) -> Result<String, Refusal> {
    let needs = template.needs();
    let mut context = Context::new();
    context.insert_value(
        "generator",
        map([
            ("name", GENERATOR_NAME.into()),
            ("version", GENERATOR_VERSION.into()),
        ]),
    );
    context.insert_value("source", source_value(source));
    context.insert_value("default_policy", policy.default.name().into());
    context.insert_value("rejected", rejected.into());
    context.insert_value("allow", list_value(&policy.allow, needs));
    context.insert_value("deny", list_value(&policy.deny, needs));
    if needs.includes("rules") {
        let rules: Vec<Value> = rules.iter().map(rule_value).collect();
        context.insert_value("rules", rules.into());
    }
    template.render(&context)
}

fn map<const N: usize>(entries: [(&'static str, Value); N]) -> Value {
    HashMap::from(entries).into()
}

fn source_value(source: &Source) -> Value {
    let file_name = source.key.rsplit('/').next().unwrap_or_default();
    map([
        ("key", source.key.as_str().into()),
        ("file_name", file_name.into()),
        ("bucket", source.bucket.as_str().into()),
        ("version_id", source.version_id.as_str().into()),
        ("etag", source.etag.as_str().into()),
    ])
}

fn rule_value(rule: &RuleRow) -> Value {
    map([
        ("line", rule.line.into()),
        ("rule", rule.action.name().into()),
        ("address", rule.address.as_str().into()),
        ("comment", rule.comment.as_str().into()),
    ])
}

fn list_value(set: &IpSet, needs: &Needs) -> Value {
    let mut entries: HashMap<&'static str, Value> =
        HashMap::from([("count", set.network_count().into())]);
    if needs.includes("lines") {
        let lines: Vec<Value> = lines(set).into_iter().map(network_text).collect();
        entries.insert("lines", lines.into());
    }
    if needs.includes("ipv4") {
        let ipv4: Vec<Value> = texts(set.ipv4.networks()).collect();
        entries.insert("ipv4", ipv4.into());
    }
    if needs.includes("ipv6") {
        let ipv6: Vec<Value> = texts(set.ipv6.networks()).collect();
        entries.insert("ipv6", ipv6.into());
    }
    if needs.includes("networks") {
        let networks: Vec<Value> = texts(set.ipv4.networks())
            .chain(texts(set.ipv6.networks()))
            .collect();
        entries.insert("networks", networks.into());
    }
    entries.into()
}

/// Made of digits, letters, dots, colons and slashes: it needs no escaping.
fn network_text(text: String) -> Value {
    Value::from(text).mark_safe()
}

fn texts<T: Word>(networks: impl Iterator<Item = Network<T>>) -> impl Iterator<Item = Value> {
    networks.map(|network| {
        let mut text = String::new();
        network.write_to(&mut text);
        network_text(text)
    })
}

/// The networks joined by spaces, as few lines as [`NETWORK_LINE_BYTES_MAX`] lets.
#[must_use]
pub fn lines(set: &IpSet) -> Vec<String> {
    let mut lines = Vec::new();
    pack(set.ipv4.networks(), &mut lines);
    pack(set.ipv6.networks(), &mut lines);
    lines
}

/// Starts a new line for each family, fills the last one as far as it goes.
fn pack<T: Word>(networks: impl Iterator<Item = Network<T>>, lines: &mut Vec<String>) {
    let mut line = String::new();
    for network in networks {
        let end = line.len();
        if end > 0 {
            line.push(' ');
        }
        network.write_to(&mut line);
        if line.len() > NETWORK_LINE_BYTES_MAX {
            let next = line.get(end + 1..).unwrap_or_default().to_owned();
            line.truncate(end);
            lines.push(std::mem::replace(&mut line, next));
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
}
