//! Random rules whose bounds are known without parsing their text: the bounds are chosen first,
//! then one of the spellings that the CSV format accepts for them.
//!
//! Most rules are close to earlier ones, so that neighbours, overlaps, holes and duplicates are
//! common.

use std::net::Ipv6Addr;

use super::oracle::{Action, Cover, MAPPED_FIRST, MAPPED_LAST, Rule, ipv4_text, ipv6_text};
use super::random::Random;

const IPV4_CORNERS: [u32; 7] = [
    0,
    u32::MAX,
    0x7fff_ffff,
    0x8000_0000,
    0x7f00_0001,
    0x0aff_ffff,
    0xe000_0000,
];

const IPV6_CORNERS: [u128; 9] = [
    0,
    1,
    u128::MAX,
    1 << 127,
    MAPPED_FIRST - 1,
    MAPPED_FIRST,
    MAPPED_LAST,
    MAPPED_LAST + 1,
    0x2001_0db8 << 96,
];

/// The number and the kinds of rules in a policy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mix {
    pub(crate) rules: u32,
    pub(crate) deny_percent: u32,
    pub(crate) ipv6_percent: u32,
    pub(crate) all_percent: u32,
    /// Only addresses from the whole address space, so that few merge and lines fill up.
    pub(crate) scattered: bool,
}

impl Mix {
    /// A few rules in most policies, hundreds in some, and thousands in a few.
    pub(crate) fn of(seed: u64, random: &mut Random) -> Self {
        let (rules, scattered) = match seed {
            seed if seed.is_multiple_of(50) => (5000, true),
            seed if seed.is_multiple_of(10) => (random.between(100, 400), random.percent(50)),
            _ => (random.between(1, 25), false),
        };
        Self {
            rules,
            deny_percent: random.pick(&[0, 10, 30, 50, 70, 100]),
            ipv6_percent: random.pick(&[0, 20, 50, 100]),
            all_percent: random.pick(&[0, 0, 0, 30]),
            scattered,
        }
    }
}

/// The rules of a mix.
pub(crate) fn random_rules(mix: Mix, random: &mut Random) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    for _ in 0..mix.rules {
        let action = if random.percent(mix.deny_percent) {
            Action::Deny
        } else {
            Action::Allow
        };
        let (cover, address) = if !rules.is_empty() && random.percent(5) {
            let twin = random.one_of(&rules);
            (twin.cover, twin.address.clone())
        } else if random.percent(mix.ipv6_percent) {
            ipv6(mix, &rules, random)
        } else {
            ipv4(mix, &rules, random)
        };
        rules.push(Rule {
            action,
            cover,
            address,
        });
    }
    if random.percent(mix.all_percent) {
        for _ in 0..random.between(1, 2) {
            rules.push(Rule {
                action: random.pick(&[Action::Allow, Action::Allow, Action::Deny]),
                cover: Cover::Everybody,
                address: (random.pick(&["all", "ALL", "Any", "*"])).to_owned(),
            });
        }
    }
    rules
}

fn ipv4(mix: Mix, rules: &[Rule], random: &mut Random) -> (Cover, String) {
    let anchor = ipv4_anchor(mix, rules, random);
    if random.percent(30) {
        let (first, last) = match ipv4_anchor(mix, rules, random) {
            other if random.percent(50) => (anchor.min(other), anchor.max(other)),
            _ => (anchor, anchor.saturating_add(random.between(0, 600))),
        };
        let last = if mix.scattered {
            last.min(first.saturating_add(6))
        } else {
            last
        };
        return (Cover::Ipv4 { first, last }, ipv4_range(first, last, random));
    }
    let host_bits = match random.between(0, 99) {
        0..40 => 0,
        _ if mix.scattered => random.between(0, 2),
        40..75 => random.between(1, 8),
        75..95 => random.between(9, 24),
        _ => random.between(25, 32),
    };
    let host_mask = low_bits(host_bits);
    let (first, last) = (anchor & !host_mask, anchor | host_mask);
    let text = ipv4_network(first, host_bits, random);
    (Cover::Ipv4 { first, last }, text)
}

fn ipv4_anchor(mix: Mix, rules: &[Rule], random: &mut Random) -> u32 {
    let anywhere = random.between(0, u32::MAX);
    if mix.scattered || rules.is_empty() {
        return anywhere;
    }
    match random.between(0, 99) {
        0..25 => anywhere,
        25..35 => random.pick(&IPV4_CORNERS),
        35..60 => 0x0a00_0000 | (anywhere & 0x0303),
        _ => match random.one_of(rules).cover {
            Cover::Ipv4 { first, last } => {
                let bits = near(first.into(), last.into(), u32::MAX.into(), random);
                u32::try_from(bits).expect("it is at most u32::MAX")
            }
            _ => anywhere,
        },
    }
}

fn ipv4_range(first: u32, last: u32, random: &mut Random) -> String {
    let dash = random.pick(&["-", " - ", "- "]);
    let mapped = random.pick(&["", "", "", "::ffff:", "::FFFF:"]);
    format!(
        "{mapped}{}{dash}{mapped}{}",
        ipv4_text(first),
        ipv4_text(last)
    )
}

/// A block as prefix length, netmask or hostmask, or as IPv4-mapped IPv6.
fn ipv4_network(first: u32, host_bits: u32, random: &mut Random) -> String {
    let text = ipv4_text(first);
    let length = 32 - host_bits;
    let mapped = MAPPED_FIRST + u128::from(first);
    match random.between(0, 9) {
        0..4 if host_bits == 0 => text,
        4 if host_bits == 0 => ipv6_spelling(mapped, random),
        5 => format!("{text}/{}", ipv4_text(!low_bits(host_bits))),
        // The hostmasks 0.0.0.0 and 255.255.255.255 are read as netmasks.
        6 if (1..32).contains(&host_bits) => format!("{text}/{}", ipv4_text(low_bits(host_bits))),
        7 => format!("{}/{}", ipv6_spelling(mapped, random), 96 + length),
        8 => format!("{text}/0{length}"),
        _ => format!("{text}/{length}"),
    }
}

fn low_bits(count: u32) -> u32 {
    u32::MAX.checked_shr(32 - count).unwrap_or(0)
}

fn ipv6(mix: Mix, rules: &[Rule], random: &mut Random) -> (Cover, String) {
    let anchor = ipv6_anchor(mix, rules, random);
    if random.percent(30) {
        let (mut first, mut last) = match ipv6_anchor(mix, rules, random) {
            other if random.percent(50) => (anchor.min(other), anchor.max(other)),
            _ => (anchor, anchor.saturating_add(random.below(600))),
        };
        if mix.scattered {
            last = last.min(first.saturating_add(6));
        }
        // A range with one end in the mapped block would mix the families, and is rejected.
        match (is_mapped(first), is_mapped(last)) {
            (true, false) => first = MAPPED_LAST + 1,
            (false, true) => last = MAPPED_FIRST - 1,
            _ => {}
        }
        let dash = random.pick(&["-", " - ", "- "]);
        let (from, to) = (ipv6_spelling(first, random), ipv6_spelling(last, random));
        return (ipv6_cover(first, last), format!("{from}{dash}{to}"));
    }
    let host_bits = match random.between(0, 99) {
        0..30 => 0,
        _ if mix.scattered => random.between(0, 2),
        30..50 => random.between(1, 16),
        50..90 => random.between(17, 100),
        _ => random.between(101, 128),
    };
    let host_mask = u128::MAX.checked_shr(128 - host_bits).unwrap_or(0);
    let (first, last) = (anchor & !host_mask, anchor | host_mask);
    let text = ipv6_spelling(first, random);
    let text = if host_bits == 0 && random.percent(80) {
        text
    } else {
        format!("{text}/{}", 128 - host_bits)
    };
    (ipv6_cover(first, last), text)
}

fn ipv6_anchor(mix: Mix, rules: &[Rule], random: &mut Random) -> u128 {
    let anywhere = random.bits128();
    if mix.scattered || rules.is_empty() {
        return (0x2 << 124) | (anywhere >> 4);
    }
    match random.between(0, 99) {
        0..15 => anywhere,
        15..35 => random.pick(&IPV6_CORNERS),
        35..60 => (0x2001_0db8 << 96) | (anywhere & 0x0003_0000_0000_0000_0303),
        _ => match random.one_of(rules).cover {
            Cover::Ipv6 { first, last } => near(first, last, u128::MAX, random),
            _ => anywhere,
        },
    }
}

/// A bound of a range, a neighbour of a bound, or the middle.
fn near(first: u128, last: u128, family_max: u128, random: &mut Random) -> u128 {
    random.pick(&[
        first,
        last,
        first.saturating_sub(1),
        last.saturating_add(1).min(family_max),
        first + (last - first) / 2,
    ])
}

fn is_mapped(bits: u128) -> bool {
    (MAPPED_FIRST..=MAPPED_LAST).contains(&bits)
}

/// A range inside the mapped block is IPv4. A range that only overlaps it is IPv6.
fn ipv6_cover(first: u128, last: u128) -> Cover {
    let ipv4 = |bits: u128| u32::try_from(bits - MAPPED_FIRST).expect("it is in the block");
    if is_mapped(first) && is_mapped(last) {
        Cover::Ipv4 {
            first: ipv4(first),
            last: ipv4(last),
        }
    } else {
        Cover::Ipv6 { first, last }
    }
}

/// One of the texts of RFC 4291, section 2.2, for this address.
fn ipv6_spelling(bits: u128, random: &mut Random) -> String {
    let groups = Ipv6Addr::from(bits).segments();
    match random.between(0, 9) {
        0 => groups.map(|group| format!("{group:x}")).join(":"),
        1 => groups.map(|group| format!("{group:04X}")).join(":"),
        2 => {
            let head = groups[..6].iter().map(|group| format!("{group:x}:"));
            let tail = ipv4_text(u32::try_from(bits & 0xffff_ffff).expect("it is 32 bits"));
            head.collect::<String>() + &tail
        }
        3 | 4 => ipv6_text(bits).to_uppercase(),
        _ => ipv6_text(bits),
    }
}
