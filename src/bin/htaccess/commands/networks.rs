//! The networks of a set as text, for the commands that list them.

use htaccess_generator::ip::{Family, IpSet, RangeSet};

/// Passes the networks of a set to `each` as text: as few networks as possible, IPv4 first, each
/// family ascending.
pub(crate) fn for_each_network(set: &IpSet, mut each: impl FnMut(&str)) {
    fn networks<T: Family>(set: &RangeSet<T>, each: &mut impl FnMut(&str)) {
        for network in set.networks() {
            each(network.text().as_str());
        }
    }
    networks(&set.ipv4, &mut each);
    networks(&set.ipv6, &mut each);
}
