//! Collects the rules of a CSV and builds the policy from them.

use crate::ip::{Addresses, Family, IpSet, Span, SpanSet, without_mapped_block};
use crate::policy::Policy;
use crate::policy::shortest::shortest;
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
fn push_merging<T: Family>(spans: &mut Vec<Span<T>>, span: Span<T>) {
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
fn make_room<T: Family>(spans: &mut Vec<Span<T>>) {
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
