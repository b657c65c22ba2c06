//! Renders a policy with a template to the text of an output.
//!
//! The template's context contains only the parts that the template may read. `docs/templates.md` lists
//! all parts.

mod built_in;
mod error;
mod escape;
mod filters;
mod needs;
mod packed_lines;
mod size;
mod template;

pub use self::built_in::{BUILT_IN, BuiltIn, built_in_names};
pub use self::error::TemplateError;
pub use self::needs::PARTS;
pub use self::template::Template;

use std::collections::HashMap;
use std::io::{self, Write};
use std::net::Ipv4Addr;

use tera::{Context, Value};

use crate::answer::NetworkCounts;
use crate::csv::OwnedRow;
use crate::ip::{AddrRange, Family, IpSet, MAPPED_FIRST, MAPPED_LAST, Network, mapped};
use crate::list::Place;
use crate::policy::Policy;
use crate::render::needs::Needs;
use crate::render::packed_lines::{LinePlaceholder, PackedList, PlaceholderWriter, WriteError};
use crate::render::size::check_size;
use crate::source::{Source, split_key};
use crate::time::Instant;

/// The name of this program, as printed by templates.
pub const GENERATOR_NAME: &str = "htaccess-generator";
/// The version of this program, as printed by templates.
pub const GENERATOR_VERSION: &str = env!("CARGO_PKG_VERSION");

/// The rendered text of a policy, and the number of networks in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The text.
    pub text: String,
    /// The number of networks in the lists `allow` and `deny`.
    pub networks: NetworkCounts,
}

/// Renders a policy to a text of at most `max_bytes`.
///
/// # Errors
///
/// Fails as described for [`Template::render`], or with [`TemplateError::TooLarge`].
pub fn render(
    template: &Template,
    source: &Source,
    policy: &Policy,
    rules: &[OwnedRow],
    rejected: u64,
    max_bytes: u64,
) -> Result<Rendered, TemplateError> {
    Rendering::new(template, source, policy, rules, rejected, max_bytes)?.into_rendered()
}

/// A policy with its template and the finished context, ready to be rendered.
pub(crate) struct Rendering<'a> {
    template: &'a Template,
    context: Context,
    allow: List<'a>,
    deny: List<'a>,
    /// True if the template receives placeholders instead of the lines of `allow` and `deny`.
    takes_placeholders: bool,
    /// The number of networks in the lists `allow` and `deny`.
    pub(crate) networks: NetworkCounts,
    /// The estimated length of the text, in bytes.
    estimated_bytes: usize,
    max_bytes: u64,
    /// True if the text may be larger than `max_bytes`, which only rendering can show.
    pub(crate) can_be_too_large: bool,
}

impl<'a> Rendering<'a> {
    /// Builds the context.
    ///
    /// # Errors
    ///
    /// [`TemplateError::TooLarge`] if the lists in the context are too long for an output of `max_bytes`.
    pub(crate) fn new(
        template: &'a Template,
        source: &Source,
        policy: &'a Policy,
        rules: &[OwnedRow],
        rejected: u64,
        max_bytes: u64,
    ) -> Result<Self, TemplateError> {
        let needs = template.needs();
        let derived = derived_lists(policy, needs);
        let can_be_too_large = check_size(template, policy, &derived, max_bytes)?;
        let allow = List::new("allow", &policy.allow, needs);
        let deny = List::new("deny", &policy.deny, needs);
        let takes_placeholders = template.prints_each_line_once();
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
        context.insert_value(
            "allow",
            allow.value(takes_placeholders.then_some(LinePlaceholder::Allow)),
        );
        context.insert_value(
            "deny",
            deny.value(takes_placeholders.then_some(LinePlaceholder::Deny)),
        );
        for (name, set) in derived {
            context.insert_value(name, List::new(name, &set, needs).value(None));
        }
        if needs.includes("rules") {
            let rules: Vec<Value> = rules.iter().map(rule_value).collect();
            context.insert_value("rules", rules.into());
        }
        // The lines, the directives before them (about 1/256 of the lines), and the template's own text.
        let line_bytes = allow.line_bytes() + deny.line_bytes();
        let estimated_bytes = line_bytes + line_bytes / 256 + template.source().len();
        Ok(Self {
            template,
            context,
            networks: NetworkCounts {
                allow: allow.count,
                deny: deny.count,
            },
            allow,
            deny,
            takes_placeholders,
            estimated_bytes,
            max_bytes,
            can_be_too_large,
        })
    }

    /// Renders the text into memory.
    ///
    /// # Errors
    ///
    /// Fails as described for [`Template::render`], or with [`TemplateError::TooLarge`].
    pub(crate) fn into_rendered(self) -> Result<Rendered, TemplateError> {
        let mut text = Vec::with_capacity(self.estimated_bytes);
        let networks = self.networks;
        // Writing into memory cannot fail.
        let _ = self.write_to(&mut text)?;
        // Tera prints only UTF-8. If the conversion failed nevertheless, an empty file must not be
        // published, because it would open the site to everybody.
        let text = String::from_utf8(text).map_err(|err| TemplateError::Fails {
            report: err.to_string(),
        })?;
        Ok(Rendered { text, networks })
    }

    /// Renders into `out` and returns the number of bytes of the text.
    ///
    /// # Errors
    ///
    /// Fails as described for [`Template::render`], or with [`TemplateError::TooLarge`]. The inner result
    /// contains the first error of `out`.
    pub(crate) fn write_to(self, out: impl Write) -> Result<io::Result<usize>, TemplateError> {
        let printers = self
            .takes_placeholders
            .then(|| (self.allow.printer(), self.deny.printer()));
        let mut writer = PlaceholderWriter::new(printers, out, self.max_bytes);
        let rendered = self.template.render(&self.context, &mut writer);
        // Tera reports a writer's error as its own error, without the cause.
        match writer.finish() {
            Err(WriteError::TooLarge) => Err(TemplateError::TooLarge {
                networks: self.networks.allow + self.networks.deny,
                max_bytes: self.max_bytes,
            }),
            Err(WriteError::Io(err)) => Ok(Err(err)),
            Ok(bytes) => rendered.map(|()| Ok(bytes)),
        }
    }
}

fn map<const N: usize>(entries: [(&'static str, Value); N]) -> Value {
    HashMap::from(entries).into()
}

/// Returns the lists that the template may read in addition to `allow` and `deny`, with their names.
fn derived_lists(policy: &Policy, needs: &Needs) -> Vec<(&'static str, IpSet)> {
    type Make = fn(&Policy) -> IpSet;
    let lists: [(&'static str, Make); 3] = [
        ("permitted", Policy::permitted),
        ("refused", Policy::refused),
        ("exceptions", Policy::exceptions),
    ];
    lists
        .into_iter()
        .filter(|(name, _)| needs.includes_list(name))
        .map(|(name, make)| (name, make(policy)))
        .collect()
}

fn source_value(source: &Source) -> Value {
    let file_name = source.key.rsplit('/').next().unwrap_or_default();
    let path = split_key(&source.key).map_or(source.key.as_str(), |parts| parts.path);
    map([
        ("key", source.key.as_str().into()),
        ("path", path.into()),
        ("file_name", file_name.into()),
        ("bucket", source.bucket.as_str().into()),
        ("version_id", source.version_id.as_str().into()),
        ("etag", source.etag.as_str().into()),
    ])
}

/// Formats an instant as RFC 3339. `None` becomes an empty text, which templates treat as false.
fn instant_text(instant: Option<Instant>) -> String {
    instant.map_or(String::new(), |instant| instant.to_string())
}

/// Returns a description of the list member or of the row in the common CSV that a rule comes from. Empty
/// for a row of the upload that contains addresses, because its line number is enough.
fn origin_text(place: &Place) -> String {
    match (&place.common, &place.member) {
        (None, None) => String::new(),
        (None, Some(member)) => member.to_string(),
        (Some(_), _) => place.to_string(),
    }
}

fn rule_value(rule: &OwnedRow) -> Value {
    map([
        ("line", rule.place.line.into()),
        ("rule", rule.action.name().into()),
        ("address", rule.address.as_str().into()),
        ("comment", rule.comment.as_str().into()),
        ("starts", instant_text(rule.period.starts).into()),
        ("expires", instant_text(rule.period.expires).into()),
        ("origin", origin_text(&rule.place).into()),
    ])
}

/// A list of networks, and the parts of it that a template may read.
struct List<'a> {
    name: &'static str,
    set: &'a IpSet,
    needs: &'a Needs,
    count: usize,
    /// `None` if the template does not read lines.
    packed: Option<PackedList<'a>>,
}

impl<'a> List<'a> {
    fn new(name: &'static str, set: &'a IpSet, needs: &'a Needs) -> Self {
        let packed = needs
            .includes_part(name, "lines")
            .then(|| PackedList::new(set));
        let count = match &packed {
            Some(packed) => packed.network_count(),
            None => set.network_count(),
        };
        Self {
            name,
            set,
            needs,
            count,
            packed,
        }
    }

    fn line_bytes(&self) -> usize {
        self.packed.as_ref().map_or(0, PackedList::bytes)
    }

    fn printer(&self) -> impl FnMut(&mut Vec<u8>) + use<'a> {
        let mut printer = self.packed.as_ref().map(PackedList::printer);
        move |out: &mut Vec<u8>| {
            if let Some(printer) = &mut printer {
                printer(out);
            }
        }
    }

    /// Returns the list as a value for the context. If a `placeholder` is given, each line is its mark.
    fn value(&self, placeholder: Option<LinePlaceholder>) -> Value {
        let mut entries: HashMap<&'static str, Value> =
            HashMap::from([("count", self.count.into())]);
        if let Some(packed) = &self.packed {
            let lines = match placeholder {
                Some(placeholder) => vec![network_value(placeholder.mark()); packed.line_count()],
                None => line_values(packed),
            };
            entries.insert("lines", lines.into());
        }
        let mut insert = |part, networks: &mut dyn Iterator<Item = Value>| {
            if self.needs.includes_part(self.name, part) {
                let networks: Vec<Value> = networks.collect();
                entries.insert(part, networks.into());
            }
        };
        let IpSet { ipv4, ipv6 } = self.set;
        insert("ipv4", &mut values(ipv4.networks()));
        insert("ipv6", &mut values(ipv6.networks()));
        insert(
            "networks",
            &mut values(ipv4.networks()).chain(values(ipv6.networks())),
        );
        insert("ipv4_ranges", &mut ranges(ipv4.ranges()));
        insert("ipv6_ranges", &mut ranges(ipv6.ranges()));
        if self.needs.includes_part(self.name, "mapped") {
            let mapped = mapped(self.set);
            insert("mapped", &mut mapped.networks().map(mapped_value));
        }
        entries.into()
    }
}

/// Converts the text of networks or ranges to a value that needs no escaping, because it consists of
/// letters, digits, spaces, dots, colons, slashes and hyphens.
fn network_value(text: &str) -> Value {
    Value::from(text).mark_safe()
}

fn line_values(packed: &PackedList<'_>) -> Vec<Value> {
    let mut print = packed.printer();
    let mut line = Vec::new();
    let mut next_line = || {
        line.clear();
        print(&mut line);
        network_value(str::from_utf8(&line).unwrap_or_default())
    };
    (0..packed.line_count()).map(|_| next_line()).collect()
}

fn values<T: Family>(networks: impl Iterator<Item = Network<T>>) -> impl Iterator<Item = Value> {
    networks.map(|network| network_value(network.text().as_str()))
}

/// Returns each range as `192.0.2.9-192.0.2.20`, or as one address if it contains only one.
fn ranges<T: Family>(ranges: &[AddrRange<T>]) -> impl Iterator<Item = Value> {
    ranges.iter().map(|range| {
        let (first, last) = (range.first.text(), range.last.text());
        if range.first == range.last {
            network_value(first.as_str())
        } else {
            network_value(&format!("{}-{}", first.as_str(), last.as_str()))
        }
    })
}

/// Returns the text of a network. Inside the IPv4-mapped block, this is the notation that RFC 5952
/// recommends, such as `::ffff:192.0.2.0/120`.
fn mapped_value(network: Network<u128>) -> Value {
    if network.first < MAPPED_FIRST || MAPPED_LAST < network.last() {
        return network_value(network.text().as_str());
    }
    // The conversion cannot fail, because the block has as many addresses as IPv4.
    let bits = u32::try_from(network.first - MAPPED_FIRST).unwrap_or_default();
    let address = Ipv4Addr::from_bits(bits);
    match network.host_bits {
        0 => network_value(&format!("::ffff:{address}")),
        host_bits => network_value(&format!("::ffff:{address}/{}", u128::BITS - host_bits)),
    }
}
