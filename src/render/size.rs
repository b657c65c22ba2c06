//! Estimates the size of an output before it is rendered, because a short CSV can have a very long
//! output: a range of IPv6 addresses in 50 bytes can become 254 networks in 10,000 bytes.
//!
//! A template receives its lists as finished values, so the lists alone could fill the memory. The
//! estimate is the length of all lists that the template may read. A built-in template prints each of
//! these lists once, so the estimate is never higher than the size of the output. A custom template may
//! read a list that it does not print.

use crate::ip::{AddrRange, Family, IpSet, Network, RangeSet, mapped};
use crate::policy::Policy;
use crate::render::error::TemplateError;
use crate::render::needs::{LIST_PARTS, Needs};
use crate::render::packed_lines::MAX_NETWORK_LINE_BYTES;
use crate::render::template::Template;

/// The minimum length of a network in a list, in bytes. The shortest network is `::/1`.
const MIN_NETWORK_BYTES: u64 = 4;
/// The maximum length of the text that a built-in template adds to each line or network, in bytes.
const MAX_DIRECTIVE_BYTES: u64 = 32;
/// The maximum length of everything else that a built-in template prints, in bytes: its own text and a
/// few repetitions of the source's key.
const MAX_OTHER_BYTES: u64 = 16 * 1024;
/// The maximum length of the lists of a custom template, as a multiple of the maximum size of its output.
const CUSTOM_LISTS_PER_OUTPUT: u64 = 2;

/// Checks that the lists fit, and returns whether the output may be larger than `max_bytes` nevertheless.
/// This is always possible for a custom template. `derived` contains the lists that the template reads
/// in addition to `allow` and `deny`.
///
/// # Errors
///
/// [`TemplateError::TooLarge`] if the lists are longer than `max_bytes`, or for a custom template, longer
/// than twice `max_bytes`.
pub(crate) fn check_size(
    template: &Template,
    policy: &Policy,
    derived: &[(&str, IpSet)],
    max_bytes: u64,
) -> Result<bool, TemplateError> {
    let factor = if template.is_built_in() {
        1
    } else {
        CUSTOM_LISTS_PER_OUTPUT
    };
    let mut lists = ListSizes {
        needs: template.needs(),
        bytes: 0,
        items: 0,
        max_bytes: max_bytes.saturating_mul(factor),
        networks: 0,
    };
    let fits = lists.add("allow", &policy.allow)
        && lists.add("deny", &policy.deny)
        && derived.iter().all(|(name, list)| lists.add(name, list));
    if fits {
        let around = lists.items * MAX_DIRECTIVE_BYTES + MAX_OTHER_BYTES;
        return Ok(!template.is_built_in() || lists.bytes + around > max_bytes);
    }
    Err(TemplateError::TooLarge {
        networks: lists.networks,
        max_bytes,
    })
}

/// The total size of the lists, counted up to a limit.
struct ListSizes<'a> {
    needs: &'a Needs,
    /// The length of the lists so far, in bytes.
    bytes: u64,
    /// The number of lines, networks and ranges in the lists so far.
    items: u64,
    max_bytes: u64,
    /// The number of networks in the longest list.
    networks: usize,
}

impl ListSizes<'_> {
    /// Adds the parts of a list that the template may read. Returns whether the total is within the limit.
    fn add(&mut self, name: &str, list: &IpSet) -> bool {
        self.networks = self.networks.max(list.network_count());
        let IpSet { ipv4, ipv6 } = list;
        let needs = self.needs;
        LIST_PARTS
            .iter()
            .filter(|part| needs.includes_part(name, part))
            .all(|part| match *part {
                "lines" => {
                    let items = self.items;
                    let fits = self.add_networks(ipv4) && self.add_networks(ipv6);
                    // Each family starts a new line. All other lines are at least half full.
                    self.items = items + 2 + 2 * self.bytes / MAX_NETWORK_LINE_BYTES as u64;
                    fits
                }
                "networks" => self.add_networks(ipv4) && self.add_networks(ipv6),
                "ipv4" => self.add_networks(ipv4),
                "ipv6" => self.add_networks(ipv6),
                "ipv4_ranges" => self.add_ranges(ipv4),
                "ipv6_ranges" => self.add_ranges(ipv6),
                "mapped" => self.add_networks(&mapped(list)),
                _ => true,
            })
    }

    fn add_networks<T: Family>(&mut self, set: &RangeSet<T>) -> bool {
        // Counting the networks is much faster than measuring their text.
        if self.bytes + set.network_count() as u64 * MIN_NETWORK_BYTES > self.max_bytes {
            return false;
        }
        self.items += set.network_count() as u64;
        let lengths = set.networks().map(Network::text_bytes);
        self.add_bytes(lengths.map(|length| length as u64 + 1).sum())
    }

    fn add_ranges<T: Family>(&mut self, set: &RangeSet<T>) -> bool {
        let length = |range: &AddrRange<T>| {
            let first = range.first.text_bytes();
            if range.first == range.last {
                first
            } else {
                first + 1 + range.last.text_bytes()
            }
        };
        self.items += set.ranges().len() as u64;
        let lengths = set.ranges().iter().map(length);
        self.add_bytes(lengths.map(|length| length as u64 + 1).sum())
    }

    fn add_bytes(&mut self, bytes: u64) -> bool {
        self.bytes += bytes;
        self.bytes <= self.max_bytes
    }
}
