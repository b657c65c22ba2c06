//! The kinds of CSVs, which differ in what their rows may contain.
//!
//! | | a site | a list | the common CSV |
//! |---|---|---|---|
//! | rule | `Allow`, `Deny` | `Allow`, `Deny` or none | `Allow`, `Deny`, `Always` |
//! | `all` | sets the default | not accepted | sets the default |
//! | `@name` | uses a list | not accepted | uses a list |

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
    /// Returns the action that a rule cell states, ignoring case.
    pub(super) fn action_of(self, rule: &str) -> Option<Action> {
        let always = (self == Self::Common && is_always(rule)).then_some(Action::Always);
        action_of(rule).or(always)
    }

    /// Returns whether the header needs a rule column, and each row a rule.
    pub(crate) fn needs_rules(self) -> bool {
        self != Self::List
    }
}

/// Returns the action for `Allow` or `Deny`, ignoring case.
pub(crate) fn action_of(rule: &str) -> Option<Action> {
    if rule.eq_ignore_ascii_case("allow") {
        Some(Action::Allow)
    } else if rule.eq_ignore_ascii_case("deny") {
        Some(Action::Deny)
    } else {
        None
    }
}

/// Returns whether a rule is `Always`, ignoring case. Only the common CSV accepts this rule.
pub(crate) fn is_always(rule: &str) -> bool {
    rule.eq_ignore_ascii_case("always")
}

/// The kind of a CSV, which defines what its rows may contain, and the lists and common rows that it may use.
#[derive(Clone, Debug, Default)]
pub struct RowContext {
    pub(super) kind: CsvKind,
    pub(super) shared: Shared,
}

/// The contents of an address cell.
#[derive(Clone, Copy, Debug)]
pub enum Named<'a> {
    /// Addresses, or `all`.
    Addresses(AddressSpec),
    /// The members of a list.
    List(&'a Arc<CompiledList>),
}

impl RowContext {
    /// Creates the context of a site's CSV. The rows of the common CSV come before the site's own rows.
    #[must_use]
    pub fn of_site(shared: Shared) -> Self {
        Self {
            kind: CsvKind::Site,
            shared,
        }
    }

    /// Creates the context of a list, which cannot use other lists.
    #[must_use]
    pub fn of_list() -> Self {
        Self {
            kind: CsvKind::List,
            shared: Shared::default(),
        }
    }

    /// Creates the context of the common CSV.
    #[must_use]
    pub fn of_common(shared: Shared) -> Self {
        Self {
            kind: CsvKind::Common,
            shared,
        }
    }
}
