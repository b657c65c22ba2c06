//! Policies that are easily written so that a server answers 500, or lets the wrong ones in, and
//! object keys that are easily written so that a comment becomes more than one.

use crate::common::oracle::{Action, Cover, MAPPED_FIRST, MAPPED_LAST, Rule};

use Action::{Allow, Deny};

/// The keys are those of S3: anything that a path may be made of.
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
    /// The default of the settings.
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

/// The office of these examples.
fn office(action: Action) -> Rule {
    ipv4(action, "192.168.1.0/24", 0xc0a8_0100, 0xc0a8_01ff)
}

/// Someone in it.
fn guest(action: Action) -> Rule {
    ipv4(action, "192.168.1.77", 0xc0a8_014d, 0xc0a8_014d)
}

fn trap(name: &'static str, settings: Action, rules: impl Into<Vec<Rule>>) -> Trap {
    Trap {
        name,
        settings,
        rules: rules.into(),
    }
}

/// All of them.
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
        trap("all of IPv4", Deny, [ipv4_whole(Allow)]),
        trap(
            "all of IPv4 but one",
            Deny,
            [ipv4_whole(Allow), guest(Deny)],
        ),
        trap("all of IPv4 in halves", Deny, halves),
        trap("all of IPv6", Deny, [ipv6_whole(Allow)]),
        trap("all of IPv6 but some", Deny, [ipv6_whole(Allow), five]),
        trap(
            "both families",
            Deny,
            [ipv4_whole(Allow), ipv6_whole(Allow)],
        ),
        trap("no IPv4", Allow, [ipv4_whole(Deny)]),
        trap("no IPv6", Allow, [ipv6_whole(Deny)]),
        trap("nobody", Allow, [ipv4_whole(Deny), ipv6_whole(Deny)]),
        trap(
            "all of IPv4 denied again",
            Deny,
            [ipv4_whole(Allow), ipv4_whole(Deny)],
        ),
        trap(
            "the lowest and the highest of each family",
            Deny,
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
        trap("only denies under default deny", Deny, [guest(Deny)]),
        trap(
            "only denies of both families",
            Deny,
            [guest(Deny), network(Deny)],
        ),
        trap("only denies under default allow", Allow, [guest(Deny)]),
        trap("only allows under default allow", Allow, [guest(Allow)]),
        trap("everybody by a row", Deny, [all(Allow)]),
        trap("nobody by a row", Allow, [all(Deny)]),
        trap(
            "two defaults",
            Allow,
            [all(Allow), all(Deny), office(Allow)],
        ),
        trap(
            "a row against the settings",
            Allow,
            [all(Deny), office(Allow), guest(Deny)],
        ),
        trap(
            "a blocklist",
            Deny,
            [all(Allow), office(Deny), network(Deny)],
        ),
        trap("a hole", Deny, [office(Allow), guest(Deny)]),
        trap("an allow inside a deny", Deny, [office(Deny), guest(Allow)]),
        trap(
            "an allow inside a deny, open",
            Allow,
            [office(Deny), guest(Allow)],
        ),
        trap(
            "the same allowed and denied",
            Deny,
            [office(Allow), office(Deny)],
        ),
        trap(
            "a hole in one family only",
            Deny,
            [office(Allow), guest(Deny), network(Allow)],
        ),
        trap(
            "a deny over one family only",
            Deny,
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
        trap("the mapped block is IPv4", Deny, [block(Allow)]),
        trap("a mapped address in IPv4", Deny, [office(Allow), one]),
        trap("IPv6 over the mapped block", Deny, [over(Allow)]),
        trap("no IPv6 over the mapped block", Allow, [over(Deny)]),
        trap("IPv6 that ends with the block", Deny, [both(Allow)]),
        trap("no IPv6 that ends with the block", Allow, [both(Deny)]),
        trap(
            "up to the block and on behind it",
            Deny,
            [below(Allow), behind(Allow)],
        ),
        trap("only behind the block", Deny, [over(Allow), below(Deny)]),
        trap("only below the block", Deny, [over(Allow), behind(Deny)]),
        trap(
            "around the block, and the block",
            Deny,
            [over(Allow), block(Deny)],
        ),
        trap(
            "neither side of the block",
            Allow,
            [below(Deny), behind(Deny), block(Deny)],
        ),
        trap("IPv6 across the block", Deny, [across(Allow)]),
        trap("no IPv6 across the block", Allow, [across(Deny)]),
        trap(
            "IPv6 across the block, and the block",
            Deny,
            [across(Allow), block(Allow)],
        ),
        trap(
            "a hole that ends at the block",
            Deny,
            [both(Allow), first_of_both],
        ),
        trap(
            "a hole on both sides of the block",
            Deny,
            [over(Allow), across(Deny)],
        ),
    ]
}
