//! The contents of uploads and templates, and the outputs that must result from them.

use std::sync::Arc;

use htaccess_generator::generate::{Compiled, SharedUpload, generate};
use htaccess_generator::list::{CompiledList, ListId, ListName, Shared};
use htaccess_generator::policy::PolicyBuilder;
use htaccess_generator::render::{Template, render};
use htaccess_generator::rule::DefaultPolicy;
use htaccess_generator::settings::Settings;
use htaccess_generator::source::Source;
use htaccess_generator::time::Instant;

use super::alarms::{START, WAIT_SECONDS};
use super::protocols::Protocol;
use super::scenario::{KEYS, LIST};

/// The content of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Csv {
    X,
    Y,
    Z,
    /// One row ends after the first wait, and another row ends after the second wait.
    V,
    /// One row starts after the first wait, and another row ends after the second wait.
    W,
    /// A row ends so soon that the alarm calls only after the end.
    Soon,
    /// A CSV that is refused.
    Bad,
    /// Two contents that let in half of the Internet.
    Open,
    Wide,
    /// A content that lets in half of the Internet until the first wait.
    Until,
    /// A site that uses the list.
    L,
    /// Two contents of the list.
    ListA,
    ListB,
}

impl Csv {
    pub(crate) const GOOD: [Self; 9] = [
        Self::X,
        Self::Y,
        Self::Z,
        Self::V,
        Self::W,
        Self::Soon,
        Self::Open,
        Self::Wide,
        Self::Until,
    ];

    pub(crate) fn bytes(self) -> &'static [u8] {
        match self {
            Self::X => b"IP,Rule\n192.0.2.1,Allow\n",
            Self::Y => b"IP,Rule\n192.0.2.2,Allow\n",
            Self::Z => b"IP,Rule\n192.0.2.3,Allow\n",
            Self::V => {
                b"IP,Rule,Expires\n192.0.2.1,Allow,\n192.0.2.3,Allow,2027-01-15T08:02:00Z\n\
                  192.0.2.5,Allow,2027-01-15T08:04:00Z\n"
            }
            Self::W => {
                b"IP,Rule,Starts,Expires\n192.0.2.7,Allow,,\n192.0.2.9,Allow,2027-01-15T08:02:00Z,\n\
                  192.0.2.11,Allow,,2027-01-15T08:04:00Z\n"
            }
            Self::Soon => {
                b"IP,Rule,Expires\n192.0.2.1,Allow,\n192.0.2.3,Allow,2027-01-15T08:00:30Z\n"
            }
            Self::Open => b"IP,Rule\n0.0.0.0/1,Allow\n",
            Self::Wide => b"IP,Rule\n0.0.0.0/1,Allow\n192.0.2.9,Allow\n",
            Self::Until => {
                b"IP,Rule,Expires\n192.0.2.1,Allow,\n0.0.0.0/1,Allow,2027-01-15T08:02:00Z\n"
            }
            Self::Bad => b"no column of any use\n",
            Self::L => b"IP,Rule\n192.0.2.100,Allow\n@office,Allow\n",
            Self::ListA => b"IP\n192.0.2.102\n",
            Self::ListB => b"IP\n192.0.2.104\n",
        }
    }

    /// Returns one time for each output of the CSV: a time before the first wait, and a time after each
    /// wait that changes the output.
    pub(crate) fn instants(self) -> impl Iterator<Item = Instant> {
        let waits = match self {
            Self::V | Self::W => 2,
            Self::Soon | Self::Until => 1,
            Self::X
            | Self::Y
            | Self::Z
            | Self::Open
            | Self::Wide
            | Self::Bad
            | Self::L
            | Self::ListA
            | Self::ListB => 0,
        };
        (0..=waits).map(|waits| Instant::from_seconds(START + waits * WAIT_SECONDS))
    }
}

/// The content of the custom template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Custom {
    /// The template before the first step.
    A,
    B,
    /// A template that does not compile.
    Broken,
}

impl Custom {
    /// Returns the text of the template, which is short so that rendering takes almost no time.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::A => {
                "{% if allow.count == 0 %}nobody{% endif %}\
                 {% for line in allow.lines %}{{ line }}\n{% endfor %}"
            }
            Self::B => {
                "b {% if allow.count == 0 %}nobody{% endif %}\
                 {% for line in allow.lines %}{{ line }}\n{% endfor %}"
            }
            Self::Broken => "{% if",
        }
    }
}

pub(crate) fn source(key: &str) -> Source {
    Source {
        key: key.to_owned(),
        bucket: "uploads".to_owned(),
        ..Source::default()
    }
}

/// Compiles this content of the list.
pub(crate) fn compiled(list: Csv) -> CompiledList {
    let id = ListId {
        name: ListName::new("office").unwrap(),
        source: KEYS[LIST].to_owned(),
    };
    let mut upload = SharedUpload::of_list(&Settings::default(), id, Instant::from_seconds(START));
    let _ = upload.push(list.bytes());
    match upload.finish().compiled {
        Some(Compiled::List(list)) => list,
        _ => panic!("{list:?} is no list"),
    }
}

/// Returns the output of the site that uses the list, with this content of the list.
pub(crate) fn output_with(protocol: Protocol, list: Option<Csv>) -> Vec<u8> {
    let mut shared = Shared::default();
    if let Some(list) = list {
        shared.add_list(Arc::new(compiled(list)));
    }
    let as_of = Instant::from_seconds(START);
    let template = template(protocol, None);
    let settings = Settings::default();
    let source = source(KEYS[0]);
    let outcome = generate(
        Csv::L.bytes(),
        &settings,
        &template,
        &source,
        as_of,
        &shared,
    );
    outcome.file.unwrap().into_bytes()
}

/// Returns the output that a good CSV must have.
pub(crate) fn output_of(
    protocol: Protocol,
    custom: Option<Custom>,
    key: usize,
    csv: Csv,
    as_of: Instant,
) -> Vec<u8> {
    let settings = Settings::default();
    let template = template(protocol, custom);
    let outcome = generate(
        csv.bytes(),
        &settings,
        &template,
        &source(KEYS[key]),
        as_of,
        &Shared::default(),
    );
    outcome.file.unwrap().into_bytes()
}

/// Returns the output for a deleted CSV with `ON_DELETE=deny`.
pub(crate) fn output_of_nobody(protocol: Protocol, custom: Option<Custom>, key: usize) -> Vec<u8> {
    let nobody = PolicyBuilder::default().build(DefaultPolicy::Deny);
    let file = render(
        &template(protocol, custom),
        &source(KEYS[key]),
        &nobody,
        &[],
        0,
        u64::MAX,
    );
    file.unwrap().text.into_bytes()
}

/// Returns whether two files are equal except for the blank lines at the end, which change the entity tag.
pub(crate) fn is_file(bytes: &[u8], expected: &[u8]) -> bool {
    let rest = bytes.strip_prefix(expected);
    rest.is_some_and(|rest| rest.iter().all(|byte| *byte == b'\n'))
}

/// Returns a template that takes almost no time, except for the handler, which compiles its own template.
pub(crate) fn template(protocol: Protocol, custom: Option<Custom>) -> Template {
    match (custom, protocol) {
        // While the template is broken, `deny` uses a built-in template.
        (None, Protocol::Handler) | (Some(Custom::Broken), _) => {
            Template::built_in("apache24").unwrap()
        }
        (custom, _) => Template::compile(custom.unwrap_or(Custom::A).text()).unwrap(),
    }
}
