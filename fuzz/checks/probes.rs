//! Chooses the client addresses to check. A verdict can change only at the end of a range or network, so the
//! ends and the addresses next to them are chosen.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use htaccess_generator::ip::{AddressSpec, MAPPED_FIRST, MAPPED_LAST};

use super::Dice;
use super::reread::Network;
use super::rows::Row;

/// The number of client addresses after which no more are added to the check.
const MAX_PROBES: usize = 60;

/// Returns clients to check: the ends of rows and networks and the addresses next to them, up to about
/// [`MAX_PROBES`].
pub(super) fn probes(networks: &[&Network], rows: &[Row], dice: &mut Dice) -> Vec<IpAddr> {
    let mut ends: Vec<[IpAddr; 2]> = networks.iter().map(|one| [one.first, one.last]).collect();
    ends.extend(rows.iter().filter_map(|row| match row {
        Row::Accepted { addresses, .. } => match addresses {
            AddressSpec::Ipv4(range) => Some([range.first, range.last].map(ipv4)),
            AddressSpec::Ipv6(range) => Some([range.first, range.last].map(ipv6)),
            AddressSpec::All => None,
        },
        Row::Rejected { .. } | Row::Plain { .. } => None,
    }));
    let mut probes = vec![ipv4(0), ipv4(u32::MAX - 1), ipv4(u32::MAX)];
    probes.extend(
        [
            0,
            MAPPED_FIRST - 1,
            MAPPED_FIRST,
            MAPPED_LAST + 1,
            u128::MAX,
        ]
        .map(ipv6),
    );
    while probes.len() < MAX_PROBES && !ends.is_empty() {
        let index = dice.below(ends.len());
        let [first, last] = ends.swap_remove(index);
        probes.extend(
            [before(first), Some(first), Some(last), behind(last)]
                .into_iter()
                .flatten(),
        );
    }
    probes
}

fn ipv4(bits: u32) -> IpAddr {
    Ipv4Addr::from_bits(bits).into()
}

fn ipv6(bits: u128) -> IpAddr {
    Ipv6Addr::from_bits(bits).into()
}

fn before(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(address) => address.to_bits().checked_sub(1).map(ipv4),
        IpAddr::V6(address) => address.to_bits().checked_sub(1).map(ipv6),
    }
}

fn behind(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(address) => address.to_bits().checked_add(1).map(ipv4),
        IpAddr::V6(address) => address.to_bits().checked_add(1).map(ipv6),
    }
}
