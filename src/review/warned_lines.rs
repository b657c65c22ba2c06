//! Where the rows are that warnings are about, so that whoever reads one knows which to edit.
//!
//! Reading keeps no lines, so this reads the upload a second time, and only where a warning is
//! about rows. The first 131,072 rows are looked at, which are those that [`RecordedRows`] remembers.
//!
//! [`RecordedRows`]: crate::review::row_log::RecordedRows

use std::cell::Cell;
use std::collections::HashMap;
use std::ops::ControlFlow;

use crate::answer::{Warning, WarningCode};
use crate::csv::{Parser, Row, RowError, RowSink, TextDecoder};
use crate::ip::AddressSpec;
use crate::policy::Policy;
use crate::review::row_log::MAX_ROWS;
use crate::review::warnings::{Permitted, Review, is_private_row, is_wide_row};
use crate::rule::Action;
use crate::text::FirstFew;

/// How many rows a warning names by their lines alone.
const MAX_LINES: usize = 10;
/// How many rows a warning names together with others.
const MAX_PAIRS: usize = 5;

/// Adds to each warning about rows the lines where they are, and the first of them as its line.
///
/// `read` hands the upload over once more, piece by piece until it is told to stop, and says
/// whether that was all of it. It is called only if a warning is about rows.
pub fn name_lines(
    review: &Review,
    warnings: &mut [Warning],
    read: impl FnOnce(&mut dyn FnMut(&[u8]) -> ControlFlow<()>) -> bool,
) {
    let Some(policy) = review.policy() else {
        return;
    };
    let has = |code| warnings.iter().any(|warning| warning.code == code);
    let wanted = |code, max_names| has(code).then(|| FirstFew::new(max_names));
    let mut found = Found {
        wide: wanted(WarningCode::WideAllow, MAX_LINES),
        private: wanted(WarningCode::PrivateRange, MAX_LINES),
        repeated: wanted(WarningCode::DuplicateRows, MAX_PAIRS),
        overridden: has(WarningCode::OverriddenRows).then(|| Overridden::new(policy)),
        ..Found::default()
    };
    if !found.wants_any() {
        return;
    }
    let is_done = Cell::new(false);
    let finder = Finder {
        policy,
        rows: 0,
        is_done: &is_done,
        found: &mut found,
    };
    let is_whole = read_through(finder, &is_done, read);
    let has_every_row = is_whole && !is_done.get();
    found.tell(warnings, is_whole, has_every_row);
}

/// Whether all rows that count were looked at.
fn read_through(
    finder: Finder<'_>,
    is_done: &Cell<bool>,
    read: impl FnOnce(&mut dyn FnMut(&[u8]) -> ControlFlow<()>) -> bool,
) -> bool {
    let mut decoder = TextDecoder::new(Parser::new(finder), u64::MAX);
    let mut is_damaged = false;
    let is_whole = read(&mut |piece| {
        is_damaged |= decoder.push(piece).is_err();
        if is_damaged || is_done.get() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    let parser = decoder.finish();
    // What the last line of a part would say is not known, so that is not read.
    is_done.get() || is_whole && !is_damaged && parser.and_then(Parser::finish).is_ok()
}

/// What is looked for, and what of it is found; `None` where no warning is about it.
#[derive(Default)]
struct Found {
    wide: Option<FirstFew>,
    private: Option<FirstFew>,
    repeated: Option<FirstFew>,
    overridden: Option<Overridden>,
    /// Where each row is for the first time.
    first_lines: HashMap<(Action, bool, u128, u128), u64>,
    /// The first line of each kind.
    lines: HashMap<WarningCode, u64>,
}

/// Allow rows of which Deny rows leave nobody.
struct Overridden {
    permitted: Permitted,
    count: u64,
    /// The first few.
    rows: Vec<(u64, AddressSpec)>,
    denies: Vec<(u64, AddressSpec)>,
}

impl Overridden {
    fn new(policy: &Policy) -> Self {
        Self {
            permitted: Permitted::of(policy),
            count: 0,
            rows: Vec::new(),
            denies: Vec::new(),
        }
    }

    /// Whether it is one.
    fn add(&mut self, line: u64, action: Action, addresses: AddressSpec) -> bool {
        if action == Action::Deny {
            self.denies.push((line, addresses));
            return false;
        }
        let is_one = self.permitted.lets_none_in(addresses);
        if is_one {
            self.count += 1;
            if self.rows.len() < MAX_PAIRS {
                self.rows.push((line, addresses));
            }
        }
        is_one
    }

    /// `line 2 by line 8`: the first Deny row that is enough for it alone. That none is can only be
    /// said of `has_every_row`.
    fn named(&self, has_every_row: bool) -> FirstFew {
        let mut named = FirstFew::new(MAX_PAIRS);
        for (line, addresses) in &self.rows {
            let mut denies = self.denies.iter();
            let deny = denies.find(|(_, deny)| covers(*deny, *addresses));
            named.add(|| match deny {
                Some((deny, _)) => format!("line {line} by line {deny}"),
                None if has_every_row => format!("line {line} by several lines"),
                None => format!("line {line}"),
            });
        }
        named.count = self.count;
        named
    }
}

/// Whether all addresses of one row are among those of another.
fn covers(wide: AddressSpec, narrow: AddressSpec) -> bool {
    let (Some((v6, first, last)), Some((is_v6, from, to))) = (ends(wide), ends(narrow)) else {
        return false;
    };
    v6 == is_v6 && first <= from && to <= last
}

/// Whether a row names IPv6, and its first and last address; `None` for `all`.
fn ends(addresses: AddressSpec) -> Option<(bool, u128, u128)> {
    match addresses {
        AddressSpec::Ipv4(range) => Some((false, range.first.into(), range.last.into())),
        AddressSpec::Ipv6(range) => Some((true, range.first, range.last)),
        AddressSpec::All => None,
    }
}

impl Found {
    fn wants_any(&self) -> bool {
        let lists = [&self.wide, &self.private, &self.repeated];
        lists.into_iter().any(Option::is_some) || self.overridden.is_some()
    }

    fn add(&mut self, policy: &Policy, line: u64, action: Action, addresses: AddressSpec) {
        let Some((is_v6, first, last)) = ends(addresses) else {
            return;
        };
        let is_allow = action == Action::Allow;
        let mut note = |code| {
            self.lines.entry(code).or_insert(line);
        };
        if let Some(wide) = &mut self.wide
            && is_allow
            && is_wide_row(policy, addresses)
        {
            wide.add(|| line.to_string());
            note(WarningCode::WideAllow);
        }
        if let Some(private) = &mut self.private
            && is_allow
            && is_private_row(policy, addresses)
        {
            private.add(|| line.to_string());
            note(WarningCode::PrivateRange);
        }
        if let Some(overridden) = &mut self.overridden
            && overridden.add(line, action, addresses)
        {
            note(WarningCode::OverriddenRows);
        }
        if let Some(repeated) = &mut self.repeated {
            let row = (action, is_v6, first, last);
            let before = *self.first_lines.entry(row).or_insert(line);
            if before != line {
                repeated.add(|| format!("line {line} repeats line {before}"));
                note(WarningCode::DuplicateRows);
            }
        }
    }

    /// `is_whole` if all rows that count were looked at, so that it can be said how many more
    /// there are.
    fn tell(&self, warnings: &mut [Warning], is_whole: bool, has_every_row: bool) {
        let overridden = self.overridden.as_ref();
        let overridden = overridden.map(|overridden| overridden.named(has_every_row));
        for warning in warnings {
            let (named, is_of_lines) = match warning.code {
                WarningCode::WideAllow => (self.wide.as_ref(), true),
                WarningCode::PrivateRange => (self.private.as_ref(), true),
                WarningCode::DuplicateRows => (self.repeated.as_ref(), false),
                WarningCode::OverriddenRows => (overridden.as_ref(), false),
                WarningCode::Guessed | WarningCode::BlocksEverybody => continue,
            };
            let Some(named) = named.filter(|named| named.count > 0) else {
                continue;
            };
            let lines = match (is_of_lines, named.count) {
                (false, _) => "",
                (true, 1) => "line ",
                (true, _) => "lines ",
            };
            let lines = if is_whole {
                format!("{lines}{named}")
            } else {
                format!("{lines}{}, and perhaps others", named.without_more())
            };
            let message = &warning.message;
            warning.message = match message.strip_suffix(')') {
                Some(message) => format!("{message}; {lines})"),
                None => format!("{message} ({lines})"),
            };
            warning.line = self.lines.get(&warning.code).copied();
        }
    }
}

struct Finder<'a> {
    policy: &'a Policy,
    rows: usize,
    is_done: &'a Cell<bool>,
    found: &'a mut Found,
}

impl RowSink for Finder<'_> {
    fn accept(&mut self, row: Row<'_>) {
        if self.rows == MAX_ROWS {
            self.is_done.set(true);
            return;
        }
        self.rows += 1;
        self.found
            .add(self.policy, row.line, row.action, row.addresses);
    }

    fn reject(&mut self, _line: u64, _error: &RowError<'_>) {}
}

#[cfg(test)]
mod tests;
