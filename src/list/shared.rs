//! The lists and the common CSV, as the rows of a site look them up.

use std::collections::BTreeMap;
use std::sync::Arc;

use strsim::osa_distance;

use crate::list::common::CommonRules;
use crate::list::compiled::CompiledList;
use crate::list::name::ListName;

/// The maximum number of names that are suggested for an unknown one.
const MAX_NEAREST: usize = 3;
/// The maximum number of lists whose names are compared with an unknown one.
const MAX_COMPARED: usize = 1000;
/// The maximum length of a name that is compared, in bytes.
const MAX_COMPARED_BYTES: usize = 64;

/// A shared CSV: compiled, or refused without an earlier version that could stay in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed<T> {
    /// The compiled form.
    InForce(Arc<T>),
    /// The key or path of the CSV, which is refused.
    Refused(String),
}

/// The rules that sites share: the lists by their names, and the common CSV. The default has none.
///
/// A clone is cheap, because it shares the lists.
#[derive(Clone, Debug, Default)]
pub struct Shared {
    lists: Arc<BTreeMap<ListName, Listed<CompiledList>>>,
    common: Option<Listed<CommonRules>>,
}

impl Shared {
    /// Adds a list.
    pub fn add_list(&mut self, list: Arc<CompiledList>) {
        let name = list.id().name.clone();
        Arc::make_mut(&mut self.lists).insert(name, Listed::InForce(list));
    }

    /// Adds a list whose CSV is refused. A site that names it is refused, too.
    pub fn add_refused_list(&mut self, name: ListName, source: String) {
        Arc::make_mut(&mut self.lists).insert(name, Listed::Refused(source));
    }

    /// Sets the common CSV. If it is refused, every site is refused, too.
    pub fn set_common(&mut self, common: Listed<CommonRules>) {
        self.common = Some(common);
    }

    /// Returns a list by its name.
    #[must_use]
    pub fn list(&self, name: &ListName) -> Option<&Listed<CompiledList>> {
        self.lists.get(name)
    }

    /// Returns the common CSV, if there is one.
    #[must_use]
    pub fn common(&self) -> Option<&Listed<CommonRules>> {
        self.common.as_ref()
    }

    /// Returns the names of lists that are most like a name, the nearest first, of the lists in force that
    /// `fit`.
    pub(crate) fn nearest(
        &self,
        name: &str,
        fit: impl Fn(&CompiledList) -> bool,
    ) -> Vec<&ListName> {
        let lists = self.lists.iter();
        let fitting = lists
            .filter(|(_, listed)| matches!(listed, Listed::InForce(list) if fit(list)))
            .map(|(other, _)| other);
        nearest_names(name, fitting)
    }
}

/// Returns the names that are most like a name, the nearest first. Compares the first 1,000 only.
pub fn nearest_names<'a>(
    name: &str,
    names: impl IntoIterator<Item = &'a ListName>,
) -> Vec<&'a ListName> {
    let typed = name.to_lowercase();
    if typed.len() > MAX_COMPARED_BYTES {
        return Vec::new();
    }
    let mut alike: Vec<(usize, &ListName)> = names
        .into_iter()
        .take(MAX_COMPARED)
        .filter(|other| other.as_str().len() <= MAX_COMPARED_BYTES)
        .map(|other| (osa_distance(&typed, &other.as_str().to_lowercase()), other))
        // One typing error in three letters is too many for a guess.
        .filter(|(distance, other)| 3 * distance <= other.as_str().chars().count())
        .collect();
    alike.sort_unstable();
    alike.truncate(MAX_NEAREST);
    alike.into_iter().map(|(_, name)| name).collect()
}
