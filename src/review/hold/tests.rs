use super::*;
use crate::policy::samples::policy;
use crate::review::change::Version;

fn reason(old: &str, new: &str, percent: &str) -> Option<Hold> {
    let limit = crate::settings::hold_above("HOLD_ABOVE", percent).unwrap();
    let versions = [old, new].map(|rules| (policy(rules), rules.split_whitespace().count()));
    let [old, new] = versions.each_ref().map(|(policy, rows)| Version {
        policy,
        rows: *rows as u64,
    });
    held(&Change::between(old, new), limit.unwrap())
}

/// Checks the reason to hold a change under a limit of 30 percent. An empty text means that it is not held.
#[track_caller]
fn check(old: &str, new: &str, expected: &str) {
    let found = reason(old, new, "30").map_or(String::new(), |hold| hold.to_string());
    assert_eq!(found, expected);
}

/// Returns Allow rules for networks that do not touch.
fn apart(numbers: std::ops::Range<u32>) -> String {
    let rules = numbers.map(|number| format!("+10.{}.{}.0/25", number / 256, number % 256));
    rules.collect::<Vec<_>>().join(" ")
}

/// Returns Allow rules for neighbouring networks, which the output joins.
fn neighbours(numbers: std::ops::Range<u32>) -> String {
    let rules = numbers.map(|number| format!("+10.{}.{}.0/24", number / 256, number % 256));
    rules.collect::<Vec<_>>().join(" ")
}

const OPENS: &str = "the site opens to everybody: at least half of all IPv4 addresses get in";

#[test]
fn a_site_that_opens_or_shuts_is_held_whatever_its_size() {
    check("+10.0.0.1", "+10.0.0.1 +all", OPENS);
    check("+10.0.0.1", "+all -1.1.1.1 -10.0.0.1", OPENS);
    check("+10.0.0.1", "+10.0.0.1 +0.0.0.0/1", OPENS);
    check(
        "+10.0.0.1",
        "+10.0.0.1 +8000::/1",
        "the site opens to everybody: at least half of all IPv6 addresses get in",
    );
    check("+10.0.0.1", "-10.0.0.1", "nobody gets in any more");
    check(
        "+all",
        "+10.0.0.1 -all",
        "the site was open to everybody, but fewer than half of all IPv4 addresses still get in",
    );
    check("+all", "+all -10.0.0.1", "");
    check("", "+10.0.0.1", "");
    check("", "", "");
}

#[test]
fn a_loss_over_the_limit_is_held() {
    let networks = "the networks that lose access are 90% of the networks that got in before, and the limit is 30%";
    check(&apart(0..100), &apart(0..70), "");
    check(&apart(0..100), &apart(0..10), networks);
    let addresses = "the IPv4 addresses that lose access are 90% of the IPv4 addresses that got in before, \
        and the limit is 30%";
    check(&neighbours(0..100), &neighbours(0..10), addresses);
    // One network has nearly all addresses, so only the percentage of networks is above the limit.
    let old = format!("{} +11.0.0.0/8", apart(0..99));
    let new = format!("{} +11.0.0.0/8", apart(0..9));
    check(&old, &new, networks);
}

#[test]
fn a_gain_over_the_limit_is_held() {
    check(&apart(0..100), &apart(0..130), "");
    check(
        &apart(0..100),
        &apart(0..131),
        "the networks that gain access are 31% of the networks that got in before, and the limit is 30%",
    );
    check(
        "-10.0.0.1",
        &apart(0..10),
        "nobody got in before, so any new access is above the limit of 30%",
    );
    check("-10.0.0.1", &apart(0..9), "");
}

#[test]
fn fewer_than_ten_networks_are_never_held_for_their_percentage() {
    check(&apart(0..9), &apart(8..9), "");
    check(&neighbours(0..3), &neighbours(0..12), "");
    check(&neighbours(0..3), &neighbours(0..4), "");
    check("+10.0.0.0/24", "+10.0.0.0/24 +10.0.1.0/24", "");
}

#[test]
fn an_address_taken_out_of_a_network_is_not_the_network() {
    let hosts: Vec<String> = (0..40)
        .map(|host| format!("-10.0.0.{}", 2 * host))
        .collect();
    let hosts = hosts.join(" ");
    check("+10.0.0.0/8", &format!("+10.0.0.0/8 {hosts}"), "");
    check("+all", &format!("+all {hosts}"), "");
}

#[test]
fn a_blocklist_that_loses_its_rows_is_held() {
    let denied = |hosts: u32| {
        let rules = (0..hosts).map(|host| format!("-10.0.0.{} ", 2 * host));
        format!("+all {}", rules.collect::<String>())
    };
    check(&denied(40), &denied(28), "");
    check(
        &denied(40),
        &denied(4),
        "90% of the networks that were denied before now get in, and the limit is 30%",
    );
    check(&denied(4), &denied(40), "");
}

#[test]
fn the_first_networks_of_a_family_are_weighed_as_networks() {
    let ipv6: Vec<String> = (0..20)
        .map(|number| format!("+2001:db8:{number:x}::/64"))
        .collect();
    let ipv6 = ipv6.join(" ");
    check(&apart(0..100), &format!("{} {ipv6}", apart(0..100)), "");
    check(
        &apart(0..50),
        &format!("{} {ipv6}", apart(0..50)),
        "the networks that gain access are 40% of the networks that got in before, and the limit is 30%",
    );
}

#[test]
fn the_limit_itself_is_not_over_the_limit() {
    let (old, new) = (apart(0..100), apart(0..80));
    assert!(reason(&old, &new, "20").is_none());
    assert!(reason(&old, &new, "19").is_some());
    assert!(reason(&apart(0..20), &apart(0..40), "100").is_none());
    assert!(reason(&apart(0..20), &apart(0..41), "100").is_some());
    let wide = |numbers: std::ops::Range<u32>| -> String {
        let rules = numbers.map(|number| format!("+{:x}00::/8 ", 32 + 2 * number));
        rules.collect()
    };
    assert!(reason(&wide(0..20), &wide(0..10), "50").is_none());
    assert!(reason(&wide(0..20), &wide(0..10), "49").is_some());
}
