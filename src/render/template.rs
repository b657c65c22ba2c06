//! Compiles and renders templates, both built-in and custom, with Tera.
//!
//! Every value that a template prints is escaped by [`escape`], so that text from a CSV or an object key
//! cannot become a directive. A template that needs the raw text uses the `safe` filter.

use std::collections::BTreeSet;
use std::io::Write;

use tera::{Context, ErrorKind, Kwargs, State, Tera, Value};

use crate::render::built_in::BuiltIn;
use crate::render::error::TemplateError;
use crate::render::escape::escape;
use crate::render::filters;
use crate::render::filters::{LEAST_MAX_IDENTIFIER_BYTES, MAX_IDENTIFIER_BYTES};
use crate::render::needs::{LISTS, Needs, OTHER_VARIABLES, PARTS};
use crate::text::escape_json;

/// The built-in templates that refuse some files. Their output is written only after it is complete.
const MAY_FAIL: [&str; 1] = ["aws-waf"];

/// The default name of a template.
const DEFAULT_NAME: &str = "template";

/// A compiled template, and the parts of the context that it may read.
pub struct Template {
    tera: Tera,
    /// The name in Tera's reports.
    name: String,
    needs: Needs,
    source: String,
    /// The name of the built-in template. `None` for a custom template.
    built_in: Option<&'static str>,
}

impl Template {
    /// Compiles a built-in template.
    ///
    /// # Errors
    ///
    /// [`TemplateError::Unknown`] if there is no built-in template with this name.
    pub fn built_in(name: &str) -> Result<Self, TemplateError> {
        match BuiltIn::find(name) {
            Some(BuiltIn { name, source, .. }) => Ok(Self {
                built_in: Some(name),
                ..Self::compile(source)?
            }),
            None => Err(TemplateError::Unknown {
                name: name.to_owned(),
            }),
        }
    }

    /// Compiles a template.
    ///
    /// A byte order mark at the start, which some editors add, is removed, because Apache answers 500 to a
    /// file that starts with a byte order mark.
    ///
    /// # Errors
    ///
    /// [`TemplateError::DoesNotCompile`] with Tera's report, which contains the line and column.
    pub fn compile(source: &str) -> Result<Self, TemplateError> {
        Self::compile_named(DEFAULT_NAME, source)
    }

    /// Compiles a template under a name that Tera's reports show, such as the name of its file.
    ///
    /// # Errors
    ///
    /// See [`Template::compile`].
    pub fn compile_named(name: &str, source: &str) -> Result<Self, TemplateError> {
        let source = source.strip_prefix('\u{feff}').unwrap_or(source);
        let mut tera = Tera::new();
        tera.autoescape_on([name.to_owned()]);
        tera.set_escape_fn(escape);
        register_filters(&mut tera);
        tera.add_raw_template(name, source)
            .map_err(|err| TemplateError::DoesNotCompile {
                report: full_report(&err),
            })?;
        Ok(Self {
            tera,
            name: name.to_owned(),
            needs: Needs::of(source),
            source: source.to_owned(),
            built_in: None,
        })
    }

    /// Returns the parts of the context that the template may read.
    #[must_use]
    pub fn needs(&self) -> &Needs {
        &self.needs
    }

    /// Returns the source that was compiled, without a byte order mark.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Returns whether the template is built in.
    pub(crate) fn is_built_in(&self) -> bool {
        self.built_in.is_some()
    }

    /// Returns whether the template is known to print each of the `lines` of `allow` and `deny` once and in
    /// order, to do nothing else with them, and never to fail. A template that does not read the lines also
    /// qualifies. All built-in templates qualify except those in [`MAY_FAIL`], and a test checks them.
    pub(crate) fn prints_each_line_once(&self) -> bool {
        self.built_in.is_some_and(|name| !MAY_FAIL.contains(&name))
    }

    /// Renders the template into `out`.
    ///
    /// # Errors
    ///
    /// [`TemplateError::Fails`] if Tera fails, for example because a variable does not exist or because the
    /// template calls `throw`. [`TemplateError::Refuses`] if a built-in template calls `throw`.
    pub fn render(&self, context: &Context, out: impl Write) -> Result<(), TemplateError> {
        self.tera
            .render_to(&self.name, context, out)
            .map_err(|err| match (self.built_in, err.kind()) {
                // A built-in template throws because of the file, so its line numbers would not help.
                (Some(name), ErrorKind::RenderingError(report)) => TemplateError::Refuses {
                    name,
                    reason: report.message().to_owned(),
                },
                _ => TemplateError::Fails {
                    report: full_report(&err),
                },
            })
    }
}

fn register_filters(tera: &mut Tera) {
    tera.register_filter("cidr", |network: &str, _: Kwargs, _: &State<'_>| {
        filters::cidr(network)
    });
    tera.register_filter(
        "identifier",
        |text: &str, arguments: Kwargs, _: &State<'_>| identifier(text, &arguments),
    );
    tera.register_filter("json", |value: &Value, _: Kwargs, _: &State<'_>| {
        json(value)
    });
}

fn identifier(text: &str, arguments: &Kwargs) -> Result<String, tera::Error> {
    let max_bytes = arguments.get("max")?.unwrap_or(MAX_IDENTIFIER_BYTES);
    if max_bytes < LEAST_MAX_IDENTIFIER_BYTES {
        return Err(tera::Error::message(format!(
            "identifier(max={max_bytes}): expected at least {LEAST_MAX_IDENTIFIER_BYTES}"
        )));
    }
    Ok(filters::identifier(text, max_bytes))
}

/// Converts a value to JSON. Invisible characters are escaped. Tera's maps have no order, so the value is
/// first converted to a `serde_json::Value`, which sorts the members of objects by name.
fn json(value: &Value) -> Result<Value, tera::Error> {
    serde_json::to_value(value)
        .and_then(|value| serde_json::to_string(&value))
        .map(|text| Value::safe_string(&escape_json(&text)))
        .map_err(|err| tera::Error::chain("the value cannot be written as JSON", err))
}

/// Returns Tera's report and its causes, on one or more lines.
fn full_report(err: &tera::Error) -> String {
    let mut report = with_all_names(&err.to_string());
    let mut source = std::error::Error::source(err);
    while let Some(err) = source {
        report.push_str(": ");
        report.push_str(&err.to_string());
        source = err.source();
    }
    report.truncate(report.trim_end().len());
    report
}

/// Adds all existing names to Tera's report. Tera lists only the names in the context, and the context
/// contains only the parts that the template may read.
fn with_all_names(report: &str) -> String {
    let variables = LISTS.iter().chain(&OTHER_VARIABLES);
    let report = with_names(report, "Available variables: ", "", variables);
    with_names(&report, "Available fields: ", "count", PARTS.iter())
}

/// Adds names to the comma-separated list after `title`. If `required` is not empty, names are added only
/// if the list contains it.
fn with_names<'a>(
    report: &'a str,
    title: &str,
    required: &str,
    names: impl Iterator<Item = &'a &'a str>,
) -> String {
    let Some((before, listed)) = report.split_once(title) else {
        return report.to_owned();
    };
    let (listed, after) = listed.split_at(listed.find('\n').unwrap_or(listed.len()));
    let mut all: BTreeSet<&str> = listed.split(", ").collect();
    if required.is_empty() || all.contains(required) {
        all.extend(names);
    }
    let all: Vec<&str> = all.into_iter().collect();
    format!("{before}{title}{}{after}", all.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::BUILT_IN;

    fn escaped(text: &str) -> String {
        let mut out = Vec::new();
        escape(text, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn escapes_every_character_that_could_end_a_value() {
        assert_eq!(
            escaped("a\n<IfModule x> %{X} \\"),
            "a%0A%3CIfModule x%3E %25%7BX%7D %5C"
        );
        assert_eq!(
            escaped("\"';#$`\u{202e}\r\0"),
            "%22%27%3B%23%24%60%E2%80%AE%0D%00"
        );
    }

    #[test]
    fn leaves_addresses_and_names_readable() {
        for text in ["10.0.0.0/8 2001:db8::/32", "clients/été à+b (1).csv"] {
            assert_eq!(escaped(text), text);
        }
    }

    #[test]
    fn built_in_templates_compile() {
        for BuiltIn { name, .. } in BUILT_IN {
            assert!(Template::built_in(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn knows_what_a_template_needs() {
        let needs = |name: &str| Template::built_in(name).unwrap().needs().clone();
        assert!(needs("apache24").includes("lines"));
        assert!(!needs("apache24").includes("networks"));
        assert!(!needs("nginx").includes("lines"));
        assert!(needs("nginx").includes("networks"));
        assert!(Needs::of("{% for r in rules %}{{ r.comment }}{% endfor %}").includes("rules"));
        assert!(!Needs::of("rules {# rules #}").includes("rules"));
        assert!(Needs::of("{{ allow[\"net\" ~ \"works\"] }}").includes("networks"));
        assert!(Needs::of("{% set a = deny %}").includes("networks"));
        assert!(Needs::of("{{ __tera_context }}").includes("rules"));
        assert!(!Needs::of("{% set a = deny %}").includes_list("permitted"));
        assert!(Needs::of("{% set a = permitted %}").includes_part("permitted", "mapped"));
        assert!(!Needs::of("{% set a = permitted %}").includes_part("allow", "mapped"));
        assert!(needs("haproxy").includes_part("permitted", "mapped"));
        assert!(!needs("haproxy").includes_part("allow", "mapped"));
        assert!(!needs("aws-waf").includes_list("refused"));
        assert!(!needs("aws-waf").includes("rules"));
        assert!(Needs::of(r#"{{ 'a"' ~ rules ~ 'b"' }}"#).includes("rules"));
        assert!(Needs::of(r#"{{ "a\"" ~ rules ~ "b" }}"#).includes("rules"));
        assert!(!Needs::of("{{ 'the rules' }}").includes("rules"));
        assert!(Needs::of("{{ __tera_context }}").includes_list("permitted"));
    }

    #[test]
    fn a_broken_template_is_refused_with_line_and_column() {
        let err = Template::compile("one\n{% if %}").err().unwrap();
        assert!(matches!(err, TemplateError::DoesNotCompile { .. }));
        assert!(err.to_string().contains("2:"), "{err}");
        let template = Template::compile("\n\n{{ nothing.at.all }}").unwrap();
        let err = template.render(&Context::new(), Vec::new()).unwrap_err();
        assert!(err.to_string().contains("3:"), "{err}");
    }

    #[test]
    fn the_error_of_a_misspelt_name_lists_all_names() {
        let mut context = Context::new();
        context.insert("source", &1);
        context.insert("allow", &std::collections::BTreeMap::from([("count", 1)]));
        let refused = |source: &str| {
            let template = Template::compile(source).unwrap();
            let err = template.render(&context, Vec::new()).unwrap_err();
            err.to_string().lines().next().unwrap().to_owned()
        };
        assert_eq!(
            refused("{% set mine = 1 %}{{ permited.count }}"),
            "the template fails on this file: error: Variable `permited` is not defined. \
             Available variables: allow, default_policy, deny, exceptions, generator, mine, \
             permitted, refused, rejected, rules, source"
        );
        assert_eq!(
            refused("{{ allow.line }}"),
            "the template fails on this file: error: Field `line` is not defined. \
             Available fields: count, ipv4, ipv4_ranges, ipv6, ipv6_ranges, lines, mapped, networks"
        );
    }

    #[test]
    fn a_byte_order_mark_is_not_part_of_a_template() {
        let template = Template::compile("\u{feff}# one\n").unwrap();
        let mut out = Vec::new();
        template.render(&Context::new(), &mut out).unwrap();
        assert_eq!(out, b"# one\n");
        assert_eq!(template.source(), "# one\n");
    }
}
