//! The kinds of CSVs, which differ in what their rows may state.
//!
//! | | a site | a list | the common CSV |
//! |---|---|---|---|
//! | rule | `Allow`, `Deny` | the same or none | `Allow`, `Deny`, `Always` |
//! | `all` | the default | not accepted | the default |
//! | `@name` | a list | not accepted | a list |

use std::sync::Arc;

use crate::ip::AddressSpec;
use crate::list::{CompiledList, Shared};
use crate::rule::Action;

/// The kind of a CSV.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CsvKind {
    /// The rules of one site.
    #[default]
    Site,
    /// The members of a list.
    List,
    /// The rules that apply to every site.
    Common,
}

impl CsvKind {
    /// Returns the action that a rule cell states, in any case.
    pub(super) fn action_of(self, rule: &str) -> Option<Action> {
        let always = (self == Self::Common && is_always(rule)).then_some(Action::Always);
        action_of(rule).or(always)
    }

    /// Returns whether a header needs a column of rules, and a row a rule.
    pub(crate) fn needs_rules(self) -> bool {
        self != Self::List
    }
}

/// Returns the action that `Allow` or `Deny` means, in any case.
pub(crate) fn action_of(rule: &str) -> Option<Action> {
    if rule.eq_ignore_ascii_case("allow") {
        Some(Action::Allow)
    } else if rule.eq_ignore_ascii_case("deny") {
        Some(Action::Deny)
    } else {
        None
    }
}

/// Returns whether a rule is `Always`, which only the common CSV may state.
pub(crate) fn is_always(rule: &str) -> bool {
    rule.eq_ignore_ascii_case("always")
}

/// The statements that the rows of a CSV may make, and the lists that they may name.
#[derive(Clone, Debug, Default)]
pub struct RowContext {
    pub(super) kind: CsvKind,
    pub(super) shared: Shared,
}

/// The addresses that the cell of a row names.
#[derive(Clone, Copy, Debug)]
pub enum Named<'a> {
    /// Addresses, or all.
    Addresses(AddressSpec),
    /// The members of a list.
    List(&'a Arc<CompiledList>),
}

impl RowContext {
    /// The context of a site's CSV. The rows of the common CSV come before its own.
    #[must_use]
    pub fn of_site(shared: Shared) -> Self {
        Self {
            kind: CsvKind::Site,
            shared,
        }
    }

    /// The context of a list, which cannot name lists.
    #[must_use]
    pub fn of_list() -> Self {
        Self {
            kind: CsvKind::List,
            shared: Shared::default(),
        }
    }

    /// The context of the common CSV.
    #[must_use]
    pub fn of_common(shared: Shared) -> Self {
        Self {
            kind: CsvKind::Common,
            shared,
        }
    }
}
