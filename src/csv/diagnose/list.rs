//! Explains rows that use a list incorrectly, and rules that only some kinds of CSVs accept.

use crate::csv::diagnose::{Explanation, MAX_EXPLAINED_BYTES, names_some};
use crate::csv::kind::RowContext;
use crate::list::CompiledList;
use crate::rule::Action;
use crate::text::{Segment, rich};

/// Explains the name of a list that does not exist. `action` is the rule of the row, which a suggested list
/// must not contradict.
pub(super) fn explain_unknown_list(
    name: &str,
    action: Option<Action>,
    context: &RowContext,
) -> Explanation {
    let quoted = Segment::quoted(&format!("@{name}"));
    if name.len() > MAX_EXPLAINED_BYTES {
        return Explanation::new(rich!("{} is not the name of a list", quoted));
    }
    if name.is_empty() {
        return Explanation::new(rich!("{} contains no list name", quoted))
            .with_help("write the name of a list after the @, or write addresses");
    }
    let explanation = Explanation::new(rich!("there is no list {}", quoted));
    // In a cell such as @192.0.2.1, a spreadsheet or a person put the sign before an address.
    if names_some(name) {
        return explanation.with_help(rich!("write {}", name)).or(name);
    }
    let fits = |list: &CompiledList| action.is_none_or(|action| !list.contradicts(action));
    let nearest = context.shared.nearest(name.trim(), fits);
    let explanation = explanation.with_help(if nearest.is_empty() {
        "add the list first, or write its addresses"
    } else {
        "write the name of an existing list"
    });
    let nearest = nearest.into_iter();
    nearest.fold(explanation, |explanation, name| {
        explanation.or(format!("@{name}"))
    })
}

/// Explains a rule that contradicts the list's own rows. Only Deny is suggested, because a wrong guess of
/// Allow would let the members in.
pub(super) fn explain_contradiction(rule: &str, list: &CompiledList) -> Explanation {
    let own = list.action().unwrap_or(Action::Deny);
    let name = Segment::quoted(&format!("@{}", list.id().name));
    let explanation = Explanation::new(rich!(
        "{} contradicts the list {}, whose rows say {}",
        Segment::quoted(rule),
        name,
        own.title()
    ));
    match own {
        Action::Deny => explanation
            .with_help("write Deny, or use another list")
            .or(Action::Deny.title()),
        Action::Allow | Action::Always => explanation.with_help("write Allow, or use another list"),
    }
}

pub(super) fn explain_nested_list(address: &str) -> Explanation {
    Explanation::new(rich!(
        "{} is a list, but a list cannot contain another list",
        Segment::quoted(address)
    ))
    .with_help("write its addresses, or use both lists in the site CSVs")
}

pub(super) fn explain_all_in_list(address: &str) -> Explanation {
    Explanation::new(rich!(
        "{} sets the default of a site and cannot be a member of a list",
        Segment::quoted(address)
    ))
    .with_help("write addresses, or move this row to the site CSV")
}

/// Explains the rule `Always` in a CSV that does not accept it.
pub(super) fn explain_always(rule: &str) -> Explanation {
    Explanation::new(rich!(
        "{} is accepted only in the common CSV",
        Segment::quoted(rule)
    ))
    .with_help("write Allow")
    .or(Action::Allow.title())
}
