//! The columns of a CSV: their names, their positions and the delimiter between them.

use std::borrow::Cow;

use crate::csv::kind::CsvKind;
use crate::text::{RichText, Segment};

/// The accepted delimiters, the most likely first.
pub(crate) const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

pub(crate) const ADDRESS_NAMES: [&str; 5] = ["ipaddress", "ip", "address", "network", "cidr"];

pub(crate) const RULE_NAMES: [&str; 3] = ["rule", "action", "policy"];

pub(crate) const COMMENT_NAMES: [&str; 3] = ["comment", "description", "note"];

pub(crate) const STARTS_NAMES: [&str; 4] = ["starts", "validfrom", "from", "start"];

pub(crate) const EXPIRES_NAMES: [&str; 7] = [
    "expires",
    "expiry",
    "expiration",
    "validuntil",
    "validto",
    "until",
    "end",
];

/// The length of the shortest column name above, in bytes.
const MIN_NAME_BYTES: usize = "ip".len();

/// The positions of the cells that are read. To read another column, add its names above, its position here,
/// in [`Columns::find`] and in [`Columns::places`], and its cell in `cells.rs` and `parser.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Columns {
    /// The delimiter between the cells.
    pub(crate) delimiter: u8,
    /// The index of the address column.
    pub(crate) address: usize,
    /// The index of the rule column. `None` only in a list.
    pub(crate) rule: Option<usize>,
    /// The index of the comment column.
    pub(crate) comment: Option<usize>,
    /// The index of the column with the start times of rows.
    pub(crate) starts: Option<usize>,
    /// The index of the column with the end times of rows.
    pub(crate) expires: Option<usize>,
}

impl Columns {
    /// Finds the columns in a header with these names. `None` if a column that this kind of CSV needs is
    /// missing.
    pub(crate) fn find<'a>(
        kind: CsvKind,
        delimiter: u8,
        names: impl Iterator<Item = Cow<'a, str>>,
    ) -> Option<Self> {
        let (mut address, mut rule, mut comment) = Default::default();
        let (mut starts, mut expires) = Default::default();
        for (index, name) in names.enumerate() {
            // Most cells of a line that is not a header are too short to be a name.
            if name.len() < MIN_NAME_BYTES {
                continue;
            }
            let name = normalized(&name);
            let find = |best: &mut Option<(usize, usize)>, accepted: &[&str]| {
                // A name earlier in the list has priority and, for the same name, an earlier column.
                let rank = accepted.iter().position(|accepted| *accepted == name);
                *best = (*best)
                    .into_iter()
                    .chain(rank.map(|rank| (rank, index)))
                    .min();
            };
            find(&mut address, &ADDRESS_NAMES);
            find(&mut rule, &RULE_NAMES);
            find(&mut comment, &COMMENT_NAMES);
            find(&mut starts, &STARTS_NAMES);
            find(&mut expires, &EXPIRES_NAMES);
        }
        let rule = rule.map(|(_, index)| index);
        if rule.is_none() && kind.needs_rules() {
            return None;
        }
        Some(Self {
            delimiter,
            address: address?.1,
            rule,
            comment: comment.map(|(_, index)| index),
            starts: starts.map(|(_, index)| index),
            expires: expires.map(|(_, index)| index),
        })
    }

    /// Returns the indexes of the columns that are read.
    fn places(self) -> impl Iterator<Item = usize> {
        let Self {
            delimiter: _,
            address,
            rule,
            comment,
            starts,
            expires,
        } = self;
        [Some(address), rule, comment, starts, expires]
            .into_iter()
            .flatten()
    }

    /// Returns whether there is a date column, so that rows may have a period.
    pub(crate) fn has_dates(self) -> bool {
        self.starts.is_some() || self.expires.is_some()
    }

    /// Returns the index of the last column that is read.
    pub(crate) fn last(self) -> usize {
        self.places().max().unwrap_or_default()
    }

    /// Returns whether the cells of a column are read.
    pub(crate) fn reads(self, index: usize) -> bool {
        self.places().any(|place| place == index)
    }
}

/// Returns a name in lower case, without the characters that are ignored in names: white space, `_`, `-`, and
/// `.`, which R writes instead of a space.
pub(crate) fn normalized(name: &str) -> String {
    name.chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '_' | '-' | '.'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// Returns whether a column with this name contains the addresses.
pub(crate) fn is_address_name(name: &str) -> bool {
    ADDRESS_NAMES.contains(&normalized(name).as_str())
}

/// Returns whether a column with this name contains the rules.
pub(crate) fn is_rule_name(name: &str) -> bool {
    RULE_NAMES.contains(&normalized(name).as_str())
}

/// Returns the text for a delimiter in a message.
pub(crate) fn delimiter_name(delimiter: u8) -> RichText {
    match delimiter {
        b'\t' => "tabs".into(),
        _ => Segment::quoted(&char::from(delimiter).to_string()).into(),
    }
}
