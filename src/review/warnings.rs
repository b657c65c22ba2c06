//! What is worth a second look although nothing is wrong with it: one sentence of each kind at
//! most, told from what the rows said and what became of it. The same rows in another order give
//! the same sentences.

use crate::answer::{Warning, WarningCode};
use crate::ip::{AddrRange, AddressSpec, Family, IpSet, Network, RangeSet, split_before};
use crate::policy::Policy;
use crate::review::row_log::{RecordedRows, repeated};
use crate::rule::DefaultPolicy;
use crate::text::{FirstFew, thousands};

/// How many networks a sentence names.
const MAX_NAMED: usize = 3;
/// An allowed IPv4 network is wide from more addresses on than a /8 has.
const WIDE_IPV4_BITS: u32 = 24;
/// Nobody is given more of IPv6 than the /12 of a regional registry; a /16 is wide already.
const WIDE_IPV6_BITS: u32 = 112;
/// A private network of fewer addresses than a /24 is a host or two behind the same door.
const PRIVATE_IPV4_BITS: u32 = 8;
/// The same for IPv6: less than a single subnet.
const PRIVATE_IPV6_BITS: u32 = 64;

/// Addresses that no client on the Internet has: private use (RFC 1918), carriers' NAT (RFC 6598),
/// loopback and link-local.
const PRIVATE_IPV4: [(u32, u32); 6] = [
    (0x0a00_0000, 8),
    (0x6440_0000, 10),
    (0x7f00_0000, 8),
    (0xa9fe_0000, 16),
    (0xac10_0000, 12),
    (0xc0a8_0000, 16),
];
/// Unique local (RFC 4193) and link-local addresses.
const PRIVATE_IPV6: [(u128, u32); 2] = [(0xfc00 << 112, 7), (0xfe80 << 112, 10)];

/// What became of an upload beyond its answer: what a report and warnings are made of.
#[derive(Clone, Debug, Default)]
pub struct Review {
    policy: Option<Policy>,
    rows: RecordedRows,
}

impl Review {
    pub(crate) fn new(policy: Policy, rows: RecordedRows) -> Self {
        Self {
            policy: Some(policy),
            rows,
        }
    }

    /// Who gets in, or would without the rejected rows if strict mode refused the file for those;
    /// `None` if it was refused for anything else.
    #[must_use]
    pub fn policy(&self) -> Option<&Policy> {
        self.policy.as_ref()
    }

    /// The warnings, which take as long as sorting the rows; none where there is no policy.
    #[must_use]
    pub fn warnings(&mut self) -> Vec<Warning> {
        let Some(policy) = &self.policy else {
            return Vec::new();
        };
        self.rows.sort();
        let permitted = Permitted::of(policy);
        [
            blocks_everybody(policy, &permitted, &self.rows),
            wide_allow(policy),
            private_range(policy),
            overridden_rows(&permitted, &self.rows),
            duplicate_rows(&self.rows),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

fn warning(code: WarningCode, message: String) -> Warning {
    Warning {
        code,
        line: None,
        message,
    }
}

/// Who gets in: a set, or its complement.
pub(crate) struct Permitted {
    default: DefaultPolicy,
    /// Who gets in, or under default allow who does not.
    ipv4: RangeSet<u32>,
    ipv6: RangeSet<u128>,
}

impl Permitted {
    pub(crate) fn of(policy: &Policy) -> Self {
        let IpSet { ipv4, ipv6 } = policy.effective().set.into_owned();
        Self {
            default: policy.default,
            ipv4,
            ipv6,
        }
    }

    /// Whether not one address of a row gets in.
    pub(crate) fn lets_none_in(&self, row: AddressSpec) -> bool {
        fn lets_none_in<T: Family>(
            row: AddrRange<T>,
            set: &RangeSet<T>,
            default: DefaultPolicy,
        ) -> bool {
            is_overridden(row, set.overlapping(row).first(), default)
        }
        match row {
            AddressSpec::Ipv4(row) => lets_none_in(row, &self.ipv4, self.default),
            AddressSpec::Ipv6(row) => lets_none_in(row, &self.ipv6, self.default),
            AddressSpec::All => false,
        }
    }

    fn is_nobody(&self) -> bool {
        match self.default {
            DefaultPolicy::Deny => self.ipv4.is_empty() && self.ipv6.is_empty(),
            DefaultPolicy::Allow => self.ipv4.is_whole() && self.ipv6.is_whole(),
        }
    }
}

fn blocks_everybody(
    policy: &Policy,
    permitted: &Permitted,
    rows: &RecordedRows,
) -> Option<Warning> {
    if !permitted.is_nobody() {
        return None;
    }
    let why = match policy.default {
        DefaultPolicy::Allow => "Deny rows cover every address",
        DefaultPolicy::Deny if rows.has_allow => {
            "Deny rows cover every address that Allow rows name"
        }
        DefaultPolicy::Deny => {
            "the file has no Allow row, and who is not named is denied: \
             if it is meant as a blocklist, add the row all,Allow"
        }
    };
    Some(warning(
        WarningCode::BlocksEverybody,
        format!("nobody gets in: {why}"),
    ))
}

fn wide_allow(policy: &Policy) -> Option<Warning> {
    let mut named = FirstFew::new(MAX_NAMED);
    add_wider(
        &policy.allow.ipv4,
        WIDE_IPV4_BITS,
        "all of IPv4",
        &mut named,
    );
    add_wider(
        &policy.allow.ipv6,
        WIDE_IPV6_BITS,
        "all of IPv6",
        &mut named,
    );
    let is = match named.count {
        0 => return None,
        1 => "is",
        _ => "are",
    };
    Some(warning(
        WarningCode::WideAllow,
        format!(
            "{named} {is} allowed, wider than a /8 of IPv4 or a /16 of IPv6: check the prefix \
             length"
        ),
    ))
}

fn add_wider<T: Family>(set: &RangeSet<T>, bits: u32, whole: &str, named: &mut FirstFew) {
    if set.is_whole() {
        named.add(|| whole.to_owned());
        return;
    }
    let ranges = set.ranges().iter();
    for network in ranges.flat_map(|range| networks_wider(range, bits)) {
        named.add(|| network.text().to_string());
    }
}

/// The networks of a range that have more host bits than so many.
fn networks_wider<T: Family>(range: &AddrRange<T>, bits: u32) -> impl Iterator<Item = Network<T>> {
    // Most ranges are too short for one, which is told without cutting them into networks.
    let is_long = T::BITS - (range.last - range.first).leading_zeros() > bits;
    let networks = is_long.then(|| range.networks());
    let networks = networks.into_iter().flatten();
    networks.filter(move |network| network.host_bits > bits)
}

/// Private networks belong into a list of private ones, and single hosts get in through tunnels
/// and proxies; a whole private network in a list of mostly public ones lets nobody in who
/// comes from the Internet, and is most likely from another list.
fn private_range(policy: &Policy) -> Option<Warning> {
    let IpSet { ipv4, ipv6 } = &policy.allow;
    let mut named = FirstFew::new(MAX_NAMED);
    let mut private = 0;
    for block in PRIVATE_IPV4 {
        private += add_private(ipv4, block, PRIVATE_IPV4_BITS, &mut named);
    }
    for block in PRIVATE_IPV6 {
        private += add_private(ipv6, block, PRIVATE_IPV6_BITS, &mut named);
    }
    let all = || ipv4.networks().count() + ipv6.networks().count();
    if named.count == 0 || all() <= 2 * private {
        return None;
    }
    let (is, it) = match named.count {
        1 => ("is", "it"),
        _ => ("are", "them"),
    };
    Some(warning(
        WarningCode::PrivateRange,
        format!(
            "{named} {is} private and most others are public: nobody comes from {it} over the \
             Internet"
        ),
    ))
}

/// Names the networks inside a block that are wide enough, and counts all inside it.
fn add_private<T: Family>(
    set: &RangeSet<T>,
    (first, prefix_length): (T, u32),
    bits: u32,
    named: &mut FirstFew,
) -> usize {
    let block = Network {
        first,
        host_bits: T::BITS - prefix_length,
    };
    let networks = set
        .overlapping(block.range())
        .iter()
        .flat_map(|range| range.networks())
        .filter(|network| block.first <= network.first && network.last() <= block.last());
    let mut count = 0;
    for network in networks {
        count += 1;
        if network.host_bits >= bits {
            named.add(|| network.text().to_string());
        }
    }
    count
}

fn overridden_rows(permitted: &Permitted, rows: &RecordedRows) -> Option<Warning> {
    let mut named = FirstFew::new(MAX_NAMED);
    let default = permitted.default;
    add_overridden(&rows.allow.ipv4, &permitted.ipv4, default, &mut named);
    add_overridden(&rows.allow.ipv6, &permitted.ipv6, default, &mut named);
    let rows_allow = match named.count {
        0 => return None,
        1 => "1 Allow row lets".to_owned(),
        count => format!("{} Allow rows let", thousands(count)),
    };
    Some(warning(
        WarningCode::OverriddenRows,
        format!(
            "{rows_allow} nobody in, for Deny rows name the same addresses: {named}{}",
            among(rows)
        ),
    ))
}

/// Rows of which not one address gets in. Both the rows and the set are ascending.
fn add_overridden<T: Family>(
    rows: &[AddrRange<T>],
    permitted: &RangeSet<T>,
    default: DefaultPolicy,
    named: &mut FirstFew,
) {
    let mut rest = permitted.ranges();
    for row in rows {
        (_, rest) = split_before(rest, row.first);
        if is_overridden(*row, rest.first(), default) {
            named.add(|| range_text(*row));
        }
    }
}

/// Whether nobody gets in by a row, given the first range of the permitted set, or under default
/// allow of its complement, that does not end before the row.
fn is_overridden<T: Family>(
    row: AddrRange<T>,
    next: Option<&AddrRange<T>>,
    default: DefaultPolicy,
) -> bool {
    match default {
        DefaultPolicy::Deny => next.is_none_or(|next| row.last < next.first),
        DefaultPolicy::Allow => {
            next.is_some_and(|denied| denied.first <= row.first && row.last <= denied.last)
        }
    }
}

fn is_listed<T: Family>(row: AddrRange<T>, set: &RangeSet<T>) -> bool {
    !set.overlapping(row).is_empty()
}

/// Whether an Allow row is one that a warning of wide networks is about.
pub(crate) fn is_wide_row(policy: &Policy, row: AddressSpec) -> bool {
    fn is_wide<T: Family>(row: AddrRange<T>, set: &RangeSet<T>, bits: u32) -> bool {
        networks_wider(&row, bits).next().is_some() && is_listed(row, set)
    }
    match row {
        AddressSpec::Ipv4(row) => is_wide(row, &policy.allow.ipv4, WIDE_IPV4_BITS),
        AddressSpec::Ipv6(row) => is_wide(row, &policy.allow.ipv6, WIDE_IPV6_BITS),
        AddressSpec::All => false,
    }
}

/// Whether an Allow row is one that a warning of private networks is about.
pub(crate) fn is_private_row(policy: &Policy, row: AddressSpec) -> bool {
    fn is_private<T: Family>(
        row: AddrRange<T>,
        set: &RangeSet<T>,
        blocks: &[(T, u32)],
        bits: u32,
    ) -> bool {
        let mut blocks = blocks.iter();
        let is_inside = blocks.any(|(first, prefix_length)| {
            let block = Network {
                first: *first,
                host_bits: T::BITS - prefix_length,
            };
            block.first <= row.first && row.last <= block.last()
        });
        is_inside && networks_wider(&row, bits - 1).next().is_some() && is_listed(row, set)
    }
    let IpSet { ipv4, ipv6 } = &policy.allow;
    match row {
        AddressSpec::Ipv4(row) => is_private(row, ipv4, &PRIVATE_IPV4, PRIVATE_IPV4_BITS),
        AddressSpec::Ipv6(row) => is_private(row, ipv6, &PRIVATE_IPV6, PRIVATE_IPV6_BITS),
        AddressSpec::All => false,
    }
}

fn duplicate_rows(rows: &RecordedRows) -> Option<Warning> {
    let mut count = 0;
    let mut named = FirstFew::new(MAX_NAMED);
    for (ranges, rule) in [(&rows.allow, "Allow"), (&rows.deny, "Deny")] {
        count += add_repeated(&ranges.ipv4, rule, &mut named);
        count += add_repeated(&ranges.ipv6, rule, &mut named);
    }
    let rows_repeat = match count {
        0 => return None,
        1 => "1 row repeats another".to_owned(),
        count => format!("{} rows repeat others", thousands(count)),
    };
    let such_as = if named.count == count {
        ": "
    } else {
        ", such as "
    };
    let among = among(rows);
    Some(warning(
        WarningCode::DuplicateRows,
        format!("{rows_repeat}{such_as}{named}{among}"),
    ))
}

/// Names the first row that repeats one before it, and counts all.
fn add_repeated<T: Family>(ranges: &[AddrRange<T>], rule: &str, named: &mut FirstFew) -> u64 {
    let (count, first) = repeated(ranges);
    if let Some(range) = first {
        named.add(|| format!("{rule} {}", range_text(range)));
    }
    count
}

/// For a file of more rows than are remembered.
fn among(rows: &RecordedRows) -> String {
    rows.limit().map_or(String::new(), |limit| {
        format!(" (among the first {} rows)", thousands(limit as u64))
    })
}

/// As a network, or as a range where it is none.
fn range_text<T: Family>(range: AddrRange<T>) -> String {
    let mut networks = range.networks();
    if let (Some(network), None) = (networks.next(), networks.next()) {
        return network.text().to_string();
    }
    format!("{}-{}", range.first.text(), range.last.text())
}

#[cfg(test)]
mod tests;
