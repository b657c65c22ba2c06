//! Rules → who gets in: the default, and the fewest networks that say the rest.
//!
//! An explicit Deny always wins, whatever the order of the rows. Under default deny the permitted
//! addresses are allow − deny, under default allow everything − deny. The lists that come out are
//! not those of the CSV but the shortest that permit the same addresses, for Apache reads them
//! again on every request.

mod lists;

pub(crate) use self::lists::mapped;

use std::net::IpAddr;

use crate::ip::{
    Addresses, IpSet, MAPPED_FIRST, MAPPED_LAST, Network, Span, SpanSet, Word, span_difference,
    split_before,
};
use crate::rule::{Action, DefaultPolicy};

/// The addresses of one action, as they were read: any order, overlaps and all.
#[derive(Clone, Debug, Default)]
struct Spans {
    ipv4: Vec<Span<u32>>,
    ipv6: Vec<Span<u128>>,
}

impl Spans {
    fn into_set(self) -> IpSet {
        IpSet {
            ipv4: SpanSet::from_unsorted(self.ipv4),
            ipv6: SpanSet::from_unsorted(self.ipv6),
        }
    }
}

/// Adds a span. One that touches the one before it joins that, so that a sorted list takes no more
/// room than its networks. A long list is merged before it would grow, so that rows that are
/// repeated take none either; where that frees less than half, the list grows, so that the work
/// stays O(n log n).
#[inline]
fn push_merging<T: Word>(spans: &mut Vec<Span<T>>, span: Span<T>) {
    if let Some(previous) = spans.last_mut()
        && previous.touches(span)
    {
        previous.first = previous.first.min(span.first);
        previous.last = previous.last.max(span.last);
        return;
    }
    if spans.len() == spans.capacity() {
        make_room(spans);
    }
    spans.push(span);
}

#[cold]
fn make_room<T: Word>(spans: &mut Vec<Span<T>>) {
    const MERGED_FROM_BYTES: usize = 16 * 1024 * 1024;
    if size_of_val(spans.as_slice()) >= MERGED_FROM_BYTES {
        *spans = SpanSet::from_unsorted(std::mem::take(spans)).into_spans();
        if spans.len() <= spans.capacity() / 2 {
            return;
        }
    }
    spans.reserve(spans.len().max(64));
}

/// Collects rules until [`Rules::decide`].
#[derive(Clone, Debug, Default)]
pub struct Rules {
    allow: Spans,
    deny: Spans,
    allow_all: bool,
    deny_all: bool,
}

impl Rules {
    /// Adds a rule for IPv4 addresses, which most rules are.
    #[inline]
    pub fn add_ipv4(&mut self, action: Action, addresses: Span<u32>) {
        let spans = match action {
            Action::Allow => &mut self.allow,
            Action::Deny => &mut self.deny,
        };
        push_merging(&mut spans.ipv4, addresses);
    }

    /// Adds one rule.
    pub fn add(&mut self, action: Action, addresses: Addresses) {
        let spans = match action {
            Action::Allow => &mut self.allow,
            Action::Deny => &mut self.deny,
        };
        match (addresses, action) {
            (Addresses::Ipv4(span), _) => self.add_ipv4(action, span),
            (Addresses::Ipv6(span), _) => push_merging(&mut spans.ipv6, span),
            (Addresses::All, Action::Allow) => self.allow_all = true,
            (Addresses::All, Action::Deny) => self.deny_all = true,
        }
    }

    /// Whether the file says `all,Allow` and `all,Deny`. Deny wins here too.
    #[must_use]
    pub fn has_conflicting_default(&self) -> bool {
        self.allow_all && self.deny_all
    }

    /// The default of the file, or `otherwise` if it has no `all` row.
    #[must_use]
    pub fn default_policy(&self, otherwise: DefaultPolicy) -> DefaultPolicy {
        if self.deny_all {
            DefaultPolicy::Deny
        } else if self.allow_all {
            DefaultPolicy::Allow
        } else {
            otherwise
        }
    }

    /// The policy of all rules together.
    #[must_use]
    pub fn decide(self, otherwise: DefaultPolicy) -> Policy {
        let default = self.default_policy(otherwise);
        let deny = self.deny.into_set();
        let (allow, deny) = match default {
            DefaultPolicy::Allow => (IpSet::default(), deny),
            DefaultPolicy::Deny => {
                let allow = self.allow.into_set();
                let (allow_ipv4, deny_ipv4) = shortest(allow.ipv4, &deny.ipv4);
                let (allow_ipv6, deny_ipv6) = shortest(allow.ipv6, &deny.ipv6);
                (
                    IpSet {
                        ipv4: allow_ipv4,
                        ipv6: allow_ipv6,
                    },
                    IpSet {
                        ipv4: deny_ipv4,
                        ipv6: deny_ipv6,
                    },
                )
            }
        };
        Policy {
            default,
            allow: IpSet {
                ipv4: allow.ipv4,
                ipv6: without_mapped_block(allow.ipv6),
            },
            deny: IpSet {
                ipv4: deny.ipv4,
                ipv6: without_mapped_block(deny.ipv6),
            },
        }
    }
}

/// Who gets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Who gets in without being named.
    pub default: DefaultPolicy,
    /// Who gets in by being named; empty under default allow.
    pub allow: IpSet,
    /// Who of those (or, under default allow, of everybody) is kept out.
    pub deny: IpSet,
}

impl Policy {
    /// Whether a client with this address gets in.
    #[must_use]
    pub fn permits(&self, address: IpAddr) -> bool {
        let is_in = |set: &IpSet| match address.to_canonical() {
            IpAddr::V4(address) => set.ipv4.contains(address.to_bits()),
            IpAddr::V6(address) => set.ipv6.contains(address.to_bits()),
        };
        match self.default {
            DefaultPolicy::Allow => !is_in(&self.deny),
            DefaultPolicy::Deny => is_in(&self.allow) && !is_in(&self.deny),
        }
    }
}

/// Two lists that permit exactly `allow` − `deny`, span of `allow` by span: either the span with
/// the denied networks that touch it, or what is left of it, whichever takes fewer networks (on a
/// tie what is left, for one list is read faster than two). Denies that touch no allow vanish.
fn shortest<T: Word>(allow: SpanSet<T>, deny: &SpanSet<T>) -> (SpanSet<T>, SpanSet<T>) {
    if deny.is_empty() {
        return (allow, SpanSet::default());
    }
    let mut kept = Vec::with_capacity(allow.spans().len());
    let mut denied = Vec::new();
    let mut left = Vec::new();
    let mut spans = allow.spans();
    let mut rest = deny.spans();
    loop {
        let next_denied = rest.first().map_or(T::MAX, |deny| deny.first);
        let (untouched, others) = split_before(spans, next_denied);
        kept.extend_from_slice(untouched);
        let Some((&span, others)) = others.split_first() else {
            break;
        };
        spans = others;
        (_, rest) = split_before(rest, span.first);
        if rest.first().is_none_or(|deny| span.last < deny.first) {
            kept.push(span);
            continue;
        }
        left.clear();
        span_difference(span, rest, &mut left);
        if left.is_empty() {
            continue;
        }
        let touching = || {
            rest.iter()
                .take_while(|deny| deny.first <= span.last)
                .flat_map(|deny| (*deny).networks())
                .filter(|network| span.first <= network.last() && network.first <= span.last)
        };
        let networks_left: usize = left.iter().map(|span| span.networks().count()).sum();
        if networks_left <= span.networks().count() + touching().count() {
            kept.extend_from_slice(&left);
        } else {
            kept.push(span);
            denied.extend(touching().map(Network::span));
        }
    }
    (SpanSet::from_sorted(kept), SpanSet::from_unsorted(denied))
}

/// The IPv4-mapped block `::ffff:0:0/96` of an IPv6 set says nothing, for such clients are IPv4,
/// and Apache answers 500 to a rule inside it. No rule begins or ends inside the block (mapped
/// addresses became IPv4), so the only network inside it that a set can be written with is the
/// whole block, by a span that begins at it or shortly before: that span is cut around it. One
/// that begins before `::fffe:0:0` covers it with a wider network and stays.
pub(crate) fn without_mapped_block(set: SpanSet<u128>) -> SpanSet<u128> {
    const WIDER_NETWORK_FIRST: u128 = MAPPED_FIRST - (1 << 32);
    let is_to_cut = |span: &Span<u128>| {
        WIDER_NETWORK_FIRST < span.first && span.first <= MAPPED_FIRST && MAPPED_LAST <= span.last
    };
    if !set.spans().iter().any(is_to_cut) {
        return set;
    }
    let mut spans = Vec::with_capacity(set.spans().len() + 1);
    for span @ &Span { first, last } in set.spans() {
        if !is_to_cut(span) {
            spans.push(*span);
            continue;
        }
        if first < MAPPED_FIRST {
            spans.push(Span {
                first,
                last: MAPPED_FIRST - 1,
            });
        }
        if MAPPED_LAST < last {
            spans.push(Span {
                first: MAPPED_LAST + 1,
                last,
            });
        }
    }
    SpanSet::from_unsorted(spans)
}

/// Policies for tests, and their lists as text.
#[cfg(test)]
pub(crate) mod samples {
    use super::*;
    use crate::ip::parse_address;

    pub(crate) fn decide(rules: &[(Action, &str)], default: DefaultPolicy) -> Policy {
        let mut collected = Rules::default();
        for (action, address) in rules {
            collected.add(*action, parse_address(address).unwrap());
        }
        collected.decide(default)
    }

    /// Rules are given as `+address` and `-address`; who is not named is denied.
    pub(crate) fn policy(rules: &str) -> Policy {
        let rules = rules.split_whitespace().map(|rule| match rule.split_at(1) {
            ("+", address) => (Action::Allow, address),
            (_, address) => (Action::Deny, address),
        });
        decide(&rules.collect::<Vec<_>>(), DefaultPolicy::Deny)
    }

    /// The networks, IPv4 first, with spaces between them.
    pub(crate) fn text(set: &IpSet) -> String {
        fn write<T: Word>(networks: impl Iterator<Item = Network<T>>, out: &mut String) {
            for network in networks {
                out.push_str(network.text().as_str());
                out.push(' ');
            }
        }
        let mut out = String::new();
        write(set.ipv4.networks(), &mut out);
        write(set.ipv6.networks(), &mut out);
        out.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::samples::{decide, text};
    use super::*;

    /// Rules are given as `+address` and `-address`.
    #[track_caller]
    fn check(rules: &str, default: DefaultPolicy, allow: &str, deny: &str) {
        let parsed: Vec<(Action, &str)> = rules
            .split_whitespace()
            .map(|rule| match rule.split_at(1) {
                ("+", address) => (Action::Allow, address),
                (_, address) => (Action::Deny, address),
            })
            .collect();
        let policy = decide(&parsed, default);
        assert_eq!(
            (text(&policy.allow), text(&policy.deny)),
            (allow.to_owned(), deny.to_owned())
        );
        let reversed: Vec<_> = parsed.iter().rev().copied().collect();
        assert_eq!(
            decide(&reversed, default),
            policy,
            "the order of rows matters"
        );
    }

    const DENY: DefaultPolicy = DefaultPolicy::Deny;
    const ALLOW: DefaultPolicy = DefaultPolicy::Allow;

    #[test]
    fn merges_neighbours_and_overlaps() {
        check(
            "+10.0.0.0/25 +10.0.0.128/25 +10.0.0.7 +::2 +::3",
            DENY,
            "10.0.0.0/24 ::2/127",
            "",
        );
    }

    #[test]
    fn drops_denies_that_change_nothing() {
        check("+192.168.1.10 -1.1.1.1", DENY, "192.168.1.10", "");
        check("-1.1.1.1", DENY, "", "");
    }

    #[test]
    fn writes_a_hole_as_two_lists_and_a_half_as_one() {
        check(
            "+172.100.2.0/24 -172.100.2.77",
            DENY,
            "172.100.2.0/24",
            "172.100.2.77",
        );
        check(
            "+172.100.2.0/24 -172.100.2.0/25",
            DENY,
            "172.100.2.128/25",
            "",
        );
        check("+1.1.1.1 -1.1.1.0/24", DENY, "", "");
    }

    #[test]
    fn keeps_only_denies_under_default_allow() {
        check("+1.1.1.1 -2.2.2.2 -2.2.2.3", ALLOW, "", "2.2.2.2/31");
        check("+all -2.2.2.2", DENY, "", "2.2.2.2");
    }

    #[test]
    fn the_files_default_wins_and_deny_wins_in_the_file() {
        check("-all +1.1.1.1", ALLOW, "1.1.1.1", "");
        check("-all +all +1.1.1.1", ALLOW, "1.1.1.1", "");
    }

    #[test]
    fn writes_whole_families_as_halves() {
        check(
            "+0.0.0.0/0 +::/0",
            DENY,
            "0.0.0.0/1 128.0.0.0/1 ::/1 8000::/1",
            "",
        );
    }

    #[test]
    fn never_writes_the_mapped_block() {
        check(
            "+::fffe:ffff:ffff-::1:0:0:1",
            DENY,
            "::fffe:ffff:ffff ::1:0:0:0/127",
            "",
        );
        check(
            "-::fffe:ffff:ffff-::1:0:0:1",
            ALLOW,
            "",
            "::fffe:ffff:ffff ::1:0:0:0/127",
        );
        check(
            "+::fffe:0:0/95 -::fffe:0:0-::fffe:ffff:fffe",
            DENY,
            "::fffe:ffff:ffff",
            "",
        );
        check("+::fffe:0:0/95 -::fffe:0:0-::fffe:ffff:ffff", DENY, "", "");
        check("+::fffe:0:0/95", DENY, "::fffe:0:0/95", "");
    }
}
