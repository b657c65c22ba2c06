//! A row as text, for the commands that list rows.

use htaccess_generator::csv::OwnedRow;
use htaccess_generator::rule::Action;
use htaccess_generator::text::escape;

/// Returns the address, the rule and the comment of a row: `192.0.2.7,Allow the office`.
pub(crate) fn row_text(row: &OwnedRow) -> String {
    let action = match row.action {
        Action::Allow => "Allow",
        Action::Deny => "Deny",
    };
    let address = escape(&row.address);
    match row.comment.as_str() {
        "" => format!("{address},{action}"),
        comment => format!("{address},{action} {}", escape(comment)),
    }
}
