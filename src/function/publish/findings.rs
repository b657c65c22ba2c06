//! Collects facts about an upload for the overview while the upload is published.

use std::cell::{Cell, RefCell};

use crate::function::publish::object::PublishedObject;
use crate::function::publish::owner::Owner;
use crate::function::store::ObjectName;
use crate::list::ListName;
use crate::report::overview::SiteFacts;

/// Facts about an upload. If the publication takes several attempts, later facts replace earlier facts.
#[derive(Default)]
pub struct Findings {
    facts: Cell<SiteFacts>,
    had_output: Cell<bool>,
    lists: RefCell<Vec<ListName>>,
}

impl Findings {
    /// Returns the figures of the upload, from this publication or from the report on an earlier publication.
    /// Unknown figures are 0.
    #[must_use]
    pub fn facts(&self) -> SiteFacts {
        self.facts.get()
    }

    /// Returns whether the upload owned an output before it was published.
    #[must_use]
    pub fn had_output(&self) -> bool {
        self.had_output.get()
    }

    /// Returns the names of the existing lists that the rows of the upload use. Empty if the rows were not
    /// read.
    #[must_use]
    pub fn lists(&self) -> Vec<ListName> {
        self.lists.borrow().clone()
    }

    pub(crate) fn set_facts(&self, facts: SiteFacts) {
        self.facts.set(facts);
    }

    pub(crate) fn set_output(&self, output: &PublishedObject, input: &ObjectName) {
        let is_own = output.owner(&input.key) == Some(Owner::Own);
        self.had_output.set(is_own);
    }

    pub(crate) fn set_lists(&self, lists: Vec<ListName>) {
        self.lists.replace(lists);
    }
}
