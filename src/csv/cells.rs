//! Reads the cells of a row as a rule, and hands the row to the sink.

use crate::csv::cell::{cell_text, may_be_wrapped, unwrapped};
use crate::csv::columns::Columns;
use crate::csv::dates::read_period;
use crate::csv::diagnose::meant_in;
use crate::csv::error::{CsvError, ListProblem};
use crate::csv::kind::{CsvKind, Named, RowContext};
use crate::csv::limits::check_members;
use crate::csv::quoted_row::RowText;
use crate::csv::row::{
    MemberRow, Row, RowError, RowErrorKind, RowSink, Rule, action_in, list_name, read_rule,
};
use crate::list::{ListName, Listed, Member, Place};
use crate::rule::Action;
use crate::time::{DateReader, Period};

/// The sink for the rows, and what is needed to turn cells into rows.
pub(super) struct Outlet<'a, R> {
    pub(super) rows: &'a mut R,
    pub(super) dates: &'a mut DateReader,
    pub(super) context: &'a RowContext,
    /// The total number of members of the lists that rows have used so far. A list counts once for each row
    /// that uses it.
    pub(super) members: &'a mut u64,
}

impl<R: RowSink> Outlet<'_, R> {
    /// Tells the sink that a row uses a list, and adds the list's members to the count.
    ///
    /// # Errors
    ///
    /// [`CsvError::UnusableList`] if the list is refused, [`CsvError::TooManyMembers`] over the limit.
    pub(super) fn name_list(&mut self, name: &ListName, row: &Place) -> Result<(), CsvError> {
        self.rows.find_list(name);
        match self.context.shared.list(name) {
            Some(Listed::InForce(list)) => {
                *self.members += list.len() as u64;
                check_members(*self.members)
            }
            Some(Listed::Refused(source)) => Err(CsvError::UnusableList {
                row: row.clone(),
                name: name.clone(),
                problem: ListProblem::Refused(source.clone()),
            }),
            None => Ok(()),
        }
    }
}

/// The cells of a row that are read.
#[derive(Clone, Copy, Default)]
pub(super) struct Cells<'a> {
    pub(super) address: &'a [u8],
    pub(super) rule: &'a [u8],
    pub(super) comment: &'a [u8],
    pub(super) starts: &'a [u8],
    pub(super) expires: &'a [u8],
    /// The first cell in another rule column that contradicts the rule. Empty if there is none.
    pub(super) other_rule: &'a [u8],
    /// The whole row.
    pub(super) text: RowText<'a>,
}

impl<'a> Cells<'a> {
    pub(super) fn put(&mut self, columns: &Columns, index: usize, cell: &'a [u8]) {
        if index == columns.address {
            self.address = cell;
        } else if Some(index) == columns.rule {
            self.rule = cell;
        } else if Some(index) == columns.comment {
            self.comment = cell;
        } else if Some(index) == columns.starts {
            self.starts = cell;
        } else if Some(index) == columns.expires {
            self.expires = cell;
        }
    }

    /// Sets `other_rule` to the first cell in another rule column that contradicts the rule. A word such as
    /// `Block` counts as a rule here. `others` must be in ascending order.
    pub(super) fn compare_with(&mut self, others: &[usize], cells: impl Iterator<Item = &'a [u8]>) {
        let Some(action) = action_in(self.rule) else {
            return;
        };
        let mut others = others.iter().peekable();
        let mut found = cells.enumerate().filter(|(index, cell)| {
            others.next_if_eq(&index).is_some()
                && meant_in(cell).is_some_and(|other| other != action)
        });
        self.other_rule = found.next().map_or(&[], |(_, cell)| cell);
    }

    /// Hands the row to the sink, accepted or rejected. A blank row is skipped.
    ///
    /// # Errors
    ///
    /// See [`Outlet::name_list`].
    pub(super) fn hand_to<R: RowSink>(
        &self,
        line: u64,
        rows: &mut Outlet<'_, R>,
        is_blank: impl FnOnce() -> bool,
    ) -> Result<(), CsvError> {
        let address = cell_text(self.address);
        let rule = cell_text(self.rule);
        if address.is_empty() && rule.is_empty() && is_blank() {
            return Ok(());
        }
        if let Some(name) = list_name(&address) {
            rows.name_list(&name, &Place::of_line(line))?;
        }
        let read = read_rule(&address, &rule, rows.context);
        // A missing address or rule cannot be inside quotes, so only these two errors are worth a second try.
        if let Err(RowErrorKind::Address(_) | RowErrorKind::Rule(_)) = read
            && (may_be_wrapped(&address) || may_be_wrapped(&rule))
            && let (plain_address, plain_rule) = (unwrapped(&address), unwrapped(&rule))
            && (plain_address.is_some() || plain_rule.is_some())
        {
            let plain_address = plain_address.as_deref().unwrap_or(&address);
            let plain_rule = plain_rule.as_deref().unwrap_or(&rule);
            let read = read_rule(plain_address, plain_rule, rows.context);
            self.hand_read_to(line, rows, &address, &rule, read);
        } else {
            self.hand_read_to(line, rows, &address, &rule, read);
        }
        Ok(())
    }

    fn hand_read_to<R: RowSink>(
        &self,
        line: u64,
        rows: &mut Outlet<'_, R>,
        address: &str,
        rule: &str,
        read: Result<Rule<'_>, RowErrorKind<'_>>,
    ) {
        let other_rule = cell_text(self.other_rule);
        let read = match read {
            Ok(_) if !other_rule.is_empty() => Err(RowErrorKind::OtherRule {
                rule,
                other: &other_rule,
            }),
            read => read,
        };
        let (starts, expires);
        let dated = match read {
            // Most rows have no dates.
            Ok(rule) if self.starts.is_empty() && self.expires.is_empty() => {
                Ok((rule, Period::ALWAYS))
            }
            Ok(rule) => {
                (starts, expires) = (cell_text(self.starts), cell_text(self.expires));
                read_period(&starts, &expires, rows.dates).map(|period| (rule, period))
            }
            Err(kind) => Err(kind),
        };
        match dated {
            Ok((Rule { action, named }, period)) => {
                self.accept(line, action, named, period, rows);
            }
            Err(kind) => {
                let error = RowError {
                    address,
                    rule,
                    kind,
                    context: rows.context,
                    text: self.text,
                };
                rows.rows.reject(line, &error);
            }
        }
    }

    fn accept<R: RowSink>(
        &self,
        line: u64,
        action: Option<Action>,
        named: Named<'_>,
        period: Period,
        rows: &mut Outlet<'_, R>,
    ) {
        match (action, named) {
            (action, Named::Addresses(addresses)) if rows.context.kind == CsvKind::List => {
                let member = Member {
                    line,
                    addresses,
                    period,
                };
                rows.rows.accept_member(MemberRow { member, action });
            }
            (Some(action), named) => rows.rows.accept(Row {
                line,
                action,
                named,
                period,
                common: None,
                address_cell: self.address,
                comment_cell: self.comment,
                text: self.text,
            }),
            // Unreachable: only a list accepts rows without a rule, and its rows contain only addresses.
            (None, _) => {}
        }
    }
}

/// Returns whether all cells are empty.
pub(super) fn is_blank<'a>(mut cells: impl Iterator<Item = &'a [u8]>) -> bool {
    cells.all(|cell| cell_text(cell).is_empty())
}
