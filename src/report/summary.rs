//! Describes a policy in words and numbers, for the top of the report page.

use crate::ip::{Family, IpSet, RangeSet};
use crate::policy::Policy;
use crate::report::map::ListedIpv4;
use crate::rule::DefaultPolicy;
use crate::text::{RichText, Segment, rich, thousands};

/// The maximum number of networks that the sentence lists. If there are more, only their number is given.
pub(crate) const MAX_NAMED: usize = 4;

/// Appends the networks if there are at most [`MAX_NAMED`], or else a text with their number, such as
/// `these 12 networks`.
pub(crate) fn push_networks(sentence: &mut RichText, set: &IpSet) {
    let count = segment_count(set);
    if count > MAX_NAMED {
        sentence.push(&rich!("these {} networks", thousands(count as u64)));
        return;
    }
    let ipv4 = network_segments(&set.ipv4, "all of IPv4");
    let ipv6 = network_segments(&set.ipv6, "all of IPv6");
    for (index, segment) in ipv4.chain(ipv6).enumerate() {
        match index {
            0 => {}
            _ if index + 1 == count => sentence.push(" and "),
            _ => sentence.push(", "),
        }
        sentence.push(segment);
    }
}

/// Returns the networks of one family, or only the words `whole` if the set contains the whole family.
/// Without these words, the whole family would be listed as two networks, because the networks of a set
/// never include `/0`.
fn network_segments<T: Family>(set: &RangeSet<T>, whole: &str) -> impl Iterator<Item = Segment> {
    let whole = set.is_whole().then(|| Segment::words(whole));
    let networks = set.networks().filter(|_| !set.is_whole());
    whole
        .into_iter()
        .chain(networks.map(|network| Segment::network(network.text().to_string())))
}

/// Returns the number of [`network_segments`] in both families.
pub(crate) fn segment_count(set: &IpSet) -> usize {
    fn count<T: Family>(set: &RangeSet<T>) -> usize {
        if set.is_whole() {
            1
        } else {
            set.network_count()
        }
    }
    count(&set.ipv4) + count(&set.ipv6)
}

/// Returns one sentence that says who gets in.
pub(crate) fn sentence(policy: &Policy) -> RichText {
    let Policy {
        default,
        allow,
        deny,
    } = policy;
    let mut words = RichText::default();
    match default {
        DefaultPolicy::Deny if allow.is_empty() => {
            words.push("Nobody gets in.");
            return words;
        }
        DefaultPolicy::Allow if deny.is_everybody() => {
            words.push("Nobody gets in.");
            return words;
        }
        DefaultPolicy::Deny if !allow.is_everybody() => {
            words.push("Only ");
            push_networks(&mut words, allow);
            words.push(match segment_count(allow) {
                1 => " gets in",
                _ => " get in",
            });
        }
        _ => words.push("Everybody gets in"),
    }
    if !deny.is_empty() {
        words.push(", except ");
        push_networks(&mut words, deny);
        if *default == DefaultPolicy::Deny && segment_count(deny) > MAX_NAMED {
            words.push(match segment_count(allow) {
                1 => " inside it",
                _ => " inside them",
            });
        }
    }
    words.push(".");
    words
}

/// Returns the number of addresses in a set as text, for example `2 IPv4 addresses and 1 IPv6 network`, and
/// whether the text is singular.
pub(crate) fn address_count(set: &IpSet) -> (String, bool) {
    let count = set.ipv4.address_count();
    let ipv4 = ipv4_text(count);
    let ipv6 = ipv6_text(&set.ipv6, &RangeSet::default());
    let networks = set.ipv6.network_count();
    match (count, networks) {
        (0, _) => (ipv6, networks == 1 || set.ipv6.is_whole()),
        (_, 0) => (ipv4, count == 1),
        _ => (format!("{ipv4} and {ipv6}"), false),
    }
}

fn ipv4_text(count: u128) -> String {
    match count {
        1 => "1 IPv4 address".to_owned(),
        count => {
            let count = u64::try_from(count).unwrap_or(u64::MAX);
            format!("{} IPv4 addresses", thousands(count))
        }
    }
}

/// Returns one sentence with the number of addresses that get in or, if the default is to allow, that are
/// kept out. Empty if nobody gets in.
pub(crate) fn extent(policy: &Policy, ipv4: &ListedIpv4) -> String {
    let Policy { allow, deny, .. } = policy;
    match policy.default {
        DefaultPolicy::Deny => {
            let ipv6 = ipv6_text(&allow.ipv6, &deny.ipv6);
            match (ipv4.allowed_addresses(), allow.ipv6.is_empty()) {
                (0, true) => String::new(),
                (0, false) => format!("That is {ipv6}, and no IPv4 address."),
                (ipv4, true) => format!("That is {}, and no IPv6 address.", ipv4_text(ipv4)),
                (ipv4, false) => format!("That is {} and {ipv6}.", ipv4_text(ipv4)),
            }
        }
        DefaultPolicy::Allow => {
            let ipv6 = ipv6_text(&deny.ipv6, &RangeSet::default());
            let networks = deny.ipv6.network_count() as u128;
            match (ipv4.denied_addresses(), networks) {
                (0, 0) => "No address is kept out.".to_owned(),
                (0, _) if deny.ipv6.is_whole() => "All of IPv6 is kept out.".to_owned(),
                (0, networks) => format!("{} kept out.", with_verb(ipv6, networks)),
                (ipv4, 0) => format!("{} kept out.", with_verb(ipv4_text(ipv4), ipv4)),
                (ipv4, _) => format!("{} and {ipv6} are kept out.", ipv4_text(ipv4)),
            }
        }
    }
}

/// Returns the number of IPv6 networks in words. The text counts networks instead of addresses, because a
/// number such as 2^80 means nothing to a reader.
fn ipv6_text(networks: &RangeSet<u128>, exceptions: &RangeSet<u128>) -> String {
    let words = match networks.network_count() {
        _ if networks.is_whole() => "all of IPv6".to_owned(),
        1 => "1 IPv6 network".to_owned(),
        count => format!("{} IPv6 networks", thousands(count as u64)),
    };
    match exceptions.network_count() {
        0 => words,
        1 => format!("{words} with 1 exception"),
        count => format!("{words} with {} exceptions", thousands(count as u64)),
    }
}

fn with_verb(subject: String, count: u128) -> String {
    subject + if count == 1 { " is" } else { " are" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::samples::policy;

    #[track_caller]
    fn check(rules: &str, expected: &str) {
        let policy = policy(rules);
        let extent = extent(&policy, &ListedIpv4::of(&policy));
        let found = format!("{} {extent}", sentence(&policy));
        assert_eq!(found.trim_end(), expected);
    }

    #[test]
    fn says_who_gets_in() {
        check("-1.1.1.1", "Nobody gets in.");
        check(
            "+192.168.1.10 +172.100.2.0/24 -172.100.2.77",
            "Only 172.100.2.0/24 and 192.168.1.10 get in, except 172.100.2.77. That is 256 IPv4 \
             addresses, and no IPv6 address.",
        );
        check(
            "+2001:db8::/32",
            "Only 2001:db8::/32 gets in. That is 1 IPv6 network, and no IPv4 address.",
        );
        check(
            "+1.1.1.1 +1.1.1.3 +1.1.1.5 +1.1.1.7 +2001:db8::1",
            "Only these 5 networks get in. That is 4 IPv4 addresses and 1 IPv6 network.",
        );
        check("+all", "Everybody gets in. No address is kept out.");
        check(
            "+all -1.1.1.1",
            "Everybody gets in, except 1.1.1.1. 1 IPv4 address is kept out.",
        );
        check(
            "+all -1.1.1.1 -2001:db8::/32 -2001:dba::/32",
            "Everybody gets in, except 1.1.1.1, 2001:db8::/32 and 2001:dba::/32. 1 IPv4 address \
             and 2 IPv6 networks are kept out.",
        );
        check(
            "+0.0.0.0/0",
            "Only all of IPv4 gets in. That is 4,294,967,296 IPv4 addresses, and no IPv6 address.",
        );
        check(
            "+0.0.0.0/0 +::/0 -13.13.13.13 -2001:db8::/32",
            "Everybody gets in, except 13.13.13.13 and 2001:db8::/32. That is 4,294,967,295 IPv4 \
             addresses and all of IPv6 with 1 exception.",
        );
        check(
            "+all -0.0.0.0/0 -::/0",
            "Nobody gets in. 4,294,967,296 IPv4 addresses and all of IPv6 are kept out.",
        );
        check(
            "+all -::/0",
            "Everybody gets in, except all of IPv6. All of IPv6 is kept out.",
        );
        let denied = (0..5).map(|host| format!(" -10.0.0.{}", 2 * host));
        check(
            &format!("+10.0.0.0/24{}", denied.collect::<String>()),
            "Only 10.0.0.0/24 gets in, except these 5 networks inside it. That is 251 IPv4 \
             addresses, and no IPv6 address.",
        );
    }
}
