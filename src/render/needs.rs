//! The names of all parts of the context, and the parts that a template may read.

use std::collections::BTreeSet;

/// The lists of networks in the context.
pub(crate) const LISTS: [&str; 5] = ["allow", "deny", "permitted", "refused", "exceptions"];

/// The other variables in the context. `docs/templates.md` has the table.
pub(crate) const OTHER_VARIABLES: [&str; 5] =
    ["default_policy", "generator", "rejected", "rules", "source"];

/// The parts of each list. All except `count` and `lines` contain one value for each network or range.
pub const PARTS: [&str; 8] = [
    "count",
    "lines",
    "networks",
    "ipv4",
    "ipv6",
    "ipv4_ranges",
    "ipv6_ranges",
    "mapped",
];

/// The parts of each list whose size grows with the list.
pub(crate) const LIST_PARTS: [&str; 7] = {
    let [_, parts @ ..] = PARTS;
    parts
};

/// The parts of the context that a template may read. This is an over-approximation: an unneeded part
/// costs time and memory, but does not change the output.
///
/// Only these parts are built, so that a million networks do not become a million values (22 MB) for a
/// template that reads only `lines`. The names are taken from the text inside `{{ }}` and `{% %}`. A
/// template that uses a list as a whole gets all parts of the list, and a template that dumps the context
/// gets everything.
///
/// An object that builds its parts on access would make this guess unnecessary, but Tera has no such
/// objects: a [`tera::Value`] (checked with Tera 2.4.0) is a finished tree of maps, arrays and scalars.
/// Functions and filters are lazy, but templates would have to write `allow()` instead of `allow.lines`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    dumps_context: bool,
    names: BTreeSet<String>,
    /// The lists that are used as a whole.
    whole_lists: BTreeSet<String>,
    /// Pairs of a list and one of its parts, such as `allow` and `lines` for `allow.lines`.
    parts: BTreeSet<(String, String)>,
}

impl Needs {
    pub(super) fn of(source: &str) -> Self {
        let mut needs = Self::default();
        for (open, close) in [("{{", "}}"), ("{%", "%}")] {
            for tag in source.split(open).skip(1) {
                needs.add_names(tag.split(close).next().unwrap_or(tag));
            }
        }
        needs
    }

    fn add_names(&mut self, code: &str) {
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        let mut before = None;
        let mut rest = code;
        while let Some(first) = rest.chars().next() {
            if let Some(after) = after_string(rest) {
                rest = after;
                before = None;
                continue;
            }
            let end = if is_name(first) {
                rest.find(|c| !is_name(c)).unwrap_or(rest.len())
            } else {
                first.len_utf8()
            };
            let (token, after) = rest.split_at(end);
            let is_quoted = matches!(before, Some('"' | '\'' | '`'));
            if LISTS.contains(&token) && !is_quoted {
                let part = after.strip_prefix('.').map(|after| {
                    let end = after.find(|c| !is_name(c)).unwrap_or(after.len());
                    after.get(..end).unwrap_or_default()
                });
                self.add_list(token, part);
            }
            self.dumps_context |= token == "__tera_context";
            if is_name(first) {
                self.names.insert(token.to_owned());
            }
            before = Some(first);
            rest = after;
        }
    }

    /// Adds a part of a list, or the whole list if `part` is `None`.
    fn add_list(&mut self, list: &str, part: Option<&str>) {
        match part {
            Some(part) => self.parts.insert((list.to_owned(), part.to_owned())),
            None => self.whole_lists.insert(list.to_owned()),
        };
    }

    /// Returns whether the template may read a part with this name, either of a list or of the context
    /// itself.
    #[must_use]
    pub fn includes(&self, name: &str) -> bool {
        let has_whole_list = !self.whole_lists.is_empty();
        self.dumps_context || has_whole_list || self.names.contains(name)
    }

    /// Returns whether the template may read a list. Lists other than `allow` and `deny` are in the context
    /// only in this case.
    #[must_use]
    pub fn includes_list(&self, list: &str) -> bool {
        let mut parts = self.parts.iter();
        self.has_whole(list) || parts.any(|(of, _)| of == list)
    }

    /// Returns whether the template may read a part of a list.
    #[must_use]
    pub fn includes_part(&self, list: &str, part: &str) -> bool {
        let mut parts = self.parts.iter();
        self.has_whole(list) || parts.any(|(of, name)| of == list && name == part)
    }

    fn has_whole(&self, list: &str) -> bool {
        self.dumps_context || self.whole_lists.contains(list)
    }
}

/// Returns the code after a string literal at its start, because the words in the literal are not names.
/// `None` if there is no literal, or if it contains a backslash.
fn after_string(code: &str) -> Option<&str> {
    let quote = code
        .chars()
        .next()
        .filter(|c| ['"', '\'', '`'].contains(c))?;
    let (text, after) = code.get(1..)?.split_once(quote)?;
    (!text.contains('\\')).then_some(after)
}
