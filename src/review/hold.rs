//! Decides whether a change is so large that a person must approve it.
//!
//! A change is held if
//!
//! - it opens the site: at least half of all addresses of a family get in, and fewer than half did before;
//! - it shuts the site: nobody gets in although somebody did before, or fewer than half of all addresses of a
//!   family get in although at least half did before;
//! - more than `HOLD_ABOVE` percent gain or lose access, and at least [`MIN_NETWORKS`] networks do.
//!
//! A site with `all,Allow` and a few denied addresses is open too, so the limit for an open site is half of
//! the family.
//!
//! **The percentage** is the largest of the following, each relative to the version before:
//!
//! - the addresses of one family. A family that had no address before is left out, because its first network
//!   would be above any percentage;
//! - the networks that are lost or new as a whole. A network that loses only some addresses is not counted;
//! - if the site was open, the denied networks that now get in.
//!
//! If nobody got in before, any gain is above any percentage.
//!
//! **The minimum** keeps small sites usable, where one of three rows is already 33 percent. It counts
//! networks as the output writes them, or as the rows write them if that is more.

use std::fmt;

use crate::ip::{Family, IpSet, RangeSet};
use crate::review::change::{Change, Permitted};
use crate::settings::HoldAbove;

/// The minimum number of networks that must gain or lose access before a change is held for its percentage.
pub const MIN_NETWORKS: u64 = 10;

/// The reason to hold a change. `Display` writes one sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// At least half of all addresses of a family get in, and fewer than half did before.
    Opens(AddressFamily),
    /// Fewer than half of all addresses of a family get in, and at least half did before.
    Closes(AddressFamily),
    /// Nobody gets in, but somebody did before.
    LocksOut,
    /// The share that gains access is above the limit.
    Gains(Share),
    /// The share that loses access is above the limit.
    Loses(Share),
    /// The version before cannot be read, so the change is unknown.
    NotComparable,
}

/// An address family. `Display` writes its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressFamily {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

/// The share of a policy that changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The percentage relative to the version before, rounded up. `None` if nobody got in before.
    pub percent: Option<u64>,
    /// The whole that the percentage is relative to.
    pub of: ShareOf,
    /// The limit, in percent.
    pub limit: HoldAbove,
}

/// The whole that a percentage is relative to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShareOf {
    /// The addresses of one family that got in before.
    Addresses(AddressFamily),
    /// The networks that got in before.
    Networks,
    /// The networks that were denied before.
    DeniedNetworks,
}

impl fmt::Display for AddressFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ipv4 => "IPv4",
            Self::Ipv6 => "IPv6",
        })
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = |f: &mut fmt::Formatter<'_>, share: &Share, verb: &str| {
            let limit = share.limit;
            let Some(percent) = share.percent else {
                return write!(
                    f,
                    "nobody got in before, so any new access is above the limit of {limit}%"
                );
            };
            match share.of {
                ShareOf::Addresses(family) => write!(
                    f,
                    "the {family} addresses that {verb} access are {percent}% of the {family} addresses that \
                     got in before, and the limit is {limit}%"
                ),
                ShareOf::Networks => write!(
                    f,
                    "the networks that {verb} access are {percent}% of the networks that got in before, and \
                     the limit is {limit}%"
                ),
                ShareOf::DeniedNetworks => write!(
                    f,
                    "{percent}% of the networks that were denied before now get in, and the limit is {limit}%"
                ),
            }
        };
        match self {
            Self::Opens(family) => write!(
                f,
                "the site opens to everybody: at least half of all {family} addresses get in"
            ),
            Self::Closes(family) => write!(
                f,
                "the site was open to everybody, but fewer than half of all {family} addresses still get in"
            ),
            Self::LocksOut => f.write_str("nobody gets in any more"),
            Self::Gains(gained) => share(f, gained, "gain"),
            Self::Loses(lost) => share(f, lost, "lose"),
            Self::NotComparable => {
                f.write_str("the previous version cannot be read, so the change is unknown")
            }
        }
    }
}

/// Returns the reason to hold a change. `None` if the change can be published at once.
#[must_use]
pub fn held(change: &Change, limit: HoldAbove) -> Option<Hold> {
    if change.is_empty() {
        return None;
    }
    let Change { before, after, .. } = change;
    if after.set.is_empty() {
        return Some(Hold::LocksOut);
    }
    let was_open = [is_open(&before.set.ipv4), is_open(&before.set.ipv6)];
    let is_open = [is_open(&after.set.ipv4), is_open(&after.set.ipv6)];
    let families = [AddressFamily::Ipv4, AddressFamily::Ipv6];
    for ((family, was_open), is_open) in families.into_iter().zip(was_open).zip(is_open) {
        match (was_open, is_open) {
            (false, true) => return Some(Hold::Opens(family)),
            (true, false) => return Some(Hold::Closes(family)),
            _ => {}
        }
    }
    let lost = Side {
        part: &change.diff.lost,
        whole: before,
        of: before,
        other: after,
    };
    let gained = Side {
        part: &change.diff.gained,
        whole: after,
        of: before,
        other: before,
    };
    let denied = || denied_share(change);
    let lost = lost.share(limit, || None).map(Hold::Loses);
    lost.or_else(|| gained.share(limit, denied).map(Hold::Gains))
}

/// Returns whether the set contains at least half of all addresses of its family.
fn is_open<T: Family>(set: &RangeSet<T>) -> bool {
    let half = 1u128 << (T::BITS - 1);
    set.address_count() >= half
}

/// One side of a change: the addresses that gain access, or the addresses that lose access.
struct Side<'a> {
    part: &'a IpSet,
    /// The version that permits the addresses.
    whole: &'a Permitted,
    /// The version that the percentages are relative to.
    of: &'a Permitted,
    /// The version that does not permit the addresses.
    other: &'a Permitted,
}

impl Side<'_> {
    /// Returns the largest share, if it is above the limit and enough networks change.
    fn share(
        &self,
        limit: HoldAbove,
        denied: impl FnOnce() -> Option<(Ratio, u64)>,
    ) -> Option<Share> {
        if self.part.is_empty() {
            return None;
        }
        let ipv4 = |set: &IpSet| set.ipv4.address_count();
        let ipv6 = |set: &IpSet| set.ipv6.address_count();
        let networks = self.networks_as_a_whole();
        let mut ratios = vec![
            (
                ShareOf::Addresses(AddressFamily::Ipv4),
                Ratio(ipv4(self.part), ipv4(&self.of.set)),
            ),
            (
                ShareOf::Addresses(AddressFamily::Ipv6),
                Ratio(ipv6(self.part), ipv6(&self.of.set)),
            ),
            (
                ShareOf::Networks,
                Ratio(networks.into(), self.of.set.network_count() as u128),
            ),
        ];
        let mut affected = self.networks_as_written();
        if let Some((ratio, networks)) = denied() {
            affected = affected.max(networks);
            ratios.push((ShareOf::DeniedNetworks, ratio));
        }
        if affected < MIN_NETWORKS {
            return None;
        }
        if self.of.set.is_empty() {
            return Some(Share {
                percent: None,
                of: ShareOf::Networks,
                limit,
            });
        }
        let known = ratios.into_iter().filter(|(_, ratio)| ratio.1 > 0);
        let (of, largest) = known.max_by_key(|(_, ratio)| ratio.percent())?;
        largest.is_over(limit).then(|| Share {
            percent: Some(largest.percent()),
            of,
            limit,
        })
    }

    /// Returns the number of networks in `whole` that have no address in common with `other`.
    fn networks_as_a_whole(&self) -> u64 {
        fn count<T: Family>(networks: &RangeSet<T>, other: &RangeSet<T>) -> u64 {
            let is_apart = |range| other.overlapping(range).is_empty();
            let apart = networks
                .networks()
                .filter(|network| is_apart(network.range()));
            apart.count() as u64
        }
        let (whole, other) = (&self.whole.set, &self.other.set);
        count(&whole.ipv4, &other.ipv4) + count(&whole.ipv6, &other.ipv6)
    }

    /// Returns the number of networks that change. This is the number of networks in the output, or an
    /// estimate of the number of rows if that is more. The estimate is the number of rows times the changed
    /// share of the addresses.
    fn networks_as_written(&self) -> u64 {
        let (part, whole) = (self.part, &self.whole.set);
        let ipv4 = Ratio(part.ipv4.address_count(), whole.ipv4.address_count());
        let ipv6 = Ratio(part.ipv6.address_count(), whole.ipv6.address_count());
        let rows = ipv4.of(self.whole.rows).max(ipv6.of(self.whole.rows));
        rows.max(part.network_count() as u64)
    }
}

/// Returns the share of a site's denied networks that now get in, and their number. `None` if the site was
/// not open.
fn denied_share(change: &Change) -> Option<(Ratio, u64)> {
    fn count<T: Family>(before: &RangeSet<T>, after: &RangeSet<T>) -> Option<(u64, u64)> {
        if !is_open(before) {
            return None;
        }
        let whole = RangeSet::from_unsorted(vec![crate::ip::AddrRange::WHOLE]);
        let denied = whole.difference(before);
        let still = whole.difference(after);
        let is_in = |range| still.overlapping(range).is_empty();
        let released = denied.networks().filter(|network| is_in(network.range()));
        Some((released.count() as u64, denied.network_count() as u64))
    }
    let (before, after) = (&change.before.set, &change.after.set);
    let ipv4 = count(&before.ipv4, &after.ipv4);
    let ipv6 = count(&before.ipv6, &after.ipv6);
    let (released, denied) = match (ipv4, ipv6) {
        (None, None) => return None,
        (one, other) => {
            let (one, other) = (one.unwrap_or_default(), other.unwrap_or_default());
            (one.0 + other.0, one.1 + other.1)
        }
    };
    Some((Ratio(released.into(), denied.into()), released))
}

/// A part, and the whole that it is compared with. The part can be larger than the whole.
#[derive(Clone, Copy, Debug)]
struct Ratio(u128, u128);

impl Ratio {
    /// Returns both numbers without their low bits if they are so large that a product with a percentage or a
    /// number of rows would not fit. The larger number keeps 64 bits.
    fn reduced(self) -> (u128, u128) {
        let Self(part, whole) = self;
        let bits = u128::BITS - (part | whole).leading_zeros();
        let surplus = bits.saturating_sub(u64::BITS);
        (part >> surplus, whole >> surplus)
    }

    fn is_over(self, limit: HoldAbove) -> bool {
        let (part, whole) = self.reduced();
        part * 100 > whole * u128::from(limit.percent())
    }

    /// Returns the percentage, rounded up. The percentage of a share above a limit is therefore above the
    /// limit.
    fn percent(self) -> u64 {
        let (part, whole) = self.reduced();
        let percent = (part * 100).div_ceil(whole.max(1));
        u64::try_from(percent).unwrap_or(u64::MAX)
    }

    /// Returns this share of a number, rounded to the nearest integer.
    fn of(self, number: u64) -> u64 {
        let (part, whole) = self.reduced();
        let share = (part * u128::from(number) + whole / 2) / whole.max(1);
        u64::try_from(share).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests;
