//! Policies for which a template can easily write an output that makes a server answer 500 or lets
//! the wrong clients in, and object keys that can easily break out of a comment.

use crate::common::oracle::{Action, Cover, MAPPED_FIRST, MAPPED_LAST, Rule};

use Action::{Allow, Deny};

/// Valid S3 keys with characters that are special in a configuration.
pub(crate) const HOSTILE_KEYS: [&str; 8] = [
    "clients/ends in a backslash\\",
    "clients/acme.csv\\",
    "clients/\"quoted\" 'quoted'.csv",
    "clients/<IfModule mod_authz_core.c>.csv",
    "clients/%{HTTP_HOST} ${PATH} $remote_addr.csv",
    "clients/Require all granted.csv",
    "clients/{{ 7 * 7 }}{% if %}.csv",
    "clients/caf\u{e9} \u{2028}\u{202e}; allow all; #.csv",
];

/// A hand-written policy.
pub(crate) struct Trap {
    pub(crate) name: &'static str,
    /// The default policy in the settings.
    pub(crate) settings: Action,
    pub(crate) rules: Vec<Rule>,
}

const IPV4_LAST: u32 = u32::MAX;
const IPV6_LAST: u128 = u128::MAX;
const DOCUMENTATION: u128 = 0x2001_0db8 << 96;

fn ipv4(action: Action, address: &str, first: u32, last: u32) -> Rule {
    Rule {
        action,
        cover: Cover::Ipv4 { first, last },
        address: address.to_owned(),
    }
}

fn ipv6(action: Action, address: &str, first: u128, last: u128) -> Rule {
    Rule {
        action,
        cover: Cover::Ipv6 { first, last },
        address: address.to_owned(),
    }
}

fn all(action: Action) -> Rule {
    Rule {
        action,
        cover: Cover::Everybody,
        address: "all".to_owned(),
    }
}

fn ipv4_whole(action: Action) -> Rule {
    ipv4(action, "0.0.0.0/0", 0, IPV4_LAST)
}

fn ipv6_whole(action: Action) -> Rule {
    ipv6(action, "::/0", 0, IPV6_LAST)
}

/// A rule for the example office.
fn office(action: Action) -> Rule {
    ipv4(action, "192.168.1.0/24", 0xc0a8_0100, 0xc0a8_01ff)
}

/// A rule for one client in the office.
fn guest(action: Action) -> Rule {
    ipv4(action, "192.168.1.77", 0xc0a8_014d, 0xc0a8_014d)
}

/// Returns a policy whose settings deny unlisted clients.
fn closed(name: &'static str, rules: impl Into<Vec<Rule>>) -> Trap {
    Trap {
        name,
        settings: Deny,
        rules: rules.into(),
    }
}

/// Returns a policy whose settings allow unlisted clients.
fn open(name: &'static str, rules: impl Into<Vec<Rule>>) -> Trap {
    Trap {
        settings: Allow,
        ..closed(name, rules)
    }
}

/// Returns all traps.
pub(crate) fn traps() -> Vec<Trap> {
    let mut traps = families();
    traps.extend(defaults());
    traps.extend(mapped_block());
    traps
}

fn families() -> Vec<Trap> {
    let five = ipv6(Deny, "::5-::9", 5, 9);
    let halves = [
        ipv4(Allow, "0.0.0.0/1", 0, IPV4_LAST / 2),
        ipv4(
            Allow,
            "128.0.0.0-255.255.255.255",
            IPV4_LAST / 2 + 1,
            IPV4_LAST,
        ),
    ];
    vec![
        closed("all of IPv4", [ipv4_whole(Allow)]),
        closed("all of IPv4 but one", [ipv4_whole(Allow), guest(Deny)]),
        closed("all of IPv4 in halves", halves),
        closed("all of IPv6", [ipv6_whole(Allow)]),
        closed("all of IPv6 but some", [ipv6_whole(Allow), five]),
        closed("both families", [ipv4_whole(Allow), ipv6_whole(Allow)]),
        open("no IPv4", [ipv4_whole(Deny)]),
        open("no IPv6", [ipv6_whole(Deny)]),
        open("nobody", [ipv4_whole(Deny), ipv6_whole(Deny)]),
        closed(
            "all of IPv4 denied again",
            [ipv4_whole(Allow), ipv4_whole(Deny)],
        ),
        closed(
            "the lowest and the highest of each family",
            [
                ipv4(Allow, "0.0.0.0", 0, 0),
                ipv4(Allow, "255.255.255.255", IPV4_LAST, IPV4_LAST),
                ipv6(Allow, "::", 0, 0),
                ipv6(
                    Allow,
                    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                    IPV6_LAST,
                    IPV6_LAST,
                ),
            ],
        ),
    ]
}

fn defaults() -> Vec<Trap> {
    let network = DOCUMENTATION..=DOCUMENTATION | (IPV6_LAST >> 32);
    let network = |action| ipv6(action, "2001:DB8::/32", *network.start(), *network.end());
    vec![
        closed("only denies under default deny", [guest(Deny)]),
        closed("only denies of both families", [guest(Deny), network(Deny)]),
        open("only denies under default allow", [guest(Deny)]),
        open("only allows under default allow", [guest(Allow)]),
        closed("everybody by a row", [all(Allow)]),
        open("nobody by a row", [all(Deny)]),
        open("two defaults", [all(Allow), all(Deny), office(Allow)]),
        open(
            "a row against the settings",
            [all(Deny), office(Allow), guest(Deny)],
        ),
        closed("a blocklist", [all(Allow), office(Deny), network(Deny)]),
        closed("a hole", [office(Allow), guest(Deny)]),
        closed("an allow inside a deny", [office(Deny), guest(Allow)]),
        open("an allow inside a deny, open", [office(Deny), guest(Allow)]),
        closed("the same allowed and denied", [office(Allow), office(Deny)]),
        closed(
            "a hole in one family only",
            [office(Allow), guest(Deny), network(Allow)],
        ),
        closed(
            "a deny over one family only",
            [office(Allow), network(Allow), network(Deny)],
        ),
    ]
}

fn mapped_block() -> Vec<Trap> {
    let below = |action| ipv6(action, "::-::fffe:ffff:ffff", 0, MAPPED_FIRST - 1);
    let behind = |action| {
        let first = MAPPED_LAST + 1;
        ipv6(action, "::1:0:0:0-::1:0:0:5", first, first + 5)
    };
    let over = |action| ipv6(action, "::/64", 0, IPV6_LAST >> 64);
    let block = |action| ipv4(action, "::ffff:0:0/96", 0, IPV4_LAST);
    let both = |action| {
        let first = MAPPED_FIRST - (1 << 32);
        ipv6(action, "::fffe:0:0/95", first, MAPPED_LAST)
    };
    let across = |action| {
        let last = MAPPED_LAST + 6;
        let address = "::fffe:ffff:ffff-::1:0:0:5";
        ipv6(action, address, MAPPED_FIRST - 1, last)
    };
    let first_of_both = ipv6(
        Deny,
        "::fffe:0:0",
        MAPPED_FIRST - (1 << 32),
        MAPPED_FIRST - (1 << 32),
    );
    let one = ipv4(Deny, "::ffff:192.168.1.77", 0xc0a8_014d, 0xc0a8_014d);
    vec![
        closed("the mapped block is IPv4", [block(Allow)]),
        closed("a mapped address in IPv4", [office(Allow), one]),
        closed("IPv6 over the mapped block", [over(Allow)]),
        open("no IPv6 over the mapped block", [over(Deny)]),
        closed("IPv6 that ends with the block", [both(Allow)]),
        open("no IPv6 that ends with the block", [both(Deny)]),
        closed(
            "up to the block and on behind it",
            [below(Allow), behind(Allow)],
        ),
        closed("only behind the block", [over(Allow), below(Deny)]),
        closed("only below the block", [over(Allow), behind(Deny)]),
        closed(
            "around the block, and the block",
            [over(Allow), block(Deny)],
        ),
        open(
            "neither side of the block",
            [below(Deny), behind(Deny), block(Deny)],
        ),
        closed("IPv6 across the block", [across(Allow)]),
        open("no IPv6 across the block", [across(Deny)]),
        closed(
            "IPv6 across the block, and the block",
            [across(Allow), block(Allow)],
        ),
        closed(
            "a hole that ends at the block",
            [both(Allow), first_of_both],
        ),
        closed(
            "a hole on both sides of the block",
            [over(Allow), across(Deny)],
        ),
    ]
}
