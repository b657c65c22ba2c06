//! Estimates the size of an output before it is rendered, because a short CSV can have a very long
//! one: a range of IPv6 addresses in 50 bytes is up to 254 networks in 10,000 bytes.
//!
//! A template receives its lists as finished values, so the lists alone could fill the memory. The
//! estimate is the text of all lists that the template may read. A built-in template prints each of
//! them once, so it is never longer than the output. A custom template may read a list that it does
//! not print.

use crate::ip::{AddrRange, Family, IpSet, Network, RangeSet, mapped};
use crate::policy::Policy;
use crate::render::error::TemplateError;
use crate::render::needs::{LIST_PARTS, Needs};
use crate::render::packed_lines::MAX_NETWORK_LINE_BYTES;
use crate::render::template::Template;

/// The length of the shortest network in a list, `::/1`, with the character after it, in bytes.
const MIN_NETWORK_BYTES: u64 = 4;
/// The maximum length of the text that a built-in template prints around a line or a network, in bytes.
const MAX_DIRECTIVE_BYTES: u64 = 32;
/// The maximum length of everything else that a built-in template prints, in bytes: its own text, and
/// the key of the source a few times.
const MAX_OTHER_BYTES: u64 = 16 * 1024;
/// The lists of a custom template may be this many times as long as its output.
const CUSTOM_LISTS_PER_OUTPUT: u64 = 2;

/// Returns whether an output can be larger than `max_bytes` although its lists are not. The output of
/// a custom template always can. `derived` are the lists that it reads in addition to `allow` and `deny`.
///
/// # Errors
///
/// [`TemplateError::TooLarge`] for more than `max_bytes`.
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

/// The sizes of lists, up to a limit.
struct ListSizes<'a> {
    needs: &'a Needs,
    /// The text of the lists so far, in bytes.
    bytes: u64,
    /// The number of lines and networks of the lists so far.
    items: u64,
    max_bytes: u64,
    /// The number of networks of the longest list.
    networks: usize,
}

impl ListSizes<'_> {
    /// Adds the parts of a list that the template may read. Returns whether they fit.
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
                    // Each family starts a new line.
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
        // The number of networks is known much sooner than their text.
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
