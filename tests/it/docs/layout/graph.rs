//! Follows the paths in all files to the files of the items.

use std::collections::BTreeMap;

use super::source::{Kind, Named, Source};

/// The crate of the files that belong to no program.
const LIBRARY: &str = "htaccess_generator";

/// The path of a module: the crate, followed by the module names.
type Module = Vec<String>;

/// A path in one file that leads to another file of the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Import {
    pub(super) file: String,
    pub(super) line: usize,
    /// The path as it is written in the file.
    pub(super) path: String,
    /// The file that contains the item, even if a face re-exports it.
    pub(super) target: String,
    /// A file inside a folder that the path of a file outside the folder contains.
    pub(super) past_face: Option<String>,
    pub(super) is_test: bool,
}

/// All files of the project, by their modules.
pub(super) struct Tree {
    files: BTreeMap<Module, (String, Source)>,
}

/// The item or module that a path leads to.
struct Found {
    module: Module,
    /// The modules that the path itself contains.
    named: Vec<Module>,
}

impl Tree {
    /// Reads the files, given as paths and code. The paths start with `src/`.
    pub(super) fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let read =
            |(path, code): (&str, &str)| (module_of(path), (path.to_owned(), Source::read(code)));
        Self {
            files: files.into_iter().map(read).collect(),
        }
    }

    /// Returns the paths of the files.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.values().map(|(path, _)| path.as_str())
    }

    /// Returns all imports between two files, ordered by file.
    pub(super) fn imports(&self) -> Vec<Import> {
        let mut imports = Vec::new();
        for (module, (file, source)) in &self.files {
            for named in &source.named {
                let is_face = named.kind == Kind::ReExport && self.is_inside(named, module);
                if is_face {
                    continue;
                }
                for found in self.ends(module, named) {
                    let (target, _) = &self.files[&found.module];
                    if target != file {
                        imports.push(Import {
                            file: file.clone(),
                            line: named.line,
                            path: named.path.join("::"),
                            target: target.clone(),
                            past_face: self.past_face(module, &found.named),
                            is_test: named.is_test || self.is_test(module),
                        });
                    }
                }
            }
        }
        imports
    }

    /// Returns whether a path leads into the module. A re-export of such a path is the face of a folder.
    fn is_inside(&self, named: &Named, module: &Module) -> bool {
        let found = self.find(module, named);
        found.is_some_and(|found| found.module.starts_with(module))
    }

    /// Returns everything that a path leads to. A `*` also leads to everything that the module re-exports.
    fn ends(&self, module: &Module, named: &Named) -> Vec<Found> {
        let Some(found) = self.find(module, named) else {
            return Vec::new();
        };
        if named.alias != "*" || module.starts_with(&found.module) {
            return vec![found];
        }
        let (_, source) = &self.files[&found.module];
        let mut ends: Vec<Found> = source
            .named
            .iter()
            .filter(|named| named.kind == Kind::ReExport)
            .filter_map(|named| self.find(&found.module, named))
            .collect();
        ends.push(found);
        ends
    }

    fn find(&self, module: &Module, named: &Named) -> Option<Found> {
        self.resolve(module, named, &mut Vec::new())
    }

    /// Returns what a path in a module leads to, or `None` if the path leads out of the project.
    fn resolve<'a>(
        &'a self,
        module: &Module,
        named: &'a Named,
        seen: &mut Vec<&'a Named>,
    ) -> Option<Found> {
        if seen.contains(&named) {
            return None;
        }
        seen.push(named);
        let mut at = module.clone();
        at.extend(named.inside.iter().cloned());
        let (first, rest) = named.path.split_first()?;
        let mut rest = rest;
        let mut known = Vec::new();
        match first.as_str() {
            "crate" => at.truncate(1),
            "self" => {}
            "super" => {
                at.pop();
                while let Some((_, after)) = rest.split_first().filter(|(name, _)| *name == "super")
                {
                    at.pop();
                    rest = after;
                }
            }
            LIBRARY => at = vec![LIBRARY.to_owned()],
            _ if self.files.contains_key(&child(&at, first)) => rest = &named.path,
            _ => {
                let (at_alias, named_by_alias) = self.alias(module, named, first, seen)?;
                (at, known) = (at_alias, named_by_alias);
            }
        }
        // Inline modules belong to the file that contains them.
        while !self.files.contains_key(&at) && at.len() > module.len() {
            at.pop();
        }
        let mut found = self.walk(at, rest, seen)?;
        found.named.splice(0..0, known);
        Some(found)
    }

    /// Returns the module that a file imports under this name, such as `input` in `input::find`.
    fn alias<'a>(
        &'a self,
        module: &Module,
        named: &'a Named,
        first: &str,
        seen: &mut Vec<&'a Named>,
    ) -> Option<(Module, Vec<Module>)> {
        if named.kind != Kind::InCode {
            return None;
        }
        let (_, source) = self.files.get(module)?;
        let imports = source
            .named
            .iter()
            .filter(|import| import.kind != Kind::InCode);
        let import = imports
            .filter(|import| import.alias == first)
            .find(|import| import.inside.is_empty() || import.inside == named.inside)?;
        let found = self.resolve(module, import, seen)?;
        let is_module = found
            .module
            .last()
            .is_some_and(|name| import.path.last() == Some(name));
        is_module.then_some((found.module, found.named))
    }

    fn walk<'a>(
        &'a self,
        start: Module,
        path: &[String],
        seen: &mut Vec<&'a Named>,
    ) -> Option<Found> {
        let mut module = start;
        let mut named = Vec::new();
        for (index, name) in path.iter().enumerate() {
            let (_, source) = self.files.get(&module)?;
            let is_last = index + 1 == path.len();
            let inner = child(&module, name);
            let is_module = self.files.contains_key(&inner);
            if !is_module || is_last {
                let exported = source
                    .named
                    .iter()
                    .find(|export| export.kind == Kind::ReExport && export.alias == *name)
                    .and_then(|export| self.resolve(&module, export, seen));
                if let Some(found) = exported {
                    return Some(Found {
                        module: found.module,
                        named,
                    });
                }
            }
            if !is_module {
                break;
            }
            named.push(inner.clone());
            module = inner;
        }
        self.files
            .contains_key(&module)
            .then_some(Found { module, named })
    }

    /// Returns the first file inside a folder that a path from outside the folder contains. The path
    /// may contain the face of a nested folder.
    fn past_face(&self, module: &Module, named: &[Module]) -> Option<String> {
        let past = named.iter().find(|inner| {
            let folder = &inner[..inner.len() - 1];
            folder.len() > 1 && !module.starts_with(folder) && !self.is_folder(inner)
        })?;
        let (file, _) = &self.files[past];
        Some(file.clone())
    }

    fn is_folder(&self, module: &Module) -> bool {
        let is_inner = |inner: &Module| inner.len() > module.len() && inner.starts_with(module);
        self.files.keys().any(is_inner)
    }

    /// Returns whether the file of a module is declared as `#[cfg(test)] mod name;`.
    fn is_test(&self, module: &Module) -> bool {
        let Some((name, parent)) = module.split_last() else {
            return false;
        };
        let parent = self.files.get(parent);
        parent.is_some_and(|(_, source)| source.test_modules.contains(name))
    }
}

fn child(module: &Module, name: &str) -> Module {
    let mut inner = module.clone();
    inner.push(name.to_owned());
    inner
}

fn module_of(path: &str) -> Module {
    let inner = path.strip_prefix("src/").unwrap_or(path);
    let inner = inner.trim_end_matches(".rs");
    let (program, names) = match inner.strip_prefix("bin/") {
        Some(program) => program.split_once('/').unwrap_or((program, "")),
        None => (LIBRARY, inner),
    };
    let names = names
        .split('/')
        .filter(|name| !matches!(*name, "" | "lib" | "main" | "mod"));
    [program]
        .into_iter()
        .chain(names)
        .map(str::to_owned)
        .collect()
}
