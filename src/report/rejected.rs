//! The rejected rows on the page: each row as written, what is wrong with it, and what to write instead.

use serde::Serialize;

use crate::answer::{Rejection, RejectionCode, RowExcerpt};
use crate::report::sentence::Sentence;
use crate::text::{escape_invisible, thousands};

/// The maximum number of rejected rows that are visible at once. The remaining rows are in a `<details>`
/// element.
const MAX_ROWS_UNFOLDED: usize = 10;
/// The maximum number of suggested replacements that are shown for a rejected row.
const MAX_FIXES: usize = 3;

/// A rejected row, as the page shows it.
#[derive(Serialize)]
pub(crate) struct RejectionView {
    line: String,
    row: RowView,
    reason: Sentence,
    code: RejectionCode,
    /// The whole row with the suggestion inserted, if there is exactly one suggestion.
    fixed_row: Option<RowView>,
    /// The suggestions. Empty if there is a `fixed_row`, or if the reason already contains a suggestion.
    fixes: Vec<String>,
}

/// A row, split around the cell that is underlined.
#[derive(Serialize)]
struct RowView {
    before: String,
    cell: String,
    after: String,
}

impl RowView {
    fn of(before: &str, cell: &str, after: &str) -> Self {
        let [before, cell, after] =
            [before, cell, after].map(|part| escape_invisible(&part.replace('\t', " "), None));
        Self {
            before,
            cell,
            after,
        }
    }
}

/// Returns two lists: the rejected rows that are visible at once, and the remaining rows. Empty lists are
/// left out.
pub(crate) fn rejections(all: &[Rejection]) -> Vec<Vec<RejectionView>> {
    let (seen, others) = all.split_at(all.len().min(MAX_ROWS_UNFOLDED));
    let lists = [seen, others].into_iter().filter(|list| !list.is_empty());
    lists
        .map(|list| list.iter().map(rejection_view).collect())
        .collect()
}

fn rejection_view(rejection: &Rejection) -> RejectionView {
    let fixed_row = match (&rejection.row, rejection.fixes.as_slice()) {
        (Some(row), [fix]) => fixed_row(row, fix),
        _ => None,
    };
    // A fixed row or a suggestion shows what to write, and is more precise than the help text.
    let reason = match (&fixed_row, rejection.fixes.as_slice()) {
        (None, []) => rejection.sentence(),
        _ => rejection.reason.clone(),
    };
    let fixes = match &fixed_row {
        Some(_) => &[],
        None if rejection.names_a_fix => &[],
        None => rejection.fixes.as_slice(),
    };
    RejectionView {
        line: thousands(rejection.line),
        row: match &rejection.row {
            Some(row) => RowView::of(&row.before, &row.cell, &row.after),
            None => RowView::of("", &rejection.value, ""),
        },
        reason: Sentence::of(&reason).capitalized(),
        code: rejection.code,
        fixes: fixes
            .iter()
            .take(MAX_FIXES)
            .map(|fix| escape_invisible(fix, None))
            .collect(),
        fixed_row,
    }
}

/// Returns the row with the suggestion in place of the cell. `None` if the excerpt is not the whole row, or
/// if the cell is empty.
fn fixed_row(row: &RowExcerpt, fix: &str) -> Option<RowView> {
    let is_inside = row.is_whole && !row.cell.is_empty();
    is_inside.then(|| RowView::of(&row.before, fix, &row.after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejection(row: Option<RowExcerpt>, fixes: &[&str]) -> Rejection {
        Rejection {
            row,
            help: Some("write an address".into()),
            fixes: fixes.iter().map(|fix| (*fix).to_owned()).collect(),
            ..Rejection::new(12, RejectionCode::InvalidAddress, "x", "\"x\" is wrong")
        }
    }

    #[track_caller]
    fn check(rejection: &Rejection, fixed_row: Option<&str>, fixes: &[&str], reason: &str) {
        let view = rejection_view(rejection);
        let shown = view
            .fixed_row
            .map(|row| format!("{}[{}]{}", row.before, row.cell, row.after));
        assert_eq!(shown.as_deref(), fixed_row);
        assert_eq!(view.fixes, fixes);
        let words = view.reason.0.into_iter().map(|part| part.text);
        assert_eq!(words.collect::<String>(), reason);
    }

    #[test]
    fn one_suggestion_gives_the_fixed_row() {
        let row = RowExcerpt::new("\"", "x", "\",Allow,note");
        let one = rejection(Some(row.clone()), &["1.1.1.1"]);
        let fixed = Some("\"[1.1.1.1]\",Allow,note");
        check(&one, fixed, &[], "\"x\" is wrong");
        let two = rejection(Some(row.clone()), &["1.1.1.1", "2.2.2.2"]);
        check(&two, None, &["1.1.1.1", "2.2.2.2"], "\"x\" is wrong");
        let none = rejection(Some(row), &[]);
        check(&none, None, &[], "\"x\" is wrong: write an address");
    }

    #[test]
    fn a_row_that_is_cut_is_not_shown_fixed() {
        let long = RowExcerpt::new("", "x", &"y".repeat(200));
        let cut = rejection(Some(long), &["1.1.1.1"]);
        check(&cut, None, &["1.1.1.1"], "\"x\" is wrong");
        let unknown = rejection(None, &["1.1.1.1"]);
        check(&unknown, None, &["1.1.1.1"], "\"x\" is wrong");
        let missing = rejection(Some(RowExcerpt::new("", "", ",Allow")), &["1.1.1.1"]);
        check(&missing, None, &["1.1.1.1"], "\"x\" is wrong");
    }
}
