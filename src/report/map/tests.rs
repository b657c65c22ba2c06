use super::*;
use crate::ip::AddrRange;
use crate::policy::PolicyBuilder;
use crate::policy::samples::policy;
use crate::rule::Action;

fn section(rules: &str) -> Option<Ipv4Section> {
    let policy = policy(rules);
    Ipv4Section::of(&ListedIpv4::of(&policy), &policy)
}

/// Adds ten single addresses of a /24 to the rules, so that there are enough networks for a map.
fn with_hosts(rules: &str) -> String {
    let hosts = (0..10).map(|host| format!(" +192.0.2.{}", 3 * host));
    format!("{rules}{}", hosts.collect::<String>())
}

#[test]
fn names_listed_blocks_the_largest_first() {
    let section = section(&with_hosts(
        "+10.0.0.0/8 +192.0.2.128/28 -192.0.2.130 +2001:db8::/32",
    ))
    .unwrap();
    assert_eq!(
        section.overview.words,
        "2 of the 256 /8 blocks contain listed addresses. 10.0.0.0/8: all 16,777,216 addresses \
         allowed; 192.0.0.0/8: 25 addresses allowed, 1 address denied."
    );
    let rows: Vec<_> = section.blocks.iter().map(|row| &row.name).collect();
    assert_eq!(
        rows,
        ["10.0.0.0/8"],
        "a block that is nearly empty has no row"
    );
    assert_eq!(section.more_blocks, 1);
    assert!(section.overview.svg.contains(">192</text>"));
    let title = "<title>192.0.0.0/8: 25 addresses allowed, 1 address denied</title>";
    assert!(section.overview.svg.contains(title));
    let zooms: Vec<_> = section.zooms.iter().map(|zoom| &zoom.name).collect();
    assert_eq!(zooms, ["192.0.2.0/24"]);
    assert_eq!(section.zooms[0].cell, "one address");
    let denied = r#"<g class="deny"><path class="full""#;
    assert!(
        section.zooms[0].svg.contains(denied),
        "{}",
        section.zooms[0].svg
    );
}

#[test]
fn a_map_is_shown_only_if_it_helps() {
    #[track_caller]
    fn check(rules: &str, is_shown: bool, zooms: usize) {
        let section = section(rules);
        assert_eq!(section.is_some(), is_shown, "{rules}");
        assert_eq!(
            section.map_or(0, |section| section.zooms.len()),
            zooms,
            "{rules}"
        );
    }
    check("+2001:db8::/32", false, 0);
    check("-10.0.0.0/8", false, 0);
    check("+all", false, 0);
    check("+all -10.0.0.1", false, 0);
    check("+10.1.0.0/16 +192.0.2.1", false, 0);
    check("+10.2.0.0/15", true, 0);
    check("+all -10.2.0.0/15", true, 0);
    check(&with_hosts(""), true, 1);
    // A zoomed map of scattered hosts, or of a network that is allowed as a whole, would show nothing new.
    let scattered = (0..20).map(|index| format!(" +{}.{}.1.1", 20 + index, index * 12));
    check(&scattered.collect::<String>(), true, 0);
    let in_one_block = (0..20).map(|index| format!(" +20.{}.1.1", index * 12));
    check(&in_one_block.collect::<String>(), true, 0);
    check("+192.0.2.0/24 +20.0.0.0/8", true, 0);
}

/// Ten addresses in one cell result in the lightest shade, and not in a filled cell.
#[test]
fn a_cell_is_the_darker_the_larger_its_part() {
    let paths = |rules: &str| {
        let svg = section(rules).unwrap().overview.svg;
        ["full", "s1", "s2", "s3"].map(|class| svg.contains(&format!("class=\"{class}\"")))
    };
    assert_eq!(paths(&with_hosts("")), [false, true, false, false]);
    assert_eq!(
        paths("+20.0.0.0/12 +20.16.0.0/15"),
        [true, false, true, false]
    );
    assert_eq!(
        paths("+20.0.0.0/13 +20.8.0.0/14"),
        [false, false, false, true]
    );
}

#[test]
fn is_bounded_whatever_is_listed() {
    let mut rules = PolicyBuilder::default();
    let mut address = 1u32;
    for index in 0..200_000u32 {
        address = address.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let range = AddrRange {
            first: address & !1,
            last: address & !1,
        };
        let action = if index % 3 == 0 {
            Action::Deny
        } else {
            Action::Allow
        };
        rules.add(action, crate::ip::AddressSpec::Ipv4(range));
        rules.add(
            Action::Allow,
            crate::ip::AddressSpec::Ipv4(AddrRange {
                first: address & !0xff,
                last: address | 0xff,
            }),
        );
    }
    let policy = rules.build(DefaultPolicy::Deny);
    let section = Ipv4Section::of(&ListedIpv4::of(&policy), &policy).unwrap();
    let bytes = |map: &MapView| map.svg.len();
    let all = bytes(&section.overview) + section.zooms.iter().map(bytes).sum::<usize>();
    assert!(all < 250_000, "{all}");
    assert_eq!(section.blocks.len() + section.more_blocks, 256);
}

#[test]
fn shows_the_share_of_a_block_that_differs_from_the_default() {
    #[track_caller]
    fn check(rules: &str, expected: &str) {
        let section = section(rules).unwrap();
        assert_eq!(section.blocks[0].share, expected, "{rules}");
    }
    let denied = (0..=255u32).map(|host| format!(" -45.{host}.0.1"));
    let with_holes = format!("+45.0.0.0/8{}", denied.collect::<String>());
    check("+45.0.0.0/8", "all of it");
    check(&with_holes, "almost all");
    check("+45.0.0.0/8 -45.0.0.0/9", "50.00%");
    check("+45.0.0.0/15", "0.78%");
    let nearly_empty = section(&with_hosts("")).unwrap();
    assert!(nearly_empty.blocks.is_empty());
    check("+all -45.0.0.0/8", "all of it");
    check("+all -45.0.0.0/10", "25.00%");
}

#[test]
fn frames_large_blocks_and_never_only_some_of_equal_ones() {
    #[track_caller]
    fn check(rules: &str, frames: usize, numbers: usize, expected: &str) {
        let svg = section(rules).unwrap().overview.svg;
        let count = |text: &str| svg.matches(text).count();
        assert_eq!((count("class=\"block"), count("<text")), (frames, numbers));
        assert!(svg.contains(expected), "{svg}");
    }
    let of_each = |suffix: &str| {
        let networks = (0..256).map(|slash8| format!(" +{slash8}.{suffix}"));
        networks.collect::<String>()
    };
    check("+0.0.0.0/0", 0, 16, r#"class="name""#);
    check(&of_each("0.0.1"), 0, 16, r#"class="under""#);
    check(
        &format!("{} +91.0.0.0/8", of_each("7.0.0/16")),
        1,
        17,
        ">91</text>",
    );
    check("+192.0.2.1 +91.0.0.0/8", 2, 17, r#"class="name""#);
}

#[test]
fn a_number_does_not_cover_single_marks() {
    let svg = |rules: &str| section(rules).unwrap().overview.svg;
    let hosts = (0..10).map(|host| format!(" +185.1.1.{}", 2 * host));
    let few = svg(&format!("{} +185.99.1.1", hosts.collect::<String>()));
    assert!(few.contains(r#"<text class="under""#) && !few.contains("class=\"name\""));
    let networks = (0..16).map(|index| format!(" +185.{}.0.0/24", index * 16));
    let many = svg(&networks.collect::<String>());
    let (layers, name) = many.split_once(r#"<text class="name""#).unwrap();
    assert!(layers.contains(r#"<g class="allow">"#) && name.contains(">185</text>"));
}
