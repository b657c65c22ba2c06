//! The clients to try on a policy: those where its verdict can change, and a few others.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::oracle::{Cover, Rule};
use super::random::Random;

/// The maximum number of clients that are tried on one policy.
const MAX_PROBES: usize = 60;
/// The number of them that have nothing to do with the rules.
const STRANGERS: usize = 4;

/// The addresses to try, as the `X-Client` header contains them. Both sides of every bound of a
/// rule are tried, or a random part of them if the policy is long.
pub(crate) fn probes(rules: &[Rule], random: &mut Random) -> Vec<IpAddr> {
    let mut probes = vec![
        Ipv4Addr::UNSPECIFIED.into(),
        Ipv4Addr::BROADCAST.into(),
        Ipv6Addr::UNSPECIFIED.into(),
        Ipv6Addr::from(u128::MAX).into(),
    ];
    for _ in 0..STRANGERS / 2 {
        probes.push(Ipv4Addr::from(random.between(0, u32::MAX)).into());
        probes.push(Ipv6Addr::from(random.bits128()).into());
    }
    let mut edges: Vec<IpAddr> = rules
        .iter()
        .flat_map(|rule| edges(rule.cover))
        .filter(|edge| !probes.contains(edge))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    while probes.len() < MAX_PROBES && !edges.is_empty() {
        let index = random.below(edges.len() as u128);
        let edge = edges.swap_remove(usize::try_from(index).expect("it is below a usize"));
        probes.push(match edge {
            IpAddr::V4(edge) if random.percent(20) => edge.to_ipv6_mapped().into(),
            edge => edge,
        });
    }
    probes
}

fn edges(cover: Cover) -> Vec<IpAddr> {
    match cover {
        Cover::Ipv4 { first, last } => bounds(first.into(), last.into(), u32::MAX.into())
            .filter_map(|bits| u32::try_from(bits).ok())
            .map(|bits| Ipv4Addr::from(bits).into())
            .collect(),
        Cover::Ipv6 { first, last } => bounds(first, last, u128::MAX)
            .map(|bits| Ipv6Addr::from(bits).into())
            .collect(),
        Cover::Everybody => Vec::new(),
    }
}

/// The bounds of a range and their neighbours outside it, as far as the family has such addresses.
fn bounds(first: u128, last: u128, family_max: u128) -> impl Iterator<Item = u128> {
    let above = last.checked_add(1).filter(|above| *above <= family_max);
    [Some(first), Some(last), first.checked_sub(1), above]
        .into_iter()
        .flatten()
}
