//! Explains why a text is not a rule, and suggests a rule if only one can be meant.
//!
//! Runs only for cells that are neither `Allow` nor `Deny`. A suggestion is not applied, because an
//! unknown word must not let anybody in.

use crate::csv::cell::{cell_text, is_error_value};
use crate::csv::diagnose::characters::strange_character;
use crate::csv::diagnose::spreadsheet::{is_formula, is_placeholder};
use crate::csv::diagnose::{Explanation, MAX_EXPLAINED_BYTES};
use crate::csv::kind::action_of;
use crate::csv::row::action_in;
use crate::rule::Action;
use crate::text::{Segment, rich};

/// Words that mean Allow and nothing else, in English and French, as firewalls and people write
/// them.
const ALLOW_WORDS: [&str; 17] = [
    "allowed",
    "permit",
    "permitted",
    "accept",
    "accepted",
    "grant",
    "granted",
    "whitelist",
    "allowlist",
    "autoriser",
    "autorisé",
    "autorise",
    "autorisée",
    "accepter",
    "accepté",
    "permettre",
    "permis",
];
/// Words that mean Deny and nothing else.
const DENY_WORDS: [&str; 26] = [
    "denied",
    "disallow",
    "disallowed",
    "block",
    "blocked",
    "ban",
    "banned",
    "reject",
    "rejected",
    "drop",
    "forbid",
    "forbidden",
    "refuse",
    "refused",
    "blacklist",
    "blocklist",
    "denylist",
    "refuser",
    "refusé",
    "interdire",
    "interdit",
    "bloquer",
    "bloqué",
    "rejeter",
    "rejeté",
    "exclure",
];
/// The length of the shortest word above, in bytes.
const MIN_WORD_BYTES: usize = "ban".len();
/// Explains what is wrong with a rule, without suggestions.
pub(super) fn explain_rule(text: &str) -> Explanation {
    let quoted = Segment::quoted(text);
    let reason = if text.len() > MAX_EXPLAINED_BYTES && !is_formula(text) {
        rich!("{} is not a rule", quoted)
    } else if is_placeholder(text) {
        rich!("{} is a placeholder for a missing rule", quoted)
    } else if is_error_value(text) {
        rich!("{} is a spreadsheet error value", quoted)
    } else if is_formula(text) {
        return Explanation::new(rich!(
            "{} is a formula: replace it with Allow or Deny",
            quoted
        ));
    } else {
        let strange = strange_character(text).filter(|_| has_letters_of_a_rule(text));
        strange.map_or_else(
            || rich!("{} is not a rule", &quoted),
            |name| rich!("{} is not a rule, because it contains {}", &quoted, &name),
        )
    };
    Explanation::new(reason).with_help("write Allow or Deny")
}

/// Returns whether the ASCII letters of a text could be those of `Allow` or `Deny`. If not, the text is
/// probably a word of another language, and its characters are not the error.
fn has_letters_of_a_rule(text: &str) -> bool {
    let letters: String = text.chars().filter(char::is_ascii_alphabetic).collect();
    suggested_rule(&letters).is_some()
        || ["allow", "deny"]
            .iter()
            .any(|rule| is_one_edit(&letters.to_lowercase(), rule))
}

/// Returns the rule that was meant, if only one can be meant: a typing error of one letter, or a
/// word with no other meaning.
#[must_use]
pub(crate) fn suggested_rule(text: &str) -> Option<String> {
    if text.len() > MAX_EXPLAINED_BYTES {
        return None;
    }
    #[cfg(test)]
    super::explained::count(text);
    let word = text.trim_matches(|c: char| !c.is_alphanumeric());
    if word.len() < MIN_WORD_BYTES {
        return None;
    }
    let word = word.to_lowercase();
    let means =
        |rule: &str, words: &[&str]| words.contains(&word.as_str()) || is_one_edit(&word, rule);
    match (means("allow", &ALLOW_WORDS), means("deny", &DENY_WORDS)) {
        (true, false) => Some("Allow".to_owned()),
        (false, true) => Some("Deny".to_owned()),
        _ => None,
    }
}

/// Returns the action of a rule cell or, if the cell is not a rule, the action that it would be corrected to.
/// A long text is not corrected.
pub(crate) fn meant_in(cell: &[u8]) -> Option<Action> {
    const MAX_RULE_BYTES: usize = 64;
    let text = cell_text(cell);
    let corrected = || {
        let is_short = text.len() <= MAX_RULE_BYTES;
        action_of(&is_short.then(|| suggested_rule(&text)).flatten()?)
    };
    action_in(cell).or_else(corrected)
}

/// Returns whether two words are equal or differ in one letter that is missing, added or replaced, or in two
/// adjacent letters that are swapped. This must be fast, because the cells of a second rule column are
/// compared in this way. The exact distance is not needed.
fn is_one_edit(word: &str, other: &str) -> bool {
    let (mut word, mut other) = (word.chars(), other.chars());
    loop {
        let (mut next, mut next_other) = (word.clone(), other.clone());
        match (next.next(), next_other.next()) {
            (Some(a), Some(b)) if a == b => (word, other) = (next, next_other),
            _ => break,
        }
    }
    loop {
        let (mut next, mut next_other) = (word.clone(), other.clone());
        match (next.next_back(), next_other.next_back()) {
            (Some(a), Some(b)) if a == b => (word, other) = (next, next_other),
            _ => break,
        }
    }
    let first_three = |letters: std::str::Chars<'_>| {
        let mut letters = letters;
        [letters.next(), letters.next(), letters.next()]
    };
    match (first_three(word), first_three(other)) {
        ([_, None, _], [_, None, _]) => true,
        ([a, b, None], [c, d, None]) => (a, b) == (d, c),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use strsim::osa_distance;

    proptest! {
        #[test]
        fn one_edit_is_a_distance_of_one(word in "[aelnowyé]{0,7}", other in "allow|deny|[alo]{0,4}") {
            let is_near = osa_distance(&word, &other) <= 1;
            prop_assert_eq!(is_one_edit(&word, &other), is_near);
        }
    }

    #[track_caller]
    fn check(texts: &[&str], rule: Option<&str>) {
        for text in texts {
            assert_eq!(suggested_rule(text).as_deref(), rule, "for {text:?}");
        }
    }

    #[test]
    fn suggests_the_rule_that_was_meant() {
        check(
            &[
                "Alow",
                "Alllow",
                "Allwo",
                "llow",
                "Allow.",
                "Allowed",
                "PERMIT",
                "Autoriser",
            ],
            Some("Allow"),
        );
        check(
            &[
                "Dney", "Den", "Denny", "'Deny", "Denied", "BLOCK", "Interdit", "Disallow",
            ],
            Some("Deny"),
        );
    }

    #[test]
    fn corrects_one_letter_and_no_more() {
        check(&["allows", "aloow", "aallow", "lalow"], Some("Allow"));
        check(&["dany", "edny", "deeny", "deny!"], Some("Deny"));
        check(&["al", "aollw", "wallo", "dnye", "dneyy", "ällöw"], None);
    }

    #[test]
    fn suggests_nothing_that_could_open_a_site_by_mistake() {
        check(
            &[
                "",
                "-",
                "yes",
                "no",
                "oui",
                "1",
                "all",
                "any",
                "Allow Deny",
                "Allow; Deny",
                "not allow",
                "do not allow",
                "Allow/Deny",
                "unallow",
                "lo",
                "x",
                "later",
            ],
            None,
        );
    }

    #[track_caller]
    fn check_sentence(text: &str, expected: &str) {
        let expected = format!("{}{expected}", Segment::quoted(text).text());
        assert_eq!(explain_rule(text).to_string(), expected);
    }

    #[test]
    fn explains_each_kind_of_text() {
        check_sentence("Permit", " is not a rule: write Allow or Deny");
        check_sentence("Büro", " is not a rule: write Allow or Deny");
        check_sentence(
            "\\N",
            " is a placeholder for a missing rule: write Allow or Deny",
        );
        check_sentence("oui", " is not a rule: write Allow or Deny");
        check_sentence(
            "=IF(A1;\"Allow\")",
            " is a formula: replace it with Allow or Deny",
        );
        check_sentence("#N/A", " is a spreadsheet error value: write Allow or Deny");
        check_sentence(
            "Al\u{200b}low",
            " is not a rule, because it contains the character U+200B ZERO WIDTH SPACE: write Allow or Deny",
        );
        check_sentence(
            "Ａllow",
            " is not a rule, because it contains the full-width character \"Ａ\" (U+FF21): write Allow or Deny",
        );
        check_sentence(
            "\u{410}llow",
            " is not a rule, because it contains the character \"\u{410}\" (U+0410): write Allow or Deny",
        );
    }
}
