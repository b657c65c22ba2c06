//! The rows of the common CSV, which apply to every site.

use std::sync::Arc;

use crate::ip::AddressSpec;
use crate::list::name::ListName;
use crate::rule::Action;
use crate::time::Period;

/// The published common CSV in compiled form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommonRules {
    /// The key or path of the CSV, such as `_common.csv`.
    pub source: Arc<str>,
    /// The rows, in ascending order of lines. A row with a list contains only the name of the list, because
    /// the list may change after the common CSV.
    pub rows: Vec<CommonRow>,
}

impl CommonRules {
    /// Returns the names of the lists that the rows use, with repetitions. A site can be read only if all of
    /// these lists exist.
    pub fn lists(&self) -> impl Iterator<Item = &ListName> {
        self.rows.iter().filter_map(|row| match &row.addresses {
            CommonAddresses::List(name) => Some(name),
            CommonAddresses::Spec(_) => None,
        })
    }
}

/// A row of the common CSV.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommonRow {
    /// The line where the row starts, 1-based.
    pub line: u64,
    /// The action. Only a row of the common CSV can be `Always`.
    pub action: Action,
    /// The addresses or the list.
    pub addresses: CommonAddresses,
    /// The period in which the row is active.
    pub period: Period,
    /// The address as written.
    pub address: String,
    /// The comment. Empty if there is none.
    pub comment: String,
}

/// The addresses or the list in the address cell of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommonAddresses {
    /// Addresses, or `all`.
    Spec(AddressSpec),
    /// The name of a list.
    List(ListName),
}
