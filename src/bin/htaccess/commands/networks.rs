//! Formats the networks of a set as text, for the commands that list networks.

use htaccess_generator::ip::{Family, IpSet, RangeSet};

/// Calls `each` with the text of every network in a set. The set is divided into as few networks as possible:
/// first IPv4, then IPv6, each in ascending order.
pub(crate) fn for_each_network(set: &IpSet, mut each: impl FnMut(&str)) {
    fn networks<T: Family>(set: &RangeSet<T>, each: &mut impl FnMut(&str)) {
        for network in set.networks() {
            each(network.text().as_str());
        }
    }
    networks(&set.ipv4, &mut each);
    networks(&set.ipv6, &mut each);
}
