//! Reads the modules, the imports and the other paths of a file.

use super::tokens::{Token, tokens};

/// A path in a file, either in a `use` or in other code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) line: usize,
    /// The inline modules around the path, outermost first.
    pub(super) inside: Vec<String>,
    pub(super) path: Vec<String>,
    /// The name under which the file uses the item. `*` for all names of a module.
    pub(super) alias: String,
    pub(super) kind: Kind,
    pub(super) is_test: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `use a::b;`
    Import,
    /// `pub use a::b;`
    ReExport,
    /// `a::b` outside a `use`.
    InCode,
}

/// The facts about a file that the test needs.
#[derive(Debug, Default)]
pub(super) struct Source {
    pub(super) named: Vec<Named>,
    /// The names in `#[cfg(test)] mod name;`.
    pub(super) test_modules: Vec<String>,
}

impl Source {
    pub(super) fn read(code: &str) -> Self {
        let mut reader = Reader {
            tokens: tokens(code),
            at: 0,
            depth: 0,
            inside: Vec::new(),
            source: Self::default(),
        };
        while reader.at < reader.tokens.len() {
            reader.step();
        }
        reader.source
    }
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
    /// The number of open braces.
    depth: usize,
    /// The open inline modules, each with the depth outside it.
    inside: Vec<(String, usize)>,
    source: Source,
}

impl Reader {
    /// Returns the text of the token that is `ahead` tokens after the current one.
    fn text(&self, ahead: usize) -> &str {
        self.tokens
            .get(self.at + ahead)
            .map_or("", |token| &token.text)
    }

    fn before(&self) -> &str {
        self.at
            .checked_sub(1)
            .map_or("", |at| &self.tokens[at].text)
    }

    fn step(&mut self) {
        match self.text(0) {
            "use" if self.text(1) != "<" => return self.import(),
            "mod" if self.text(2) == "{" => {
                self.inside.push((self.text(1).to_owned(), self.depth));
                self.depth += 1;
                self.at += 2;
            }
            "mod" if self.text(2) == ";" && self.tokens[self.at].is_test => {
                self.source.test_modules.push(self.text(1).to_owned());
            }
            "{" => self.depth += 1,
            "}" => {
                self.depth = self.depth.saturating_sub(1);
                self.inside.retain(|(_, around)| *around < self.depth);
            }
            text if self.text(1) == "::" && is_name(text) => return self.path_in_code(),
            _ => {}
        }
        self.at += 1;
    }

    /// Reads a whole path, so that `b::c` in `a::b::c` does not count as a separate path.
    fn path_in_code(&mut self) {
        let first = self.at;
        let is_visibility = self.before() == "in";
        let mut path = vec![self.text(0).to_owned()];
        while self.text(1) == "::" && is_name(self.text(2)) {
            self.at += 2;
            path.push(self.text(0).to_owned());
        }
        let is_continued = first > 0 && self.tokens[first - 1].text == "::";
        if !is_continued && !is_visibility {
            self.add(first, path, String::new(), Kind::InCode);
        }
        self.at += 1;
    }

    fn import(&mut self) {
        let kind = match self.before() {
            "pub" | ")" => Kind::ReExport,
            _ => Kind::Import,
        };
        self.at += 1;
        self.tree(&[], kind);
    }

    /// Reads one branch of a `use`: `a::b`, `a::b as c`, `a::*` or `a::{b, c}`.
    fn tree(&mut self, start: &[String], kind: Kind) {
        let mut path = start.to_vec();
        let first = self.at;
        let mut alias = None;
        while self.at < self.tokens.len() {
            match self.text(0) {
                "{" => {
                    while !matches!(self.text(0), "}" | "") {
                        self.at += 1;
                        if self.text(0) != "}" {
                            self.tree(&path, kind);
                        }
                    }
                    self.at += 1;
                    return;
                }
                "as" => {
                    self.at += 1;
                    alias = Some(self.text(0).to_owned());
                }
                "," | "}" | ";" => break,
                "::" => {}
                "self" if !path.is_empty() => {}
                name => path.push(name.to_owned()),
            }
            self.at += 1;
        }
        let last = path.last().cloned().unwrap_or_default();
        self.add(first, path, alias.unwrap_or(last), kind);
    }

    fn add(&mut self, first: usize, path: Vec<String>, alias: String, kind: Kind) {
        let token = &self.tokens[first];
        self.source.named.push(Named {
            line: token.line,
            inside: self.inside.iter().map(|(name, _)| name.clone()).collect(),
            path,
            alias,
            kind,
            is_test: token.is_test,
        });
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|sign: char| sign.is_alphabetic() || sign == '_')
}
