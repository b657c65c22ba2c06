//! Formats a row as text, for the commands that list rows.

use htaccess_generator::rule::Action;
use htaccess_generator::text::escape;

/// Returns the address, the rule and the comment of a row, for example `192.0.2.7,Allow the office`.
pub(crate) fn row_text(address: &str, action: Action, comment: &str) -> String {
    let address = escape(address);
    let action = action.title();
    match comment {
        "" => format!("{address},{action}"),
        comment => format!("{address},{action} {}", escape(comment)),
    }
}
