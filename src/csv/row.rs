//! Turns the address and the rule of a row into a rule or an error. Defines the rows that a sink
//! receives.
//!
//! [`read_rule`] is strict, because nearly every cell is written as expected. If it fails, `cells.rs` calls
//! it again without the formula or the quotes that a spreadsheet put around the cells.

use std::borrow::Cow;
use std::sync::Arc;

use crate::answer::Warning;
use crate::csv::cell::{cell_text, comment_text, unwrapped};
use crate::csv::error::CsvError;
use crate::csv::kind::{CsvKind, Named, RowContext, action_of, is_always};
use crate::csv::quoted_row::RowText;
use crate::ip::{AddrRange, AddressError, AddressSpec, parse_address};
use crate::list::{CompiledList, ListName, Listed, Member, MemberPlace, Place};
use crate::rule::Action;
use crate::time::{Bound, DateReader, Period};

/// A rejected row: its address and rule cells, and the error.
///
/// `RowError::explain` (`csv/diagnose/row.rs`) writes the message. It is a separate step because most
/// rejections of a bad file are only counted.
#[derive(Clone, Copy, Debug)]
pub struct RowError<'a> {
    /// The address cell, as written.
    pub(super) address: &'a str,
    /// The rule cell, as written.
    pub(super) rule: &'a str,
    pub(super) kind: RowErrorKind<'a>,
    pub(super) context: &'a RowContext,
    pub(super) text: RowText<'a>,
}

impl RowError<'_> {
    /// Returns the action, if the rule can be read. `Always` is returned even for a CSV that does not accept
    /// it.
    #[must_use]
    pub fn action(&self) -> Option<Action> {
        match self.kind {
            // These rows have no certain action. For example, a row that allows the members of a blocklist
            // was probably meant to deny them.
            RowErrorKind::OtherRule { .. }
            | RowErrorKind::ContradictsList { .. }
            | RowErrorKind::NoRule(_)
            | RowErrorKind::NoAddressNorRule => None,
            _ => {
                let text = unwrapped(self.rule);
                let rule = text.as_deref().unwrap_or(self.rule);
                action_of(rule).or(is_always(rule).then_some(Action::Always))
            }
        }
    }

    /// Returns whether the row has no rule, which only a list accepts.
    #[must_use]
    pub fn states_no_rule(&self) -> bool {
        self.rule.is_empty()
    }

    /// Returns the addresses or the list, if they can be read.
    #[must_use]
    pub fn named(&self) -> Option<Named<'_>> {
        match self.kind {
            // Most rejected rows have one of these errors and need not be parsed again.
            RowErrorKind::Address(_) | RowErrorKind::NoAddress | RowErrorKind::NoAddressNorRule => {
                None
            }
            RowErrorKind::ContradictsList { list, .. } => Some(Named::List(list)),
            _ => {
                if let Some(name) = list_name(self.address) {
                    return match self.context.shared.list(&name)? {
                        Listed::InForce(list) => Some(Named::List(list)),
                        Listed::Refused(_) => None,
                    };
                }
                let text = unwrapped(self.address);
                let addresses = parse_address(text.as_deref().unwrap_or(self.address));
                addresses.ok().map(Named::Addresses)
            }
        }
    }
}

/// The reason for a rejection. Its texts are the cells without the formula or the quotes around
/// them.
#[derive(Clone, Copy, Debug)]
pub(super) enum RowErrorKind<'a> {
    /// The address cell contains no valid address.
    Address(AddressError<'a>),
    /// The rule is neither `Allow` nor `Deny`.
    Rule(&'a str),
    /// Another column with a name of a rule column says the opposite.
    OtherRule {
        /// The rule.
        rule: &'a str,
        /// The rule in the other column.
        other: &'a str,
    },
    /// The address is missing.
    NoAddress,
    /// The address and the rule are missing, but not every cell is empty.
    NoAddressNorRule,
    /// The rule is missing. The value is the address.
    NoRule(&'a str),
    /// A date cell does not contain a date.
    Date {
        /// The column of the cell.
        bound: Bound,
        /// The text of the cell.
        text: &'a str,
        /// The reader that rejected the cell. It has the time zone, and the instant as of which rows are
        /// evaluated.
        dates: &'a DateReader,
    },
    /// The row ends before or when it starts. The values are the cells.
    ReversedPeriod { starts: &'a str, expires: &'a str },
    /// The row is `all,Allow`, and another row is `all,Deny`.
    ConflictingDefault,
    /// The row uses a list that does not exist. The value is the name without `@`.
    UnknownList(&'a str),
    /// The rule contradicts the rows of the list that the row uses.
    ContradictsList {
        /// The rule.
        rule: &'a str,
        /// The list.
        list: &'a Arc<CompiledList>,
    },
    /// The row is in a list and uses a list.
    NestedList,
    /// The row is in a list, and its address is `all`.
    AllInList,
}

/// The addresses and the action of a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule<'a> {
    /// `None` only in a list, whose rows need no rule.
    pub(super) action: Option<Action>,
    pub(super) named: Named<'a>,
}

/// Reads an address and a rule as written, without removing anything around them.
pub(super) fn read_rule<'a>(
    address: &'a str,
    rule: &'a str,
    context: &'a RowContext,
) -> Result<Rule<'a>, RowErrorKind<'a>> {
    let kind = context.kind;
    match (address, rule) {
        ("", "") if kind.needs_rules() => return Err(RowErrorKind::NoAddressNorRule),
        ("", _) => return Err(RowErrorKind::NoAddress),
        (_, "") if kind.needs_rules() => return Err(RowErrorKind::NoRule(address)),
        _ => {}
    }
    let named = read_address(address, context)?;
    let action = kind.action_of(rule);
    if action.is_none() && !rule.is_empty() {
        return Err(RowErrorKind::Rule(rule));
    }
    match (named, action) {
        (Named::List(list), Some(action)) if list.contradicts(action) => {
            Err(RowErrorKind::ContradictsList { rule, list })
        }
        _ => Ok(Rule { action, named }),
    }
}

/// Reads an address cell. The kind of the CSV decides whether `all` and lists are accepted.
fn read_address<'a>(text: &'a str, context: &'a RowContext) -> Result<Named<'a>, RowErrorKind<'a>> {
    let is_list = context.kind == CsvKind::List;
    let Some(name) = text.strip_prefix('@') else {
        let addresses = parse_address(text).map_err(RowErrorKind::Address)?;
        if is_list && addresses == AddressSpec::All {
            return Err(RowErrorKind::AllInList);
        }
        return Ok(Named::Addresses(addresses));
    };
    if is_list {
        return Err(RowErrorKind::NestedList);
    }
    match ListName::new(name).and_then(|name| context.shared.list(&name)) {
        Some(Listed::InForce(list)) => Ok(Named::List(list)),
        // A refused list has already refused the whole file (`Outlet::name_list`).
        Some(Listed::Refused(_)) | None => Err(RowErrorKind::UnknownList(name)),
    }
}

/// Returns the name of the list in an address cell, if the cell contains a valid one.
pub(super) fn list_name(address: &str) -> Option<ListName> {
    // Nearly every cell contains addresses, for which `unwrapped` returns `None` at once.
    match address.strip_prefix('@') {
        Some(name) => ListName::new(name),
        None => ListName::new(unwrapped(address)?.strip_prefix('@')?),
    }
}

/// Returns the action in a rule cell, if the cell contains a rule.
pub(super) fn action_in(cell: &[u8]) -> Option<Action> {
    let text = cell_text(cell);
    action_of(unwrapped(&text).as_deref().unwrap_or(&text))
}

/// A line inside a quoted cell that looks like a row. It is not read as a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HiddenRow {
    /// The number of the line.
    pub line: u64,
    /// The line where the record with the quoted cell starts.
    pub record_line: u64,
    /// The action that the line states, if its rule can be read.
    pub action: Option<Action>,
    /// The addresses in the line, if they can be read.
    pub addresses: Option<AddressSpec>,
}

/// One accepted row.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The line where the row starts, 1-based, as in an editor.
    pub line: u64,
    /// The action of the row.
    pub action: Action,
    /// The addresses or the list in the address cell.
    pub named: Named<'a>,
    /// The period in which the row is active.
    pub period: Period,
    /// The name of the common CSV, if the row is in it.
    pub common: Option<&'a Arc<str>>,
    pub(super) address_cell: &'a [u8],
    pub(super) comment_cell: &'a [u8],
    pub(super) text: RowText<'a>,
}

impl<'a> Row<'a> {
    /// Returns the address as written, without the formula or the quotes that a spreadsheet put
    /// around it.
    #[must_use]
    pub fn address(&self) -> Cow<'a, str> {
        let text = cell_text(self.address_cell);
        unwrapped(&text).map_or(text, Cow::Owned)
    }

    /// Returns the comment. Empty if there is none.
    #[must_use]
    pub fn comment(&self) -> Cow<'a, str> {
        comment_text(self.comment_cell)
    }

    /// Returns the rules of the row: one for its addresses or, if it uses a list, one for each member. The
    /// rule for a member is active while both the row and the member are active. It is left out if that is
    /// never the case.
    pub fn rules(&self) -> impl Iterator<Item = RowRule> {
        let (own, list) = match self.named {
            Named::Addresses(addresses) => {
                let (period, line) = (self.period, None);
                let own = RowRule {
                    addresses,
                    period,
                    line,
                };
                (Some(own), None)
            }
            Named::List(list) => (None, Some(list)),
        };
        let members = list.into_iter().flat_map(|list| list.members());
        let members = members.filter_map(|member| {
            Some(RowRule {
                addresses: member.addresses,
                period: self.period.intersection(member.period)?,
                line: Some(member.line),
            })
        });
        own.into_iter().chain(members)
    }

    /// Returns the place of a rule that [`Row::rules`] returned.
    #[must_use]
    pub fn place_of(&self, rule: &RowRule) -> Place {
        let list = match self.named {
            Named::Addresses(_) => None,
            Named::List(list) => Some(list.id()),
        };
        Place {
            line: self.line,
            common: self.common.cloned(),
            member: list.zip(rule.line).map(|(list, line)| MemberPlace {
                list: Arc::clone(list),
                line,
            }),
        }
    }
}

/// A rule of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowRule {
    /// The addresses.
    pub addresses: AddressSpec,
    /// The period in which the rule is active.
    pub period: Period,
    /// The line of the member in its list, if the row uses a list.
    pub line: Option<u64>,
}

/// An accepted row of a list.
#[derive(Clone, Copy, Debug)]
pub struct MemberRow {
    /// The member.
    pub member: Member,
    /// The rule, if the row states one.
    pub action: Option<Action>,
}

/// Receives the rows of a CSV as they are parsed.
///
/// The parser uses the push model: it drives the reading and hands each row to the sink.
pub trait RowSink {
    /// Receives an accepted row of a site or of the common CSV. The rows of the common CSV come before the
    /// site's own rows.
    fn accept(&mut self, row: Row<'_>);
    /// Receives an accepted row of a list.
    fn accept_member(&mut self, _row: MemberRow) {}
    /// Receives a rejected row and the line where it starts. Explaining a row takes time, and a file may have
    /// millions of rejected rows, so the sink decides whether it calls [`RowError::explain`].
    fn reject(&mut self, line: u64, error: &RowError<'_>);
    /// Receives a line that looks like a row but is inside a quoted cell. The lines of one record come in
    /// ascending order.
    fn find_hidden_row(&mut self, _row: HiddenRow) {}
    /// Receives the name of a list before the row that uses it, even if there is no such list.
    fn find_list(&mut self, _name: &ListName) {}
    /// Receives the line of a row that starts with `#` but is not a comment, before the row itself.
    fn find_hash_row(&mut self, _line: u64) {}
    /// Receives the names of the columns that are not read, before the first row.
    fn ignore_columns(&mut self, _names: Vec<String>) {}
    /// Returns an error if the rows so far must end the reading. The parser calls this after each piece of
    /// text.
    ///
    /// # Errors
    ///
    /// `too-large` if there are more rows than the sink can keep.
    fn check(&self) -> Result<(), CsvError> {
        Ok(())
    }
    /// Receives a warning about how the text was read.
    fn warn(&mut self, _warning: Warning) {}
    /// Returns whether accepted rows may come through [`RowSink::accept_ipv4`] and
    /// [`RowSink::accept_dated_ipv4`].
    fn wants_fast_path(&self) -> bool {
        false
    }
    /// Receives an accepted row without its cells, which is several times faster. The row has no period.
    fn accept_ipv4(&mut self, _line: u64, _action: Action, _addresses: AddrRange<u32>) {}
    /// Receives an accepted row without its cells. The row has a period.
    fn accept_dated_ipv4(
        &mut self,
        _line: u64,
        _action: Action,
        _addresses: AddrRange<u32>,
        _period: Period,
    ) {
    }
}

/// One rule of an accepted row, kept for templates that list the rows, and for reviewers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedRow {
    /// The place of the rule.
    pub place: Place,
    /// The action of the row.
    pub action: Action,
    /// The addresses of the rule.
    pub addresses: AddressSpec,
    /// The period in which the rule is active.
    pub period: Period,
    /// The address as written in the row, without the formula or the quotes around it.
    pub address: String,
    /// The comment. Empty if there is none.
    pub comment: String,
}

impl OwnedRow {
    /// Copies a rule of a row.
    #[must_use]
    pub fn of(row: &Row<'_>, rule: &RowRule) -> Self {
        Self {
            place: row.place_of(rule),
            action: row.action,
            addresses: rule.addresses,
            period: rule.period,
            address: row.address().into_owned(),
            comment: row.comment().into_owned(),
        }
    }
}
