//! Finds rows that are accepted but are probably mistakes.
//!
//! There is at most one warning of each kind. The warnings depend on the rows and on the policy that is built
//! from them. If the rows are in another order, only the lines in the warnings differ.

use crate::answer::{Warning, WarningCode};
use crate::csv::CsvKind;
use crate::ip::{AddrRange, AddressSpec, Family, IpSet, Network, RangeSet, split_before};
use crate::policy::{Effective, NextChange, Policy};
use crate::review::always_wins::always_wins;
use crate::review::duplicates::duplicate_rows;
use crate::review::row_log::{RecordedRow, RecordedRows};
use crate::review::time_warnings::{ends_soon, expired_rows, nobody_left};
use crate::review::warned_lines::WarnedLines;
use crate::rule::DefaultPolicy;
use crate::text::{FirstFew, thousands};
use crate::time::TimeZone;

/// The maximum number of networks that a warning lists.
const MAX_NAMED: usize = 3;
/// The number of host bits of a /8. An allowed IPv4 network with more host bits is wide.
const WIDE_IPV4_BITS: u32 = 24;
/// The number of host bits of a /16. A row that allows a public IPv4 network with more host bits is wide.
/// Only single rows are checked, because many narrower rows may well cover such a network together.
const WIDE_PUBLIC_IPV4_BITS: u32 = 16;
/// The number of host bits of a /16. An allowed IPv6 network with more host bits is wide. Regional registries
/// get a /12, and nobody gets more.
const WIDE_IPV6_BITS: u32 = 112;
/// The number of host bits of a /24. A private IPv4 network with fewer host bits is not reported, because it
/// is a host or two behind the same router.
const PRIVATE_IPV4_BITS: u32 = 8;
/// The number of host bits of a /64. A private IPv6 network with fewer host bits is not reported, because it
/// is less than a single subnet.
const PRIVATE_IPV6_BITS: u32 = 64;

/// Blocks of addresses that no client on the Internet has, each with its prefix length: private use (RFC
/// 1918), carrier-grade NAT (RFC 6598), loopback and link-local.
const PRIVATE_IPV4: [(u32, u32); 6] = [
    (0x0a00_0000, 8),
    (0x6440_0000, 10),
    (0x7f00_0000, 8),
    (0xa9fe_0000, 16),
    (0xac10_0000, 12),
    (0xc0a8_0000, 16),
];
/// The blocks of unique local (RFC 4193) and link-local addresses, each with its prefix length.
const PRIVATE_IPV6: [(u128, u32); 2] = [(0xfc00 << 112, 7), (0xfe80 << 112, 10)];

/// Returns the warnings about a policy and its rows, at most one of each kind. This takes about as long as
/// sorting the rows. If the rows are in another order, only the lines in the warnings differ. `next` is the
/// next change, and `zone` is the time zone in which the warnings show times.
#[must_use]
pub fn warnings(
    policy: &Policy,
    next: Option<&NextChange>,
    zone: &TimeZone,
    rows: &mut RecordedRows,
) -> Vec<Warning> {
    rows.sort();
    let permitted = policy.effective();
    [
        blocks_everybody(policy, &permitted, rows),
        allows_everybody(policy, &permitted, rows),
        nobody_left(&permitted, next, zone),
        ends_soon(rows, zone),
        expired_rows(rows),
        matches_nobody(rows),
        wide_allow(policy, rows),
        private_range(policy, rows),
        overridden_rows(policy, &permitted, rows),
        always_wins(rows),
        duplicate_rows(CsvKind::Site, rows),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Returns the warnings about the rows of a list or of the common CSV. All other warnings depend on the rows
/// of a site.
#[must_use]
pub fn shared_warnings(kind: CsvKind, rows: &mut RecordedRows, zone: &TimeZone) -> Vec<Warning> {
    rows.sort();
    [
        ends_soon(rows, zone),
        expired_rows(rows),
        duplicate_rows(kind, rows),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Creates a warning whose sentence ends with `notes` in parentheses.
fn warning(
    code: WarningCode,
    line: Option<u64>,
    sentence: String,
    notes: [Option<String>; 2],
) -> Warning {
    let notes: Vec<String> = notes.into_iter().flatten().collect();
    let notes = match notes.as_slice() {
        [] => String::new(),
        notes => format!(" ({})", notes.join("; ")),
    };
    Warning {
        code,
        line,
        message: (sentence + &notes).into(),
    }
}

fn blocks_everybody(
    policy: &Policy,
    permitted: &Effective<'_>,
    rows: &RecordedRows,
) -> Option<Warning> {
    if !permitted.is_nobody() {
        return None;
    }
    let why = match policy.default {
        DefaultPolicy::Allow => "the Deny rows contain every address",
        DefaultPolicy::Deny if rows.has_allow => {
            "the Deny rows contain every address in the Allow rows"
        }
        DefaultPolicy::Deny if rows.inactive_allows > 0 => "no Allow row is active at this time",
        DefaultPolicy::Deny => {
            "the file has no Allow row, and addresses without a rule are denied: if the file is a blocklist, \
             add the row all,Allow"
        }
    };
    Some(warning(
        WarningCode::BlocksEverybody,
        None,
        format!("nobody gets in: {why}"),
        [None, None],
    ))
}

fn allows_everybody(
    policy: &Policy,
    permitted: &Effective<'_>,
    rows: &RecordedRows,
) -> Option<Warning> {
    if !permitted.is_everybody() {
        return None;
    }
    let (line, why) = match (policy.default, rows.allow_all) {
        (DefaultPolicy::Deny, _) => (
            None,
            "the Allow rows contain every address: check their prefix lengths",
        ),
        (DefaultPolicy::Allow, line) if rows.inactive_denies > 0 => {
            (line, "no Deny row is active at this time")
        }
        (DefaultPolicy::Allow, Some(line)) => (
            Some(line),
            "the file has the row all,Allow and no Deny row: if the file is an allowlist, delete the row all,Allow",
        ),
        (DefaultPolicy::Allow, None) => (
            None,
            "addresses without a rule are allowed, and the file has no Deny row: if the file is an allowlist, \
             add the row all,Deny",
        ),
    };
    Some(warning(
        WarningCode::AllowsEverybody,
        line,
        format!("everybody gets in: {why}"),
        [None, None],
    ))
}

/// Warns about rows with the unspecified address, `0.0.0.0` or `::`. No client has this address, and people
/// who write it mean everybody.
fn matches_nobody(rows: &RecordedRows) -> Option<Warning> {
    fn unspecified<T: Family>(rows: &[RecordedRow<T>]) -> impl Iterator<Item = (u64, ())> {
        let rows = rows.iter();
        rows.take_while(|row| row.range.first == T::MIN)
            .filter(|row| row.range.last == T::MIN)
            .map(|row| (row.place.into(), ()))
    }
    let RecordedRows { allow, deny, .. } = rows;
    let ipv4 = || unspecified(&allow.ipv4).chain(unspecified(&deny.ipv4));
    let ipv6 = || unspecified(&allow.ipv6).chain(unspecified(&deny.ipv6));
    let named = match (ipv4().next(), ipv6().next()) {
        (None, None) => return None,
        (Some(_), None) => "0.0.0.0 is an address that no client has",
        (None, Some(_)) => ":: is an address that no client has",
        (Some(_), Some(_)) => "0.0.0.0 and :: are addresses that no client has",
    };
    let lines = WarnedLines::of(ipv4().chain(ipv6()));
    Some(warning(
        WarningCode::MatchesNobody,
        rows.places.first_line(&lines),
        format!("{named}: to match everybody, write all"),
        [rows.places.list(&lines), None],
    ))
}

fn wide_allow(policy: &Policy, rows: &RecordedRows) -> Option<Warning> {
    let IpSet { ipv4, ipv6 } = &policy.allow;
    let mut named = FirstFew::new(MAX_NAMED);
    let wide_rows = wide_public_rows(rows);
    add_wider(
        ipv4,
        WIDE_PUBLIC_IPV4_BITS,
        "all of IPv4",
        &mut named,
        |network| {
            network.host_bits > WIDE_IPV4_BITS
                || !is_private_ipv4(*network) && is_listed(network.range(), &wide_rows)
        },
    );
    add_wider(ipv6, WIDE_IPV6_BITS, "all of IPv6", &mut named, |_| true);
    let is = match named.count {
        0 => return None,
        1 => "is",
        _ => "are",
    };
    let lines = allow_lines(rows, |row| is_wide_row(policy, row));
    Some(warning(
        WarningCode::WideAllow,
        rows.places.first_line(&lines),
        format!("{named} {is} allowed and larger than a /16: check the prefix length"),
        [rows.places.list(&lines), None],
    ))
}

/// Adds the networks of a set that have more than `bits` host bits and for which `is_wide` returns `true`. A
/// set of all addresses is added as `whole`.
fn add_wider<T: Family>(
    set: &RangeSet<T>,
    bits: u32,
    whole: &str,
    named: &mut FirstFew,
    is_wide: impl Fn(&Network<T>) -> bool,
) {
    if set.is_whole() {
        named.add(|| whole.to_owned());
        return;
    }
    let ranges = set.ranges().iter();
    let networks = ranges.flat_map(|range| networks_wider(range, bits));
    for network in networks.filter(is_wide) {
        named.add(|| network.text().to_string());
    }
}

/// Returns the addresses of the rows that allow a wide public network.
fn wide_public_rows(rows: &RecordedRows) -> RangeSet<u32> {
    let rows = rows.allow.ipv4.iter().map(|row| row.range);
    RangeSet::from_unsorted(rows.filter(|range| has_wide_public(*range)).collect())
}

fn has_wide_public(range: AddrRange<u32>) -> bool {
    networks_wider(&range, WIDE_PUBLIC_IPV4_BITS).any(|network| !is_private_ipv4(network))
}

fn is_private_ipv4(network: Network<u32>) -> bool {
    is_inside(network.range(), &PRIVATE_IPV4)
}

/// Returns whether one of the blocks contains the whole range. Each block has a prefix length.
fn is_inside<T: Family>(range: AddrRange<T>, blocks: &[(T, u32)]) -> bool {
    blocks.iter().any(|(first, prefix_length)| {
        let block = Network {
            first: *first,
            host_bits: T::BITS - prefix_length,
        };
        block.first <= range.first && range.last <= block.last()
    })
}

/// Returns the networks of a range that have more than `bits` host bits.
fn networks_wider<T: Family>(range: &AddrRange<T>, bits: u32) -> impl Iterator<Item = Network<T>> {
    // Most ranges are too short to contain such a network. Their length shows that without splitting them
    // into networks.
    let is_long = T::BITS - (range.last - range.first).leading_zeros() > bits;
    let networks = is_long.then(|| range.networks());
    let networks = networks.into_iter().flatten();
    networks.filter(move |network| network.host_bits > bits)
}

/// Warns about private networks in an allowlist of mostly public networks. Such a network lets in nobody from
/// the Internet, and is probably from another list. There is no warning if most networks are private. Single
/// hosts are not reported, because they get in through tunnels and proxies.
fn private_range(policy: &Policy, rows: &RecordedRows) -> Option<Warning> {
    let IpSet { ipv4, ipv6 } = &policy.allow;
    let mut named = FirstFew::new(MAX_NAMED);
    let mut private = 0;
    for block in PRIVATE_IPV4 {
        private += add_private(ipv4, block, PRIVATE_IPV4_BITS, &mut named);
    }
    for block in PRIVATE_IPV6 {
        private += add_private(ipv6, block, PRIVATE_IPV6_BITS, &mut named);
    }
    let all = || ipv4.network_count() + ipv6.network_count();
    if named.count == 0 || all() <= 2 * private {
        return None;
    }
    let is = match named.count {
        1 => "is",
        _ => "are",
    };
    let lines = allow_lines(rows, |row| is_private_row(policy, row));
    Some(warning(
        WarningCode::PrivateRange,
        rows.places.first_line(&lines),
        format!(
            "{named} {is} private and most others are public: clients on the Internet never have these addresses"
        ),
        [rows.places.list(&lines), None],
    ))
}

/// Adds the networks inside a block that have at least `bits` host bits. Returns the number of all networks
/// inside the block.
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

fn overridden_rows(
    policy: &Policy,
    permitted: &Effective<'_>,
    rows: &RecordedRows,
) -> Option<Warning> {
    let ipv4 = || overridden(&rows.allow.ipv4, &permitted.set.ipv4, policy.default);
    let ipv6 = || overridden(&rows.allow.ipv6, &permitted.set.ipv6, policy.default);
    let mut named = FirstFew::new(MAX_NAMED);
    ipv4().for_each(|row| named.add(|| row.range.text()));
    ipv6().for_each(|row| named.add(|| row.range.text()));
    let rows_allow = match named.count {
        0 => return None,
        1 => "1 Allow row has".to_owned(),
        count => format!("{} Allow rows have", thousands(count)),
    };
    let ipv4 = ipv4().map(|row| (row.place.into(), AddressSpec::Ipv4(row.range)));
    let ipv6 = ipv6().map(|row| (row.place.into(), AddressSpec::Ipv6(row.range)));
    let lines = WarnedLines::of(ipv4.chain(ipv6));
    // If some rows are not recorded, a single Deny row among them may contain the whole Allow row.
    let has_every_row = rows.limit().is_none();
    Some(warning(
        WarningCode::OverriddenRows,
        rows.places.first_line(&lines),
        format!("{rows_allow} no effect, because Deny rows contain the same addresses: {named}"),
        [
            rows.note_of_limit(),
            lines.describe(|number, row| {
                let line = rows.places.name(number);
                match rows.deny.first_that_covers(*row) {
                    Some(deny) => {
                        format!("{line} is overridden by {}", rows.places.name(deny.into()))
                    }
                    None if has_every_row => format!("{line} is overridden by several lines"),
                    None => line,
                }
            }),
        ],
    ))
}

/// Returns the rows of which no address gets in. `permitted` contains the permitted addresses or, under
/// default allow, the refused addresses. The rows and the set must be in ascending order.
fn overridden<'a, T: Family>(
    rows: &'a [RecordedRow<T>],
    permitted: &'a RangeSet<T>,
    default: DefaultPolicy,
) -> impl Iterator<Item = &'a RecordedRow<T>> {
    let mut rest = permitted.ranges();
    rows.iter().filter(move |row| {
        (_, rest) = split_before(rest, row.range.first);
        is_overridden(row.range, rest.first(), default)
    })
}

/// Returns whether a row lets nobody in. `next` is the first range that does not end before the row. It is a
/// permitted range or, under default allow, a refused range.
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

/// Returns the lines of the Allow rows for which `is_one` returns `true`.
fn allow_lines(rows: &RecordedRows, is_one: impl Fn(AddressSpec) -> bool) -> WarnedLines<()> {
    let all = rows.allow.rows();
    WarnedLines::of(all.filter_map(|(line, row)| is_one(row).then_some((line, ()))))
}

/// Returns whether an Allow row contains a wide network, and the policy allows some of its addresses.
fn is_wide_row(policy: &Policy, row: AddressSpec) -> bool {
    match row {
        AddressSpec::Ipv4(row) => {
            let is_wide = networks_wider(&row, WIDE_IPV4_BITS).next().is_some();
            (is_wide || has_wide_public(row)) && is_listed(row, &policy.allow.ipv4)
        }
        AddressSpec::Ipv6(row) => {
            let is_wide = networks_wider(&row, WIDE_IPV6_BITS).next().is_some();
            is_wide && is_listed(row, &policy.allow.ipv6)
        }
        AddressSpec::All => false,
    }
}

/// Returns whether an Allow row contains a private network that is large enough to be reported, and the
/// policy allows some of its addresses.
fn is_private_row(policy: &Policy, row: AddressSpec) -> bool {
    fn is_private<T: Family>(
        row: AddrRange<T>,
        set: &RangeSet<T>,
        blocks: &[(T, u32)],
        bits: u32,
    ) -> bool {
        is_inside(row, blocks)
            && networks_wider(&row, bits - 1).next().is_some()
            && is_listed(row, set)
    }
    let IpSet { ipv4, ipv6 } = &policy.allow;
    match row {
        AddressSpec::Ipv4(row) => is_private(row, ipv4, &PRIVATE_IPV4, PRIVATE_IPV4_BITS),
        AddressSpec::Ipv6(row) => is_private(row, ipv6, &PRIVATE_IPV6, PRIVATE_IPV6_BITS),
        AddressSpec::All => false,
    }
}
