//! Describes a list in words, for the top of its report page.

use crate::list::CompiledList;
use crate::report::summary::push_networks;
use crate::rule::Action;
use crate::text::{RichText, Segment, rich};
use crate::time::Instant;

/// Returns one sentence that describes the members of a list that are active at `as_of`, and the rows that
/// can use the list.
pub(crate) fn list_sentence(list: &CompiledList, as_of: Instant) -> RichText {
    let name = Segment::quoted(&format!("@{}", list.id().name));
    let addresses = list.addresses_at(as_of);
    let mut words = if addresses.is_empty() {
        rich!("The list {} has no active member", name)
    } else {
        let mut words = rich!("The list {} contains ", name);
        push_networks(&mut words, &addresses);
        words
    };
    words.push(match list.action() {
        None => ".",
        Some(Action::Deny) => ", and only Deny rows can use it.",
        Some(_) => ", and Deny rows cannot use it.",
    });
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ip::parse_address;
    use crate::list::{ListBuilder, ListId, ListName, Member};
    use crate::time::Period;

    #[track_caller]
    fn check(members: &[&str], action: Option<Action>, at: i64, expected: &str) {
        let mut builder = ListBuilder::with_max_members(100);
        for (line, address) in (2..).zip(members) {
            builder.add(Member {
                line,
                addresses: parse_address(address).unwrap(),
                period: Period {
                    starts: None,
                    expires: Some(Instant::from_seconds(10)),
                },
            });
        }
        let id = ListId {
            name: ListName::new("office").unwrap(),
            source: "lists/office.csv".to_owned(),
        };
        let list = builder.build(id, action);
        let sentence = list_sentence(&list, Instant::from_seconds(at)).to_string();
        assert_eq!(sentence, expected);
    }

    #[test]
    fn names_the_active_members_and_the_rule() {
        check(
            &["10.0.0.1", "10.0.0.0", "2001:db8::/32"],
            None,
            0,
            "The list \"@office\" contains 10.0.0.0/31 and 2001:db8::/32.",
        );
        let five = ["10.0.0.1", "10.0.0.3", "10.0.0.5", "10.0.0.7", "10.0.0.9"];
        check(
            &five,
            Some(Action::Deny),
            0,
            "The list \"@office\" contains these 5 networks, and only Deny rows can use it.",
        );
        check(
            &five,
            Some(Action::Allow),
            10,
            "The list \"@office\" has no active member, and Deny rows cannot use it.",
        );
    }
}
