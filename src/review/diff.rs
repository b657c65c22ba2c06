//! Compares two policies: the addresses that gain access and the addresses that lose it. A reviewer reads the
//! result before an upload.
//!
//! The result is exact, because both policies are sets of addresses. It does not depend on how the rows are
//! written. IPv4-mapped IPv6 addresses (`::ffff:0:0/96`) count as IPv4, as in the rest of the program.

use crate::ip::{IpSet, without_mapped_block};
use crate::policy::Policy;

/// The addresses whose access changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// The addresses that get in only with the new policy.
    pub gained: IpSet,
    /// The addresses that get in only with the old policy.
    pub lost: IpSet,
}

impl Diff {
    /// Returns whether nobody gains or loses access.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.gained.is_empty() && self.lost.is_empty()
    }
}

/// Returns the addresses that gain or lose access if `new` replaces `old`.
///
/// ```
/// use htaccess_generator::review::diff;
/// use htaccess_generator::generate::{Keep, Upload};
/// use htaccess_generator::list::Shared;
/// use htaccess_generator::policy::Policy;
/// use htaccess_generator::source::Source;
/// use htaccess_generator::settings::Settings;
/// use htaccess_generator::time::Instant;
///
/// let (settings, source) = (Settings::default(), Source { key: "a.csv".to_owned(), ..Source::default() });
/// let policy = |csv: &[u8]| -> Policy {
///     let now = Instant::from_seconds(0);
///     let mut upload = Upload::new(&settings, source.clone(), Keep::default(), now, &Shared::default());
///     let _ = upload.push(csv);
///     upload.finish().into_policy().unwrap()
/// };
/// let old = policy(b"IP,Rule\n10.0.0.0/24,Allow\n");
/// let new = policy(b"IP,Rule\n10.0.0.0/23,Allow\n10.0.0.7,Deny\n");
/// let changed = diff(&old, &new);
/// let texts = |set: &htaccess_generator::ip::IpSet| -> Vec<String> {
///     set.ipv4.networks().map(|network| network.text().to_string()).collect()
/// };
/// assert_eq!(texts(&changed.gained), ["10.0.1.0/24"]);
/// assert_eq!(texts(&changed.lost), ["10.0.0.7"]);
/// ```
#[must_use]
pub fn diff(old: &Policy, new: &Policy) -> Diff {
    let (old, new) = (old.permitted(), new.permitted());
    Diff {
        gained: only_in(&new, &old),
        lost: only_in(&old, &new),
    }
}

pub(super) fn only_in(one: &IpSet, other: &IpSet) -> IpSet {
    let difference = one.difference(other);
    IpSet {
        ipv4: difference.ipv4,
        // The policies may differ in the IPv4-mapped block. The difference has no effect, because clients
        // with such addresses are matched as IPv4.
        ipv6: without_mapped_block(difference.ipv6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::samples::{policy, text};

    #[track_caller]
    fn check(old: &str, new: &str, gained: &str, lost: &str) {
        let (old, new) = (policy(old), policy(new));
        let changed = diff(&old, &new);
        assert_eq!(
            (text(&changed.gained), text(&changed.lost)),
            (gained.to_owned(), lost.to_owned())
        );
        let back = diff(&new, &old);
        assert_eq!((back.gained, back.lost), (changed.lost, changed.gained));
        assert!(diff(&old, &old).is_empty());
    }

    #[test]
    fn tells_networks_of_both_families() {
        check(
            "+10.0.0.0/24 +2001:db8::/32",
            "+10.0.0.0/25 +::1",
            "::1",
            "10.0.0.128/25 2001:db8::/32",
        );
        check("+10.0.0.0/8", "+10.0.0.0/9 +10.128.0.0/9 -1.1.1.1", "", "");
    }

    #[test]
    fn tells_a_change_of_the_default() {
        check("", "+all", "0.0.0.0/1 128.0.0.0/1 ::/1 8000::/1", "");
        check("+all -1.1.1.1", "+1.1.1.1 +all", "1.1.1.1", "");
    }

    #[test]
    fn the_mapped_block_is_no_change() {
        check("+::fffe:0:0/95", "+::fffe:0:0/96", "", "");
        check("+all", "+all -::ffff:0:0:0/97", "", "::ffff:0:0:0/97");
    }
}
