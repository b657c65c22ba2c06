use super::*;
use crate::ip::AddrRange;
use crate::policy::PolicyBuilder;
use crate::policy::samples::policy;
use crate::rule::Action;

fn section(rules: &str) -> Option<Ipv4Section> {
    let policy = policy(rules);
    Ipv4Section::of(&ListedIpv4::of(&policy), &policy)
}

#[test]
fn names_listed_blocks_the_largest_first() {
    let section = section("+10.0.0.0/8 +192.168.1.0/24 -192.168.1.7 +2001:db8::/32").unwrap();
    assert_eq!(
        section.overview.words,
        "2 of the 256 /8 blocks hold what is listed. 10.0.0.0/8: all 16,777,216 addresses \
         allowed; 192.0.0.0/8: 255 addresses allowed, 1 address denied."
    );
    let rows: Vec<_> = section.blocks.iter().map(|row| &row.name).collect();
    assert_eq!(rows, ["10.0.0.0/8", "192.0.0.0/8"]);
    assert!(section.overview.svg.contains(">192</text>"));
    let zooms: Vec<_> = section.zooms.iter().map(|zoom| &zoom.name).collect();
    assert_eq!(zooms, ["192.168.1.0/24"]);
    assert_eq!(section.zooms[0].cell, "one address");
    assert!(
        section.zooms[0]
            .svg
            .contains(r#"<g class="deny"><path class="full""#),
        "{}",
        section.zooms[0].svg
    );
}

#[test]
fn without_listed_ipv4_addresses_there_is_no_picture() {
    assert!(section("+2001:db8::/32").is_none());
    assert!(section("-10.0.0.0/8").is_none());
    assert!(section("+all").is_none());
    assert!(section("+all -10.0.0.1").is_some());
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
    assert_eq!(section.zooms.len(), MAX_ZOOMS);
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
    check("+45.0.0.0/8 -45.0.0.0/9", "50.00 %");
    check("+45.0.0.1", "under 0.01 %");
    check("+all -45.0.0.0/8", "all of it");
    check("+all -45.0.0.0/10", "25.00 %");
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
    let few = svg("+185.1.1.1 +185.99.1.1");
    assert!(few.contains(r#"<text class="under""#) && !few.contains("class=\"name\""));
    let networks = (0..16).map(|index| format!(" +185.{}.0.0/24", index * 16));
    let many = svg(&networks.collect::<String>());
    let (layers, name) = many.split_once(r#"<text class="name""#).unwrap();
    assert!(layers.contains(r#"<g class="allow">"#) && name.contains(">185</text>"));
}
