//! Describes the next change of a policy over time, for the top of the report page.

use crate::ip::IpSet;
use crate::policy::{NextChange, Policy};
use crate::report::summary::{MAX_NAMED, address_count, push_networks, segment_count};
use crate::review::diff;
use crate::text::{RichText, rich};
use crate::time::TimeZone;

/// Returns one sentence that says what changes next and when. The time is shown in the given time zone and
/// in UTC.
pub(crate) fn next_change_sentence(now: &Policy, next: &NextChange, zone: &TimeZone) -> RichText {
    let changed = diff(now, &next.policy);
    let local = zone.show_end(next.at);
    let preposition = if local.starts_with("the end") {
        "At"
    } else {
        "On"
    };
    let mut sentence = rich!("{} {}", preposition, local);
    let utc = TimeZone::default();
    if *zone != utc {
        sentence.push(&rich!(" ({})", utc.show(next.at)));
    }
    sentence.push(", ");
    match (changed.gained.is_empty(), changed.lost.is_empty()) {
        (true, true) => sentence.push("rows start or end, but the same addresses get in as before"),
        (true, false) => push_effect(&mut sentence, &changed.lost, "lose"),
        (false, true) => push_effect(&mut sentence, &changed.gained, "gain"),
        (false, false) => {
            push_effect(&mut sentence, &changed.lost, "lose");
            sentence.push(", and ");
            push_effect(&mut sentence, &changed.gained, "gain");
        }
    }
    sentence.push(".");
    sentence
}

/// Appends a text such as `3 IPv4 addresses lose access`, and the networks if there are only a few.
fn push_effect(sentence: &mut RichText, addresses: &IpSet, verb: &str) {
    let (count, is_one) = address_count(addresses);
    let ending = if is_one { "s" } else { "" };
    sentence.push(&rich!("{} {}{} access", count, verb, ending));
    if segment_count(addresses) <= MAX_NAMED {
        sentence.push(" (");
        push_networks(sentence, addresses);
        sentence.push(")");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::samples::policy;
    use crate::time::Instant;

    #[track_caller]
    fn check(zone: &str, now: &str, next: &str, expected: &str) {
        let next = NextChange {
            at: Instant::from_seconds(1_798_757_940),
            policy: policy(next),
        };
        let zone = TimeZone::named(zone).unwrap();
        let sentence = next_change_sentence(&policy(now), &next, &zone);
        assert_eq!(sentence.to_string(), expected);
    }

    #[test]
    fn says_who_gains_and_who_loses_access() {
        check(
            "Europe/Paris",
            "+10.0.0.1 +10.0.0.3 +10.0.0.5 +10.0.0.7",
            "+10.0.0.1",
            "On 31 December 2026, 23:59 Europe/Paris (31 December 2026, 22:59 UTC), 3 IPv4 addresses \
             lose access (10.0.0.3, 10.0.0.5 and 10.0.0.7).",
        );
        check(
            "UTC",
            "+10.0.0.1",
            "+10.0.0.2 +2001:db8::/32",
            "On 31 December 2026, 22:59 UTC, 1 IPv4 address loses access (10.0.0.1), and 1 IPv4 address \
             and 1 IPv6 network gain access (10.0.0.2 and 2001:db8::/32).",
        );
        check(
            "UTC",
            "",
            "+all",
            "On 31 December 2026, 22:59 UTC, 4,294,967,296 IPv4 addresses and all of IPv6 gain access \
             (all of IPv4 and all of IPv6).",
        );
        check(
            "UTC",
            "+10.0.0.0/24",
            "+10.0.0.0/24 -10.0.0.1 -10.0.0.3 -10.0.0.5 -10.0.0.7 -10.0.0.9",
            "On 31 December 2026, 22:59 UTC, 5 IPv4 addresses lose access.",
        );
        check(
            "UTC",
            "+10.0.0.0/24",
            "+10.0.0.0/24",
            "On 31 December 2026, 22:59 UTC, rows start or end, but the same addresses get in as before.",
        );
    }

    #[test]
    fn the_first_instant_of_a_day_is_the_end_of_the_day_before() {
        let next = NextChange {
            at: Instant::from_seconds(1_798_758_000),
            policy: policy(""),
        };
        let zone = TimeZone::named("Europe/Paris").unwrap();
        let sentence = next_change_sentence(&policy("+::1"), &next, &zone).to_string();
        assert_eq!(
            sentence,
            "At the end of 31 December 2026 Europe/Paris (31 December 2026, 23:00 UTC), 1 IPv6 network \
             loses access (::1)."
        );
    }
}
