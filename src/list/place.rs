//! The place in a CSV that a rule comes from.

use std::fmt;
use std::sync::Arc;

use crate::list::compiled::ListId;
use crate::text::escape_invisible;

/// The place of a rule: a row of the site's CSV or of the common CSV and, if the row contains a list, the
/// member of that list.
///
/// `Display` writes `line 4`, `line 4: @office (lists/office.csv, line 17)` or `line 3 of _common.csv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line where the row starts, 1-based.
    pub line: u64,
    /// The name of the common CSV. `None` if the row is in the site's own CSV.
    pub common: Option<Arc<str>>,
    /// The member of the list. `None` if the row contains addresses.
    pub member: Option<MemberPlace>,
}

/// The place of a list member: the list, and the line in its CSV.
///
/// `Display` writes `@office (lists/office.csv, line 17)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberPlace {
    /// The list.
    pub list: Arc<ListId>,
    /// The line in the list's CSV, 1-based.
    pub line: u64,
}

impl Place {
    /// Returns the place of a row of the site's own CSV.
    #[must_use]
    pub fn of_line(line: u64) -> Self {
        Self {
            line,
            common: None,
            member: None,
        }
    }

    /// Returns whether this is a row of the site's own CSV that contains addresses, not a list.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.common.is_none() && self.member.is_none()
    }

    /// Returns the line in the site's own CSV. `None` for a row of the common CSV.
    #[must_use]
    pub fn own_line(&self) -> Option<u64> {
        self.common.is_none().then_some(self.line)
    }

    /// Formats the row: `line 4` or `line 3 of _common.csv`.
    #[must_use]
    pub fn row(&self) -> String {
        match &self.common {
            None => format!("line {}", self.line),
            Some(common) => format!("line {} of {}", self.line, escape_invisible(common, None)),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.row())?;
        self.member
            .iter()
            .try_for_each(|member| write!(f, ": {member}"))
    }
}

impl fmt::Display for MemberPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = escape_invisible(self.list.name.as_str(), None);
        let source = escape_invisible(&self.list.source, None);
        write!(f, "@{name} ({source}, line {})", self.line)
    }
}
