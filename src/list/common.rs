//! The rows of the common CSV, which apply to every site.

use std::sync::Arc;

use crate::ip::AddressSpec;
use crate::list::name::ListName;
use crate::rule::Action;
use crate::time::Period;

/// The published common CSV.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommonRules {
    /// The key or path of the CSV, such as `_common.csv`.
    pub source: Arc<str>,
    /// The rows, by line. Those with a list name it, because a list may change after the common CSV.
    pub rows: Vec<CommonRow>,
}

impl CommonRules {
    /// The names of the lists that the rows name, with repetitions. A site can be read only if all of them
    /// are there.
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
    /// The action of the row. Only such a row may be `Always`.
    pub action: Action,
    /// The addresses, or the list.
    pub addresses: CommonAddresses,
    /// The time in which the row is active.
    pub period: Period,
    /// The address as it is written.
    pub address: String,
    /// The comment. Empty if there is none.
    pub comment: String,
}

/// The addresses that the cell of a row names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommonAddresses {
    /// Addresses, or all.
    Spec(AddressSpec),
    /// A list.
    List(ListName),
}
