//! Compares the output of `htaccess diff` and `htaccess explain` with an oracle that checks one address at a
//! time. A verdict, and the difference between two verdicts, can change only at a bound of a rule or of a
//! printed network. The test therefore tries all bounds and their neighbours, which covers all addresses.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::Value;

use crate::cli::Folder;
use crate::common::csv_text::{plain_csv, random_csv};
use crate::common::oracle::{
    Action, Client, Cover, MAPPED_FIRST, MAPPED_LAST, Rule, default_action, permits,
};
use crate::common::probes::probes;
use crate::common::random::Random;
use crate::common::random_policy::{Mix, random_rules};

/// Every tenth policy has hundreds of rules.
const SEEDS: u64 = 40;

/// Edits the rules as a person would: some rules are removed, changed or added.
fn edited(rules: &[Rule], random: &mut Random) -> Vec<Rule> {
    let mut edited: Vec<Rule> = Vec::new();
    for rule in rules {
        match random.between(0, 9) {
            0 => {}
            1 => edited.push(Rule {
                action: random.pick(&[Action::Allow, Action::Deny]),
                ..rule.clone()
            }),
            _ => edited.push(rule.clone()),
        }
    }
    let mix = Mix {
        rules: random.between(1, 4),
        deny_percent: 50,
        ipv6_percent: 50,
        all_percent: 10,
        scattered: false,
    };
    edited.extend(random_rules(mix, random));
    edited
}

/// Returns the first and the last address of a network, and its prefix length.
fn bounds(network: &str) -> (Client, Client, u32) {
    let (address, length) = match network.split_once('/') {
        Some((address, length)) => (address, Some(length.parse::<u32>().unwrap())),
        None => (network, None),
    };
    match address.parse().unwrap() {
        IpAddr::V4(address) => {
            let length = length.unwrap_or(32);
            let mask = u32::MAX.checked_shr(length).unwrap_or(0);
            let first = u32::from(address);
            assert_eq!(first & mask, 0, "{network} has host bits");
            (Client::Ipv4(first), Client::Ipv4(first | mask), length)
        }
        IpAddr::V6(address) => {
            let length = length.unwrap_or(128);
            let mask = u128::MAX.checked_shr(length).unwrap_or(0);
            let first = u128::from(address);
            assert_eq!(first & mask, 0, "{network} has host bits");
            (Client::Ipv6(first), Client::Ipv6(first | mask), length)
        }
    }
}

/// Adds the addresses at which a verdict can change: every bound and its neighbours.
fn edges(bounds: impl Iterator<Item = (Client, Client)>, into: &mut BTreeSet<IpAddr>) {
    let ends = bounds.flat_map(|(first, last)| [first, last]);
    for end in ends {
        match end {
            Client::Ipv4(bits) => {
                let edges = [bits.saturating_sub(1), bits, bits.saturating_add(1)];
                into.extend(edges.map(|bits| IpAddr::from(Ipv4Addr::from(bits))));
            }
            Client::Ipv6(bits) => {
                let edges = [bits.saturating_sub(1), bits, bits.saturating_add(1)];
                into.extend(edges.map(|bits| IpAddr::from(Ipv6Addr::from(bits))));
            }
        }
    }
}

fn rule_bounds(rules: &[Rule]) -> impl Iterator<Item = (Client, Client)> {
    rules.iter().filter_map(|rule| match rule.cover {
        Cover::Ipv4 { first, last } => Some((Client::Ipv4(first), Client::Ipv4(last))),
        Cover::Ipv6 { first, last } => Some((Client::Ipv6(first), Client::Ipv6(last))),
        Cover::Everybody => None,
    })
}

/// One of the two lists of `htaccess diff --json`.
struct Listed {
    networks: Vec<(Client, Client, u32)>,
}

impl Listed {
    /// Reads the list. Checks that its counts are correct, and that no shorter list exists.
    fn of(json: &Value) -> Self {
        let texts = json["networks"].as_array().unwrap();
        let networks: Vec<_> = texts
            .iter()
            .map(|text| bounds(text.as_str().unwrap()))
            .collect();
        let (mut ipv4, mut ipv6) = (0, 0_u128);
        for (first, last, _) in &networks {
            match (first, last) {
                (Client::Ipv4(first), Client::Ipv4(last)) => ipv4 += u64::from(last - first) + 1,
                (Client::Ipv6(first), Client::Ipv6(last)) => {
                    ipv6 = ipv6.wrapping_add(last - first).wrapping_add(1);
                    let is_mapped = MAPPED_FIRST <= *first && *last <= MAPPED_LAST;
                    assert!(!is_mapped, "clients of the mapped block are IPv4");
                }
                _ => panic!("a network of two families"),
            }
        }
        assert_eq!(json["ipv4_addresses"], ipv4);
        let all_of_ipv6 = ipv6 == 0 && networks.iter().any(|one| matches!(one.0, Client::Ipv6(_)));
        let ipv6 = if all_of_ipv6 {
            "340282366920938463463374607431768211456".to_owned()
        } else {
            ipv6.to_string()
        };
        assert_eq!(json["ipv6_addresses"], ipv6);
        for pair in networks.windows(2) {
            check_order(pair[0], pair[1]);
        }
        Self { networks }
    }

    fn has(&self, client: Client) -> bool {
        self.networks
            .iter()
            .any(|(first, last, _)| match (first, client, last) {
                (Client::Ipv4(first), Client::Ipv4(bits), Client::Ipv4(last)) => {
                    (first..=last).contains(&&bits)
                }
                (Client::Ipv6(first), Client::Ipv6(bits), Client::Ipv6(last)) => {
                    (first..=last).contains(&&bits)
                }
                _ => false,
            })
    }
}

/// Checks that the networks are in ascending order and disjoint, and that no two networks are the
/// halves of a larger network, unless they cover the whole family.
fn check_order(one: (Client, Client, u32), next: (Client, Client, u32)) {
    let are_halves = one.2 == next.2 && one.2 > 1;
    match (one.0, one.1, next.0) {
        (Client::Ipv4(first), Client::Ipv4(last), Client::Ipv4(next)) => {
            assert!(last < next);
            let parent = u32::MAX.checked_shr(one.2 - 1).unwrap_or(0);
            assert!(!are_halves || first & !parent != next & !parent);
        }
        (Client::Ipv6(first), Client::Ipv6(last), Client::Ipv6(next)) => {
            assert!(last < next);
            let parent = u128::MAX.checked_shr(one.2 - 1).unwrap_or(0);
            assert!(!are_halves || first & !parent != next & !parent);
        }
        (Client::Ipv4(_), _, Client::Ipv6(_)) => {}
        _ => panic!("IPv6 before IPv4"),
    }
}

#[test]
fn diff_lists_exactly_the_clients_that_gain_and_lose_access() {
    let (mut tried, mut gains, mut losses) = (0, 0, 0);
    for seed in 1..=SEEDS {
        let mut random = Random::new(seed);
        let mix = Mix::of(seed, &mut random);
        let old_rules = random_rules(mix, &mut random);
        let new_rules = edited(&old_rules, &mut random);
        let default = random.pick(&[Action::Deny, Action::Allow]);
        let (old, _) = random_csv(&old_rules, &mut random);
        let (new, _) = random_csv(&new_rules, &mut random);
        let folder = Folder::new().with("old.csv", &old).with("new.csv", &new);
        let policy = format!("{default:?}").to_lowercase();
        let ran = folder.run(&[
            "diff",
            "old.csv",
            "new.csv",
            "--json",
            "--exit-code",
            "--strict=none",
            "--default-policy",
            &policy,
        ]);
        if old_rules.is_empty() || new_rules.is_empty() {
            assert_eq!(ran.status, 1, "{}", ran.stderr);
            continue;
        }
        let json = ran.json();
        let (gained, lost) = (Listed::of(&json["gained"]), Listed::of(&json["lost"]));
        let changed = !gained.networks.is_empty() || !lost.networks.is_empty();
        assert_eq!(json["changed"], changed);
        assert_eq!(ran.status, if changed { 3 } else { 0 }, "seed {seed}");

        let mut addresses =
            BTreeSet::from([Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()]);
        edges(rule_bounds(&old_rules), &mut addresses);
        edges(rule_bounds(&new_rules), &mut addresses);
        let listed = gained.networks.iter().chain(&lost.networks);
        edges(
            listed.map(|(first, last, _)| (*first, *last)),
            &mut addresses,
        );
        for address in addresses {
            // A mapped address is an IPv4 client, so an IPv6 network that contains it has no effect.
            let client = Client::of(address);
            let before = permits(&old_rules, default, client);
            let now = permits(&new_rules, default, client);
            assert_eq!(gained.has(client), now && !before, "seed {seed}: {address}");
            assert_eq!(lost.has(client), before && !now, "seed {seed}: {address}");
            tried += 1;
            gains += u32::from(now && !before);
            losses += u32::from(before && !now);
        }
    }
    println!("{tried} addresses, of which {gains} gain access and {losses} lose it");
    assert!(gains > 1000 && losses > 1000, "{gains}, {losses}");
}

#[test]
fn explain_shows_the_verdict_and_every_line() {
    let mut lines_told = 0;
    for seed in 1..=SEEDS {
        let mut random = Random::new(seed);
        let mix = Mix::of(seed, &mut random);
        let rules = random_rules(mix, &mut random);
        let default = random.pick(&[Action::Deny, Action::Allow]);
        let folder = Folder::new()
            .with("plain.csv", plain_csv(&rules, "x"))
            .with("random.csv", random_csv(&rules, &mut random).0);
        let addresses = probes(&rules, &mut random);
        let texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        let policy = format!("{default:?}").to_lowercase();
        let explain = |file: &str| {
            let mut arguments = vec!["explain", file, "--json", "--strict=none"];
            arguments.extend(["--default-policy", &policy]);
            arguments.extend(texts.iter().map(String::as_str));
            folder.run(&arguments).json()
        };
        let (plain, spelt) = (explain("plain.csv"), explain("random.csv"));
        for (index, address) in addresses.into_iter().enumerate() {
            let client = Client::of(address);
            let permitted = permits(&rules, default, client);
            let told = &plain[index];
            assert_eq!(told["permitted"], permitted, "seed {seed}: {address}");
            assert_eq!(
                spelt[index]["permitted"], permitted,
                "seed {seed}: {address}"
            );
            let expected = bearing(&rules, default, client);
            let rows = told["rows"].as_array().unwrap();
            let rows: Vec<(u64, bool)> = rows
                .iter()
                .map(|row| {
                    let decides = row["decides"].as_bool().unwrap();
                    (row["line"].as_u64().unwrap(), decides)
                })
                .collect();
            assert_eq!(rows, expected, "seed {seed}: {address}");
            lines_told += rows.len();
        }
    }
    println!("{lines_told} lines");
    assert!(lines_told > 1000, "{lines_told}");
}

/// Returns the lines of the plain CSV that contain a client, the narrowest first, followed by the `all`
/// rows. The second value is true for the lines that decide.
fn bearing(rules: &[Rule], settings: Action, client: Client) -> Vec<(u64, bool)> {
    let width = |rule: &Rule| match (rule.cover, client) {
        (Cover::Ipv4 { first, last }, Client::Ipv4(bits)) if first <= bits && bits <= last => {
            Some(u128::from(last - first))
        }
        (Cover::Ipv6 { first, last }, Client::Ipv6(bits)) if first <= bits && bits <= last => {
            Some(last - first)
        }
        _ => None,
    };
    let lines = || rules.iter().zip(2_u64..);
    let mut named: Vec<(u128, u64, Action)> = lines()
        .filter_map(|(rule, line)| Some((width(rule)?, line, rule.action)))
        .collect();
    named.sort_by_key(|(width, line, _)| (*width, *line));
    let default = default_action(rules, settings);
    let has = |action| named.iter().any(|(.., other)| *other == action);
    let decider = match default {
        _ if has(Action::Deny) => Some(Action::Deny),
        Action::Deny if has(Action::Allow) => Some(Action::Allow),
        _ => None,
    };
    let all = lines().filter(|(rule, _)| rule.cover == Cover::Everybody);
    let all = all.map(|(rule, line)| (line, decider.is_none() && rule.action == default));
    let named = named.iter();
    let named = named.map(|(_, line, action)| (*line, decider == Some(*action)));
    named.chain(all).collect()
}
