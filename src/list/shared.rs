//! The lists and the common CSV that the rows of a site look up.

use std::collections::BTreeMap;
use std::sync::Arc;

use strsim::osa_distance;

use crate::list::common::CommonRules;
use crate::list::compiled::CompiledList;
use crate::list::name::ListName;

/// The maximum number of suggestions for an unknown name.
const MAX_NEAREST: usize = 3;
/// The maximum number of lists whose names are compared with an unknown name.
const MAX_COMPARED: usize = 1000;
/// The maximum length of a name that is compared, in bytes.
const MAX_COMPARED_BYTES: usize = 64;

/// A shared CSV that is compiled, or that is refused and has no earlier version that could stay in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed<T> {
    /// The compiled form.
    InForce(Arc<T>),
    /// The key or path of the refused CSV.
    Refused(String),
}

/// The rules that sites share: the lists by name, and the common CSV. The default contains neither.
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

    /// Adds a list whose CSV is refused. A site that uses this list is refused as well.
    pub fn add_refused_list(&mut self, name: ListName, source: String) {
        Arc::make_mut(&mut self.lists).insert(name, Listed::Refused(source));
    }

    /// Sets the common CSV. If it is refused, every site is refused as well.
    pub fn set_common(&mut self, common: Listed<CommonRules>) {
        self.common = Some(common);
    }

    /// Returns a list by its name. `None` if there is no such list.
    #[must_use]
    pub fn list(&self, name: &ListName) -> Option<&Listed<CompiledList>> {
        self.lists.get(name)
    }

    /// Returns the common CSV. `None` if there is none.
    #[must_use]
    pub fn common(&self) -> Option<&Listed<CommonRules>> {
        self.common.as_ref()
    }

    /// Returns the names of lists that are most similar to `name`, the nearest first. Only lists that are in
    /// force and for which `fit` returns `true` are compared.
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

/// Returns the names that are most similar to `name`, the nearest first. Only the first 1,000 are compared.
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
        // More than one typing error in three letters is too many for a guess.
        .filter(|(distance, other)| 3 * distance <= other.as_str().chars().count())
        .collect();
    alike.sort_unstable();
    alike.truncate(MAX_NEAREST);
    alike.into_iter().map(|(_, name)| name).collect()
}
