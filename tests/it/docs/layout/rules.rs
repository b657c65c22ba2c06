//! The rules of the layout. Each rule returns one sentence for each import that breaks it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::graph::{Import, Tree};

/// The paths in a table, each with its layer number.
pub(super) struct Layers {
    heading: String,
    parts: Vec<(String, usize)>,
}

impl Layers {
    /// Reads the table below a heading. The first column contains the layer number, and the second
    /// column contains the path in backticks.
    pub(super) fn read(document: &str, heading: &str) -> Self {
        let below = document
            .split(&format!("\n## {heading}\n"))
            .nth(1)
            .unwrap_or_default();
        let section = below.split("\n## ").next().unwrap_or_default();
        let row = |line: &str| {
            let mut cells = line.split('|').map(str::trim).skip(1);
            let layer = cells.next()?.parse().ok()?;
            let path = cells.next()?.trim_matches('`').to_owned();
            Some((path, layer))
        };
        Self {
            heading: heading.to_owned(),
            parts: section.lines().filter_map(row).collect(),
        }
    }

    /// Returns the row whose path is the file or a folder that contains the file.
    fn part(&self, file: &str) -> Option<&(String, usize)> {
        let is_part = |path: &str| file == path || path.ends_with('/') && file.starts_with(path);
        self.parts.iter().find(|(path, _)| is_part(path))
    }

    /// Checks that every file in a folder is in the table, except the given file, and that every path
    /// in the table leads to a file.
    pub(super) fn gaps(&self, tree: &Tree, folder: &str, except: &str) -> Vec<String> {
        let heading = &self.heading;
        let files: Vec<&str> = tree
            .paths()
            .filter(|path| path.starts_with(folder))
            .collect();
        let missing = files
            .iter()
            .filter(|file| **file != except && self.part(file).is_none())
            .map(|file| format!("{file} is in no layer of the table \"{heading}\""));
        let dead = self
            .parts
            .iter()
            .filter(|part| !files.iter().any(|file| self.part(file) == Some(part)))
            .map(|(path, _)| format!("the table \"{heading}\" has {path}, which has no files"));
        missing.chain(dead).collect()
    }

    /// Checks that no import leads to a higher layer, and that the parts of a layer do not import
    /// each other in a circle.
    pub(super) fn upward(&self, imports: &[Import]) -> Vec<String> {
        let heading = &self.heading;
        let mut problems = Vec::new();
        let mut in_layer: BTreeMap<(&str, &str), &Import> = BTreeMap::new();
        for import in imports {
            let parts = (self.part(&import.file), self.part(&import.target));
            let (Some((from, layer)), Some((to, above))) = parts else {
                continue;
            };
            if above > layer {
                problems.push(format!(
                    "{}: an import upward: {from} is in layer {layer} of the table \"{heading}\", \
                     and {to} in layer {above}",
                    shown(import)
                ));
            } else if above == layer && from != to {
                in_layer.entry((from, to)).or_insert(import);
            }
        }
        let leads_back = |from: &str, to: &str| {
            let mut reached = BTreeSet::from([to]);
            let mut count = 0;
            while reached.len() > count {
                count = reached.len();
                let next = in_layer.keys().filter(|(part, _)| reached.contains(part));
                let next: Vec<&str> = next.map(|(_, target)| *target).collect();
                reached.extend(next);
            }
            reached.contains(from)
        };
        for ((from, to), import) in &in_layer {
            if leads_back(from, to) {
                problems.push(format!(
                    "{}: an import in a circle of parts: {from} and {to} are in one layer of the table \
                     \"{heading}\", and {to} leads back to {from}",
                    shown(import)
                ));
            }
        }
        problems
    }
}

/// Checks that files do not import each other in a circle. Tests are exempt, because the tests of a
/// file may use files that import it.
pub(super) fn circles(imports: &[Import]) -> Vec<String> {
    let mut imports: Vec<&Import> = imports.iter().filter(|import| !import.is_test).collect();
    let mut problems = Vec::new();
    loop {
        let files: BTreeSet<&str> = imports.iter().map(|import| import.file.as_str()).collect();
        let found = files.iter().filter_map(|file| way_back(file, &imports));
        let Some(circle) = found.min_by_key(Vec::len) else {
            return problems;
        };
        let steps: Vec<String> = circle.iter().map(|import| shown(import)).collect();
        problems.push(format!(
            "a circle of {} files:\n  {}",
            steps.len(),
            steps.join("\n  ")
        ));
        // Further circles are reported without the files of this one.
        imports.retain(|import| !circle.iter().any(|step| step.file == import.file));
    }
}

/// Returns the shortest chain of imports that leads from a file back to itself.
fn way_back<'a>(file: &str, imports: &[&'a Import]) -> Option<Vec<&'a Import>> {
    let mut arrived: BTreeMap<&str, &Import> = BTreeMap::new();
    let mut waiting = VecDeque::from([file]);
    while let Some(at) = waiting.pop_front() {
        for import in imports.iter().filter(|import| import.file == at) {
            if !arrived.contains_key(import.target.as_str()) {
                arrived.insert(&import.target, import);
                waiting.push_back(&import.target);
            }
        }
    }
    let mut way = vec![*arrived.get(file)?];
    while way[0].file != file {
        way.insert(0, arrived[way[0].file.as_str()]);
    }
    Some(way)
}

/// Checks that files outside a folder import from it only through its face.
pub(super) fn past_faces(imports: &[Import]) -> Vec<String> {
    let past = |import: &Import| {
        let inner = import.past_face.as_ref()?;
        let place = shown(import);
        Some(format!(
            "{place}: an import past a face: {inner} is inside a folder, so name it through the \
             `mod.rs` of the folder"
        ))
    };
    imports.iter().filter_map(past).collect()
}

fn shown(import: &Import) -> String {
    let Import {
        file,
        line,
        path,
        target,
        ..
    } = import;
    format!("{file}:{line}: `{path}` leads to {target}")
}
