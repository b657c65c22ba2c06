//! The columns of a CSV: their names, their places and the delimiter between them.

use crate::text::{RichText, Segment};

/// The accepted delimiters, the most likely first.
pub(crate) const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

pub(crate) const ADDRESS_NAMES: [&str; 5] = ["ipaddress", "ip", "address", "network", "cidr"];

pub(crate) const RULE_NAMES: [&str; 3] = ["rule", "action", "policy"];

pub(crate) const COMMENT_NAMES: [&str; 3] = ["comment", "description", "note"];

/// The places of the cells that are read. To read another column, add its names above, its place here
/// and in [`Columns::places`], and its cell in `parser.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Columns {
    /// Separates the cells.
    pub(crate) delimiter: u8,
    /// The index of the address column.
    pub(crate) address: usize,
    /// The index of the rule column.
    pub(crate) rule: usize,
    /// The index of the comment column.
    pub(crate) comment: Option<usize>,
}

impl Columns {
    /// Finds the columns in a header with these names. `None` if a required one is missing.
    pub(crate) fn find(delimiter: u8, names: &[String]) -> Option<Self> {
        let names: Vec<String> = names.iter().map(|name| normalized(name)).collect();
        Some(Self {
            delimiter,
            address: first_of(&ADDRESS_NAMES, &names)?,
            rule: first_of(&RULE_NAMES, &names)?,
            comment: first_of(&COMMENT_NAMES, &names),
        })
    }

    /// The indexes of the columns that are read.
    fn places(self) -> impl Iterator<Item = usize> {
        [Some(self.address), Some(self.rule), self.comment]
            .into_iter()
            .flatten()
    }

    /// Returns whether the cells of a column are read.
    pub(crate) fn reads(self, index: usize) -> bool {
        self.places().any(|place| place == index)
    }
}

/// Returns the first column that has an accepted name. Earlier names of `accepted` have priority.
fn first_of(accepted: &[&str], names: &[String]) -> Option<usize> {
    accepted
        .iter()
        .find_map(|accepted| names.iter().position(|name| name == accepted))
}

/// Returns a name without everything that is ignored in names: case, white space, `_`, `-`, and `.`,
/// which R writes instead of a space.
pub(crate) fn normalized(name: &str) -> String {
    name.chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '_' | '-' | '.'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// Returns whether a column of this name holds the address.
pub(crate) fn is_address_name(name: &str) -> bool {
    ADDRESS_NAMES.contains(&normalized(name).as_str())
}

/// Returns whether a column of this name holds the rule.
pub(crate) fn is_rule_name(name: &str) -> bool {
    RULE_NAMES.contains(&normalized(name).as_str())
}

/// Returns the name of a delimiter for a message.
pub(crate) fn delimiter_name(delimiter: u8) -> RichText {
    match delimiter {
        b'\t' => "tabs".into(),
        _ => Segment::quoted(&char::from(delimiter).to_string()).into(),
    }
}
